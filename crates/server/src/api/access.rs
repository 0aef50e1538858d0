//! `/access`: login, passwords, second factors, users and their API tokens, access control list, roles, realms (protocol.md 6.1, server.md 2.8).

mod acl;
mod openid;
mod password;
mod permissions;
mod realms;
mod tfa;
mod ticket;
mod tokens;
mod users;

use api::rest::access::{self as schema, returns};
use api::schema::{Returns, Schema};
use api::{Privileges, kinds};
use http::Method;

use crate::route::{Handler, Needs, Route};

const NONE: Schema = Schema(&[]);
const READS_USERS: Needs = Needs::Either(&[
    Needs::Self_("userid"),
    Needs::On(&["access", "users"], Privileges::SysAudit),
]);
const CHANGES_USERS: Needs = Needs::Either(&[
    Needs::Self_("userid"),
    Needs::On(&["access", "users"], Privileges::PermissionsModify),
]);
const MAKES_USERS: Needs = Needs::On(&["access", "users"], Privileges::PermissionsModify);

const USER: &str = "access/users/{userid}";
const TOKENS: &str = "access/users/{userid}/token";
const TOKEN: &str = "access/users/{userid}/token/{token-name}";

const TFA: &str = "access/tfa/{userid}/{id}";
const TFA_OF: &str = "access/tfa/{userid}";
const CHANGES_TFA: Needs = CHANGES_USERS;

#[rustfmt::skip]
pub const ROUTES: &[Route] = &[
    Route::new(Method::POST, "access/ticket", Needs::World, schema::TICKET, Handler::Async(ticket::create)).returns(returns::TICKET).not_all(),
    Route::new(Method::DELETE, "access/ticket", Needs::World, NONE, Handler::Call(ticket::forget)),
    Route::new(Method::POST, "access/vncticket", Needs::World, schema::VNC_TICKET, Handler::Call(ticket::check_terminal)),
    Route::new(Method::PUT, "access/password", Needs::Anybody, schema::PASSWORD, Handler::Async(password::change)),
    Route::new(Method::GET, "access/permissions", Needs::Anybody, schema::PERMISSIONS, Handler::Call(permissions::list)).returns(returns::PERMISSIONS),
    Route::new(Method::GET, "access/roles", Needs::Anybody, NONE, Handler::Call(permissions::roles)).returns(returns::ROLES),
    Route::new(Method::GET, "access/domains", Needs::World, NONE, Handler::Call(realms::list)).returns(returns::REALMS),
    Route::new(Method::POST, "access/domains/{realm}/sync", MAKES_USERS, schema::REALM_SYNC, Handler::Call(realms::sync)).returns(Returns::Value(kinds::UPID)).not_all(),
    Route::new(Method::POST, "access/openid/auth-url", Needs::World, schema::OPENID_AUTH_URL, Handler::Call(openid::auth_url)).returns(Returns::TEXT).not_all(),
    Route::new(Method::POST, "access/openid/login", Needs::World, schema::OPENID_LOGIN, Handler::Call(openid::login)).returns(returns::OPENID_LOGIN).not_all(),
    Route::new(Method::GET, "access/acl", Needs::Anybody, schema::ACL_LIST, Handler::Call(acl::list)).returns(returns::ACL),
    Route::new(Method::PUT, "access/acl", Needs::Anybody, schema::ACL_UPDATE, Handler::Call(acl::update)),
    Route::new(Method::GET, "access/users", Needs::Anybody, schema::USERS_LIST, Handler::Call(users::list)).returns(returns::USERS),
    Route::new(Method::POST, "access/users", MAKES_USERS, schema::USER_CREATE, Handler::Call(users::create)),
    Route::new(Method::GET, USER, READS_USERS, schema::USER, Handler::Call(users::read)).returns(returns::USER),
    Route::new(Method::PUT, USER, CHANGES_USERS, schema::USER_UPDATE, Handler::Call(users::update)),
    Route::new(Method::DELETE, USER, CHANGES_USERS, schema::USER_DELETE, Handler::Call(users::delete)),
    Route::new(Method::PUT, "access/users/{userid}/unlock-tfa", MAKES_USERS, schema::USER, Handler::Call(tfa::unlock)).returns(Returns::BOOLEAN),
    Route::new(Method::GET, TOKENS, READS_USERS, schema::USER, Handler::Call(tokens::list)).returns(returns::TOKENS),
    Route::new(Method::GET, TOKEN, READS_USERS, schema::TOKEN, Handler::Call(tokens::read)).returns(returns::TOKEN),
    Route::new(Method::POST, TOKEN, CHANGES_USERS, schema::TOKEN_CREATE, Handler::Call(tokens::create)).returns(returns::TOKEN_CREATED),
    Route::new(Method::PUT, TOKEN, CHANGES_USERS, schema::TOKEN_UPDATE, Handler::Call(tokens::update)).returns(returns::TOKEN_CHANGED),
    Route::new(Method::DELETE, TOKEN, CHANGES_USERS, schema::TOKEN_DELETE, Handler::Call(tokens::delete)),
    // Who may see all of them is shown all; else his own.
    Route::new(Method::GET, "access/tfa", Needs::Anybody, NONE, Handler::Call(tfa::list)).returns(returns::TFA_USERS),
    Route::new(Method::GET, TFA_OF, CHANGES_TFA, schema::TFA_USER, Handler::Call(tfa::list_of)).returns(returns::TFA_ITEMS),
    Route::new(Method::POST, TFA_OF, CHANGES_TFA, schema::TFA_ADD, Handler::Async(tfa::add)).returns(returns::TFA_MADE).not_all(),
    Route::new(Method::GET, TFA, CHANGES_TFA, schema::TFA_ENTRY, Handler::Call(tfa::read)).returns(returns::TFA_ITEM),
    Route::new(Method::PUT, TFA, CHANGES_TFA, schema::TFA_UPDATE, Handler::Async(tfa::update)),
    Route::new(Method::DELETE, TFA, CHANGES_TFA, schema::TFA_DELETE, Handler::Async(tfa::delete)),
];
