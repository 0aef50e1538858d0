//! `POST /admin/datastore/{store}/change-owner`: gives a group to someone else (server.md 2.4).

use api::rest::snapshot::OnGroup;
use api::schema::{ParamErrors, ValueError};
use format::AuthId;

use crate::api::admin::datastore as parent;
use crate::context::Access;
use crate::fault::Fault;
use crate::reply::Answer;
use crate::route::{Call, Grant};

/// `POST`
pub fn change(call: &Call) -> Result<Answer, Fault> {
    let request: OnGroup = call.params.read()?;
    let caller = call.caller()?;
    let store = parent::open(call, &request.place, Access::Write)?;
    let group = request.group.into();
    let new = request
        .new_owner
        .ok_or_else(|| ParamErrors::one("new-owner", ValueError::Missing))?;
    let current = store.owner(&request.place.ns, &group)?;
    if call.grant == Grant::Owned && !may_pass_on(caller, &current, &new) {
        return Err(Fault::OwnerChange(Box::new((current, new))));
    }
    if !call.ctx.is_active(&new)? {
        return Err(Fault::Inactive(new));
    }
    // The decision above was about this owner and no other.
    store.pass_on(&request.place.ns, &group, &current, &new)?;
    Ok(Answer::null())
}

/// Without the right to all groups, a user passes groups among himself and his tokens, and only he.
fn may_pass_on(caller: &AuthId, from: &AuthId, to: &AuthId) -> bool {
    !caller.is_token()
        && [from, to].iter().all(|id| id.user() == caller.user())
        && (from.is_token() || to.is_token())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_pass_between_a_user_and_his_tokens() {
        for (caller, from, to, expected) in [
            ("u@pbs", "u@pbs!t1", "u@pbs!t2", true),
            ("u@pbs", "u@pbs!t1", "u@pbs", true),
            ("u@pbs", "u@pbs", "u@pbs!t1", true),
            ("u@pbs", "u@pbs", "v@pbs", false),
            ("u@pbs", "u@pbs", "v@pbs!t1", false),
            ("u@pbs", "v@pbs!t1", "u@pbs", false),
            ("u@pbs!t1", "u@pbs!t1", "u@pbs!t2", false),
            ("u@pbs!t1", "u@pbs", "u@pbs!t1", false),
        ] {
            let id = |text: &str| text.parse::<AuthId>().expect("id");
            assert_eq!(
                may_pass_on(&id(caller), &id(from), &id(to)),
                expected,
                "{caller}: {from} to {to}"
            );
        }
    }
}
