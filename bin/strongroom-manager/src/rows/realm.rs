//! Realms: `ldap`, `ad`, `openid` (cli.md 5.7).

use crate::row::{Col, Row};

const LDAP: &str = "config/access/ldap/{realm}";
const AD: &str = "config/access/ad/{realm}";
const OPENID: &str = "config/access/openid/{realm}";
const SYNC: &str = "access/domains/{realm}/sync";
const SERVERS: &[Col] = &[
    Col::text("realm"),
    Col::text("server1"),
    Col::text("comment"),
];

#[rustfmt::skip]
pub const ROWS: &[Row] = &[
    Row::get("ldap list", "config/access/ldap").list(SERVERS).about("List configured LDAP realms"),
    Row::get("ldap show", LDAP).takes(&["realm"]).object(&["realm"]).about("Show LDAP realm configuration"),
    Row::post("ldap create", "config/access/ldap").takes(&["realm"]).about("Create a new LDAP realm"),
    Row::put("ldap update", LDAP).takes(&["realm"]).about("Update an LDAP realm configuration"),
    Row::delete("ldap delete", LDAP).takes(&["realm"]).about("Remove an LDAP realm configuration"),
    Row::post("ldap sync", SYNC).takes(&["realm"]).at_server().task().plain().about("Sync a given LDAP realm"),

    Row::get("ad list", "config/access/ad").list(SERVERS).about("List configured AD realms"),
    Row::get("ad show", AD).takes(&["realm"]).object(&["realm"]).about("Show AD realm configuration"),
    Row::post("ad create", "config/access/ad").takes(&["realm"]).about("Create a new AD realm"),
    Row::put("ad update", AD).takes(&["realm"]).about("Update an AD realm configuration"),
    Row::delete("ad delete", AD).takes(&["realm"]).about("Remove an AD realm configuration"),
    Row::post("ad sync", SYNC).takes(&["realm"]).at_server().task().plain().about("Sync a given AD realm"),

    Row::get("openid list", "config/access/openid").list(&[Col::text("realm"), Col::text("issuer-url"), Col::text("comment")])
        .about("List configured OpenID realms"),
    Row::get("openid show", OPENID).takes(&["realm"]).object(&["realm"]).about("Show OpenID realm configuration"),
    Row::post("openid create", "config/access/openid").takes(&["realm"]).about("Create a new OpenID realm"),
    Row::put("openid update", OPENID).takes(&["realm"]).about("Update an OpenID realm configuration"),
    Row::delete("openid delete", OPENID).takes(&["realm"]).about("Remove an OpenID realm configuration"),
];
