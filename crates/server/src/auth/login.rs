//! Checking passwords (protocol.md 2.1, 2.6). Hashes are computed in few at a time, and not at all for whoever failed too often, so that
//! guessing neither succeeds nor takes the server's threads.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use config::files::Shadow;
use config::{edit, password};
use format::Userid;
use tokio::sync::Semaphore;

use crate::auth::damaged;
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
    let secret = crypto::Secret::new(secret.to_owned());
    let check = move || {
        password::verify(secret.as_bytes(), &hash)
            .map_err(|e| AuthFailure::Unchecked(e.to_string()))
    };
    guarded(ctx, turns, account, peer, check).await
}

/// Runs a check of something that could be guessed, unless too much was guessed already; what is wrong is counted.
pub async fn guarded(
    ctx: &Arc<Context>,
    turns: &Semaphore,
    account: &str,
    peer: SocketAddr,
    check: impl FnOnce() -> Result<bool, AuthFailure> + Send + 'static,
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
    let checked = ctx.blocking().run(check).await;
    drop(turn);
    let right = checked.map_err(|e| AuthFailure::Unchecked(e.to_string()))??;
    match right {
        true => ctx.limiter().succeeded(peer.ip(), account, Instant::now()),
        false => ctx.limiter().failed(peer.ip(), account, Instant::now()),
    }
    Ok(right)
}

/// Where the password of a user is checked.
enum Place {
    /// Here, by this hash.
    Hash(String),
    /// By the system.
    System,
}

/// Checks a user's password against his realm.
pub async fn check_password(
    ctx: &Arc<Context>,
    user: &Userid,
    given: &str,
    peer: SocketAddr,
) -> Result<(), AuthFailure> {
    let (inner, who, account) = (Arc::clone(ctx), user.clone(), user.to_string());
    let found = ctx
        .blocking()
        .run(move || place(&inner, &who))
        .await
        .map_err(|e| AuthFailure::Unchecked(e.to_string()))?;
    let right = match found {
        // Nobody has guessed anything.
        Err(AuthFailure::Damaged) => return Err(AuthFailure::Damaged),
        Err(failure) => {
            ctx.limiter().failed(peer.ip(), &account, Instant::now());
            return Err(failure);
        }
        Ok(Place::System) => system(ctx, user, given, peer).await?,
        Ok(Place::Hash(hash)) => {
            let old = password::needs_rehash(&hash);
            let right = matches(ctx, &ctx.hashing().passwords, &account, given, hash, peer).await?;
            if right && old {
                rehash(ctx, user, given).await;
            }
            right
        }
    };
    match right {
        true => Ok(()),
        false => Err(AuthFailure::Credentials),
    }
}

/// Which realms there are is no secret; who is in them is, so a realm whose users cannot log in is told first.
fn place(ctx: &Context, user: &Userid) -> Result<Place, AuthFailure> {
    let configuration = ctx.configuration();
    let domains = configuration.domains().map_err(|e| damaged(&e))?;
    let system = match domains.value.kind(user.realm()) {
        Some("pbs") => false,
        Some("pam") if cfg!(feature = "pam") => true,
        Some("ldap") => return Err(AuthFailure::NotYet("log in users of LDAP realms")),
        Some("ad") => {
            return Err(AuthFailure::NotYet(
                "log in users of Active Directory realms",
            ));
        }
        // Never with a password, in no build.
        Some("openid") => return Err(AuthFailure::NotYet("log in users of OpenID realms")),
        _ => return Err(AuthFailure::Realm),
    };
    // Before it is known whether there is such a user: a damaged file is told to everybody alike.
    let shadow = match system {
        false => configuration.shadow().map_err(|e| damaged(&e))?,
        true => Shadow::default(),
    };
    let active = ctx.is_active(&user.clone().into());
    if !active.map_err(|e| damaged(&e))? {
        return Err(AuthFailure::Inactive);
    }
    if system {
        return Ok(Place::System);
    }
    let hash = shadow.0.get(user.name().as_str()).cloned();
    hash.map(Place::Hash).ok_or(AuthFailure::Credentials)
}

/// Asks the system's authentication modules.
#[cfg(feature = "pam")]
async fn system(
    ctx: &Arc<Context>,
    user: &Userid,
    given: &str,
    peer: SocketAddr,
) -> Result<bool, AuthFailure> {
    let (account, name) = (user.to_string(), user.name().to_string());
    let secret = crypto::Secret::new(given.to_owned());
    let name_of_log = account.clone();
    // What fails is counted like what is wrong: some modules tell no difference.
    let check = move || {
        let checked = crate::pam::check(&name, &secret, peer.ip());
        Ok(checked.unwrap_or_else(|error| {
            tracing::warn!("cannot check the password of '{name_of_log}': {error}");
            false
        }))
    };
    guarded(ctx, &ctx.hashing().system, &account, peer, check).await
}

/// This build has no part in the system's authentication.
#[cfg(not(feature = "pam"))]
async fn system(_: &Arc<Context>, _: &Userid, _: &str, _: SocketAddr) -> Result<bool, AuthFailure> {
    Err(AuthFailure::Realm)
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
