//! Where notifications can go: what everybody may read of a target, and its secrets.

use api::schema::{Format, Kind, Param, ParamErrors, PropertySchema, Schema, ValueError};
use api::{kinds, pattern};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{COMMON, NAME, Notification, NotificationSecrets, SYNTAX, SecretChange};
use crate::dir::FileSpec;
use crate::entry::Entry;
use crate::secret::Secret;
use crate::section_config::SectionType;

/// Of former versions, without effect; kept where a file has it.
pub const FILTER: &[Param] = &[Param::optional("filter", kinds::TEXT).about("Not used any more.")];
/// Who gets mail.
pub const MAIL: &[Param] = &[
    Param::optional("mailto", Kind::Array(&kinds::PERSONAL)).about("Mail addresses."),
    Param::optional("mailto-user", Kind::Array(&kinds::PERSONAL))
        .about("Users whose mail addresses are asked for."),
    Param::optional("author", kinds::TEXT).about("Name of the sender."),
];
/// Who sends it, if that is not the server's own address.
pub const FROM: &[Param] =
    &[Param::optional("from-address", kinds::TEXT).about("Mail address of the sender.")];
/// Who sends it.
pub const NEW_FROM: &[Param] =
    &[Param::required("from-address", kinds::TEXT).about("Mail address of the sender.")];
/// The server of mail or of messages.
pub const SERVER: &[Param] =
    &[Param::optional("server", kinds::TEXT).about("The server to send to.")];
/// The same when it must be there.
pub const NEW_SERVER: &[Param] =
    &[Param::required("server", kinds::TEXT).about("The server to send to.")];
/// How a mail server is spoken to.
pub const SMTP: &[Param] = &[
    Param::optional("mode", Kind::Enum(&["insecure", "starttls", "tls"]))
        .or("tls")
        .about("How the connection is kept secret."),
    Param::optional(
        "port",
        Kind::Integer {
            min: 0,
            max: 65_535,
        },
    )
    .about("Port; by default 465 with tls, 587 with starttls, 25 else."),
    Param::optional("username", kinds::TEXT).about("User name at the server."),
];
/// Of a mail server.
pub const PASSWORD: &[Param] =
    &[Param::optional("password", kinds::TEXT).about("Password at the server.")];
/// Of a Gotify server.
pub const TOKEN: &[Param] =
    &[Param::optional("token", kinds::TEXT).about("Token of the application.")];
/// The same when it must be there.
pub const NEW_TOKEN: &[Param] =
    &[Param::required("token", kinds::TEXT).about("Token of the application.")];
const METHOD: Kind = Kind::Enum(&["post", "put", "get"]);
const URL: Kind = Kind::pattern(0, usize::MAX, pattern::http_url);
/// How a web server is asked.
pub const REQUEST: &[Param] = &[
    Param::optional("method", METHOD)
        .or("post")
        .about("HTTP method."),
    Param::optional("url", URL).about("Where to send the request; a template."),
];
/// The same when it must be there.
pub const NEW_REQUEST: &[Param] = &[
    Param::required("method", METHOD)
        .or("post")
        .about("HTTP method."),
    Param::required("url", URL).about("Where to send the request; a template."),
];
/// What is sent to a web server.
pub const CONTENT: &[Param] = &[
    Param::optional("header", Kind::Array(&NAMED_VALUES))
        .about("HTTP headers: name, and value in base64; templates."),
    Param::optional("body", kinds::TEXT).about("Body in base64; a template."),
];
/// What templates may name and nobody may read.
pub const SECRET: &[Param] = &[Param::optional("secret", Kind::Array(&NAMED_VALUES)).about(
    "Secrets for templates: name, and value in base64; without a value the known one stays.",
)];

const NAMED_VALUES: Kind = Kind::Text {
    min: 0,
    max: usize::MAX,
    format: Format::Property(&NAMED_VALUE),
};
const NAMED_VALUE: PropertySchema = PropertySchema {
    default_key: None,
    params: &[
        Param::required("name", kinds::TEXT),
        Param::optional("value", kinds::TEXT),
    ],
};

/// Mail through the machine's own `sendmail`.
pub const SENDMAIL: SectionType = SectionType {
    name: "sendmail",
    id_name: "name",
    id: NAME,
    schema: Schema(&[COMMON, FILTER, MAIL, FROM]),
};
/// Mail through a mail server.
pub const SMTP_TARGET: SectionType = SectionType {
    name: "smtp",
    id_name: "name",
    id: NAME,
    schema: Schema(&[COMMON, MAIL, NEW_FROM, NEW_SERVER, SMTP]),
};
/// Messages through a Gotify server.
pub const GOTIFY: SectionType = SectionType {
    name: "gotify",
    id_name: "name",
    id: NAME,
    schema: Schema(&[COMMON, FILTER, NEW_SERVER]),
};
/// A request to a web server.
pub const WEBHOOK: SectionType = SectionType {
    name: "webhook",
    id_name: "name",
    id: NAME,
    schema: Schema(&[COMMON, NEW_REQUEST, CONTENT]),
};
/// What the file of secrets has of a mail server.
pub const SMTP_SECRETS: SectionType = SectionType {
    schema: Schema(&[PASSWORD]),
    ..SMTP_TARGET
};
/// What it has of a Gotify server.
pub const GOTIFY_SECRETS: SectionType = SectionType {
    schema: Schema(&[NEW_TOKEN]),
    ..GOTIFY
};
/// What it has of a web server.
pub const WEBHOOK_SECRETS: SectionType = SectionType {
    schema: Schema(&[SECRET]),
    ..WEBHOOK
};

