//! `notifications.cfg` and `notifications-priv.cfg`: who is told of what (server.md 1.11, 7.2). A target has a section in both: what anybody
//! with the right may read, and its secrets. One lock guards both files.
//!
//! Two entries are always there, written or not: mail to root, and the matcher that sends everything there.

mod matcher;
mod targets;

use api::kinds;
use api::pattern;
use api::schema::{Kind, Param, ParamErrors};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use matcher::{CONDITIONS, MatchMode, Matcher, ROUTING, SEVERITIES};
pub use targets::{
    CONTENT, FILTER, FROM, Gotify, MAIL, NEW_FROM, NEW_REQUEST, NEW_SERVER, NEW_TOKEN, NamedValue,
    PASSWORD, REQUEST, SECRET, SERVER, SMTP, Sendmail, Smtp, SmtpMode, TOKEN, Webhook,
    WebhookMethod,
};

use crate::entry::Entry;
use crate::error::ConfigError;
use crate::secret::Secret;
use crate::section_config::{Section, SectionType, Sections, Syntax};

/// The name of a target or a matcher.
pub const NAME: Kind = Kind::pattern(2, 32, pattern::safe_id);
/// What all of them may have.
pub const COMMON: &[Param] = &[
    Param::optional("comment", kinds::COMMENT).about("Comment."),
    Param::optional("disable", Kind::Boolean).about("Out of use."),
];

const SYNTAX: Syntax = Syntax {
    file: "notifications.cfg",
    types: &[
        targets::SENDMAIL,
        targets::SMTP_TARGET,
        targets::GOTIFY,
        targets::WEBHOOK,
        matcher::MATCHER,
    ],
};
const SECRETS_SYNTAX: Syntax = Syntax {
    file: "notifications-priv.cfg",
    types: &[
        targets::SMTP_SECRETS,
        targets::GOTIFY_SECRETS,
        targets::WEBHOOK_SECRETS,
    ],
};

/// Everything but successful prune jobs goes to root's mail address.
const BUILT_IN: &str = "\
sendmail: mail-to-root
	mailto-user root@pam

matcher: default-matcher
	invert-match true
	match-field exact:type=prune
	match-severity info
	mode all
	target mail-to-root
";

/// An entry of the public file.
pub trait Notification: Entry {
    /// Its section in the file of secrets.
    const SECRETS: Option<&'static SectionType>;

    /// What must hold beyond its schema; texts get their usual form.
    fn checked(self) -> Result<Self, ParamErrors> {
        Ok(self)
    }

    /// The targets that it names.
    fn targets(&self) -> &[String] {
        &[]
    }
}

/// Where an entry comes from. Never written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    UserCreated,
    Builtin,
    ModifiedBuiltin,
}

impl Origin {
    /// Its words.
    pub const NAMES: &'static [&'static str] = &["user-created", "builtin", "modified-builtin"];
}

/// A target of any type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disable: Option<bool>,
    pub name: String,
    pub origin: Origin,
    #[serde(rename = "type")]
    pub kind: String,
}

/// The public file.
#[derive(Clone, Debug, PartialEq)]
pub struct Notifications(Sections);

impl Notifications {
    /// Reads it; the entries that are always there are added if it does not have them.
    pub fn parse(text: &str) -> Result<Notifications, ConfigError> {
        let mut notifications = Notifications(SYNTAX.parse(text)?);
        notifications.complete()?;
        Ok(notifications)
    }

    fn complete(&mut self) -> Result<(), ConfigError> {
        for (name, section) in SYNTAX.parse(BUILT_IN)?.iter() {
            if !self.0.contains(name) {
                self.0.set(name, section.clone());
            }
        }
        Ok(())
    }

    /// Writes it.
    pub fn print(&self) -> Result<String, ConfigError> {
        SYNTAX.print(&self.0)
    }

    /// True if the name is in use, by any type.
    pub fn contains(&self, name: &str) -> bool {
        self.0.contains(name)
    }

    /// True if something of this name is always there.
    pub fn is_built_in(name: &str) -> Result<bool, ConfigError> {
        Ok(SYNTAX.parse(BUILT_IN)?.contains(name))
    }

    /// Where an entry comes from.
    pub fn origin(&self, name: &str) -> Result<Origin, ConfigError> {
        let built_in = SYNTAX.parse(BUILT_IN)?;
        let Some(original) = built_in.get(name) else {
            return Ok(Origin::UserCreated);
        };
        let is_original = self.0.get(name).is_some_and(|found| same(found, original));
        Ok(if is_original {
            Origin::Builtin
        } else {
            Origin::ModifiedBuiltin
        })
    }

    /// All entries of this type.
    pub fn all<E: Notification>(&self) -> Result<Vec<E>, ConfigError> {
        self.0
            .of_kind(E::SECTION.name)
            .map(|(name, section)| SYNTAX.typed(name, section))
            .collect()
    }

