//! POSIX ACLs between the kernel's attribute values and the archive's items.
//!
//! The kernel keeps an ACL as `system.posix_acl_access` or `_default`: a version (2) and entries of tag, permissions and id.
//! The archive leaves out what the mode bits say already; here is the only place that knows both forms.

use pxar::{Acl, AclDefault, AclEntry, Metadata};

pub(crate) const ACCESS: &str = "system.posix_acl_access";
pub(crate) const DEFAULT: &str = "system.posix_acl_default";

const VERSION: u32 = 2;
const USER_OBJ: u16 = 0x01;
const USER: u16 = 0x02;
const GROUP_OBJ: u16 = 0x04;
const GROUP: u16 = 0x08;
const MASK: u16 = 0x10;
const OTHER: u16 = 0x20;
const NO_ID: u32 = u32::MAX;

/// An attribute value that is no ACL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

/// Adds an access ACL to what the archive will say.
pub(crate) fn read_access(value: &[u8], acl: &mut Acl) -> Result<(), Malformed> {
    let (mut group_obj, mut has_mask) = (None, false);
    for entry in entries(value)? {
        let (tag, permissions, id) = entry;
        match tag {
            USER => acl.users.push(AclEntry { id, permissions }),
            GROUP => acl.groups.push(AclEntry { id, permissions }),
            GROUP_OBJ => group_obj = Some(permissions),
            MASK => has_mask = true,
            USER_OBJ | OTHER => {}
            _ => return Err(Malformed),
        }
    }
    if has_mask {
        acl.group_obj = group_obj;
    }
    acl.users.sort_unstable();
    acl.groups.sort_unstable();
    Ok(())
}

/// Adds a default ACL to what the archive will say.
pub(crate) fn read_default(value: &[u8], acl: &mut Acl) -> Result<(), Malformed> {
    const NONE: u64 = AclDefault::ABSENT;
    let mut default = AclDefault {
        user_obj: NONE,
        group_obj: NONE,
        other: NONE,
        mask: NONE,
    };
    let absent = default;
    for entry in entries(value)? {
        let (tag, permissions, id) = entry;
        match tag {
            USER => acl.default_users.push(AclEntry { id, permissions }),
            GROUP => acl.default_groups.push(AclEntry { id, permissions }),
            USER_OBJ => default.user_obj = permissions,
            GROUP_OBJ => default.group_obj = permissions,
            MASK => default.mask = permissions,
            OTHER => default.other = permissions,
            _ => return Err(Malformed),
        }
    }
    if default != absent {
        acl.default = Some(default);
    }
    acl.default_users.sort_unstable();
    acl.default_groups.sort_unstable();
    Ok(())
}

fn entries(value: &[u8]) -> Result<impl Iterator<Item = (u16, u64, u64)> + '_, Malformed> {
    let (version, rest) = value.split_first_chunk::<4>().ok_or(Malformed)?;
    let (rows, left) = rest.as_chunks::<8>();
    if u32::from_le_bytes(*version) != VERSION || !left.is_empty() {
        return Err(Malformed);
    }
    Ok(rows.iter().map(|row| {
        let [t0, t1, p0, p1, id @ ..] = *row;
        let permissions = u16::from_le_bytes([p0, p1]) & 7;
        (
            u16::from_le_bytes([t0, t1]),
            u64::from(permissions),
            u64::from(u32::from_le_bytes(id)),
        )
    }))
}

/// The access ACL that mode bits and items mean together.
pub(crate) fn access_value(metadata: &Metadata) -> Vec<u8> {
    let acl = &metadata.acl;
    let bits = |shift: u32| metadata.mode >> shift & 7;
    let extended = !acl.users.is_empty() || !acl.groups.is_empty();
    let (group_obj, mask) = match acl.group_obj {
        Some(group_obj) => (group_obj, Some(bits(3))),
        None => (bits(3), extended.then(|| bits(3))),
    };
    value(
        bits(6),
        &acl.users,
        group_obj,
        &acl.groups,
        mask,
        Some(bits(0)),
    )
}

/// The default ACL of a directory; `None` if it has none.
pub(crate) fn default_value(metadata: &Metadata) -> Option<Vec<u8>> {
    let acl = &metadata.acl;
    let default = acl.default?;
    let given = |part: u64| (part != AclDefault::ABSENT).then_some(part);
    let mut out = VERSION.to_le_bytes().to_vec();
    put(&mut out, USER_OBJ, given(default.user_obj));
    put_named(&mut out, USER, &acl.default_users);
    put(&mut out, GROUP_OBJ, given(default.group_obj));
    put_named(&mut out, GROUP, &acl.default_groups);
    put(&mut out, MASK, given(default.mask));
    put(&mut out, OTHER, given(default.other));
    Some(out)
}