/// See `SENDMAIL`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Sendmail {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disable: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_address: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mailto: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mailto_user: Vec<String>,
    pub name: String,
}

/// See `SMTP_TARGET`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Smtp {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disable: Option<bool>,
    pub from_address: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mailto: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mailto_user: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<SmtpMode>,
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    pub server: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
}

/// How a connection to a mail server is kept secret.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SmtpMode {
    Insecure,
    Starttls,
    #[default]
    Tls,
}

/// See `GOTIFY`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Gotify {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disable: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    pub name: String,
    pub server: String,
}

/// See `WEBHOOK`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Webhook {
    /// In base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disable: Option<bool>,
    /// Property strings of [`NamedValue`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub header: Vec<String>,
    pub method: WebhookMethod,
    pub name: String,
    pub url: String,
}

/// The method of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WebhookMethod {
    Post,
    Put,
    Get,
}

/// `name=N,value=V`
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedValue {
    pub name: String,
    /// In base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Secret>,
}

impl NamedValue {
    /// From its text; `parameter` is what errors are told of.
    pub fn parse(parameter: &str, text: &str) -> Result<NamedValue, ParamErrors> {
        let named: NamedValue = NAMED_VALUE.decode(text)?;
        if let Some(value) = &named.value {
            check_base64(parameter, value.expose())?;
        }
        Ok(named)
    }

    /// As files have it.
    pub fn print(&self) -> String {
        let mut members = Map::new();
        members.insert("name".to_owned(), Value::from(self.name.as_str()));
        if let Some(value) = &self.value {
            members.insert("value".to_owned(), Value::from(value.expose()));
        }
        NAMED_VALUE.print(&members)
    }
}

fn check_base64(parameter: &str, text: &str) -> Result<(), ParamErrors> {
    STANDARD.decode(text).map(drop).map_err(|error| {
        ParamErrors::one(
            parameter,
            ValueError::Other(format!("value is not base64: {error}")),
        )
    })
}

macro_rules! entries {
    ($($type:ty, $section:expr, $noun:literal;)*) => {
        $(impl Entry for $type {
            const FILE: FileSpec = FileSpec::NOTIFICATIONS;
            const SYNTAX: crate::section_config::Syntax = SYNTAX;
            const SECTION: &'static SectionType = &$section;
            const NOUN: &'static str = $noun;
            fn id(&self) -> &str {
                &self.name
            }
        })*
    };
}

entries! {
    Sendmail, SENDMAIL, "sendmail target";
    Smtp, SMTP_TARGET, "smtp target";
    Gotify, GOTIFY, "gotify target";
    Webhook, WEBHOOK, "webhook target";
}

impl Notification for Sendmail {
    const SECRETS: Option<&'static SectionType> = None;

    fn checked(self) -> Result<Sendmail, ParamErrors> {
        if self.mailto.is_empty() && self.mailto_user.is_empty() {
            let nobody = "nobody would get mail; give 'mailto' or 'mailto-user'".to_owned();
            return Err(ParamErrors::one("mailto", ValueError::Other(nobody)));
        }
        Ok(self)
    }
}

impl Notification for Smtp {
    const SECRETS: Option<&'static SectionType> = Some(&SMTP_SECRETS);
}

impl Notification for Gotify {
    const SECRETS: Option<&'static SectionType> = Some(&GOTIFY_SECRETS);
}

impl Notification for Webhook {
    const SECRETS: Option<&'static SectionType> = Some(&WEBHOOK_SECRETS);

    fn checked(mut self) -> Result<Webhook, ParamErrors> {
        for header in &mut self.header {
            *header = NamedValue::parse("header", header)?.print();
        }
        if let Some(body) = &self.body {
            check_base64("body", body)?;
        }
        Ok(self)
    }
}

impl NotificationSecrets {
    /// The secrets after a change.
    pub fn changed(mut self, change: &SecretChange) -> Result<NotificationSecrets, ParamErrors> {
        for name in &change.delete {
            match name.as_str() {
                "password" => self.password = None,
                "secret" => self.secret.clear(),
                _ => {}
            }
        }
        self.password = change.password.clone().or(self.password);
        self.token = change.token.clone().or(self.token);
        if let Some(given) = &change.secret {
            self.secret = merged(&self.secret, given)?;
        }
        Ok(self)
    }

    /// The names of what templates may name, as property strings without values.
    pub fn names(&self) -> Result<Vec<String>, ParamErrors> {
        let name = |text: &Secret| {
            let mut named = NamedValue::parse("secret", text.expose())?;
            named.value = None;
            Ok(named.print())
        };
        self.secret.iter().map(name).collect()
    }
}

/// What is given is what there will be; one without value keeps the value that it had.
fn merged(known: &[Secret], given: &[Secret]) -> Result<Vec<Secret>, ParamErrors> {
    let refused = |reason: String| ParamErrors::one("secret", ValueError::Other(reason));
    let parse = |text: &Secret| NamedValue::parse("secret", text.expose());
    let known: Vec<NamedValue> = known.iter().map(parse).collect::<Result<_, _>>()?;
    let mut kept: Vec<NamedValue> = Vec::new();
    for text in given {
        let mut named = parse(text)?;
        if kept.iter().any(|other| other.name == named.name) {
            return Err(refused(format!("'{}' is given twice", named.name)));
        }
        if named.value.is_none() {
            let before = known.iter().find(|before| before.name == named.name);
            named.value = before.and_then(|before| before.value.clone());
        }
        if named.value.is_none() {
            return Err(refused(format!("'{}' has no value yet", named.name)));
        }
        kept.push(named);
    }
    Ok(kept
        .iter()
        .map(|named| Secret::new(named.print()))
        .collect())
}
