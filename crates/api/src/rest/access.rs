//! `/access`: login, users, API tokens, access control list, roles, realms (protocol.md 2.1 and 6.1).

mod listing;
pub mod realm;
pub mod returns;
mod tfa;

use std::collections::BTreeMap;

use format::{AuthId, Realm, Tokenname, Userid};
use serde::{Deserialize, Serialize};

pub use listing::{acl_items, permissions};
pub use realm::{OPENID_AUTH_URL, OPENID_LOGIN, OpenidAuthUrl, OpenidLogin, REALM_SYNC, RealmSync};
pub use tfa::{
    TFA_ADD, TFA_DELETE, TFA_DESCRIPTION, TFA_ENTRY, TFA_TYPES, TFA_UPDATE, TFA_USER, TfaAdd,
    TfaAdded, TfaChallenge, TfaChange, TfaItem, TfaType, TfaUserItem, WEBAUTHN_UPDATE,
};

use crate::kinds;
use crate::role::Role;
use crate::schema::{Kind, Param, Schema};

/// `POST /access/ticket`
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct TicketRequest {
    /// Who logs in; checked against the schema, so that a wrong one is a parameter error.
    pub username: String,
    /// Password, ticket to renew, or answer to a second factor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// With `privs` and `port`: check of a terminal ticket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// See `path`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub privs: Option<String>,
    /// See `path`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// The partial ticket of the first step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tfa_challenge: Option<String>,
    /// Put the ticket into a cookie that scripts cannot read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_only: Option<bool>,
}

/// Parameters of [`TicketRequest`].
pub const TICKET: Schema = Schema(&[&[
    Param::required("username", kinds::USERID),
    // Also a ticket, or the answer of a second factor.
    Param::optional("password", kinds::TEXT),
    Param::optional("path", kinds::TEXT),
    Param::optional("privs", kinds::TEXT),
    Param::optional("port", Kind::Integer { min: 0, max: 65535 }),
    Param::optional("tfa-challenge", kinds::TEXT),
    Param::optional("http-only", Kind::Boolean).or("false"),
]]);

/// Answer to a login. `ticket` is missing in the HttpOnly flow, which has `ticket_info` instead.
#[derive(Clone, Serialize, Deserialize)]
pub struct TicketReply {
    /// Token against cross-site requests; missing after the check of a terminal ticket.
    #[serde(
        rename = "CSRFPreventionToken",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub csrf_token: Option<String>,
    /// The ticket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<String>,
    /// User and time of the ticket in the cookie.
    #[serde(
        rename = "ticket-info",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub ticket_info: Option<String>,
    /// Who logged in.
    pub username: String,
}

/// `POST /access/vncticket`: whether a ticket opens a terminal.
#[derive(Clone, Serialize, Deserialize)]
pub struct VncTicket {
    /// To whom.
    pub authid: AuthId,
    /// The ticket.
    pub vncticket: String,
    /// Where the privileges must be held.
    pub path: String,
    /// Names of privileges.
    pub privs: String,
    /// The terminal's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
}

/// Parameters of [`VncTicket`].
pub const VNC_TICKET: Schema = Schema(&[&[
    Param::required("authid", kinds::AUTH_ID),
    Param::required("vncticket", kinds::TEXT),
    Param::required("path", kinds::TEXT),
    Param::required("privs", kinds::TEXT),
    Param::optional("port", Kind::Integer { min: 0, max: 65535 }),
]]);

/// An API token as lists show it; the members `comment`, `enable`, `expire` are as in its section of `user.cfg`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct TokenItem {
    /// One line about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// Default true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable: Option<bool>,
    /// Seconds since the epoch, 0 or missing is never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expire: Option<i64>,
    /// The name without the user; only in the list of a user's tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_name: Option<Tokenname>,
    /// `user@realm!name`
    pub tokenid: AuthId,
}

/// A user as lists show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserItem {
    /// One line about him.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// Mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Default true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable: Option<bool>,
    /// Seconds since the epoch, 0 or missing is never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expire: Option<i64>,
    /// First name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub firstname: Option<String>,
    /// Last name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lastname: Option<String>,
    /// Only when asked for, and only if there are any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tokens: Vec<TokenItem>,
    /// Until when no second factor is accepted; seconds since the epoch.
    #[serde(
        rename = "tfa-locked-until",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub tfa_locked_until: Option<i64>,
    /// No TOTP code is accepted any more.
    #[serde(
        rename = "totp-locked",
        default,
        skip_serializing_if = "std::ops::Not::not"
    )]
    pub totp_locked: bool,
    /// Who.
    pub userid: Userid,
}

