//! `/access/users`: users. Changes are `config`'s whole steps; here is only who sees what.

use api::Privileges;
use api::rest::access::{UserCreate, UserItem, UserUpdate};
use config::edit::{self, EditError};
use format::Userid;
use serde::Deserialize;

use crate::fault::Fault;
use crate::reply::Answer;
use crate::route::Call;

#[derive(Deserialize)]
struct ListQuery {
    #[serde(default)]
    include_tokens: bool,
}

/// A user in the URL.
#[derive(Deserialize)]
struct OnUser {
    userid: Userid,
    digest: Option<String>,
}

/// `GET`: all, or without the right to that the caller alone.
pub fn list(call: &Call) -> Result<Answer, Fault> {
    let query: ListQuery = call.params.read()?;
    let caller = call.caller()?;
    let all = call
        .ctx
        .privileges(caller, &["access", "users"])?
        .intersects(Privileges::SysAudit);
    let users = call.ctx.configuration().users()?;
    let tfa = call.ctx.configuration().tfa()?;
    let mut items = Vec::new();
    for user in users.value.users()? {
        if !all && (caller.is_token() || *caller.user() != user.userid) {
            continue;
        }
        let mut item = UserItem::from(user);
        if let Some(factors) = tfa.users.get(&item.userid) {
            item.totp_locked = factors.totp_locked;
            item.tfa_locked_until = factors.tfa_locked_until;
        }
        if query.include_tokens {
            let tokens = users.value.tokens_of(&item.userid)?;
            item.tokens = tokens.into_iter().map(|token| token.item(false)).collect();
        }
        items.push(item);
    }
    Ok(Answer::data(&items)?.beside("digest", users.digest.to_string()))
}

/// `POST`
pub fn create(call: &Call) -> Result<Answer, Fault> {
    let request: UserCreate = call.params.read()?;
    edit::create_user(call.ctx.configuration().dir(), &request)?;
    Ok(Answer::null())
}

/// `GET {userid}`
pub fn read(call: &Call) -> Result<Answer, Fault> {
    let OnUser { userid, .. } = call.params.read()?;
    let users = call.ctx.configuration().users()?;
    let user = users
        .value
        .user(&userid)?
        .ok_or(EditError::NoSuchUser(userid))?;
    Ok(Answer::data(&UserItem::from(user))?.beside("digest", users.digest.to_string()))
}

/// `PUT {userid}`
pub fn update(call: &Call) -> Result<Answer, Fault> {
    let request: UserUpdate = call.params.read()?;
    let dir = call.ctx.configuration().dir();
    edit::update_user(dir, &request)?;
    if request.properties.enable == Some(false) {
        // Or they would count again with the user.
        edit::end_tickets(dir, &request.userid, call.ctx.now())?;
    }
    Ok(Answer::null())
}

/// `DELETE {userid}`
pub fn delete(call: &Call) -> Result<Answer, Fault> {
    let OnUser { userid, digest } = call.params.read()?;
    let dir = call.ctx.configuration().dir();
    edit::remove_user(dir, &userid, &digest)?;
    // Somebody else may get this name.
    edit::end_tickets(dir, &userid, call.ctx.now())?;
    Ok(Answer::null())
}
