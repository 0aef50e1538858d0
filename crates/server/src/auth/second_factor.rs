//! The second step of a login (protocol.md 2.7): what is asked for after the password, and whether the answer is right. The factors, and what
//! locks them, are `config`'s; here they meet tickets and the brake against guessing.

use std::net::SocketAddr;
use std::sync::Arc;

use api::rest::access::TfaType;
use config::edit::{self, TfaAnswer, TfaOutcome};
use config::files::Demand;
use format::Userid;

use super::{login, tickets};
use crate::context::Context;
use crate::fault::{AuthFailure, Fault};

/// What follows the right password.
pub enum Next {
    /// Nothing: he is in.
    In,
    /// A ticket with the challenge.
    Challenge(String),
}

/// Looks what a user must show after the password; blocking.
pub fn next(ctx: &Context, user: &Userid) -> Result<Next, Fault> {
    let factors = ctx.configuration().tfa();
    let factors = factors.map_err(|_| Fault::Uncheckable)?;
    match factors.demand(user) {
        Demand::Nothing => Ok(Next::In),
        Demand::Challenge(challenge) => {
            Ok(Next::Challenge(tickets::challenge(ctx, user, &challenge)?))
        }
        Demand::Unknown(kinds) => {
            let kinds: Vec<&str> = kinds.into_iter().map(TfaType::name).collect();
            Err(Fault::FactorKind {
                user: user.clone(),
                kinds: kinds.join(", "),
            })
        }
    }
}

/// Checks the ticket of the first step and the answer.
pub async fn check(
    ctx: &Arc<Context>,
    user: &Userid,
    challenge: &str,
    answer: &str,
    peer: SocketAddr,
) -> Result<(), Fault> {
    let refused = |cause| Fault::login(user, cause);
    let (kind, code) = answer
        .split_once(':')
        .ok_or_else(|| refused(AuthFailure::SecondFactor))?;
    let (inner, who, challenge) = (Arc::clone(ctx), user.clone(), challenge.to_owned());
    let first_step = move || {
        let active = inner.is_active(&who.clone().into());
        if !active.map_err(|e| super::damaged(&e))? {
            return Err(AuthFailure::Inactive);
        }
        tickets::verify_challenge(&inner, &challenge, &who)
    };
    ctx.blocking().run(first_step).await?.map_err(refused)?;
    let of_recovery = match kind {
        "totp" => false,
        "recovery" => true,
        "webauthn" | "u2f" | "yubico" => {
            return Err(Fault::FactorKind {
                user: user.clone(),
                kinds: kind.to_owned(),
            });
        }
        _ => return Err(refused(AuthFailure::SecondFactor)),
    };
    let (inner, who, code) = (
        Arc::clone(ctx),
        user.clone(),
        crypto::Secret::new(code.to_owned()),
    );
    let second_step = move || {
        let answer = match of_recovery {
            true => TfaAnswer::Recovery(code.expose()),
            false => TfaAnswer::Totp(code.expose()),
        };
        let dir = inner.configuration().dir();
        match edit::answer_tfa(dir, &inner.tfa_failures(), &who, answer, inner.now()) {
            Ok(TfaOutcome::Right) => Ok(true),
            Ok(TfaOutcome::Wrong) => Ok(false),
            Ok(TfaOutcome::Locked) => Err(AuthFailure::SecondFactorLocked),
            Err(e) => Err(AuthFailure::Unchecked(crate::fault::with_causes(&e))),
        }
    };
    let turns = &ctx.hashing().passwords;
    let right = login::guarded(ctx, turns, &user.to_string(), peer, second_step).await;
    match right.map_err(refused)? {
        true => Ok(()),
        false => Err(refused(AuthFailure::SecondFactor)),
    }
}
