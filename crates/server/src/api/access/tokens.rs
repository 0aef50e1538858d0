//! `/access/users/{userid}/token`: a user's API tokens. A secret is shown once, when it is made.

use api::rest::access::{TokenChange, TokenCreated, TokenSecret};
use config::edit::{self, EditError};
use format::{AuthId, Tokenname, Userid};
use serde::Deserialize;

use crate::fault::Fault;
use crate::reply::Answer;
use crate::route::Call;

#[derive(Deserialize)]
struct OnUser {
    userid: Userid,
}

/// A token in the URL.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct OnToken {
    userid: Userid,
    token_name: Tokenname,
    digest: Option<String>,
}

/// `GET`
pub fn list(call: &Call) -> Result<Answer, Fault> {
    let OnUser { userid } = call.params.read()?;
    let users = call.ctx.configuration().users()?;
    let tokens = users.value.tokens_of(&userid)?;
    let items: Vec<_> = tokens.into_iter().map(|token| token.item(true)).collect();
    Ok(Answer::data(&items)?.beside("digest", users.digest.to_string()))
}

/// `GET {token-name}`
pub fn read(call: &Call) -> Result<Answer, Fault> {
    let OnToken {
        userid, token_name, ..
    } = call.params.read()?;
    let id = AuthId::token_of(userid, token_name).map_err(EditError::from)?;
    let users = call.ctx.configuration().users()?;
    let token = users.value.token(&id)?.ok_or(EditError::NoSuchToken(id))?;
    Ok(Answer::data(&token.item(false))?.beside("digest", users.digest.to_string()))
}

/// `POST {token-name}`
pub fn create(call: &Call) -> Result<Answer, Fault> {
    let request: TokenChange = call.params.read()?;
    let made = edit::create_token(call.ctx.configuration().dir(), &request)?;
    Answer::data(&TokenCreated {
        tokenid: made.tokenid,
        value: made.secret,
    })
}

/// `PUT {token-name}`
pub fn update(call: &Call) -> Result<Answer, Fault> {
    let request: TokenChange = call.params.read()?;
    match edit::update_token(call.ctx.configuration().dir(), &request)? {
        Some(made) => Answer::data(&TokenSecret {
            secret: made.secret,
        }),
        None => Ok(Answer::null()),
    }
}

/// `DELETE {token-name}`
pub fn delete(call: &Call) -> Result<Answer, Fault> {
    let OnToken {
        userid,
        token_name,
        digest,
    } = call.params.read()?;
    edit::delete_token(
        call.ctx.configuration().dir(),
        &userid,
        &token_name,
        &digest,
    )?;
    Ok(Answer::null())
}
