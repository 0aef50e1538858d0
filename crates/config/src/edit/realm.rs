//! Realms: create, change, remove, and which of them is the default (server.md 1.7, 8.3). No server is asked whether it is there: that is left
//! to the login.

use api::rest::access::DomainItem;
use api::schema::{ParamErrors, ValueError};
use format::{Digest, Realm};
use serde_json::{Map, Value};

use super::entry::{Change, existing, set, typed};
use super::error::EditError;
use super::user::parse_digest;
use crate::dir::{ConfigDir, FileSpec, Locked};
use crate::files::{BuiltIn, DOMAINS_SYNTAX, RealmEntry, Shadow, ShadowStyle, parse_domains};
use crate::section_config::{Section, Sections};

/// Realms that are there even if the file does not name them.
const BUILT_IN: [&str; 2] = ["pam", "pbs"];

/// The file, locked and read.
struct Open<'a> {
    lock: Locked<'a>,
    sections: Sections,
    passwords: Shadow,
    passwords_before: Shadow,
}

impl Open<'_> {
    fn of<'a>(dir: &'a ConfigDir, digest: &Option<String>) -> Result<Open<'a>, EditError> {
        let lock = dir.lock(FileSpec::DOMAINS)?;
        let sections = DOMAINS_SYNTAX.parse(&lock.read(parse_digest(digest).as_ref())?.0)?;
        let passwords = dir.read(FileSpec::LDAP_PASSWORDS)?.0;
        let passwords = Shadow::parse(FileSpec::LDAP_PASSWORDS.name, &passwords)?;
        Ok(Open {
            lock,
            sections,
            passwords_before: passwords.clone(),
            passwords,
        })
    }

    /// Only one realm is the default.
    fn make_default(&mut self, realm: &str) {
        let others: Vec<(String, Section)> = self
            .sections
            .iter()
            .filter(|(id, section)| *id != realm && section.properties.contains_key("default"))
            .map(|(id, section)| (id.to_owned(), section.clone()))
            .collect();
        for (id, mut section) in others {
            section.properties.remove("default");
            self.sections.set(&id, section);
        }
    }

    fn put<R: RealmEntry>(&mut self, realm: &R) -> Result<(), EditError> {
        if realm.bind_dn().is_some() && !self.passwords.0.contains_key(realm.id()) {
            let missing = "who binds as 'bind-dn' needs a password".to_owned();
            return Err(ParamErrors::one("password", ValueError::Other(missing)).into());
        }
        if realm.is_default() {
            self.make_default(realm.id());
        }
        set(&mut self.sections, realm)
    }

    /// The passwords first: a realm without its own could not be used.
    fn close(self) -> Result<(), EditError> {
        let text = DOMAINS_SYNTAX.print(&self.sections)?;
        if self.passwords != self.passwords_before {
            let passwords = self.passwords.print(ShadowStyle::Compact);
            let spec = FileSpec::LDAP_PASSWORDS;
            self.lock.replace_companion(spec, passwords.as_bytes())?;
        }
        Ok(self.lock.replace(text.as_bytes())?)
    }
}

fn take_password(members: &mut Map<String, Value>) -> Option<String> {
    let password = members.remove("password")?;
    password.as_str().map(str::to_owned)
}

/// Adds a realm.
pub fn create_realm<R: RealmEntry>(
    dir: &ConfigDir,
    mut members: Map<String, Value>,
) -> Result<(), EditError> {
    let password = take_password(&mut members);
    let realm: R = typed(members)?;
    let mut open = Open::of(dir, &None)?;
    if BUILT_IN.contains(&realm.id()) || open.sections.contains(realm.id()) {
        let exists = ValueError::Other(format!("realm '{}' already exists.", realm.id()));
        return Err(ParamErrors::one("realm", exists).into());
    }
    // One that was left behind is not this realm's.
    open.passwords.0.remove(realm.id());
    open.passwords
        .0
        .extend(password.map(|password| (realm.id().to_owned(), password)));
    open.put(&realm)?;
    open.close()
}

/// Changes a realm, and gives it as it is then. A change that does not name `default` takes it away, as in the original.
pub fn update_realm<R: RealmEntry>(
    dir: &ConfigDir,
    mut members: Map<String, Value>,
) -> Result<R, EditError> {
    let password = take_password(&mut members);
    let change = Change::of::<R>(members)?;
    let mut open = Open::of(dir, &change.digest)?;
    let before: R = existing(&open.sections, &change.id)?;
    if change.delete.iter().any(|name| name == "password") {
        open.passwords.0.remove(before.id());
    }
    open.passwords
        .0
        .extend(password.map(|password| (before.id().to_owned(), password)));
    let section = open.sections.get(before.id());
    let mut properties = section.map(|s| s.properties.clone()).unwrap_or_default();
    properties.remove("default");
    let after: R = typed(change.apply::<R>(properties))?;
    open.put(&after)?;
    open.close()?;
    Ok(after)
}

/// Removes a realm with its password. Its users stay; they cannot log in any more.
pub fn remove_realm<R: RealmEntry>(
    dir: &ConfigDir,
    realm: &Realm,
    digest: &Option<String>,
) -> Result<(), EditError> {
    let mut open = Open::of(dir, digest)?;
    existing::<R>(&open.sections, realm.as_str())?;
    open.sections.remove(realm.as_str());
    open.passwords.0.remove(realm.as_str());
    open.close()
}

/// One of the two realms that are always there, and the digest of the file.
pub fn find_built_in(
    dir: &ConfigDir,
    which: BuiltIn,
) -> Result<(Option<DomainItem>, Digest), EditError> {
    let (text, digest) = dir.read(FileSpec::DOMAINS)?;
    let mut domains = parse_domains(&text)?.0;
    domains.retain(|item| item.kind == which.name());
    Ok((domains.pop(), digest))
}

/// Changes one of them: its comment, and whether it is the default.
pub fn update_built_in(
    dir: &ConfigDir,
    which: BuiltIn,
    change: BuiltInChange,
) -> Result<(), EditError> {
    let mut open = Open::of(dir, &change.digest)?;
    let before = open.sections.get(which.name()).cloned();
    let mut properties = before.map(|section| section.properties).unwrap_or_default();
    properties.remove("default");
    if change.delete.iter().any(|name| name == "comment") {
        properties.remove("comment");
    }
    if let Some(comment) = &change.comment {
        match comment.trim() {
            "" => properties.remove("comment"),
            text => properties.insert("comment".to_owned(), Value::from(text)),
        };
    }
    if change.default == Some(true) {
        properties.insert("default".to_owned(), Value::from(true));
        open.make_default(which.name());
    }
    let section = Section {
        kind: which.name(),
        properties,
    };
    open.sections.set(which.name(), section);
    open.close()
}

/// What to change about it.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default)]
pub struct BuiltInChange {
    pub comment: Option<String>,
    pub default: Option<bool>,
    pub delete: Vec<String>,
    pub digest: Option<String>,
}
