//! `/access/acl`: access control entries. Without the right to all of them a user sees, and makes, those of his own API tokens (server.md 2.8).

use api::Privileges;
use api::rest::access::{AclList, AclUpdate, UgidType, acl_items};
use config::edit;
use format::AuthId;

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
    let tree = call.ctx.configuration().acl()?;
    let mut items = acl_items(&tree.value, query.path.as_deref(), query.exact);
    let own_token = |id: &AuthId| id.is_token() && !caller.is_token() && id.user() == caller.user();
    items.retain(|item| {
        let own =
            || item.ugid_type == UgidType::User && item.ugid.parse().is_ok_and(|id| own_token(&id));
        all || own()
    });
    Ok(Answer::data(&items)?.beside("digest", tree.digest.to_string()))
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
