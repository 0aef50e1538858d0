//! Users: create, change, remove, set a password (server.md 1.6, 2.8).

use api::rest::access::{UserCreate, UserProperties, UserUpdate};
use format::{AuthId, Userid};

use super::error::EditError;
use super::tfa::remove_all_tfa;
use super::token::{remove_acl_of, remove_secrets};
use crate::dir::{ConfigDir, FileSpec};
use crate::files::{Shadow, ShadowStyle, User, Users, parse_domains};
use crate::password;

/// The realm whose passwords lie in `shadow.json`.
const OWN_REALM: &str = "pbs";

/// Creates a user, with a password if one is given.
pub fn create_user(dir: &ConfigDir, request: &UserCreate) -> Result<(), EditError> {
    let realm = request.userid.realm();
    if parse_domains(&dir.read(FileSpec::DOMAINS)?.0)?
        .kind(realm)
        .is_none()
    {
        return Err(EditError::RealmMissing(realm.clone()));
    }
    let lock = dir.lock(FileSpec::USER)?;
    let mut users = Users::parse(&lock.read(None)?.0)?;
    if users.user(&request.userid)?.is_some() {
        return Err(EditError::UserExists(request.userid.clone()));
    }
    let UserProperties {
        comment,
        enable,
        expire,
        firstname,
        lastname,
        email,
    } = request.properties.clone();
    users.set_user(&User {
        comment,
        email,
        enable,
        expire,
        firstname,
        lastname,
        userid: request.userid.clone(),
    })?;
    let text = users.print()?;
    // The password first: a user without one could not log in and would have to be removed by hand.
    if let Some(password) = &request.password {
        set_password(dir, &request.userid, password)?;
    }
    Ok(lock.replace(text.as_bytes())?)
}

/// Changes a user. A password in the request is ignored, as it is since 3.3.
pub fn update_user(dir: &ConfigDir, request: &UserUpdate) -> Result<(), EditError> {
    let lock = dir.lock(FileSpec::USER)?;
    let mut users = Users::parse(&lock.read(parse_digest(&request.digest).as_ref())?.0)?;
    let mut user = users
        .user(&request.userid)?
        .ok_or_else(|| EditError::NoSuchUser(request.userid.clone()))?;
    for name in &request.delete {
        match name.as_str() {
            "comment" => user.comment = None,
            "firstname" => user.firstname = None,
            "lastname" => user.lastname = None,
            "email" => user.email = None,
            _ => {}
        }
    }
    let UserProperties {
        comment,
        enable,
        expire,
        firstname,
        lastname,
        email,
    } = request.properties.clone();
    set_comment(&mut user.comment, comment);
    set_enable(&mut user.enable, enable);
    set_expire(&mut user.expire, expire);
    set_text(&mut user.firstname, firstname);
    set_text(&mut user.lastname, lastname);
    set_text(&mut user.email, email);
    users.set_user(&user)?;
    Ok(lock.replace(users.print()?.as_bytes())?)
}

/// Removes a user with its password, its second factors, its API tokens and their access control entries.
/// The user's own entries stay, as in the original.
pub fn remove_user(
    dir: &ConfigDir,
    userid: &Userid,
    digest: &Option<String>,
) -> Result<(), EditError> {
    let lock = dir.lock(FileSpec::USER)?;
    let mut users = Users::parse(&lock.read(parse_digest(digest).as_ref())?.0)?;
    let tokens: Vec<AuthId> = users
        .tokens_of(userid)?
        .into_iter()
        .map(|token| token.tokenid)
        .collect();
    if users.user(userid)?.is_none() {
        return Err(EditError::UserMissing(userid.clone()));
    }
    users.remove(&userid.to_string());
    for token in &tokens {
        users.remove(&token.to_string());
    }
    if userid.realm().as_str() == OWN_REALM {
        let shadow_lock = dir.lock(FileSpec::SHADOW)?;
        let mut shadow = Shadow::parse(FileSpec::SHADOW.name, &shadow_lock.read(None)?.0)?;
        if shadow.0.remove(userid.name().as_str()).is_some() {
            shadow_lock.replace(shadow.print(ShadowStyle::Pretty).as_bytes())?;
        }
    }
    remove_secrets(dir, &tokens)?;
    remove_all_tfa(dir, userid)?;
    remove_acl_of(dir, &tokens)?;
    Ok(lock.replace(users.print()?.as_bytes())?)
}

/// Sets the password of a user of the realm that keeps its passwords here.
pub fn set_password(dir: &ConfigDir, userid: &Userid, password: &str) -> Result<(), EditError> {
    if userid.realm().as_str() != OWN_REALM {
        return Err(EditError::ForeignPassword(userid.realm().clone()));
    }
    let hash = password::hash(password.as_bytes(), password::new_salt()?)?;
    let lock = dir.lock(FileSpec::SHADOW)?;
    let mut shadow = Shadow::parse(FileSpec::SHADOW.name, &lock.read(None)?.0)?;
    shadow.0.insert(userid.name().to_string(), hash);
    Ok(lock.replace(shadow.print(ShadowStyle::Pretty).as_bytes())?)
}

/// A digest that is none matches no file; the schema has refused it before.
pub(super) fn parse_digest(digest: &Option<String>) -> Option<format::Digest> {
    digest
        .as_ref()
        .map(|text| text.parse().unwrap_or(format::Digest::ZERO))
}

/// A comment of blanks alone unsets it.
pub(super) fn set_comment(field: &mut Option<String>, value: Option<String>) {
    if let Some(value) = value {
        let trimmed = value.trim();
        *field = (!trimmed.is_empty()).then(|| trimmed.to_owned());
    }
}

/// Only "disabled" is stored.
pub(super) fn set_enable(field: &mut Option<bool>, value: Option<bool>) {
    if let Some(value) = value {
        *field = (!value).then_some(false);
    }
}

/// "Never" is not stored.
pub(super) fn set_expire(field: &mut Option<i64>, value: Option<i64>) {
    if let Some(value) = value {
        *field = (value > 0).then_some(value);
    }
}

fn set_text(field: &mut Option<String>, value: Option<String>) {
    if value.is_some() {
        *field = value;
    }
}
