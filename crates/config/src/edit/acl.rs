//! Access control entries: add and remove (server.md 2.2, 3.2).

use api::acl;
use api::rest::access::AclUpdate;

use super::error::EditError;
use super::user::parse_digest;
use crate::dir::{ConfigDir, FileSpec};
use crate::files::{Users, parse_acl, print_acl};

/// Adds an entry, or removes one. Removing takes any path and id, also of users that are gone.
pub fn update_acl(dir: &ConfigDir, request: &AclUpdate) -> Result<(), EditError> {
    if request.group.is_some() {
        return Err(EditError::AclGroup);
    }
    let id = request.auth_id.as_ref().ok_or(EditError::AclNobody)?;
    let delete = request.delete.unwrap_or(false);
    // With the users locked as well, nobody is removed between the look at him and his entry, which would wait for the next one of that name.
    let _users = match delete {
        true => None,
        false => Some(dir.lock(FileSpec::USER)?),
    };
    let lock = dir.lock(FileSpec::ACL)?;
    let mut tree = parse_acl(&lock.read(parse_digest(&request.digest).as_ref())?.0)?;
    let path = acl::components(&request.path);
    if delete {
        tree.remove(&path, id, request.role);
    } else {
        let users = Users::parse(&dir.read(FileSpec::USER)?.0)?;
        match id.is_token() {
            true if users.token(id)?.is_none() => return Err(EditError::AclToken),
            false if users.user(id.user())?.is_none() => return Err(EditError::AclUser),
            _ => {}
        }
        if !acl::is_valid_path(&request.path) {
            return Err(EditError::AclPath(request.path.clone()));
        }
        tree.insert(&path, id, request.role, request.propagate.unwrap_or(true));
    }
    Ok(lock.replace(print_acl(&tree).as_bytes())?)
}
