//! What the routes of `/access` give back.

use crate::kinds;
use crate::schema::{Field, Kind, Param, Returns};

use super::USER_PROPERTIES;
use super::tfa::TFA_TYPES;

const COMMENT: Field = Field::optional("comment", Returns::Value(kinds::COMMENT));
const USERID: Field = Field::new("userid", Returns::Value(kinds::USERID));
const TOKENID: Field = Field::new("tokenid", Returns::Value(kinds::AUTH_ID));
const TOKEN_PROPERTIES: &[&[Param]] = &[&[
    Param::optional("comment", kinds::COMMENT),
    Param::optional("enable", Kind::Boolean),
    Param::optional("expire", kinds::EXPIRE),
]];

/// `POST ticket`
pub const TICKET: Returns = Returns::object(&[
    Field::optional("CSRFPreventionToken", Returns::TEXT),
    Field::optional("ticket", Returns::TEXT),
    Field::optional("ticket-info", Returns::TEXT),
    Field::new("username", Returns::Value(kinds::USERID)),
]);
/// `POST openid/login`
pub const OPENID_LOGIN: Returns = Returns::object(&[
    Field::new("CSRFPreventionToken", Returns::TEXT),
    Field::optional("ticket", Returns::TEXT),
    Field::optional("ticket-info", Returns::TEXT),
    Field::new("username", Returns::TEXT),
]);
/// `GET permissions`: path to privilege to "also below".
pub const PERMISSIONS: Returns = Returns::Map(&Returns::Map(&Returns::BOOLEAN));
/// `GET roles`
pub const ROLES: Returns = Returns::List(&Returns::object(&[
    COMMENT,
    Field::new("privs", Returns::List(&Returns::TEXT)),
    Field::new("roleid", Returns::Value(kinds::ROLE)),
]));
/// `GET domains`
pub const REALMS: Returns = Returns::List(&DOMAIN_ITEM);
/// `GET acl`
pub const ACL: Returns = Returns::List(&Returns::object(&[
    Field::new("path", Returns::Value(kinds::ACL_PATH)),
    Field::new("propagate", Returns::BOOLEAN),
    Field::new("roleid", Returns::Value(kinds::ROLE)),
    Field::new("ugid", Returns::TEXT),
    Field::new("ugid_type", Returns::Value(Kind::Enum(&["user", "group"]))),
]));
/// `GET users`
pub const USERS: Returns = Returns::List(&Returns::item(
    &[USER_PROPERTIES],
    &[
        Field::optional("tfa-locked-until", Returns::INTEGER),
        Field::optional("tokens", Returns::List(&TOKEN)),
        Field::optional("totp-locked", Returns::BOOLEAN),
        USERID,
    ],
));
/// `GET users/{userid}`
pub const USER: Returns = Returns::item(&[USER_PROPERTIES], &[USERID]);
/// `GET users/{userid}/token`
pub const TOKENS: Returns = Returns::List(&Returns::item(
    TOKEN_PROPERTIES,
    &[
        Field::new("token-name", Returns::Value(kinds::TOKEN_NAME)),
        TOKENID,
    ],
));
/// `GET users/{userid}/token/{token-name}`
pub const TOKEN: Returns = Returns::item(TOKEN_PROPERTIES, &[TOKENID]);
/// `POST users/{userid}/token/{token-name}`
pub const TOKEN_CREATED: Returns = Returns::object(&[TOKENID, Field::new("value", Returns::TEXT)]);
/// `PUT users/{userid}/token/{token-name}`: nothing unless a new secret was asked for.
pub const TOKEN_CHANGED: Returns = Returns::Nullable(&Returns::object(&[Field::optional(
    "secret",
    Returns::TEXT,
)]));
/// `GET /config/access/pam` and `pbs`
pub const DOMAIN_ITEM: Returns = Returns::object(&[
    Field::optional("comment", Returns::Value(kinds::COMMENT)),
    Field::optional("default", Returns::BOOLEAN),
    Field::new("realm", Returns::Value(kinds::REALM)),
    Field::new(
        "type",
        Returns::Value(Kind::Enum(&["pam", "pbs", "openid", "ldap", "ad"])),
    ),
]);
/// `GET /access/tfa/{userid}/{id}`
pub const TFA_ITEM: Returns = Returns::object(&[
    Field::new("created", Returns::INTEGER),
    Field::new("description", Returns::TEXT),
    Field::new("enable", Returns::BOOLEAN),
    Field::new("id", Returns::TEXT),
    Field::new("type", Returns::Value(Kind::Enum(TFA_TYPES))),
]);
/// `GET /access/tfa/{userid}`
pub const TFA_ITEMS: Returns = Returns::List(&TFA_ITEM);
/// `GET /access/tfa`
pub const TFA_USERS: Returns = Returns::List(&Returns::object(&[
    Field::new("entries", TFA_ITEMS),
    Field::optional("tfa-locked-until", Returns::INTEGER),
    Field::new("totp-locked", Returns::BOOLEAN),
    Field::new("userid", Returns::Value(kinds::USERID)),
]));
/// `POST /access/tfa/{userid}`
pub const TFA_MADE: Returns = Returns::object(&[
    Field::optional("id", Returns::Nullable(&Returns::TEXT)),
    Field::optional("challenge", Returns::TEXT),
    Field::optional("recovery", Returns::List(&Returns::TEXT)),
]);
/// `GET /config/access/tfa/webauthn`
pub const WEBAUTHN_ITEM: Returns = Returns::Nullable(&Returns::object(&[
    Field::optional("allow-subdomains", Returns::BOOLEAN),
    Field::new("id", Returns::TEXT),
    Field::optional("origin", Returns::TEXT),
    Field::new("rp", Returns::TEXT),
]));
