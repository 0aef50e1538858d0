//! `/config/notifications`: targets, matchers, and what matchers can look at (server.md 1.11, 3.3, 7.2). Nothing is sent by this build yet.

mod fields;
mod targets;

use api::Privileges;
use api::schema::{Field, Kind, Returns, Schema};
use config::edit::notifications::{
    self as edit, GOTIFY_CREATE, GOTIFY_ITEM, GOTIFY_UPDATE, MATCHER_CREATE, MATCHER_ITEM,
    MATCHER_UPDATE, ONE, SENDMAIL_CREATE, SENDMAIL_ITEM, SENDMAIL_UPDATE, SMTP_CREATE, SMTP_ITEM,
    SMTP_UPDATE, WEBHOOK_CREATE, WEBHOOK_ITEM, WEBHOOK_UPDATE,
};
use config::files::notifications::{
    Gotify, Matcher, Notification, Origin, Sendmail, Smtp, Webhook,
};
use http::Method;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::fault::Fault;
use crate::reply::Answer;
use crate::route::{Call, Handler, Needs, Route};

const READS: Needs = Needs::On(&["system", "notifications"], Privileges::SysAudit);
const CHANGES: Needs = Needs::On(&["system", "notifications"], Privileges::SysModify);
const NONE: Schema = Schema(&[]);

const SENDMAIL: &str = "config/notifications/endpoints/sendmail";
const SENDMAIL_ONE: &str = "config/notifications/endpoints/sendmail/{name}";
const SMTP: &str = "config/notifications/endpoints/smtp";
const SMTP_ONE: &str = "config/notifications/endpoints/smtp/{name}";
const GOTIFY: &str = "config/notifications/endpoints/gotify";
const GOTIFY_ONE: &str = "config/notifications/endpoints/gotify/{name}";
const WEBHOOK: &str = "config/notifications/endpoints/webhook";
const WEBHOOK_ONE: &str = "config/notifications/endpoints/webhook/{name}";
const MATCHERS: &str = "config/notifications/matchers";
const MATCHER: &str = "config/notifications/matchers/{name}";

const ORIGIN: &[Field] = &[Field::optional(
    "origin",
    Returns::Value(Kind::Enum(Origin::NAMES)),
)];
const A_SENDMAIL: Returns = Returns::item(SENDMAIL_ITEM.0, ORIGIN);
const AN_SMTP: Returns = Returns::item(SMTP_ITEM.0, ORIGIN);
const A_GOTIFY: Returns = Returns::item(GOTIFY_ITEM.0, ORIGIN);
const A_WEBHOOK: Returns = Returns::item(WEBHOOK_ITEM.0, ORIGIN);
const A_MATCHER: Returns = Returns::item(MATCHER_ITEM.0, ORIGIN);
const A_TARGET: Returns = Returns::object(&[
    Field::optional("comment", Returns::TEXT),
    Field::optional("disable", Returns::BOOLEAN),
    Field::new("name", Returns::TEXT),
    Field::new("origin", Returns::Value(Kind::Enum(Origin::NAMES))),
    Field::new(
        "type",
        Returns::Value(Kind::Enum(&["sendmail", "smtp", "gotify", "webhook"])),
    ),
]);
const A_FIELD: Returns = Returns::object(&[Field::new("name", Returns::TEXT)]);
const A_VALUE: Returns = Returns::object(&[
    Field::optional("comment", Returns::TEXT),
    Field::new("field", Returns::TEXT),
    Field::new("value", Returns::TEXT),
]);

