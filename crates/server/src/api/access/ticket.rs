//! `/access/ticket`: login with a password, a second factor or a valid ticket, and logout (protocol.md 2.1, 2.3, 2.7). And the check of tickets
//! for terminals (2.8), here and at `/access/vncticket`.

use std::sync::Arc;

use api::rest::access::{TicketReply, TicketRequest, VncTicket};
use api::ticket::{PREFIX, PREFIX_TERMINAL};
use api::{Privilege, Privileges};
use format::{AuthId, Userid};
use http::HeaderMap;
use http::header::SET_COOKIE;
use serde_json::json;

use crate::auth::second_factor::{self, Next};
use crate::auth::{http_only_ticket, login, tickets};
use crate::context::Context;
use crate::fault::{AuthFailure, Fault};
use crate::reply::{self, Answer};
use crate::route::{AnswerFuture, Call};

/// Stands for the token against cross-site requests as long as the second factor is missing.
const NO_TOKEN: &str = "invalid";

/// `POST`
pub fn create(call: Call) -> AnswerFuture {
    Box::pin(log_in(call))
}

/// `DELETE`: the cookie is taken away; a ticket cannot be called back.
pub fn forget(_: &Call) -> Result<Answer, Fault> {
    let body = json!({ "data": {}, "status": 200, "success": true });
    Ok(Answer::verbatim(&body)?.header(SET_COOKIE, &reply::cleared_cookie()))
}

/// `POST /access/vncticket`
pub fn check_terminal(call: &Call) -> Result<Answer, Fault> {
    let request: VncTicket = call.params.read()?;
    let opens = opens_terminal(
        &call.ctx,
        &request.vncticket,
        &request.authid,
        &request.path,
        request.port,
        &request.privs,
    );
    match opens? {
        true => Ok(Answer::null()),
        false => Err(Fault::TerminalTicket),
    }
}

/// How far somebody has come.
enum Passed {
    /// He is who he says.
    All,
    /// The second factor is missing; the ticket for it.
    Password(String),
    /// He has a ticket for a terminal, and gets no other.
    Terminal,
}

async fn log_in(call: Call) -> Result<Answer, Fault> {
    let request: TicketRequest = call.params.read()?;
    if request.http_only.unwrap_or(false) && is_cross_site(&call.headers) {
        return Err(Fault::CrossSite);
    }
    let user: Userid = request.username.parse().map_err(|_| Fault::LoginRefused {
        user: Some(request.username.clone()),
        cause: AuthFailure::Credentials,
    })?;
    let mut body = TicketReply {
        csrf_token: None,
        ticket: None,
        ticket_info: None,
        username: user.to_string(),
    };
    match pass(&call, &request, &user).await? {
        Passed::Terminal => return enveloped(&body),
        Passed::Password(ticket) => {
            body.csrf_token = Some(NO_TOKEN.to_owned());
            body.ticket = Some(ticket);
            return enveloped(&body);
        }
        Passed::All => {}
    }
    call.ctx
        .journal()
        .auth(&format!("successful auth for user '{user}'"))
        .await;
    let (ctx, name) = (Arc::clone(&call.ctx), user.clone());
    let issued = call
        .ctx
        .blocking()
        .run(move || tickets::issue(&ctx, &name))
        .await??;
    body.csrf_token = Some(issued.csrf_token);
    if request.http_only.unwrap_or(false) {
        body.ticket_info = Some(issued.info);
        Ok(enveloped(&body)?.header(SET_COOKIE, &reply::ticket_cookie(&issued.ticket)))
    } else {
        body.ticket = Some(issued.ticket);
        enveloped(&body)
    }
}

/// Whether a page of another site has a browser send this. With its cookie somebody would work as the user whom that page wants, and not know it.
/// Only browsers send the header.
fn is_cross_site(headers: &HeaderMap) -> bool {
    let site = headers.get("sec-fetch-site");
    site.is_some_and(|site| site.as_bytes().eq_ignore_ascii_case(b"cross-site"))
}

/// Since 4.0.5 the answer is the same in both formats.
fn enveloped(body: &TicketReply) -> Result<Answer, Fault> {
    Answer::verbatim(&json!({ "data": body, "status": 200, "success": true }))
}

