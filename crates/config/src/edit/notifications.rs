//! Targets and matchers of notifications: what requests may say of them, and the steps (server.md 1.11, 3.3, 7.2).
//!
//! The file of secrets is written before a target appears or changes and after it is gone, so that no target ever lacks what it needs.

use api::kinds;
use api::schema::{Kind, Param, ParamErrors, Schema, ValueError};
use format::Digest;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::error::EditError;
use super::user::parse_digest;
use crate::Secret;
use crate::dir::{ConfigDir, FileSpec, Locked};
use crate::files::notifications::{
    AllSecrets, COMMON, CONDITIONS, CONTENT, FILTER, FROM, MAIL, NAME, NEW_FROM, NEW_REQUEST,
    NEW_SERVER, NEW_TOKEN, Notification, Notifications, Origin, PASSWORD, REQUEST, ROUTING, SECRET,
    SERVER, SMTP, SecretChange, TOKEN, Target,
};

/// The name in the path.
pub const NAMED: &[Param] = &[Param::required("name", NAME).about("Its name.")];
const ORIGIN: &[Param] = &[Param::optional("origin", Kind::Enum(Origin::NAMES))
    .about("Where it comes from; not taken from requests.")];
const DIGEST: &[Param] = &[Param::optional("digest", kinds::DIGEST)
    .about("Prevent changes if current configuration file has different SHA256 digest.")];

const fn delete(names: &'static Kind) -> Param {
    Param::optional("delete", Kind::Array(names)).about("List of properties to delete.")
}

/// Of whatever is only named: read, removal, test.
pub const ONE: Schema = Schema(&[NAMED]);

/// A `sendmail` target as it is shown, but for its origin.
pub const SENDMAIL_ITEM: Schema = Schema(&[NAMED, COMMON, FILTER, MAIL, FROM]);
/// A new one.
pub const SENDMAIL_CREATE: Schema = Schema(&[NAMED, ORIGIN, COMMON, FILTER, MAIL, FROM]);
/// A change of one.
pub const SENDMAIL_UPDATE: Schema = Schema(&[
    NAMED,
    COMMON,
    MAIL,
    FROM,
    &[delete(&Kind::Enum(&[
        "author",
        "comment",
        "disable",
        "from-address",
        "mailto",
        "mailto-user",
    ]))],
    DIGEST,
]);

/// An `smtp` target as it is shown, but for its origin.
pub const SMTP_ITEM: Schema = Schema(&[NAMED, COMMON, MAIL, NEW_FROM, NEW_SERVER, SMTP]);
/// A new one.
pub const SMTP_CREATE: Schema = Schema(&[
    NAMED, ORIGIN, COMMON, MAIL, NEW_FROM, NEW_SERVER, SMTP, PASSWORD,
]);
/// A change of one.
pub const SMTP_UPDATE: Schema = Schema(&[
    NAMED,
    COMMON,
    MAIL,
    FROM,
    SERVER,
    SMTP,
    PASSWORD,
    &[delete(&Kind::Enum(&[
        "author",
        "comment",
        "disable",
        "mailto",
        "mailto-user",
        "password",
        "port",
        "username",
    ]))],
    DIGEST,
]);

/// A `gotify` target as it is shown, but for its origin.
pub const GOTIFY_ITEM: Schema = Schema(&[NAMED, COMMON, FILTER, NEW_SERVER]);
/// A new one.
pub const GOTIFY_CREATE: Schema = Schema(&[NAMED, ORIGIN, COMMON, FILTER, NEW_SERVER, NEW_TOKEN]);
/// A change of one.
pub const GOTIFY_UPDATE: Schema = Schema(&[
    NAMED,
    COMMON,
    SERVER,
    TOKEN,
    &[delete(&Kind::Enum(&["comment", "disable"]))],
    DIGEST,
]);

/// A `webhook` target as it is shown, but for its origin; of secrets only their names.
pub const WEBHOOK_ITEM: Schema = Schema(&[NAMED, COMMON, NEW_REQUEST, CONTENT, SECRET]);
/// A new one.
pub const WEBHOOK_CREATE: Schema = Schema(&[NAMED, ORIGIN, COMMON, NEW_REQUEST, CONTENT, SECRET]);
/// A change of one.
pub const WEBHOOK_UPDATE: Schema = Schema(&[
    NAMED,
    COMMON,
    REQUEST,
    CONTENT,
    SECRET,
    &[delete(&Kind::Enum(&[
        "comment", "disable", "header", "body", "secret",
    ]))],
    DIGEST,
]);