/// Properties of a user that a request may set.
pub const USER_PROPERTIES: &[Param] = &[
    Param::optional("comment", kinds::COMMENT).about("Comment."),
    Param::optional("enable", Kind::Boolean)
        .or("true")
        .about("Enable the account (default). Set it to '0' to disable the account."),
    Param::optional("expire", kinds::EXPIRE)
        .or("0")
        .about("Account expiration date (seconds since epoch). '0' means no expiration date."),
    Param::optional("firstname", kinds::PERSONAL).about("First name."),
    Param::optional("lastname", kinds::PERSONAL).about("Last name."),
    Param::optional("email", kinds::PERSONAL).about("E-Mail Address."),
];

/// The values of [`USER_PROPERTIES`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserProperties {
    /// One line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// Default true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable: Option<bool>,
    /// 0 is never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expire: Option<i64>,
    /// First name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub firstname: Option<String>,
    /// Last name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lastname: Option<String>,
    /// Mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
}

/// `GET /access/users`
pub const USERS_LIST: Schema =
    Schema(&[&[Param::optional("include_tokens", Kind::Boolean).or("false")]]);

/// `POST /access/users`
#[derive(Clone, Serialize, Deserialize)]
pub struct UserCreate {
    /// Who.
    pub userid: Userid,
    /// For realms that keep passwords here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// The rest.
    #[serde(flatten)]
    pub properties: UserProperties,
}

/// Parameters of [`UserCreate`].
pub const USER_CREATE: Schema = Schema(&[
    &[
        Param::required("userid", kinds::USERID).about("User ID"),
        Param::optional("password", kinds::NEW_PASSWORD).about("User Password."),
    ],
    USER_PROPERTIES,
]);

/// `PUT /access/users/{userid}`
#[derive(Clone, Serialize, Deserialize)]
pub struct UserUpdate {
    /// Who.
    pub userid: Userid,
    /// Accepted and ignored, as since 3.3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// What to set.
    #[serde(flatten)]
    pub properties: UserProperties,
    /// What to unset, before setting.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub delete: Vec<String>,
    /// Expected digest of the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}

/// Parameters of [`UserUpdate`].
pub const USER_UPDATE: Schema = Schema(&[
    &[
        Param::required("userid", kinds::USERID).about("User ID"),
        Param::optional("password", kinds::PASSWORD).about("This parameter is ignored, please use 'PUT /access/password' to change a user's password"),
        Param::optional("delete", Kind::Array(&Kind::Enum(&["comment", "firstname", "lastname", "email"]))).about("List of properties to delete."),
        Param::optional("digest", kinds::DIGEST).about("Prevent changes if current configuration file has different SHA256 digest."),
    ],
    USER_PROPERTIES,
]);

const IN_USER: &[Param] = &[Param::required("userid", kinds::USERID)];
const IN_TOKEN: &[Param] = &[
    Param::required("userid", kinds::USERID),
    Param::required("token-name", kinds::TOKEN_NAME),
];
const IF_UNCHANGED: &[Param] = &[Param::optional("digest", kinds::DIGEST)];

/// `GET /access/users/{userid}` and the list of tokens.
pub const USER: Schema = Schema(&[IN_USER]);
/// `DELETE /access/users/{userid}`
pub const USER_DELETE: Schema = Schema(&[IN_USER, IF_UNCHANGED]);

/// `GET .../token/{token-name}`
pub const TOKEN: Schema = Schema(&[IN_TOKEN]);
/// `DELETE .../token/{token-name}`
pub const TOKEN_DELETE: Schema = Schema(&[IN_TOKEN, IF_UNCHANGED]);

/// `POST .../token/{token-name}` and, with `regenerate` and `delete`, `PUT`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct TokenChange {
    /// Whose.
    pub userid: Userid,
    /// Which.
    pub token_name: Tokenname,
    /// One line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// Default true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable: Option<bool>,
    /// 0 is never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expire: Option<i64>,
    /// Make a new secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regenerate: Option<bool>,
    /// What to unset.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub delete: Vec<String>,
    /// Expected digest of the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}

const TOKEN_PROPERTIES: &[Param] = &[
    Param::required("userid", kinds::USERID).about("User ID"),
    Param::required("token-name", kinds::TOKEN_NAME)
        .about("The token ID part of an API token authentication id."),
    Param::optional("comment", kinds::COMMENT).about("Comment."),
    Param::optional("enable", Kind::Boolean)
        .or("true")
        .about("Enable the account (default). Set it to '0' to disable the account."),
    Param::optional("expire", kinds::EXPIRE)
        .or("0")
        .about("Account expiration date (seconds since epoch). '0' means no expiration date."),
    Param::optional("digest", kinds::DIGEST)
        .about("Prevent changes if current configuration file has different SHA256 digest."),
];

/// Parameters of `POST`.
pub const TOKEN_CREATE: Schema = Schema(&[TOKEN_PROPERTIES]);
/// Parameters of `PUT`.
pub const TOKEN_UPDATE: Schema = Schema(&[
    TOKEN_PROPERTIES,
    &[
        Param::optional("regenerate", Kind::Boolean).or("false"),
        Param::optional("delete", Kind::Array(&Kind::Enum(&["comment"]))),
    ],
]);

/// Answer to the creation of a token: the only time its secret is shown.
#[derive(Clone, Serialize, Deserialize)]
pub struct TokenCreated {
    /// `user@realm!name`
    pub tokenid: AuthId,
    /// The secret.
    pub value: String,
}

/// Answer to `regenerate`.
#[derive(Clone, Serialize, Deserialize)]
pub struct TokenSecret {
    /// The new secret.
    pub secret: String,
}

/// `PUT /access/password`
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct PasswordChange {
    /// Whose.
    pub userid: Userid,
    /// The new one.
    pub password: String,
    /// The caller's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmation_password: Option<String>,
}

/// Parameters of [`PasswordChange`].
pub const PASSWORD: Schema = Schema(&[&[
    Param::required("userid", kinds::USERID),
    Param::required("password", kinds::NEW_PASSWORD),
    Param::optional("confirmation-password", kinds::PASSWORD),
]]);

/// User or group, in the list of access control entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UgidType {
    /// A user or an API token.
    User,
    /// A group.
    Group,
}

