//! `/access/tfa`: second factors (protocol.md 2.7, server.md 8.2).

use format::Userid;
use serde::{Deserialize, Serialize};

use crate::kinds;
use crate::schema::{Kind, Param, Schema};

/// The names of the kinds, as they travel.
pub const TFA_TYPES: &[&str] = &["totp", "u2f", "webauthn", "recovery", "yubico"];

/// A kind of second factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TfaType {
    /// Codes that change with time.
    Totp,
    /// Security keys of the old kind.
    U2f,
    /// Security keys.
    Webauthn,
    /// Ten codes that count once each.
    Recovery,
    /// One-time passwords of a YubiKey.
    Yubico,
}

impl TfaType {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            TfaType::Totp => "totp",
            TfaType::U2f => "u2f",
            TfaType::Webauthn => "webauthn",
            TfaType::Recovery => "recovery",
            TfaType::Yubico => "yubico",
        }
    }
}

/// One second factor as lists show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TfaItem {
    /// Seconds since the epoch.
    pub created: i64,
    /// What its owner calls it; empty for recovery codes.
    #[serde(default)]
    pub description: String,
    /// Default true.
    #[serde(default = "yes")]
    pub enable: bool,
    /// A UUID, or `recovery`.
    pub id: String,
    /// Its kind.
    #[serde(rename = "type")]
    pub kind: TfaType,
}

fn yes() -> bool {
    true
}

/// A user with second factors.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct TfaUserItem {
    /// All of them.
    pub entries: Vec<TfaItem>,
    /// Until when none is accepted; seconds since the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tfa_locked_until: Option<i64>,
    /// No TOTP code is accepted any more.
    #[serde(default)]
    pub totp_locked: bool,
    /// Whose.
    pub userid: Userid,
}

/// What a login asks for after the password; it stands in the ticket of the first step. Kinds that a server cannot check are not in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TfaChallenge {
    /// Only ever true.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub totp: bool,
    /// Numbers of the unused codes, if there are codes at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery: Option<Vec<usize>>,
    /// Of the original's server; kept so that a client can tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub u2f: Option<serde_json::Value>,
    /// As `u2f`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webauthn: Option<serde_json::Value>,
    /// As `u2f`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub yubico: bool,
}

const USER: &[Param] = &[Param::required("userid", kinds::USERID).about("User ID")];
const ENTRY: &[Param] = &[Param::required("id", kinds::TEXT).about("The second factor's id.")];
const OWN_PASSWORD: &[Param] = &[Param::optional("password", kinds::PASSWORD)
    .about("The caller's own password; root@pam needs none.")];
const DESCRIPTION: &[Param] = &[Param::optional("description", TFA_DESCRIPTION)
    .about("What to call it, to tell it from others.")];

/// What a second factor is called.
pub const TFA_DESCRIPTION: Kind = Kind::Text {
    min: 0,
    max: 255,
    format: crate::schema::Format::Any,
};

/// `GET /access/tfa/{userid}`
pub const TFA_USER: Schema = Schema(&[USER]);
/// `GET /access/tfa/{userid}/{id}`
pub const TFA_ENTRY: Schema = Schema(&[USER, ENTRY]);
/// `DELETE /access/tfa/{userid}/{id}`
pub const TFA_DELETE: Schema = Schema(&[USER, ENTRY, OWN_PASSWORD]);
/// `PUT /access/tfa/{userid}/{id}`
pub const TFA_UPDATE: Schema = Schema(&[
    USER,
    ENTRY,
    DESCRIPTION,
    &[Param::optional("enable", Kind::Boolean).about("Whether it counts at logins.")],
    OWN_PASSWORD,
]);
/// `POST /access/tfa/{userid}`
pub const TFA_ADD: Schema = Schema(&[
    USER,
    &[
        Param::required("type", Kind::Enum(TFA_TYPES)).about("Kind of second factor."),
        Param::optional("totp", kinds::TEXT).about("The otpauth URI of a TOTP secret."),
        Param::optional("value", kinds::TEXT)
            .about("A current code of the new secret, or the answer of a security key."),
        Param::optional("challenge", kinds::TEXT)
            .about("The challenge that a security key has answered."),
    ],
    DESCRIPTION,
    OWN_PASSWORD,
]);

/// `POST /access/tfa/{userid}`
#[derive(Clone, Serialize, Deserialize)]
pub struct TfaAdd {
    /// Whose.
    pub userid: Userid,
    /// Its kind.
    #[serde(rename = "type")]
    pub kind: TfaType,
    /// What to call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The URI with the secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub totp: Option<String>,
    /// A current code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Of security keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub challenge: Option<String>,
    /// The caller's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
}

/// Answer to it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TfaAdded {
    /// `null` after the first step of a security key.
    pub id: Option<String>,
    /// What a security key is to answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub challenge: Option<String>,
    /// Recovery codes, shown once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recovery: Vec<String>,
}

/// `PUT` and `DELETE /access/tfa/{userid}/{id}`
#[derive(Clone, Serialize, Deserialize)]
pub struct TfaChange {
    /// Whose.
    pub userid: Userid,
    /// Which.
    pub id: String,
    /// What to call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Whether it counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable: Option<bool>,
    /// The caller's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
}

/// Relying party of security keys: `PUT /config/access/tfa/webauthn`
pub const WEBAUTHN_UPDATE: Schema = Schema(&[&[
    Param::optional("rp", kinds::TEXT).about("Name of this server as security keys show it."),
    Param::optional("id", kinds::TEXT)
        .about("Domain of this server; changing it breaks what is registered."),
    Param::optional("origin", kinds::TEXT)
        .about("Address of the web interface, with its protocol."),
    Param::optional("allow-subdomains", Kind::Boolean)
        .about("Whether the address may be a subdomain of the domain."),
    Param::optional(
        "delete",
        Kind::Array(&Kind::Enum(&["origin", "allow-subdomains"])),
    )
    .about("List of properties to delete."),
    Param::optional("digest", kinds::DIGEST)
        .about("Prevent changes if current configuration file has different SHA256 digest."),
]]);
