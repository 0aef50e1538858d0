//! `/access/password`: a user's own password, or, with the right to it, another's (server.md 2.8).

use std::sync::Arc;

use api::Privileges;
use api::rest::access::PasswordChange;
use config::edit;

use crate::auth::{login, tickets};
use crate::fault::{Fault, Missing};
use crate::reply::Answer;
use crate::route::{AnswerFuture, Call};

/// `PUT`
pub fn change(call: Call) -> AnswerFuture {
    Box::pin(set(call))
}

async fn set(call: Call) -> Result<Answer, Fault> {
    let request: PasswordChange = call.params.read()?;
    let caller = call.caller()?.clone();
    if caller.is_token() {
        return Err(Fault::Forbidden(Missing::Unnamed));
    }
    if !caller.is_root() && *caller.user() != request.userid {
        let (ctx, id) = (Arc::clone(&call.ctx), caller.clone());
        let held = call
            .ctx
            .blocking()
            .run(move || ctx.privileges(&id, &[]))
            .await??;
        if !held.intersects(Privileges::PermissionsModify) {
            return Err(Fault::Forbidden(Missing::Unnamed));
        }
    }
    if !caller.is_root() {
        let refused = || Fault::Confirmation {
            user: caller.user().clone(),
        };
        let own = request
            .confirmation_password
            .as_deref()
            .ok_or_else(refused)?;
        let checked = login::check_password(&call.ctx, caller.user(), own, call.peer).await;
        checked.map_err(|_| refused())?;
    }
    let (ctx, headers) = (Arc::clone(&call.ctx), call.headers.clone());
    let store = move || {
        let dir = ctx.configuration().dir();
        let users = ctx.configuration().users()?;
        if users.value.user(&request.userid)?.is_none() {
            return Err(edit::EditError::NoSuchUser(request.userid).into());
        }
        edit::set_password(dir, &request.userid, &request.password)?;
        tickets::end(&ctx, &request.userid, &caller, &headers)
    };
    let ticket = call.ctx.blocking().run(store).await??;
    Ok(Answer::null().with_ticket(ticket))
}