#[rustfmt::skip]
pub const ROUTES: &[Route] = &[
    Route::new(Method::GET, SENDMAIL, READS, NONE, Handler::Call(list::<Sendmail>)).returns(Returns::List(&A_SENDMAIL)),
    Route::new(Method::POST, SENDMAIL, CHANGES, SENDMAIL_CREATE, Handler::Call(create::<Sendmail>)).returns(Returns::Null),
    Route::new(Method::GET, SENDMAIL_ONE, READS, ONE, Handler::Call(read::<Sendmail>)).returns(A_SENDMAIL),
    Route::new(Method::PUT, SENDMAIL_ONE, CHANGES, SENDMAIL_UPDATE, Handler::Call(update::<Sendmail>)).returns(Returns::Null),
    Route::new(Method::DELETE, SENDMAIL_ONE, CHANGES, ONE, Handler::Call(delete::<Sendmail>)).returns(Returns::Null),
    Route::new(Method::GET, SMTP, READS, NONE, Handler::Call(list::<Smtp>)).returns(Returns::List(&AN_SMTP)),
    Route::new(Method::POST, SMTP, CHANGES, SMTP_CREATE, Handler::Call(create::<Smtp>)).returns(Returns::Null),
    Route::new(Method::GET, SMTP_ONE, READS, ONE, Handler::Call(read::<Smtp>)).returns(AN_SMTP),
    Route::new(Method::PUT, SMTP_ONE, CHANGES, SMTP_UPDATE, Handler::Call(update::<Smtp>)).returns(Returns::Null),
    Route::new(Method::DELETE, SMTP_ONE, CHANGES, ONE, Handler::Call(delete::<Smtp>)).returns(Returns::Null),
    Route::new(Method::GET, GOTIFY, READS, NONE, Handler::Call(list::<Gotify>)).returns(Returns::List(&A_GOTIFY)),
    Route::new(Method::POST, GOTIFY, CHANGES, GOTIFY_CREATE, Handler::Call(create::<Gotify>)).returns(Returns::Null),
    Route::new(Method::GET, GOTIFY_ONE, READS, ONE, Handler::Call(read::<Gotify>)).returns(A_GOTIFY),
    Route::new(Method::PUT, GOTIFY_ONE, CHANGES, GOTIFY_UPDATE, Handler::Call(update::<Gotify>)).returns(Returns::Null),
    Route::new(Method::DELETE, GOTIFY_ONE, CHANGES, ONE, Handler::Call(delete::<Gotify>)).returns(Returns::Null),
    Route::new(Method::GET, WEBHOOK, READS, NONE, Handler::Call(list::<Webhook>)).returns(Returns::List(&A_WEBHOOK)),
    Route::new(Method::POST, WEBHOOK, CHANGES, WEBHOOK_CREATE, Handler::Call(create::<Webhook>)).returns(Returns::Null),
    Route::new(Method::GET, WEBHOOK_ONE, READS, ONE, Handler::Call(read::<Webhook>)).returns(A_WEBHOOK),
    Route::new(Method::PUT, WEBHOOK_ONE, CHANGES, WEBHOOK_UPDATE, Handler::Call(update::<Webhook>)).returns(Returns::Null),
    Route::new(Method::DELETE, WEBHOOK_ONE, CHANGES, ONE, Handler::Call(delete::<Webhook>)).returns(Returns::Null),
    Route::new(Method::GET, MATCHERS, READS, NONE, Handler::Call(list::<Matcher>)).returns(Returns::List(&A_MATCHER)),
    Route::new(Method::POST, MATCHERS, CHANGES, MATCHER_CREATE, Handler::Call(create::<Matcher>)).returns(Returns::Null),
    Route::new(Method::GET, MATCHER, READS, ONE, Handler::Call(read::<Matcher>)).returns(A_MATCHER),
    Route::new(Method::PUT, MATCHER, CHANGES, MATCHER_UPDATE, Handler::Call(update::<Matcher>)).returns(Returns::Null),
    Route::new(Method::DELETE, MATCHER, CHANGES, ONE, Handler::Call(delete::<Matcher>)).returns(Returns::Null),
    Route::new(Method::GET, "config/notifications/targets", READS, NONE, Handler::Call(targets::list)).returns(Returns::List(&A_TARGET)),
    Route::new(Method::POST, "config/notifications/targets/{name}/test", CHANGES, ONE, Handler::Call(targets::test)).returns(Returns::Null).not_all(),
    Route::new(Method::GET, "config/notifications/matcher-fields", READS, NONE, Handler::Call(fields::names)).returns(Returns::List(&A_FIELD)),
    Route::new(Method::GET, "config/notifications/matcher-field-values", READS, NONE, Handler::Call(fields::values)).returns(Returns::List(&A_VALUE)),
];

#[derive(Deserialize)]
struct Named {
    name: String,
}

/// `GET`
fn list<E: Notification>(call: &Call) -> Result<Answer, Fault> {
    let (entries, digest) = edit::all::<E>(call.ctx.configuration().dir())?;
    Ok(Answer::data(&entries)?.beside("digest", digest.to_string()))
}

/// `GET {name}`
fn read<E: Notification>(call: &Call) -> Result<Answer, Fault> {
    let Named { name } = call.params.read()?;
    let (entry, digest) = edit::find::<E>(call.ctx.configuration().dir(), &name)?;
    Ok(Answer::data(&entry)?.beside("digest", digest.to_string()))
}

/// `POST`
fn create<E: Notification>(call: &Call) -> Result<Answer, Fault> {
    let members: Map<String, Value> = call.params.read()?;
    edit::create::<E>(call.ctx.configuration().dir(), members)?;
    Ok(Answer::null())
}

/// `PUT {name}`
fn update<E: Notification>(call: &Call) -> Result<Answer, Fault> {
    let members: Map<String, Value> = call.params.read()?;
    edit::update::<E>(call.ctx.configuration().dir(), members)?;
    Ok(Answer::null())
}

/// `DELETE {name}`
fn delete<E: Notification>(call: &Call) -> Result<Answer, Fault> {
    let Named { name } = call.params.read()?;
    edit::remove::<E>(call.ctx.configuration().dir(), &name)?;
    Ok(Answer::null())
}
