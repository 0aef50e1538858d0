//! What monitoring asks outside of the REST interface: `/healthz`, `/readyz` and `/metrics`.

mod metrics;
mod text;

use std::convert::Infallible;
use std::sync::Arc;

use api::Privileges;
use format::AuthId;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Response, StatusCode};

use crate::body::Body;
use crate::context::Context;
use crate::fault::{Fault, Missing};
use crate::looks::{Look, Patience};
use crate::reply;
use crate::shortage::unwritable;

/// Version 0.0.4 of the text format.
const TEXT_FORMAT: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4");
const PLAIN: HeaderValue = HeaderValue::from_static("text/plain");

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Probe {
    Healthz,
    Readyz,
    Metrics,
}

impl Probe {
    /// By the only component of a path.
    pub fn of(path: &str) -> Option<Probe> {
        match path {
            "healthz" => Some(Probe::Healthz),
            "readyz" => Some(Probe::Readyz),
            "metrics" => Some(Probe::Metrics),
            _ => None,
        }
    }

    pub fn needs_login(self) -> bool {
        self == Probe::Metrics
    }
}

/// Monitoring systems send a token as `Bearer ID:SECRET`; elsewhere it is `PBSAPIToken=ID:SECRET`.
pub fn with_bearer(headers: &HeaderMap) -> HeaderMap {
    let mut headers = headers.clone();
    let given = headers.get(AUTHORIZATION).and_then(|v| v.to_str().ok());
    let token = given.and_then(|given| given.strip_prefix("Bearer "));
    let token = token.map(|token| format!("{}={}", api::defaults::TOKEN_SCHEME, token.trim()));
    if let Some(Ok(value)) = token.map(|token| HeaderValue::from_str(&token)) {
        headers.insert(AUTHORIZATION, value);
    }
    headers
}

/// Answers a probe; `caller` has logged in if it needs that.
pub async fn answer(
    ctx: &Arc<Context>,
    probe: Probe,
    caller: Option<&AuthId>,
) -> Result<Response<Body>, Fault> {
    match probe {
        Probe::Healthz => Ok(page(StatusCode::OK, PLAIN, "ok\n".to_owned())),
        Probe::Readyz => Ok(match ready(ctx).await {
            Ok(()) => page(StatusCode::OK, PLAIN, "ready\n".to_owned()),
            Err(reason) => page(
                StatusCode::SERVICE_UNAVAILABLE,
                PLAIN,
                format!("not ready: {reason}\n"),
            ),
        }),
        Probe::Metrics => {
            let caller = caller.cloned().ok_or(Fault::Forbidden(Missing::Unnamed))?;
            let (inner, auth) = (Arc::clone(ctx), caller.clone());
            let check = move || -> Result<(), Fault> {
                let held = inner.privileges(&auth, &["system", "status"])?;
                if !auth.is_root() && !held.intersects(Privileges::SysAudit) {
                    let path = "/system/status".to_owned();
                    return Err(Fault::Forbidden(Missing::AnyOf(Privileges::SysAudit, path)));
                }
                Ok(())
            };
            ctx.blocking().run(check).await??;
            let text = metrics::page(ctx, &caller).await?;
            Ok(page(StatusCode::OK, TEXT_FORMAT, text))
        }
    }
}

/// Looks once for all who ask within a second, and not for long; a look that hangs holds one thread.
async fn ready(ctx: &Arc<Context>) -> Result<(), String> {
    let limits = &ctx.settings().limits;
    let patience = Patience {
        wait: limits.look_patience,
        counts: limits.readiness_counts,
    };
    let inner = Arc::clone(ctx);
    let look = move || Ok::<_, Infallible>(readiness(&inner));
    match ctx.ready().look(ctx.blocking(), &(), patience, look).await {
        Look::Now(Ok(ready)) => ready,
        Look::Now(Err(never)) => match *never {},
        Look::Late(_) => Err("the disks do not answer".to_owned()),
    }
}

/// Whether the configuration can be read and the disks of the datastores are there. Names and counts nothing: anybody may ask.
fn readiness(ctx: &Context) -> Result<(), String> {
    let configuration = ctx.configuration();
    let unreadable = |_| "the configuration cannot be read".to_owned();
    configuration.users().map_err(unreadable)?;
    configuration.acl().map_err(unreadable)?;
    // Without these logins fail that are right.
    configuration.domains().map_err(unreadable)?;
    configuration.token_shadow().map_err(unreadable)?;
    configuration.ticket_limits().map_err(unreadable)?;
    configuration.shadow().map_err(unreadable)?;
    configuration.tfa().map_err(unreadable)?;
    let stores = configuration.datastores().map_err(unreadable)?;
    let stores = stores.value.list().map_err(unreadable)?;
    let settings = ctx.settings();
    for folder in [settings.state_dir.clone(), settings.log_dir.clone()]
        .into_iter()
        .chain(ctx.tasks().shortage().folders())
    {
        if let Some(why) = unwritable(&folder) {
            let which = match folder.starts_with(&settings.log_dir) {
                true => "log",
                false => "state",
            };
            return Err(format!("the {which} folder cannot be written: {why}"));
        }
    }
    if let Some(why) = unwritable(configuration.dir().path()) {
        return Err(format!("the configuration folder cannot be written: {why}"));
    }
    // What is offline, or can be taken away and was, is so on purpose.
    let online = stores.iter().filter(|store| {
        let mode = store.maintenance().ok().flatten();
        store.backing_device.is_none() && !mode.is_some_and(|mode| mode.refuses_read())
    });
    for store in online {
        if !store.directory().join(".chunks").is_dir() {
            return Err("a datastore cannot be reached".to_owned());
        }
        // One that is only read on purpose need not take anything.
        let is_quiet = store.maintenance().ok().flatten().is_some();
        if !is_quiet && let Some(why) = unwritable(&store.directory()) {
            return Err(format!("a datastore cannot be written: {why}"));
        }
    }
    Ok(())
}

fn page(status: StatusCode, content_type: HeaderValue, text: String) -> Response<Body> {
    let mut response = reply::unguessed(Body::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bearer_is_a_token() {
        for (given, expected) in [
            ("Bearer a@pbs!t:s", "PBSAPIToken=a@pbs!t:s"),
            ("PBSAPIToken=a@pbs!t:s", "PBSAPIToken=a@pbs!t:s"),
            ("Basic eA==", "Basic eA=="),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, HeaderValue::from_static(given));
            let headers = with_bearer(&headers);
            let found = headers.get(AUTHORIZATION).and_then(|v| v.to_str().ok());
            assert_eq!(found, Some(expected));
        }
        assert_eq!(with_bearer(&HeaderMap::new()), HeaderMap::new());
    }
}
