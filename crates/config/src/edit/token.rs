//! API tokens: create, change, delete (server.md 1.6, 2.8).

use api::rest::access::TokenChange;
use format::{AuthId, Tokenname, Userid};

use super::error::EditError;
use super::user::{parse_digest, set_comment, set_enable, set_expire};
use crate::dir::{ConfigDir, FileSpec};
use crate::files::{Shadow, ShadowStyle, Token, Users, parse_acl, print_acl};
use crate::password;

/// A token and its secret, which is shown once.
#[derive(Clone)]
pub struct TokenMade {
    /// `user@realm!name`
    pub tokenid: AuthId,
    /// The secret.
    pub secret: String,
}

/// Creates a token with a fresh secret.
pub fn create_token(dir: &ConfigDir, request: &TokenChange) -> Result<TokenMade, EditError> {
    let lock = dir.lock(FileSpec::USER)?;
    let mut users = Users::parse(&lock.read(parse_digest(&request.digest).as_ref())?.0)?;
    if users.user(&request.userid)?.is_none() {
        return Err(EditError::NoSuchUser(request.userid.clone()));
    }
    let tokenid = AuthId::token_of(request.userid.clone(), request.token_name.clone())?;
    if users.token(&tokenid)?.is_some() {
        return Err(EditError::TokenExists(tokenid));
    }
    let TokenChange {
        comment,
        enable,
        expire,
        ..
    } = request.clone();
    users.set_token(&Token {
        comment,
        enable,
        expire,
        tokenid: tokenid.clone(),
    })?;
    let text = users.print()?;
    let secret = new_secret(dir, &tokenid)?;
    lock.replace(text.as_bytes())?;
    Ok(TokenMade { tokenid, secret })
}

/// Changes a token; with `regenerate` it gets a new secret, which is returned.
pub fn update_token(
    dir: &ConfigDir,
    request: &TokenChange,
) -> Result<Option<TokenMade>, EditError> {
    let lock = dir.lock(FileSpec::USER)?;
    let mut users = Users::parse(&lock.read(parse_digest(&request.digest).as_ref())?.0)?;
    let tokenid = AuthId::token_of(request.userid.clone(), request.token_name.clone())?;
    let mut token = users
        .token(&tokenid)?
        .ok_or_else(|| EditError::NoSuchToken(tokenid.clone()))?;
    if request.delete.iter().any(|name| name == "comment") {
        token.comment = None;
    }
    set_comment(&mut token.comment, request.comment.clone());
    set_enable(&mut token.enable, request.enable);
    set_expire(&mut token.expire, request.expire);
    users.set_token(&token)?;
    let text = users.print()?;
    let made = match request.regenerate {
        Some(true) => Some(TokenMade {
            secret: new_secret(dir, &tokenid)?,
            tokenid,
        }),
        _ => None,
    };
    lock.replace(text.as_bytes())?;
    Ok(made)
}

/// Deletes a token with its secret and its access control entries.
pub fn delete_token(
    dir: &ConfigDir,
    userid: &Userid,
    name: &Tokenname,
    digest: &Option<String>,
) -> Result<(), EditError> {
    let lock = dir.lock(FileSpec::USER)?;
    let mut users = Users::parse(&lock.read(parse_digest(digest).as_ref())?.0)?;
    let tokenid = AuthId::token_of(userid.clone(), name.clone())?;
    if !users.remove(&tokenid.to_string()) {
        return Err(EditError::TokenMissing(tokenid));
    }
    let ids = std::slice::from_ref(&tokenid);
    remove_secrets(dir, ids)?;
    remove_acl_of(dir, ids)?;
    Ok(lock.replace(users.print()?.as_bytes())?)
}

fn new_secret(dir: &ConfigDir, tokenid: &AuthId) -> Result<String, EditError> {
    let secret = password::new_token_secret();
    let hash = password::hash(secret.as_bytes(), password::new_salt()?)?;
    let lock = dir.lock(FileSpec::TOKEN_SHADOW)?;
    let mut shadow = Shadow::parse(FileSpec::TOKEN_SHADOW.name, &lock.read(None)?.0)?;
    shadow.0.insert(tokenid.to_string(), hash);
    lock.replace(shadow.print(ShadowStyle::Compact).as_bytes())?;
    Ok(secret)
}

/// Takes secrets out of `token.shadow`.
pub(super) fn remove_secrets(dir: &ConfigDir, tokens: &[AuthId]) -> Result<(), EditError> {
    let lock = dir.lock(FileSpec::TOKEN_SHADOW)?;
    let mut shadow = Shadow::parse(FileSpec::TOKEN_SHADOW.name, &lock.read(None)?.0)?;
    let before = shadow.0.len();
    shadow
        .0
        .retain(|id, _| !tokens.iter().any(|token| token.to_string() == *id));
    if shadow.0.len() != before {
        lock.replace(shadow.print(ShadowStyle::Compact).as_bytes())?;
    }
    Ok(())
}

/// Removes all access control entries of some ids.
pub(super) fn remove_acl_of(dir: &ConfigDir, ids: &[AuthId]) -> Result<(), EditError> {
    let lock = dir.lock(FileSpec::ACL)?;
    let mut tree = parse_acl(&lock.read(None)?.0)?;
    let before = tree.clone();
    ids.iter().for_each(|id| tree.remove_id(id));
    if tree != before {
        lock.replace(print_acl(&tree).as_bytes())?;
    }
    Ok(())
}