fn value(
    user_obj: u64,
    users: &[AclEntry],
    group_obj: u64,
    groups: &[AclEntry],
    mask: Option<u64>,
    other: Option<u64>,
) -> Vec<u8> {
    let mut out = VERSION.to_le_bytes().to_vec();
    put(&mut out, USER_OBJ, Some(user_obj));
    put_named(&mut out, USER, users);
    put(&mut out, GROUP_OBJ, Some(group_obj));
    put_named(&mut out, GROUP, groups);
    put(&mut out, MASK, mask);
    put(&mut out, OTHER, other);
    out
}

fn put(out: &mut Vec<u8>, tag: u16, permissions: Option<u64>) {
    if let Some(permissions) = permissions {
        put_entry(out, tag, permissions, NO_ID);
    }
}

/// The kernel wants named entries in the order of their ids.
fn put_named(out: &mut Vec<u8>, tag: u16, entries: &[AclEntry]) {
    let mut sorted = entries.to_vec();
    sorted.sort_unstable();
    for entry in sorted {
        put_entry(out, tag, entry.permissions, entry.id as u32);
    }
}

fn put_entry(out: &mut Vec<u8>, tag: u16, permissions: u64, id: u32) {
    out.extend_from_slice(&tag.to_le_bytes());
    out.extend_from_slice(&(permissions as u16 & 7).to_le_bytes());
    out.extend_from_slice(&id.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::{Malformed, access_value, default_value, read_access, read_default};
    use pxar::{Acl, AclDefault, AclEntry, Metadata};

    fn unhex(text: &str) -> Vec<u8> {
        let digits: Vec<u8> = text
            .chars()
            .filter_map(|c| c.to_digit(16))
            .map(|d| d as u8)
            .collect();
        digits
            .chunks(2)
            .map(|pair| pair[0] << 4 | pair[1])
            .collect()
    }

    /// Values as the kernel gives them after the `setfacl` calls of the fixtures.
    #[test]
    fn access_acls_there_and_back() {
        let rows = [
            (
                0o664,
                "0200000001000600ffffffff02000600e803000004000400ffffffff10000600ffffffff20000400ffffffff",
            ),
            (
                0o654,
                "0200000001000600ffffffff04000400ffffffff08000500e803000010000500ffffffff20000400ffffffff",
            ),
            (
                0o644,
                "0200000001000600ffffffff04000400ffffffff20000400ffffffff",
            ),
        ];
        for (mode, text) in rows {
            let mut metadata = Metadata {
                mode: 0o100_000 | mode,
                ..Metadata::default()
            };
            read_access(&unhex(text), &mut metadata.acl).expect(text);
            assert_eq!(access_value(&metadata), unhex(text));
        }
    }

    #[test]
    fn default_acls_there_and_back() {
        let minimal = "0200000001000700ffffffff04000500ffffffff20000000ffffffff";
        let mut metadata = Metadata::default();
        read_default(&unhex(minimal), &mut metadata.acl).expect("valid");
        let expected = AclDefault {
            user_obj: 7,
            group_obj: 5,
            other: 0,
            mask: AclDefault::ABSENT,
        };
        assert_eq!(
            metadata.acl,
            Acl {
                default: Some(expected),
                ..Acl::default()
            }
        );
        assert_eq!(default_value(&metadata), Some(unhex(minimal)));
        let full = "0200000001000700ffffffff02000700e803000004000500ffffffff08000500e803000010000700ffffffff20000500ffffffff";
        let mut metadata = Metadata::default();
        read_default(&unhex(full), &mut metadata.acl).expect("valid");
        assert_eq!(
            metadata.acl.default_users,
            [AclEntry {
                id: 1000,
                permissions: 7
            }]
        );
        assert_eq!(default_value(&metadata), Some(unhex(full)));
    }

    #[test]
    fn what_is_no_acl_is_refused() {
        for text in [
            "",
            "020000",
            "03000000",
            "0200000001",
            "0200000040000700ffffffff",
        ] {
            assert_eq!(
                read_access(&unhex(text), &mut Acl::default()),
                Err(Malformed),
                "{text}"
            );
            assert_eq!(
                read_default(&unhex(text), &mut Acl::default()),
                Err(Malformed),
                "{text}"
            );
        }
    }

    /// Named entries without a mask come from old archives; the group bits of the mode then are the mask.
    #[test]
    fn a_missing_group_entry_gets_the_group_bits() {
        let acl = Acl {
            users: vec![AclEntry {
                id: 7,
                permissions: 6,
            }],
            ..Acl::default()
        };
        let metadata = Metadata {
            mode: 0o100_640,
            acl,
            ..Metadata::default()
        };
        let expected = "0200000001000600ffffffff020006000700000004000400ffffffff10000400ffffffff20000000ffffffff";
        assert_eq!(access_value(&metadata), unhex(expected));
    }
}
