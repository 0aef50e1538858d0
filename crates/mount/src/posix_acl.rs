//! The POSIX ACLs of an archive as the kernel wants to read them: the values of `system.posix_acl_access` and `_default`.
//!
//! A value is a version (2) and entries of tag, permissions and id. What an archive leaves out stands in the mode bits. The way from the
//! kernel to an archive is `tree`'s.

use pxar::{Acl, AclDefault, AclEntry, Metadata};

pub(crate) const ACCESS: &[u8] = b"system.posix_acl_access";
pub(crate) const DEFAULT: &[u8] = b"system.posix_acl_default";

const VERSION: u32 = 2;
const USER_OBJ: u16 = 0x01;
const USER: u16 = 0x02;
const GROUP_OBJ: u16 = 0x04;
const GROUP: u16 = 0x08;
const MASK: u16 = 0x10;
const OTHER: u16 = 0x20;
const NO_ID: u32 = u32::MAX;

/// The access ACL, if there is more than mode bits say.
pub(crate) fn access(metadata: &Metadata) -> Option<Vec<u8>> {
    let Acl {
        users,
        groups,
        group_obj,
        ..
    } = &metadata.acl;
    if users.is_empty() && groups.is_empty() && group_obj.is_none() {
        return None;
    }
    let bits = |shift: u32| metadata.mode >> shift & 7;
    let mut value = Value::new();
    value.put(USER_OBJ, bits(6));
    value.put_named(USER, users);
    value.put(GROUP_OBJ, group_obj.unwrap_or(bits(3)));
    value.put_named(GROUP, groups);
    value.put(MASK, bits(3));
    value.put(OTHER, bits(0));
    Some(value.0)
}

/// The ACL that new members of a directory get, if it has one.
pub(crate) fn default(metadata: &Metadata) -> Option<Vec<u8>> {
    let acl = &metadata.acl;
    let AclDefault {
        user_obj,
        group_obj,
        other,
        mask,
    } = acl.default?;
    let mut value = Value::new();
    value.put_if_there(USER_OBJ, user_obj);
    value.put_named(USER, &acl.default_users);
    value.put_if_there(GROUP_OBJ, group_obj);
    value.put_named(GROUP, &acl.default_groups);
    value.put_if_there(MASK, mask);
    value.put_if_there(OTHER, other);
    Some(value.0)
}

struct Value(Vec<u8>);

impl Value {
    fn new() -> Value {
        Value(VERSION.to_le_bytes().to_vec())
    }

    fn put(&mut self, tag: u16, permissions: u64) {
        self.entry(tag, permissions, NO_ID);
    }

    fn put_if_there(&mut self, tag: u16, permissions: u64) {
        if permissions != AclDefault::ABSENT {
            self.put(tag, permissions);
        }
    }

    /// Ids that no kernel has are left out: nobody could be meant.
    fn put_named(&mut self, tag: u16, entries: &[AclEntry]) {
        for entry in entries {
            if let Ok(id) = u32::try_from(entry.id) {
                self.entry(tag, entry.permissions, id);
            }
        }
    }

    fn entry(&mut self, tag: u16, permissions: u64, id: u32) {
        self.0.extend_from_slice(&tag.to_le_bytes());
        let permissions = (permissions & 7) as u16;
        self.0.extend_from_slice(&permissions.to_le_bytes());
        self.0.extend_from_slice(&id.to_le_bytes());
    }
}