async fn pass(call: &Call, request: &TicketRequest, user: &Userid) -> Result<Passed, Fault> {
    let (ctx, peer) = (&call.ctx, call.peer);
    let password = request.password.as_deref();
    if let Some(challenge) = &request.tfa_challenge {
        let answer = password.ok_or(Fault::NoPassword)?;
        second_factor::check(ctx, user, challenge, answer, peer).await?;
        return Ok(Passed::All);
    }
    let http_only = request.http_only.unwrap_or(false);
    if http_only
        && let Some(ticket) = http_only_ticket(&call.headers)
        && renews(ctx, user, &ticket).await?
    {
        return Ok(Passed::All);
    }
    let password = password.ok_or(Fault::NoPassword)?;
    // In the flow with the cookie, only the cookie renews.
    if !http_only && has_prefix(password, PREFIX) && renews(ctx, user, password).await? {
        return Ok(Passed::All);
    }
    if has_prefix(password, PREFIX_TERMINAL)
        && let (Some(path), Some(privs), Some(_)) = (&request.path, &request.privs, request.port)
        && terminal(ctx, user, password, path, privs, request.port).await?
    {
        return Ok(Passed::Terminal);
    }
    let checked = login::check_password(ctx, user, password, peer).await;
    checked.map_err(|cause| refusal(user, cause))?;
    let (inner, who) = (Arc::clone(ctx), user.clone());
    match ctx
        .blocking()
        .run(move || second_factor::next(&inner, &who))
        .await??
    {
        Next::In => Ok(Passed::All),
        Next::Challenge(ticket) => Ok(Passed::Password(ticket)),
    }
}

/// What this build cannot do is told plainly: it depends on the realm alone, and realms are public.
fn refusal(user: &Userid, cause: AuthFailure) -> Fault {
    match cause {
        AuthFailure::NotYet(what) => Fault::NotYet(what),
        cause => Fault::login(user, cause),
    }
}

fn has_prefix(password: &str, prefix: &str) -> bool {
    password
        .strip_prefix(prefix)
        .is_some_and(|rest| rest.starts_with(':'))
}

/// Whether this ticket is valid, and this user's, who may still log in.
async fn renews(ctx: &Arc<Context>, user: &Userid, ticket: &str) -> Result<bool, Fault> {
    let (inner, user, ticket) = (Arc::clone(ctx), user.clone(), ticket.to_owned());
    let look = move || {
        let owner = valid(tickets::verify(&inner, &ticket))?;
        let valid = owner.is_some_and(|owner| owner == user);
        let active = inner.is_active(&user.into());
        Ok(valid && active.map_err(|_| Fault::Uncheckable)?)
    };
    ctx.blocking().run(look).await?
}

/// Nothing of a ticket that opens nothing. Where that cannot be told, it is not said of it.
fn valid<T>(checked: Result<T, AuthFailure>) -> Result<Option<T>, Fault> {
    match checked {
        Ok(whose) => Ok(Some(whose)),
        Err(AuthFailure::Damaged) => Err(Fault::Uncheckable),
        Err(_) => Ok(None),
    }
}

async fn terminal(
    ctx: &Arc<Context>,
    user: &Userid,
    ticket: &str,
    path: &str,
    privs: &str,
    port: Option<u16>,
) -> Result<bool, Fault> {
    let (inner, id) = (Arc::clone(ctx), AuthId::from(user.clone()));
    let (ticket, path, privs) = (ticket.to_owned(), path.to_owned(), privs.to_owned());
    let look = move || opens_terminal(&inner, &ticket, &id, &path, port, &privs);
    ctx.blocking().run(look).await?
}

/// Whether a ticket opens this terminal to this id, who still holds the privileges for it there; blocking.
fn opens_terminal(
    ctx: &Context,
    ticket: &str,
    id: &AuthId,
    path: &str,
    port: Option<u16>,
    privs: &str,
) -> Result<bool, Fault> {
    let checked = tickets::verify_terminal(ctx, ticket, id, path, port);
    if valid(checked)?.is_none() || !ctx.is_active(id).map_err(|_| Fault::Uncheckable)? {
        return Ok(false);
    }
    let names = api::property::split_list(privs).map(str::parse::<Privilege>);
    let Ok(wanted) = names.collect::<Result<Vec<_>, _>>() else {
        return Ok(false);
    };
    let held = ctx.privileges(id, &api::acl::components(path));
    let held = held.map_err(|_| Fault::Uncheckable)?;
    let holds = |privilege: &Privilege| held.intersects(Privileges::from(*privilege));
    Ok(!wanted.is_empty() && wanted.iter().all(holds))
}
