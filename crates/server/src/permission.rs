//! The privilege checks that routes declare (server.md 2.3 and 2.5), and the checks of ownership that go with them. What a route needs is data
//! in its row; this is the one place that compares it with what the caller has.

use std::sync::Arc;

use api::Privileges;
use format::{AuthId, Group, Namespace, StoreName};
use store::Datastore;

use crate::context::Context;
use crate::fault::{Fault, Missing};
use crate::params::Params;
use crate::route::{Call, Grant, Needs};

/// Checks what can be told from caller and URL alone.
pub async fn check_static(
    ctx: &Arc<Context>,
    needs: Needs,
    caller: Option<&AuthId>,
    variables: &[(&'static str, String)],
) -> Result<(), Fault> {
    if matches!(
        needs,
        Needs::World | Needs::Anybody | Needs::InNamespace { .. }
    ) {
        return Ok(());
    }
    let caller = caller.cloned().ok_or(Fault::Forbidden(Missing::Unnamed))?;
    if caller.is_root() {
        return Ok(());
    }
    let (ctx_, variables) = (Arc::clone(ctx), variables.to_vec());
    let allowed = ctx
        .blocking()
        .run(move || allowed(&ctx_, needs, &caller, &variables))
        .await??;
    if allowed {
        Ok(())
    } else {
        Err(Fault::Forbidden(Missing::Unnamed))
    }
}

fn allowed(
    ctx: &Context,
    needs: Needs,
    caller: &AuthId,
    variables: &[(&'static str, String)],
) -> Result<bool, Fault> {
    let value = |name: &str| {
        variables
            .iter()
            .find(|(n, _)| *n == name)
            .map(|(_, value)| value.as_str())
    };
    Ok(match needs {
        Needs::World | Needs::Anybody | Needs::InNamespace { .. } => true,
        Needs::Superuser => caller.is_root(),
        Needs::Self_(name) => value(name) == Some(caller.to_string().as_str()),
        Needs::On(path, any) => {
            // A variable that does not stand in the URL: what is held above it.
            let path: Vec<&str> = path
                .iter()
                .map_while(|part| match part.strip_prefix('{') {
                    Some(name) => value(name.trim_end_matches('}')),
                    None => Some(*part),
                })
                .collect();
            ctx.privileges(caller, &path)?.intersects(any)
        }
        Needs::Either(several) => {
            for needs in several {
                if allowed(ctx, *needs, caller, variables)? {
                    return Ok(true);
                }
            }
            false
        }
        Needs::All(several) => {
            for needs in several {
                if !allowed(ctx, *needs, caller, variables)? {
                    return Ok(false);
                }
            }
            true
        }
    })
}

/// The place that [`Needs::InNamespace`] looks at.
#[derive(serde::Deserialize)]
struct Place {
    store: StoreName,
    #[serde(default)]
    ns: Namespace,
}

/// Checks what is needed on the request's namespace; blocking.
pub fn check_namespace(
    ctx: &Context,
    needs: Needs,
    caller: Option<&AuthId>,
    params: &Params,
) -> Result<Grant, Fault> {
    let Needs::InNamespace { full, own } = needs else {
        return Ok(Grant::Full);
    };
    let caller = caller.ok_or(Fault::Forbidden(Missing::Unnamed))?;
    let place: Place = params.read()?;
    on_namespace(ctx, caller, &place.store, &place.ns, full, own)
}

/// Any of `full`, or any of `own` for what the caller owns, on a namespace; else 403 with the names of all of them.
pub fn on_namespace(
    ctx: &Context,
    caller: &AuthId,
    store: &StoreName,
    ns: &Namespace,
    full: Privileges,
    own: Privileges,
) -> Result<Grant, Fault> {
    let held = in_namespace(ctx, caller, store, ns)?;
    if held.intersects(full) {
        Ok(Grant::Full)
    } else if held.intersects(own) {
        Ok(Grant::Owned)
    } else {
        Err(Fault::Forbidden(Missing::AnyOf(
            full | own,
            acl_path(store, ns),
        )))
    }
}

/// What a caller may do in a namespace.
pub fn in_namespace(
    ctx: &Context,
    caller: &AuthId,
    store: &StoreName,
    ns: &Namespace,
) -> Result<Privileges, Fault> {
    let store = store.to_string();
    let components: Vec<String> = ns.components().map(|c| c.to_string()).collect();
    let path = api::acl::datastore_path(&store, components.iter().map(String::as_str));
    ctx.privileges(caller, &path)
}

/// `/datastore/{store}[/{ns}]`
pub fn acl_path(store: &StoreName, ns: &Namespace) -> String {
    if ns.is_root() {
        format!("/datastore/{store}")
    } else {
        format!("/datastore/{store}/{ns}")
    }
}

/// For a caller who was only granted what he owns: the group must be his (server.md 2.4).
pub fn check_owner(
    call: &Call,
    store: &Datastore,
    ns: &Namespace,
    group: &Group,
) -> Result<(), Fault> {
    check_owner_as(call.grant, call.caller()?, store, ns, group)
}

/// The same with what was granted elsewhere than where the request is.
pub fn check_owner_as(
    grant: Grant,
    caller: &AuthId,
    store: &Datastore,
    ns: &Namespace,
    group: &Group,
) -> Result<(), Fault> {
    if grant == Grant::Full {
        return Ok(());
    }
    let owner = store.owner(ns, group)?;
    if owner.owns(caller) {
        Ok(())
    } else {
        Err(Fault::NotOwner(Box::new((caller.clone(), owner))))
    }
}
