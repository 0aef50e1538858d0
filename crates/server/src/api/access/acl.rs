//! `/access/acl`: access control entries. Without the right to all of them a user sees, and makes, those of his own API tokens (server.md 2.8).

use api::acl::Roles;
use api::rest::access::{AclItem, AclList, AclUpdate, UgidType};
use api::{Privileges, acl};
use config::edit;

use crate::fault::{Fault, Missing};
use crate::reply::Answer;
use crate::route::Call;

const PATH: &[&str] = &["access", "acl"];

/// `GET`
pub fn list(call: &Call) -> Result<Answer, Fault> {
    let query: AclList = call.params.read()?;
    let caller = call.caller()?;
    let all = call
        .ctx
        .privileges(caller, PATH)?
        .intersects(Privileges::SysAudit);
    let wanted = query.path.as_deref().map(acl::components);
    let tree = call.ctx.configuration().acl()?;
    let mut items = Vec::new();
    tree.value.walk(&mut |path, node| {
        let shown = wanted.as_ref().is_none_or(|wanted| {
            path.starts_with(wanted) && (!query.exact || path.len() == wanted.len())
        });
        if !shown {
            return;
        }
        let path = format!("/{}", path.join("/"));
        for (id, roles) in node.users() {
            let own = id.is_token() && !caller.is_token() && id.user() == caller.user();
            if all || own {
                push(&mut items, &path, &id.to_string(), UgidType::User, roles);
            }
        }
        for (group, roles) in node.groups().iter().filter(|_| all) {
            push(&mut items, &path, group, UgidType::Group, roles);
        }
    });
    Ok(Answer::data(&items)?.beside("digest", tree.digest.to_string()))
}

fn push(items: &mut Vec<AclItem>, path: &str, who: &str, kind: UgidType, roles: &Roles) {
    items.extend(roles.iter().map(|(role, propagate)| AclItem {
        path: path.to_owned(),
        propagate: *propagate,
        roleid: *role,
        ugid: who.to_owned(),
        ugid_type: kind,
    }));
}

/// `PUT`
pub fn update(call: &Call) -> Result<Answer, Fault> {
    let request: AclUpdate = call.params.read()?;
    let caller = call.caller()?;
    let any = call
        .ctx
        .privileges(caller, PATH)?
        .intersects(Privileges::PermissionsModify);
    let own_token = request
        .auth_id
        .as_ref()
        .is_some_and(|id| id.is_token() && !caller.is_token() && id.user() == caller.user());
    if !any && !own_token {
        return Err(Fault::Forbidden(Missing::Unnamed));
    }
    edit::update_acl(call.ctx.configuration().dir(), &request)?;
    Ok(Answer::null())
}
