//! Checking passwords (protocol.md 2.1, 2.6). Hashes are computed in few at a time, and not at all for whoever failed too often, so that
//! guessing neither succeeds nor takes the server's threads.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use config::{edit, password};
use format::Userid;
use tokio::sync::Semaphore;

use crate::auth::unchecked;
use crate::context::Context;
use crate::fault::AuthFailure;

/// Whether a secret belongs to a hash, computed in one of `turns`; a wrong one counts against the peer's network, and the account there.
pub async fn matches(
    ctx: &Arc<Context>,
    turns: &Semaphore,
    account: &str,
    secret: &str,
    hash: String,
    peer: SocketAddr,
) -> Result<bool, AuthFailure> {
    if !ctx.limiter().allows(peer.ip(), account, Instant::now()) {
        return Err(AuthFailure::TooMany);
    }
    let turn = turns
        .acquire()
        .await
        .map_err(|e| AuthFailure::Unchecked(e.to_string()))?;
    // Asked again with the turn in hand: of many tries sent at once, those whose failure is not counted yet must not all get through.
    if !ctx.limiter().allows(peer.ip(), account, Instant::now()) {
        return Err(AuthFailure::TooMany);
    }
    let secret = crypto::Secret::new(secret.to_owned());
    let checked = ctx
        .blocking()
        .run(move || password::verify(secret.as_bytes(), &hash))
        .await;
    drop(turn);
    let right = checked
        .map_err(|e| AuthFailure::Unchecked(e.to_string()))?
        .map_err(|e| AuthFailure::Unchecked(e.to_string()))?;
    if !right {
        ctx.limiter().failed(peer.ip(), account, Instant::now());
    }
    Ok(right)
}

/// Checks a user's password against his realm. Only realm `pbs` keeps passwords here; a user of another realm cannot log in with one.
pub async fn check_password(
    ctx: &Arc<Context>,
    user: &Userid,
    given: &str,
    peer: SocketAddr,
) -> Result<(), AuthFailure> {
    let (inner, who, account) = (Arc::clone(ctx), user.clone(), user.to_string());
    let look_up = move || -> Result<String, AuthFailure> {
        let active = inner
            .is_active(&who.clone().into())
            .map_err(|e| unchecked(&e))?;
        if !active {
            return Err(AuthFailure::Inactive);
        }
        if who.realm().as_str() != "pbs" {
            return Err(AuthFailure::Realm);
        }
        if inner.configuration().has_second_factor(&who) {
            return Err(AuthFailure::SecondFactor);
        }
        let shadow = inner.configuration().shadow().map_err(|e| unchecked(&e))?;
        shadow
            .0
            .get(who.name().as_str())
            .cloned()
            .ok_or(AuthFailure::Credentials)
    };
    let found = ctx
        .blocking()
        .run(look_up)
        .await
        .map_err(|e| AuthFailure::Unchecked(e.to_string()))?;
    let hash = match found {
        Ok(hash) => hash,
        Err(failure) => {
            ctx.limiter().failed(peer.ip(), &account, Instant::now());
            return Err(failure);
        }
    };
    let old = password::needs_rehash(&hash);
    if !matches(ctx, &ctx.hashing().passwords, &account, given, hash, peer).await? {
        return Err(AuthFailure::Credentials);
    }
    if old {
        rehash(ctx, user, given).await;
    }
    Ok(())
}

/// Replaces a hash made with an older method. That it fails is no reason to refuse the login.
async fn rehash(ctx: &Arc<Context>, user: &Userid, given: &str) {
    let (inner, who, given) = (
        Arc::clone(ctx),
        user.clone(),
        crypto::Secret::new(given.to_owned()),
    );
    let done = ctx
        .blocking()
        .run(move || edit::set_password(inner.configuration().dir(), &who, given.expose()))
        .await;
    match done {
        Ok(Ok(())) => {}
        Ok(Err(e)) => tracing::warn!("cannot store a new hash for '{user}': {e}"),
        Err(e) => tracing::warn!("cannot store a new hash for '{user}': {e}"),
    }
}
