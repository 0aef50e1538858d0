//! `/config/access`: realms, and who the server is to security keys (server.md 1.7, 3.3, 8).

mod realms;
mod webauthn;

use api::Privileges;
use api::rest::access::WEBAUTHN_UPDATE;
use api::rest::access::realm::{
    AD_SHAPES, BUILT_IN_UPDATE, LDAP_SHAPES, OPENID_SHAPES, REALM, REALM_DELETE,
};
use api::rest::access::returns::{DOMAIN_ITEM, WEBAUTHN_ITEM};
use api::schema::Schema;
use config::files::{AdRealm, LdapRealm, OpenidRealm};
use http::Method;

use crate::route::{Handler, Needs, Route};

const NONE: Schema = Schema(&[]);
const DOMAINS: &[&str] = &["access", "domains"];
const READS: Needs = Needs::On(DOMAINS, Privileges::SysAudit);
const CHANGES: Needs = Needs::On(DOMAINS, Privileges::RealmAllocate);
const LDAP: &str = "config/access/ldap/{realm}";
const AD: &str = "config/access/ad/{realm}";
const OPENID: &str = "config/access/openid/{realm}";
const WEBAUTHN: &str = "config/access/tfa/webauthn";

#[rustfmt::skip]
pub const ROUTES: &[Route] = &[
    Route::new(Method::GET, "config/access/ldap", CHANGES, NONE, Handler::Call(realms::list::<LdapRealm>)).returns(LDAP_SHAPES.items),
    Route::new(Method::POST, "config/access/ldap", CHANGES, LDAP_SHAPES.create, Handler::Call(realms::create::<LdapRealm>)),
    Route::new(Method::GET, LDAP, READS, REALM, Handler::Call(realms::read::<LdapRealm>)).returns(LDAP_SHAPES.item),
    Route::new(Method::PUT, LDAP, CHANGES, LDAP_SHAPES.update, Handler::Call(realms::update::<LdapRealm>)).returns(LDAP_SHAPES.item),
    Route::new(Method::DELETE, LDAP, CHANGES, REALM_DELETE, Handler::Call(realms::delete::<LdapRealm>)),
    Route::new(Method::GET, "config/access/ad", CHANGES, NONE, Handler::Call(realms::list::<AdRealm>)).returns(AD_SHAPES.items),
    Route::new(Method::POST, "config/access/ad", CHANGES, AD_SHAPES.create, Handler::Call(realms::create::<AdRealm>)),
    Route::new(Method::GET, AD, READS, REALM, Handler::Call(realms::read::<AdRealm>)).returns(AD_SHAPES.item),
    Route::new(Method::PUT, AD, CHANGES, AD_SHAPES.update, Handler::Call(realms::update::<AdRealm>)).returns(AD_SHAPES.item),
    Route::new(Method::DELETE, AD, CHANGES, REALM_DELETE, Handler::Call(realms::delete::<AdRealm>)),
    Route::new(Method::GET, "config/access/openid", CHANGES, NONE, Handler::Call(realms::list::<OpenidRealm>)).returns(OPENID_SHAPES.items),
    Route::new(Method::POST, "config/access/openid", CHANGES, OPENID_SHAPES.create, Handler::Call(realms::create::<OpenidRealm>)),
    Route::new(Method::GET, OPENID, READS, REALM, Handler::Call(realms::read::<OpenidRealm>)).returns(OPENID_SHAPES.item),
    Route::new(Method::PUT, OPENID, CHANGES, OPENID_SHAPES.update, Handler::Call(realms::update::<OpenidRealm>)).returns(OPENID_SHAPES.item),
    Route::new(Method::DELETE, OPENID, CHANGES, REALM_DELETE, Handler::Call(realms::delete::<OpenidRealm>)),
    Route::new(Method::GET, "config/access/pam", READS, NONE, Handler::Call(realms::read_pam)).returns(DOMAIN_ITEM),
    Route::new(Method::PUT, "config/access/pam", CHANGES, BUILT_IN_UPDATE, Handler::Call(realms::update_pam)).returns(DOMAIN_ITEM),
    Route::new(Method::GET, "config/access/pbs", READS, NONE, Handler::Call(realms::read_pbs)).returns(DOMAIN_ITEM),
    Route::new(Method::PUT, "config/access/pbs", CHANGES, BUILT_IN_UPDATE, Handler::Call(realms::update_pbs)).returns(DOMAIN_ITEM),
    Route::new(Method::GET, WEBAUTHN, Needs::Anybody, NONE, Handler::Call(webauthn::read)).returns(WEBAUTHN_ITEM),
    Route::new(Method::PUT, WEBAUTHN, Needs::Superuser, WEBAUTHN_UPDATE, Handler::Call(webauthn::update)),
];