/// A matcher as it is shown, but for its origin.
pub const MATCHER_ITEM: Schema = Schema(&[NAMED, COMMON, ROUTING, CONDITIONS]);
/// A new one.
pub const MATCHER_CREATE: Schema = Schema(&[NAMED, ORIGIN, COMMON, ROUTING, CONDITIONS]);
/// A change of one.
pub const MATCHER_UPDATE: Schema = Schema(&[
    NAMED,
    COMMON,
    ROUTING,
    CONDITIONS,
    &[delete(&Kind::Enum(&[
        "comment",
        "disable",
        "invert-match",
        "match-calendar",
        "match-field",
        "match-severity",
        "mode",
        "target",
    ]))],
    DIGEST,
]);

/// An entry as it is shown.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Shown<E> {
    #[serde(flatten)]
    pub entry: E,
    pub origin: Origin,
    /// Names of secrets, as property strings without values.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub secret: Vec<String>,
}

/// A request to create or to change; the rest are the properties of the public file.
#[derive(Deserialize)]
struct Request {
    name: String,
    digest: Option<String>,
    #[serde(default)]
    delete: Vec<String>,
    password: Option<Secret>,
    token: Option<Secret>,
    secret: Option<Vec<Secret>>,
    #[serde(flatten)]
    properties: Map<String, Value>,
}

impl Request {
    fn read(members: Map<String, Value>) -> Result<(Request, SecretChange), EditError> {
        let mut request: Request = api::schema::decode(members)?;
        request.properties.remove("origin");
        let change = SecretChange {
            password: request.password.take(),
            token: request.token.take(),
            secret: request.secret.take(),
            delete: request.delete.clone(),
        };
        Ok((request, change))
    }

    /// The entry that these properties make.
    fn entry<E: Notification>(&self, mut properties: Map<String, Value>) -> Result<E, EditError> {
        properties.insert("name".to_owned(), Value::from(self.name.as_str()));
        E::tidy(&mut properties);
        let entry: E = api::schema::decode(properties)?;
        Ok(entry.checked()?)
    }
}

/// All targets, and the digest of the file.
pub fn targets(dir: &ConfigDir) -> Result<(Vec<Target>, Digest), EditError> {
    let (text, digest) = dir.read(FileSpec::NOTIFICATIONS)?;
    Ok((Notifications::parse(&text)?.targets()?, digest))
}

/// That there is a target of this name.
pub fn find_target(dir: &ConfigDir, name: &str) -> Result<(), EditError> {
    let (text, _) = dir.read(FileSpec::NOTIFICATIONS)?;
    if Notifications::parse(&text)?.has_target(name) {
        Ok(())
    } else {
        Err(EditError::NoSuchNotification("target", name.to_owned()))
    }
}

/// All entries of this type, and the digest of the file.
pub fn all<E: Notification>(dir: &ConfigDir) -> Result<(Vec<Shown<E>>, Digest), EditError> {
    let (text, digest) = dir.read(FileSpec::NOTIFICATIONS)?;
    let notifications = Notifications::parse(&text)?;
    let secrets = secrets_of::<E>(dir)?;
    let entries = notifications.all::<E>()?.into_iter();
    let shown: Result<Vec<_>, _> = entries
        .map(|entry| shown(&notifications, &secrets, entry))
        .collect();
    Ok((shown?, digest))
}

/// An entry, and the digest of the file.
pub fn find<E: Notification>(dir: &ConfigDir, name: &str) -> Result<(Shown<E>, Digest), EditError> {
    let (text, digest) = dir.read(FileSpec::NOTIFICATIONS)?;
    let notifications = Notifications::parse(&text)?;
    let entry = existing::<E>(&notifications, name)?;
    Ok((
        shown(&notifications, &secrets_of::<E>(dir)?, entry)?,
        digest,
    ))
}

/// Adds an entry. Targets and matchers share their names.
pub fn create<E: Notification>(
    dir: &ConfigDir,
    members: Map<String, Value>,
) -> Result<(), EditError> {
    let (request, change) = Request::read(members)?;
    let entry: E = request.entry(request.properties.clone())?;
    let lock = dir.lock(FileSpec::NOTIFICATIONS)?;
    let mut notifications = Notifications::parse(&lock.read(None)?.0)?;
    if notifications.contains(entry.id()) {
        let exists = ValueError::Other(format!("'{}' exists already", entry.id()));
        return Err(ParamErrors::one("name", exists).into());
    }
    check_targets(&notifications, &entry)?;
    notifications.set(&entry)?;
    let text = notifications.print()?;
    if let Some(section) = E::SECRETS {
        let mut all = read_secrets(dir)?;
        // What is left of a target that is gone says nothing about this one.
        all.remove(entry.id());
        let secrets = all.get::<E>(entry.id())?.changed(&change)?;
        all.set(section, &secrets)?;
        write_secrets(&lock, &all)?;
    }
    Ok(lock.replace(text.as_bytes())?)
}