/// One access control entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AclItem {
    /// Where.
    pub path: String,
    /// Also below.
    pub propagate: bool,
    /// What.
    pub roleid: Role,
    /// Who.
    pub ugid: String,
    /// What `ugid` is.
    pub ugid_type: UgidType,
}

/// `GET /access/acl`
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct AclList {
    /// Only this path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Not what lies below.
    #[serde(default)]
    pub exact: bool,
}

/// Parameters of [`AclList`].
pub const ACL_LIST: Schema = Schema(&[&[
    Param::optional("path", kinds::ACL_PATH),
    Param::optional("exact", Kind::Boolean).or("false"),
]]);

/// `PUT /access/acl`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct AclUpdate {
    /// Where.
    pub path: String,
    /// What.
    pub role: Role,
    /// Who.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_id: Option<AuthId>,
    /// Always refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Default true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub propagate: Option<bool>,
    /// Remove instead of add.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delete: Option<bool>,
    /// Expected digest of the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}

/// Parameters of [`AclUpdate`].
pub const ACL_UPDATE: Schema = Schema(&[&[
    Param::required("path", kinds::ACL_PATH).about("Access control path."),
    Param::required("role", kinds::ROLE)
        .about("Enum representing roles via their [PRIVILEGES] combination."),
    Param::optional("auth-id", kinds::AUTH_ID).about("Authentication ID"),
    Param::optional("group", kinds::GROUP_ID).about("Group ID"),
    Param::optional("propagate", Kind::Boolean)
        .or("true")
        .about("Allow to propagate (inherit) permissions."),
    Param::optional("delete", Kind::Boolean).about("Remove permissions (instead of adding it)."),
    Param::optional("digest", kinds::DIGEST)
        .about("Prevent changes if current configuration file has different SHA256 digest."),
]]);

/// One role with its privileges.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleItem {
    /// One line about it.
    pub comment: String,
    /// Names of the privileges in bit order.
    pub privs: Vec<String>,
    /// Which.
    pub roleid: Role,
}

impl RoleItem {
    /// All roles.
    pub fn all() -> Vec<RoleItem> {
        let item = |role: &Role| RoleItem {
            comment: role.comment().to_owned(),
            privs: role
                .privileges()
                .iter()
                .map(|privilege| privilege.name().to_owned())
                .collect(),
            roleid: *role,
        };
        Role::ALL.iter().map(item).collect()
    }
}

/// One realm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainItem {
    /// One line about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// Preselected in the browser.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<bool>,
    /// Which.
    pub realm: Realm,
    /// `pam`, `pbs`, `ldap`, `ad` or `openid`.
    #[serde(rename = "type")]
    pub kind: String,
}

/// `GET /access/permissions`: path to privilege to "propagates".
pub type Permissions = BTreeMap<String, BTreeMap<String, bool>>;

/// Parameters of `GET /access/permissions`.
pub const PERMISSIONS: Schema = Schema(&[&[
    Param::optional("auth-id", kinds::AUTH_ID).about("Authentication ID"),
    Param::optional("path", kinds::ACL_PATH).about("Access control path."),
]]);

/// `GET /access/permissions`
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct PermissionsQuery {
    /// Whose; default the caller's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_id: Option<AuthId>,
    /// Only this path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}
