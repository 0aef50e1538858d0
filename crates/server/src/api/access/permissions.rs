//! `/access/permissions` and `/access/roles`: who may do what.

use api::Privileges;
use api::rest::access::{PermissionsQuery, RoleItem, permissions};

use crate::fault::{Fault, Missing};
use crate::reply::Answer;
use crate::route::Call;

/// `GET /access/permissions`
pub fn list(call: &Call) -> Result<Answer, Fault> {
    let query: PermissionsQuery = call.params.read()?;
    let caller = call.caller()?;
    let whose = query.auth_id.unwrap_or_else(|| caller.clone());
    let own =
        whose == *caller || whose.is_token() && !caller.is_token() && whose.user() == caller.user();
    let audits = || {
        Ok::<_, Fault>(
            call.ctx
                .privileges(caller, &["access"])?
                .intersects(Privileges::SysAudit),
        )
    };
    if !own && !audits()? {
        return Err(Fault::Forbidden(Missing::Unnamed));
    }
    let tree = call.ctx.configuration().acl()?;
    Answer::data(&permissions(&tree.value, &whose, query.path.as_deref()))
}

/// `GET /access/roles`
pub fn roles(_: &Call) -> Result<Answer, Fault> {
    Answer::data(&RoleItem::all())
}
