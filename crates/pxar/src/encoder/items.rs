//! Items of one member as bytes: the stat, the attributes, what tells its kind. What a reader would refuse is refused here.

use crate::encoder::EncodeError;
use crate::entry::EntryKind;
use crate::item::{self, HEADER_LEN, Header, NAME_MAX};
use crate::metadata::{AclEntry, Metadata};
use crate::reader::{ACL_ENTRIES_MAX, ATTRIBUTE_BYTES_MAX, PRELUDE_LEN_MAX};

pub(super) fn put_prelude(out: &mut Vec<u8>, prelude: Option<&[u8]>) -> Result<(), EncodeError> {
    let Some(prelude) = prelude else {
        return Ok(());
    };
    if prelude.len() as u64 > PRELUDE_LEN_MAX {
        return Err(EncodeError::Prelude {
            length: prelude.len(),
        });
    }
    Header::new(item::PRELUDE, prelude.len() as u64).encode(out);
    out.extend_from_slice(prelude);
    Ok(())
}

pub(super) fn put_entry(
    out: &mut Vec<u8>,
    metadata: &Metadata,
    kind: &EntryKind,
) -> Result<(), EncodeError> {
    if !kind.matches_mode(metadata.file_type()) {
        return Err(EncodeError::Mode {
            mode: metadata.mode,
        });
    }
    Header::new(item::ENTRY, item::ENTRY_LEN).encode(out);
    put_numbers(out, &[metadata.mode, metadata.flags]);
    out.extend_from_slice(&metadata.uid.to_le_bytes());
    out.extend_from_slice(&metadata.gid.to_le_bytes());
    out.extend_from_slice(&metadata.mtime.secs.to_le_bytes());
    put_numbers(out, &[u64::from(metadata.mtime.nanos)]);
    put_attributes(out, metadata)?;
    match kind {
        EntryKind::Symlink { target } => {
            check_text("a link target", target)?;
            Header::new(item::SYMLINK, target.len() as u64 + 1).encode(out);
            put_text(out, target);
        }
        EntryKind::Device { major, minor } => put_item(out, item::DEVICE, &[*major, *minor]),
        _ => {}
    }
    Ok(())
}

fn put_attributes(out: &mut Vec<u8>, metadata: &Metadata) -> Result<(), EncodeError> {
    let start = out.len();
    for xattr in &metadata.xattrs {
        let length = xattr.name.len() + 1 + xattr.value.len();
        if xattr.name.is_empty() || xattr.name.contains(&0) {
            return Err(EncodeError::Text {
                what: "the name of an extended attribute",
            });
        }
        if length as u64 > item::XATTR_MAX || xattr.name.len() > 255 {
            return Err(EncodeError::TooLong {
                what: "an extended attribute",
                length,
            });
        }
        Header::new(item::XATTR, length as u64).encode(out);
        put_text(out, &xattr.name);
        out.extend_from_slice(&xattr.value);
    }
    let acl = &metadata.acl;
    put_acl(out, item::ACL_USER, &acl.users)?;
    put_acl(out, item::ACL_GROUP, &acl.groups)?;
    if let Some(permissions) = acl.group_obj {
        put_item(out, item::ACL_GROUP_OBJ, &[permissions]);
    }
    if let Some(default) = &acl.default {
        put_item(
            out,
            item::ACL_DEFAULT,
            &[
                default.user_obj,
                default.group_obj,
                default.other,
                default.mask,
            ],
        );
    }
    put_acl(out, item::ACL_DEFAULT_USER, &acl.default_users)?;
    put_acl(out, item::ACL_DEFAULT_GROUP, &acl.default_groups)?;
    if let Some(fcaps) = &metadata.fcaps {
        if fcaps.len() as u64 > item::XATTR_MAX {
            return Err(EncodeError::TooLong {
                what: "a file capability",
                length: fcaps.len(),
            });
        }
        Header::new(item::FCAPS, fcaps.len() as u64).encode(out);
        out.extend_from_slice(fcaps);
    }
    if let Some(id) = metadata.quota_project_id {
        put_item(out, item::QUOTA_PROJID, &[id]);
    }
    let length = out.len() - start;
    if length > ATTRIBUTE_BYTES_MAX {
        return Err(EncodeError::TooLong {
            what: "the attributes of one entry",
            length,
        });
    }
    Ok(())
}

fn put_acl(out: &mut Vec<u8>, item: u64, entries: &[AclEntry]) -> Result<(), EncodeError> {
    if entries.len() > ACL_ENTRIES_MAX {
        return Err(EncodeError::TooLong {
            what: "an access control list",
            length: entries.len(),
        });
    }
    for entry in entries {
        put_item(out, item, &[entry.id, entry.permissions]);
    }
    Ok(())
}

pub(super) fn put_item(out: &mut Vec<u8>, item: u64, numbers: &[u64]) {
    Header {
        item,
        full_size: HEADER_LEN + 8 * numbers.len() as u64,
    }
    .encode(out);
    put_numbers(out, numbers);
}

fn put_numbers(out: &mut Vec<u8>, numbers: &[u64]) {
    for number in numbers {
        out.extend_from_slice(&number.to_le_bytes());
    }
}

pub(super) fn put_text(out: &mut Vec<u8>, text: &[u8]) {
    out.extend_from_slice(text);
    out.push(0);
}

pub(super) fn check_text(what: &'static str, text: &[u8]) -> Result<(), EncodeError> {
    if text.is_empty() || text.contains(&0) {
        return Err(EncodeError::Text { what });
    }
    if text.len() > NAME_MAX {
        return Err(EncodeError::TooLong {
            what,
            length: text.len(),
        });
    }
    Ok(())
}
