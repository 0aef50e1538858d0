//! `/access/permissions` and `/access/roles`: who may do what.

use std::collections::BTreeMap;

use api::rest::access::{Permissions, PermissionsQuery, RoleItem};
use api::{AclTree, Privileges, acl};
use format::AuthId;

use crate::fault::{Fault, Missing};
use crate::reply::Answer;
use crate::route::Call;

/// Paths that are looked at even if nobody has an entry there.
const TOP: [&str; 5] = ["/", "/access", "/datastore", "/remote", "/system"];

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

fn permissions(tree: &AclTree, id: &AuthId, only: Option<&str>) -> Permissions {
    let mut paths: Vec<String> = match only {
        Some(path) => vec![path.to_owned()],
        None => TOP.map(str::to_owned).to_vec(),
    };
    if only.is_none() {
        tree.walk(&mut |path, node| {
            if !node.users().is_empty() || !node.groups().is_empty() {
                paths.push(format!("/{}", path.join("/")));
            }
        });
    }
    let on = |path: String| {
        let granted = tree.privileges(id, &acl::components(&path));
        let held: BTreeMap<String, bool> = granted
            .all
            .iter()
            .map(|p| (p.name().to_owned(), granted.propagated.intersects(p.into())))
            .collect();
        (path, held)
    };
    paths
        .into_iter()
        .map(on)
        .filter(|(_, held)| !held.is_empty())
        .collect()
}

/// `GET /access/roles`
pub fn roles(_: &Call) -> Result<Answer, Fault> {
    Answer::data(&RoleItem::all())
}
