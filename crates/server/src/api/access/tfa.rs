//! `/access/tfa`: second factors of users, and taking locks away (server.md 8.2). Whoever changes one shows his own password, unless he is
//! `root@pam` or one of its tokens.

use std::sync::Arc;

use api::Privileges;
use api::rest::access::{TfaAdd, TfaChange};
use config::edit::{self, EditError};
use format::{AuthId, Userid};
use http::HeaderMap;
use serde::Deserialize;

use crate::auth::{login, tickets};
use crate::context::Context;
use crate::fault::Fault;
use crate::reply::Answer;
use crate::route::{AnswerFuture, Call};

/// A user, and one of his factors, in the URL.
#[derive(Deserialize)]
struct OnFactor {
    userid: Userid,
    #[serde(default)]
    id: String,
}

/// `GET /access/tfa`: of all users, or without the right to that of the caller alone.
pub fn list(call: &Call) -> Result<Answer, Fault> {
    let caller = call.caller()?;
    let all = call
        .ctx
        .privileges(caller, &["access", "users"])?
        .intersects(Privileges::PermissionsModify);
    let tfa = call.ctx.configuration().tfa()?;
    let shown = |user: &Userid| all || !caller.is_token() && caller.user() == user;
    let items: Vec<_> = tfa
        .users
        .iter()
        .filter(|(user, factors)| shown(user) && !factors.is_empty())
        .map(|(user, factors)| factors.user_item(user))
        .collect();
    Answer::data(&items)
}

/// `GET {userid}`
pub fn list_of(call: &Call) -> Result<Answer, Fault> {
    let OnFactor { userid, .. } = call.params.read()?;
    must_exist(&call.ctx, &userid)?;
    let tfa = call.ctx.configuration().tfa()?;
    let factors = tfa.users.get(&userid);
    Answer::data(&factors.map(|factors| factors.items()).unwrap_or_default())
}

/// `GET {userid}/{id}`
pub fn read(call: &Call) -> Result<Answer, Fault> {
    let OnFactor { userid, id } = call.params.read()?;
    let tfa = call.ctx.configuration().tfa()?;
    let items = tfa.users.get(&userid).map(|factors| factors.items());
    let item = items.into_iter().flatten().find(|item| item.id == id);
    Answer::data(&item.ok_or(Fault::NoFactor(id))?)
}

/// `POST {userid}`
pub fn add(call: Call) -> AnswerFuture {
    Box::pin(async move {
        let request: TfaAdd = call.params.read()?;
        confirm(&call, &request.userid, request.password.as_deref()).await?;
        let (ctx, caller, headers) = of(&call)?;
        let step = move || {
            let added = edit::add_tfa(ctx.configuration().dir(), &request, ctx.now())?;
            // One that was given out without the new factor would do without it for ever, renewed in time.
            let ticket = tickets::end(&ctx, &request.userid, &caller, &headers)?;
            Ok::<_, Fault>((added, ticket))
        };
        let (added, ticket) = call.ctx.blocking().run(step).await??;
        Ok(Answer::data(&added)?.with_ticket(ticket))
    })
}

/// `PUT {userid}/{id}`
pub fn update(call: Call) -> AnswerFuture {
    changed(call, |ctx, change| {
        edit::update_tfa(ctx.configuration().dir(), change)
    })
}

/// `DELETE {userid}/{id}`
pub fn delete(call: Call) -> AnswerFuture {
    changed(call, |ctx, change| {
        edit::remove_tfa(ctx.configuration().dir(), &change.userid, &change.id)
    })
}

fn changed(call: Call, step: fn(&Context, &TfaChange) -> Result<(), EditError>) -> AnswerFuture {
    Box::pin(async move {
        let change: TfaChange = call.params.read()?;
        confirm(&call, &change.userid, change.password.as_deref()).await?;
        let (ctx, caller, headers) = of(&call)?;
        let change = move || {
            step(&ctx, &change)?;
            tickets::end(&ctx, &change.userid, &caller, &headers)
        };
        let ticket = call.ctx.blocking().run(change).await??;
        Ok(Answer::null().with_ticket(ticket))
    })
}

/// `PUT /access/users/{userid}/unlock-tfa`: whether anything was locked.
pub fn unlock(call: &Call) -> Result<Answer, Fault> {
    let OnFactor { userid, .. } = call.params.read()?;
    let users = call.ctx.configuration().users()?;
    if users.value.user(&userid)?.is_none() {
        return Err(EditError::NoSuchUser(userid).into());
    }
    let dir = call.ctx.configuration().dir();
    let locked = edit::unlock_tfa(dir, &call.ctx.tfa_failures(), &userid, call.ctx.now())?;
    Answer::data(&locked)
}

fn of(call: &Call) -> Result<(Arc<Context>, AuthId, HeaderMap), Fault> {
    let caller = call.caller()?.clone();
    Ok((Arc::clone(&call.ctx), caller, call.headers.clone()))
}

fn must_exist(ctx: &Context, userid: &Userid) -> Result<(), Fault> {
    match ctx.configuration().users()?.value.user(userid)? {
        Some(_) => Ok(()),
        None => Err(Fault::NoTarget(userid.clone())),
    }
}

/// The target must exist, and the caller show that he is himself.
async fn confirm(call: &Call, userid: &Userid, password: Option<&str>) -> Result<(), Fault> {
    let caller = call.caller()?;
    let (ctx, target) = (Arc::clone(&call.ctx), userid.clone());
    call.ctx
        .blocking()
        .run(move || must_exist(&ctx, &target))
        .await??;
    if *caller.user() == Userid::root() {
        return Ok(());
    }
    let password = password.ok_or(Fault::PasswordMissing)?;
    let checked = login::check_password(&call.ctx, caller.user(), password, call.peer).await;
    checked.map_err(|cause| Fault::login(caller.user(), cause))
}
