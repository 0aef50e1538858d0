//! `/access`: login, passwords, users and their API tokens, access control list, roles, realms (protocol.md 6.1, server.md 2.8).

mod acl;
mod password;
mod permissions;
mod realms;
mod ticket;
mod tokens;
mod users;

use api::Privileges;
use api::rest::access::{self as schema, returns};
use api::schema::Schema;
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

#[rustfmt::skip]
pub const ROUTES: &[Route] = &[
    Route::new(Method::POST, "access/ticket", Needs::World, schema::TICKET, Handler::Async(ticket::create)).returns(returns::TICKET),
    Route::new(Method::DELETE, "access/ticket", Needs::World, NONE, Handler::Call(ticket::forget)),
    Route::new(Method::PUT, "access/password", Needs::Anybody, schema::PASSWORD, Handler::Async(password::change)),
    Route::new(Method::GET, "access/permissions", Needs::Anybody, schema::PERMISSIONS, Handler::Call(permissions::list)).returns(returns::PERMISSIONS),
    Route::new(Method::GET, "access/roles", Needs::Anybody, NONE, Handler::Call(permissions::roles)).returns(returns::ROLES),
    Route::new(Method::GET, "access/domains", Needs::World, NONE, Handler::Call(realms::list)).returns(returns::REALMS),
    Route::new(Method::GET, "access/acl", Needs::Anybody, schema::ACL_LIST, Handler::Call(acl::list)).returns(returns::ACL),
    Route::new(Method::PUT, "access/acl", Needs::Anybody, schema::ACL_UPDATE, Handler::Call(acl::update)),
    Route::new(Method::GET, "access/users", Needs::Anybody, schema::USERS_LIST, Handler::Call(users::list)).returns(returns::USERS),
    Route::new(Method::POST, "access/users", MAKES_USERS, schema::USER_CREATE, Handler::Call(users::create)),
    Route::new(Method::GET, USER, READS_USERS, schema::USER, Handler::Call(users::read)).returns(returns::USER),
    Route::new(Method::PUT, USER, CHANGES_USERS, schema::USER_UPDATE, Handler::Call(users::update)),
    Route::new(Method::DELETE, USER, CHANGES_USERS, schema::USER_DELETE, Handler::Call(users::delete)),
    Route::new(Method::GET, TOKENS, READS_USERS, schema::USER, Handler::Call(tokens::list)).returns(returns::TOKENS),
    Route::new(Method::GET, TOKEN, READS_USERS, schema::TOKEN, Handler::Call(tokens::read)).returns(returns::TOKEN),
    Route::new(Method::POST, TOKEN, CHANGES_USERS, schema::TOKEN_CREATE, Handler::Call(tokens::create)).returns(returns::TOKEN_CREATED),
    Route::new(Method::PUT, TOKEN, CHANGES_USERS, schema::TOKEN_UPDATE, Handler::Call(tokens::update)).returns(returns::TOKEN_CHANGED),
    Route::new(Method::DELETE, TOKEN, CHANGES_USERS, schema::TOKEN_DELETE, Handler::Call(tokens::delete)),
];
