//! Who is calling: tickets in cookies with their tokens against cross-site requests, and API tokens (protocol.md 2). A caller who is not known
//! is told nothing but that; the reason goes to the authentication log.

mod credentials;
pub mod login;
pub mod second_factor;
pub mod tickets;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use config::ConfigError;
use format::AuthId;
use http::{HeaderMap, Method};

use crate::context::Context;
use crate::fault::{AuthFailure, Fault};
use credentials::Credentials;

pub use credentials::http_only_ticket;

/// Checks the credentials of a request.
pub async fn authenticate(
    ctx: &Arc<Context>,
    method: &Method,
    headers: &HeaderMap,
    peer: SocketAddr,
) -> Result<AuthId, Fault> {
    let (user, checked) = check(ctx, method, headers, peer).await;
    // What is wrong with the server is told once, in its own log.
    if let Err(failure) = &checked
        && !matches!(failure, AuthFailure::Damaged)
    {
        note(
            ctx,
            peer,
            user.as_ref().map(AuthId::to_string).as_deref(),
            failure,
        )
        .await;
    }
    checked.map_err(Fault::from)
}

/// Whether the credentials of a request that was let in, and is still answered, would be let in now.
pub async fn still(ctx: &Arc<Context>, headers: &HeaderMap, peer: SocketAddr) -> bool {
    let (_, checked) = check(ctx, &Method::GET, headers, peer).await;
    checked.is_ok()
}

/// Who is meant, if that is known before, and who it is.
async fn check(
    ctx: &Arc<Context>,
    method: &Method,
    headers: &HeaderMap,
    peer: SocketAddr,
) -> (Option<AuthId>, Result<AuthId, AuthFailure>) {
    match credentials::of(headers) {
        Ok(Credentials::Ticket { ticket, csrf }) => {
            let (inner, needs_csrf) = (Arc::clone(ctx), method != Method::GET);
            let check = move || by_ticket(&inner, &ticket, needs_csrf.then_some(csrf));
            (None, flatten(ctx.blocking().run(check).await))
        }
        Ok(Credentials::Token { id, secret }) => {
            (Some(id.clone()), by_token(ctx, id, secret, peer).await)
        }
        Err(failure) => (None, Err(failure)),
    }
}

fn flatten<T>(
    result: Result<Result<T, AuthFailure>, crate::blocking::Broken>,
) -> Result<T, AuthFailure> {
    result.unwrap_or_else(|broken| Err(AuthFailure::Unchecked(broken.to_string())))
}

/// `csrf` is there if the request must carry a token against cross-site requests.
fn by_ticket(
    ctx: &Context,
    ticket: &str,
    csrf: Option<Option<String>>,
) -> Result<AuthId, AuthFailure> {
    let user = tickets::verify(ctx, ticket)?;
    let id = AuthId::from(user);
    active(ctx, &id)?;
    if let Some(csrf) = csrf {
        let token = csrf.ok_or(AuthFailure::CsrfMissing)?;
        ctx.identity()
            .csrf_key
            .verify(&token, &id.to_string(), ctx.now())
            .map_err(|e| AuthFailure::Csrf(e.to_string()))?;
    }
    Ok(id)
}

fn active(ctx: &Context, id: &AuthId) -> Result<(), AuthFailure> {
    match ctx.is_active(id) {
        Ok(true) => Ok(()),
        Ok(false) => Err(AuthFailure::Inactive),
        Err(e) => Err(damaged(&e)),
    }
}

/// The log has the error already, from whoever looks at changed files.
fn damaged(error: &ConfigError) -> AuthFailure {
    tracing::debug!("{}", crate::fault::with_causes(error));
    AuthFailure::Damaged
}

async fn by_token(
    ctx: &Arc<Context>,
    id: AuthId,
    secret: String,
    peer: SocketAddr,
) -> Result<AuthId, AuthFailure> {
    let inner = Arc::clone(ctx);
    let (token, given) = (id.clone(), secret.clone());
    let look_up = move || {
        active(&inner, &token)?;
        let shadow = inner
            .configuration()
            .token_shadow()
            .map_err(|e| damaged(&e))?;
        if inner
            .token_cache()
            .knows(&token, &given, shadow.stamp, Instant::now())
        {
            return Ok(None);
        }
        let hash = shadow
            .value
            .0
            .get(&token.to_string())
            .cloned()
            .ok_or(AuthFailure::Credentials)?;
        Ok(Some((hash, shadow.stamp)))
    };
    let Some((hash, stamp)) = flatten(ctx.blocking().run(look_up).await)? else {
        return Ok(id);
    };
    if !login::matches(
        ctx,
        &ctx.hashing().tokens,
        &id.to_string(),
        &secret,
        hash,
        peer,
    )
    .await?
    {
        return Err(AuthFailure::Credentials);
    }
    ctx.token_cache().learn(&id, &secret, stamp, Instant::now());
    Ok(id)
}

/// Writes a refused login or confirmation into the authentication log; other faults are none of its business.
pub async fn note_refusal(ctx: &Context, fault: &Fault, peer: SocketAddr) {
    match fault {
        Fault::LoginRefused { user, cause } => note(ctx, peer, user.as_deref(), cause).await,
        Fault::FactorKind { user, .. } => {
            let failure = AuthFailure::SecondFactorKind;
            note(ctx, peer, Some(&user.to_string()), &failure).await
        }
        Fault::Confirmation { user } => {
            note(
                ctx,
                peer,
                Some(&user.to_string()),
                &AuthFailure::Credentials,
            )
            .await
        }
        _ => {}
    }
}

async fn note(ctx: &Context, peer: SocketAddr, user: Option<&str>, failure: &AuthFailure) {
    let user = user.map(|user| format!("user={user} ")).unwrap_or_default();
    ctx.journal()
        .auth(&format!(
            "authentication failure; rhost={peer} {user}msg={failure}"
        ))
        .await;
}