    /// The entry of this type and name.
    pub fn get<E: Notification>(&self, name: &str) -> Result<Option<E>, ConfigError> {
        let section = self.0.get(name);
        section
            .filter(|section| section.kind == E::SECTION.name)
            .map(|section| SYNTAX.typed(name, section))
            .transpose()
    }

    /// All targets.
    pub fn targets(&self) -> Result<Vec<Target>, ConfigError> {
        let targets = self.0.iter();
        let targets = targets.filter(|(_, section)| section.kind != matcher::MATCHER.name);
        targets
            .map(|(name, section)| self.target(name, section))
            .collect()
    }

    fn target(&self, name: &str, section: &Section) -> Result<Target, ConfigError> {
        let text = section.properties.get("comment").and_then(Value::as_str);
        Ok(Target {
            comment: text.map(str::to_owned),
            disable: section.properties.get("disable").and_then(Value::as_bool),
            name: name.to_owned(),
            origin: self.origin(name)?,
            kind: section.kind.to_owned(),
        })
    }

    /// True if there is a target of this name.
    pub fn has_target(&self, name: &str) -> bool {
        let section = self.0.get(name);
        section.is_some_and(|section| section.kind != matcher::MATCHER.name)
    }

    /// The matchers that name a target.
    pub fn used_by(&self, target: &str) -> Result<Vec<String>, ConfigError> {
        let mut users = self.all::<Matcher>()?;
        users.retain(|matcher| matcher.target.iter().any(|name| name == target));
        Ok(users.into_iter().map(|matcher| matcher.name).collect())
    }

    /// Sets an entry; a new one comes last.
    pub fn set<E: Notification>(&mut self, entry: &E) -> Result<(), ConfigError> {
        let (name, section) = SYNTAX.section(E::SECTION, entry)?;
        self.0.set(&name, section);
        Ok(())
    }

    /// Removes an entry; one that is always there is again what it was.
    pub fn remove(&mut self, name: &str) -> Result<(), ConfigError> {
        self.0.remove(name);
        self.complete()
    }
}

/// Whether two sections say the same, the mode being `all` where it is not told.
fn same(found: &Section, original: &Section) -> bool {
    let mut properties = found.properties.clone();
    if original.properties.contains_key("mode") {
        properties
            .entry("mode")
            .or_insert_with(|| Value::from("all"));
    }
    found.kind == original.kind && properties == original.properties
}

/// The secrets of a target; of each type it has some.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotificationSecrets {
    /// Of a mail server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Secret>,
    /// Of templates: property strings of [`NamedValue`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secret: Vec<Secret>,
    /// Of a Gotify server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Secret>,
    pub name: String,
}

/// What a request says about secrets.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct SecretChange {
    pub password: Option<Secret>,
    pub token: Option<Secret>,
    pub secret: Option<Vec<Secret>>,
    /// Names of members to remove first.
    #[serde(default)]
    pub delete: Vec<String>,
}

impl SecretChange {
    /// True if it changes something.
    pub fn is_some(&self) -> bool {
        let deletes = |name: &String| matches!(name.as_str(), "password" | "secret");
        self.password.is_some()
            || self.token.is_some()
            || self.secret.is_some()
            || self.delete.iter().any(deletes)
    }
}

/// The file of secrets.
#[derive(Clone, PartialEq)]
pub struct AllSecrets(Sections);

impl AllSecrets {
    /// Reads it.
    pub fn parse(text: &str) -> Result<AllSecrets, ConfigError> {
        Ok(AllSecrets(SECRETS_SYNTAX.parse(text)?))
    }

    /// Writes it.
    pub fn print(&self) -> Result<String, ConfigError> {
        SECRETS_SYNTAX.print(&self.0)
    }

    /// The secrets of a target of this type; none at all if the file has none.
    pub fn get<E: Notification>(&self, name: &str) -> Result<NotificationSecrets, ConfigError> {
        let section = self.0.get(name);
        match section.filter(|section| E::SECTION.name == section.kind) {
            Some(section) => SECRETS_SYNTAX.typed(name, section),
            None => Ok(NotificationSecrets {
                password: None,
                secret: Vec::new(),
                token: None,
                name: name.to_owned(),
            }),
        }
    }

    /// Sets the secrets of a target.
    pub fn set(
        &mut self,
        section: &'static SectionType,
        secrets: &NotificationSecrets,
    ) -> Result<(), ConfigError> {
        let (name, section) = SECRETS_SYNTAX.section(section, secrets)?;
        self.0.set(&name, section);
        Ok(())
    }

    /// Removes the secrets of a target; false if there were none.
    pub fn remove(&mut self, name: &str) -> bool {
        self.0.remove(name).is_some()
    }
}
