//! `/access/ticket`: login with a password or a valid ticket, and logout (protocol.md 2.1, 2.3).

use std::net::SocketAddr;
use std::sync::Arc;

use api::rest::access::{TicketReply, TicketRequest};
use api::ticket::PREFIX;
use format::Userid;
use http::header::SET_COOKIE;
use serde_json::json;

use crate::auth::login;
use crate::auth::{http_only_ticket, tickets};
use crate::context::Context;
use crate::fault::{AuthFailure, Fault};
use crate::reply::{self, Answer};
use crate::route::{AnswerFuture, Call};

/// `POST`
pub fn create(call: Call) -> AnswerFuture {
    Box::pin(log_in(call))
}

/// `DELETE`: the cookie is taken away; a ticket cannot be called back.
pub fn forget(_: &Call) -> Result<Answer, Fault> {
    let body = json!({ "data": {}, "status": 200, "success": true });
    Ok(Answer::verbatim(&body)?.header(SET_COOKIE, &reply::cleared_cookie()))
}

async fn log_in(call: Call) -> Result<Answer, Fault> {
    let request: TicketRequest = call.params.read()?;
    let refused = |cause| Fault::LoginRefused {
        user: Some(request.username.clone()),
        cause,
    };
    let user: Userid = request
        .username
        .parse()
        .map_err(|_| refused(AuthFailure::Credentials))?;
    let http_only = request.http_only.unwrap_or(false);
    let cookie = if http_only {
        http_only_ticket(&call.headers)
    } else {
        None
    };
    let renewed = match &cookie {
        Some(ticket) => renews(&call.ctx, &user, ticket).await?,
        None => false,
    };
    if !renewed {
        let password = request.password.as_deref().ok_or(Fault::NoPassword)?;
        // In the flow with the cookie, only the cookie renews.
        check(&call.ctx, &user, password, !http_only, call.peer)
            .await
            .map_err(refused)?;
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
    let mut body = TicketReply {
        csrf_token: Some(issued.csrf_token),
        ticket: None,
        ticket_info: None,
        username: user.to_string(),
    };
    if http_only {
        body.ticket_info = Some(issued.info);
        Ok(enveloped(&body)?.header(SET_COOKIE, &reply::ticket_cookie(&issued.ticket)))
    } else {
        body.ticket = Some(issued.ticket);
        enveloped(&body)
    }
}

/// Since 4.0.5 the answer is the same in both formats.
fn enveloped(body: &TicketReply) -> Result<Answer, Fault> {
    Answer::verbatim(&json!({ "data": body, "status": 200, "success": true }))
}

async fn check(
    ctx: &Arc<Context>,
    user: &Userid,
    password: &str,
    may_renew: bool,
    peer: SocketAddr,
) -> Result<(), AuthFailure> {
    let looks_like_ticket =
        password.starts_with(PREFIX) && password[PREFIX.len()..].starts_with(':');
    if may_renew && looks_like_ticket {
        let renewed = renews(ctx, user, password).await;
        if renewed.map_err(|e| AuthFailure::Unchecked(e.to_string()))? {
            return Ok(());
        }
    }
    login::check_password(ctx, user, password, peer).await
}

/// Whether this ticket is valid, and this user's, who may still log in.
async fn renews(ctx: &Arc<Context>, user: &Userid, ticket: &str) -> Result<bool, Fault> {
    let (inner, user, ticket) = (Arc::clone(ctx), user.clone(), ticket.to_owned());
    let look = move || {
        let valid = tickets::verify(&inner, &ticket).is_ok_and(|owner| owner == user);
        Ok(valid && inner.is_active(&user.into())?)
    };
    ctx.blocking().run(look).await?
}
