//! Tickets: making and checking them (protocol.md 2.2, 2.7, 2.8). The text is `api`'s, the key `config`'s; here are ages and who is meant.

use api::Ticket;
use api::defaults::{
    PARTIAL_TICKET_AGE_MAX_S, PARTIAL_TICKET_AHEAD_MAX_S, TICKET_AGE_MAX_S, TICKET_AHEAD_MAX_S,
};
use api::rest::access::TfaChallenge;
use api::ticket::{PARTIAL_MARK, PREFIX, PREFIX_TERMINAL};
use config::edit;
use format::{AuthId, Userid};
use http::HeaderMap;

use crate::auth::{damaged, http_only_ticket};
use crate::context::Context;
use crate::fault::{AuthFailure, Fault};

/// A signed ticket, the token that goes with it, and the ticket with a placeholder for its signature.
pub struct Issued {
    pub ticket: String,
    pub csrf_token: String,
    pub info: String,
}

/// Makes a ticket for a user who has proved who he is.
pub fn issue(ctx: &Context, user: &Userid) -> Result<Issued, Fault> {
    let (name, now) = (user.to_string(), made_at(ctx, user)?);
    let unsigned = Ticket::new(PREFIX, &name, now);
    let info = format!("{}::ticketinfo", unsigned.message(None));
    let ticket = ctx.identity().auth_key.sign(unsigned, None)?.to_string();
    Ok(Issued {
        ticket,
        csrf_token: ctx.identity().csrf_key.token(&name, now),
        info,
    })
}

/// The user's tickets count no more. Who has made the change himself goes on with a new one, if his lies in a cookie that an answer can replace: the ticket.
pub fn end(
    ctx: &Context,
    user: &Userid,
    caller: &AuthId,
    headers: &HeaderMap,
) -> Result<Option<String>, Fault> {
    edit::end_tickets(ctx.configuration().dir(), user, ctx.now())?;
    let own = !caller.is_token() && caller.user() == user && http_only_ticket(headers).is_some();
    Ok(match own {
        true => Some(issue(ctx, user)?.ticket),
        false => None,
    })
}

/// When a new ticket says that it was made: after what ended the old ones, if that was in this very second.
fn made_at(ctx: &Context, user: &Userid) -> Result<i64, AuthFailure> {
    let now = ctx.now();
    let limits = ctx.configuration().ticket_limits();
    let limits = limits.map_err(|error| damaged(&error))?;
    Ok(now.max(limits.value.since(user, now).unwrap_or(now)))
}

/// A ticket that was made before the user's password, second factors or account were changed counts no more (COMPATIBILITY.md).
fn counts(ctx: &Context, ticket: &Ticket, user: &Userid) -> Result<(), AuthFailure> {
    let limits = ctx.configuration().ticket_limits();
    let limits = limits.map_err(|error| damaged(&error))?;
    match limits.value.since(user, ctx.now()) {
        Some(since) if ticket.time < since => Err(AuthFailure::TicketExpired),
        _ => Ok(()),
    }
}

/// A ticket for the second step of a login; it opens nothing else, and that only to this user.
pub fn challenge(ctx: &Context, user: &Userid, challenge: &TfaChallenge) -> Result<String, Fault> {
    let data = format!("{PARTIAL_MARK}{}", serde_json::to_string(challenge)?);
    let unsigned = Ticket::new(PREFIX, &data, made_at(ctx, user)?);
    let signed = ctx
        .identity()
        .auth_key
        .sign(unsigned, Some(&user.to_string()))?;
    Ok(signed.to_string())
}

/// Whether this is the ticket of a first step that this user has made a short time ago.
pub fn verify_challenge(ctx: &Context, text: &str, user: &Userid) -> Result<(), AuthFailure> {
    let ticket = parse(text)?;
    if ticket.prefix != PREFIX || !ticket.data.starts_with(PARTIAL_MARK) {
        return Err(AuthFailure::TicketForm(
            "not a ticket of a first step".to_owned(),
        ));
    }
    if !ticket.is_fresh(
        ctx.now(),
        PARTIAL_TICKET_AGE_MAX_S,
        PARTIAL_TICKET_AHEAD_MAX_S,
    ) {
        return Err(AuthFailure::TicketExpired);
    }
    signed(ctx, &ticket, Some(&user.to_string()))?;
    counts(ctx, &ticket, user)
}

/// Whether a ticket opens a terminal to this id.
pub fn verify_terminal(
    ctx: &Context,
    text: &str,
    id: &AuthId,
    path: &str,
    port: Option<u16>,
) -> Result<(), AuthFailure> {
    let ticket = parse(text)?;
    if ticket.prefix != PREFIX_TERMINAL || !ticket.data.is_empty() {
        return Err(AuthFailure::TicketForm("not a terminal ticket".to_owned()));
    }
    if !ticket.is_fresh(ctx.now(), TICKET_AGE_MAX_S, TICKET_AHEAD_MAX_S) {
        return Err(AuthFailure::TicketExpired);
    }
    let port = port.map(|port| port.to_string()).unwrap_or_default();
    signed(ctx, &ticket, Some(&format!("{id}{path}{port}")))?;
    counts(ctx, &ticket, id.user())
}

fn parse(text: &str) -> Result<Ticket, AuthFailure> {
    text.parse()
        .map_err(|e: api::ticket::TicketError| AuthFailure::TicketForm(e.to_string()))
}

fn signed(ctx: &Context, ticket: &Ticket, aad: Option<&str>) -> Result<(), AuthFailure> {
    match ctx.identity().auth_key.verify(ticket, aad) {
        true => Ok(()),
        false => Err(AuthFailure::TicketSignature),
    }
}

/// The user of a valid ticket. A ticket whose second factor is missing is none.
pub fn verify(ctx: &Context, text: &str) -> Result<Userid, AuthFailure> {
    let ticket = parse(text)?;
    if ticket.prefix != PREFIX || ticket.data.starts_with(PARTIAL_MARK) {
        return Err(AuthFailure::TicketForm("not a login ticket".to_owned()));
    }
    if !ticket.is_fresh(ctx.now(), TICKET_AGE_MAX_S, TICKET_AHEAD_MAX_S) {
        return Err(AuthFailure::TicketExpired);
    }
    signed(ctx, &ticket, None)?;
    let user = ticket
        .data
        .parse()
        .map_err(|_| AuthFailure::TicketForm("invalid user id".to_owned()))?;
    counts(ctx, &ticket, &user)?;
    Ok(user)
}
