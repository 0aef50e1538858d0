//! Login tickets: making and checking them (protocol.md 2.2). The text is `api`'s, the key `config`'s; here are ages and who is meant.

use api::Ticket;
use api::defaults::{TICKET_AGE_MAX_S, TICKET_AHEAD_MAX_S};
use api::ticket::{PARTIAL_MARK, PREFIX};
use config::ConfigError;
use format::Userid;

use crate::context::Context;
use crate::fault::AuthFailure;

/// A signed ticket, the token that goes with it, and the ticket with a placeholder for its signature.
pub struct Issued {
    pub ticket: String,
    pub csrf_token: String,
    pub info: String,
}

/// Makes a ticket for a user who has proved who he is.
pub fn issue(ctx: &Context, user: &Userid) -> Result<Issued, ConfigError> {
    let (name, now) = (user.to_string(), ctx.now());
    let unsigned = Ticket::new(PREFIX, &name, now);
    let info = format!("{}::ticketinfo", unsigned.message(None));
    let ticket = ctx.identity().auth_key.sign(unsigned, None)?.to_string();
    Ok(Issued {
        ticket,
        csrf_token: ctx.identity().csrf_key.token(&name, now),
        info,
    })
}

/// The user of a valid ticket. A ticket whose second factor is missing is none.
pub fn verify(ctx: &Context, text: &str) -> Result<Userid, AuthFailure> {
    let ticket: Ticket = text
        .parse()
        .map_err(|e: api::ticket::TicketError| AuthFailure::TicketForm(e.to_string()))?;
    if ticket.prefix != PREFIX || ticket.data.starts_with(PARTIAL_MARK) {
        return Err(AuthFailure::TicketForm("not a login ticket".to_owned()));
    }
    if !ticket.is_fresh(ctx.now(), TICKET_AGE_MAX_S, TICKET_AHEAD_MAX_S) {
        return Err(AuthFailure::TicketExpired);
    }
    if !ctx.identity().auth_key.verify(&ticket, None) {
        return Err(AuthFailure::TicketSignature);
    }
    ticket
        .data
        .parse()
        .map_err(|_| AuthFailure::TicketForm("invalid user id".to_owned()))
}