/// Changes an entry. Deletions come before sets.
pub fn update<E: Notification>(
    dir: &ConfigDir,
    members: Map<String, Value>,
) -> Result<(), EditError> {
    let (request, change) = Request::read(members)?;
    let lock = dir.lock(FileSpec::NOTIFICATIONS)?;
    let (text, _) = lock.read(parse_digest(&request.digest).as_ref())?;
    let mut notifications = Notifications::parse(&text)?;
    let before = existing::<E>(&notifications, &request.name)?;
    let entry: E = request.entry(changed(&before, &request)?)?;
    if request.properties.contains_key("target") {
        check_targets(&notifications, &entry)?;
    }
    notifications.set(&entry)?;
    let text = notifications.print()?;
    if let Some(section) = E::SECRETS
        && change.is_some()
    {
        let mut all = read_secrets(dir)?;
        let secrets = all.get::<E>(&request.name)?.changed(&change)?;
        all.set(section, &secrets)?;
        write_secrets(&lock, &all)?;
    }
    Ok(lock.replace(text.as_bytes())?)
}

/// Removes an entry; one that is always there is reset. A target must not be used by a matcher.
pub fn remove<E: Notification>(dir: &ConfigDir, name: &str) -> Result<(), EditError> {
    let lock = dir.lock(FileSpec::NOTIFICATIONS)?;
    let mut notifications = Notifications::parse(&lock.read(None)?.0)?;
    existing::<E>(&notifications, name)?;
    let matchers = notifications.used_by(name)?;
    if notifications.has_target(name) && !matchers.is_empty() && !Notifications::is_built_in(name)?
    {
        let name = name.to_owned();
        return Err(EditError::TargetInUse { name, matchers });
    }
    notifications.remove(name)?;
    lock.replace(notifications.print()?.as_bytes())?;
    let mut all = read_secrets(dir)?;
    if all.remove(name) {
        write_secrets(&lock, &all)?;
    }
    Ok(())
}

fn changed<E: Notification>(
    before: &E,
    request: &Request,
) -> Result<Map<String, Value>, EditError> {
    let before = serde_json::to_value(before).map_err(|e| ParamErrors::text(e.to_string()))?;
    let mut properties = match before {
        Value::Object(properties) => properties,
        _ => Map::new(),
    };
    for name in &request.delete {
        properties.remove(name);
    }
    properties.extend(request.properties.clone());
    Ok(properties)
}

fn existing<E: Notification>(notifications: &Notifications, name: &str) -> Result<E, EditError> {
    let missing = || EditError::NoSuchNotification(E::NOUN, name.to_owned());
    notifications.get::<E>(name)?.ok_or_else(missing)
}

fn check_targets<E: Notification>(
    notifications: &Notifications,
    entry: &E,
) -> Result<(), EditError> {
    let mut targets = entry.targets().iter();
    match targets.find(|name| !notifications.has_target(name)) {
        Some(name) => Err(EditError::NoSuchNotification("target", name.clone())),
        None => Ok(()),
    }
}

/// Only what shows names of secrets needs the file.
fn secrets_of<E: Notification>(dir: &ConfigDir) -> Result<Option<AllSecrets>, EditError> {
    let shows = E::SECRETS.is_some_and(|section| section.schema.find("secret").is_some());
    shows.then(|| read_secrets(dir)).transpose()
}

fn shown<E: Notification>(
    notifications: &Notifications,
    secrets: &Option<AllSecrets>,
    entry: E,
) -> Result<Shown<E>, EditError> {
    let secret = match secrets {
        Some(secrets) => secrets.get::<E>(entry.id())?.names()?,
        None => Vec::new(),
    };
    let origin = notifications.origin(entry.id())?;
    Ok(Shown {
        entry,
        origin,
        secret,
    })
}

fn read_secrets(dir: &ConfigDir) -> Result<AllSecrets, EditError> {
    let (text, _) = dir.read(FileSpec::NOTIFICATIONS_PRIV)?;
    Ok(AllSecrets::parse(&text)?)
}

fn write_secrets(lock: &Locked<'_>, secrets: &AllSecrets) -> Result<(), EditError> {
    Ok(lock.replace_companion(FileSpec::NOTIFICATIONS_PRIV, secrets.print()?.as_bytes())?)
}
