//! `notification` (cli.md 5.8).

use crate::row::{Col, Row};

const GOTIFY: &str = "config/notifications/endpoints/gotify";
const ONE_GOTIFY: &str = "config/notifications/endpoints/gotify/{name}";
const SMTP: &str = "config/notifications/endpoints/smtp";
const ONE_SMTP: &str = "config/notifications/endpoints/smtp/{name}";
const SENDMAIL: &str = "config/notifications/endpoints/sendmail";
const ONE_SENDMAIL: &str = "config/notifications/endpoints/sendmail/{name}";
const WEBHOOK: &str = "config/notifications/endpoints/webhook";
const ONE_WEBHOOK: &str = "config/notifications/endpoints/webhook/{name}";
const MATCHER: &str = "config/notifications/matchers/{name}";

#[rustfmt::skip]
pub const ROWS: &[Row] = &[
    Row::get("notification endpoint gotify list", GOTIFY).list(&[Col::boolean("disable"), Col::text("name"), Col::text("server"), Col::text("comment")]).about("List all gotify endpoints."),
    Row::get("notification endpoint gotify show", ONE_GOTIFY).takes(&["name"]).object(&["name"]).about("Show a Gotify endpoint."),
    Row::post("notification endpoint gotify create", GOTIFY).takes(&["name"]).about("Create a Gotify endpoint."),
    Row::put("notification endpoint gotify update", ONE_GOTIFY).takes(&["name"]).about("Change a Gotify endpoint."),
    Row::delete("notification endpoint gotify delete", ONE_GOTIFY).takes(&["name"]).about("Delete a Gotify endpoint."),

    Row::get("notification endpoint smtp list", SMTP).list(&[Col::boolean("disable"), Col::text("name"), Col::text("server"), Col::text("from-address"), Col::text("mailto"), Col::text("mailto-user"), Col::text("comment")]).about("List all smtp endpoints."),
    Row::get("notification endpoint smtp show", ONE_SMTP).takes(&["name"]).object(&["name"]).about("Show an SMTP endpoint."),
    Row::post("notification endpoint smtp create", SMTP).takes(&["name"]).about("Create an SMTP endpoint."),
    Row::put("notification endpoint smtp update", ONE_SMTP).takes(&["name"]).about("Change an SMTP endpoint."),
    Row::delete("notification endpoint smtp delete", ONE_SMTP).takes(&["name"]).about("Delete an SMTP endpoint."),

    Row::get("notification endpoint sendmail list", SENDMAIL).list(&[Col::boolean("disable"), Col::text("name"), Col::text("mailto"), Col::text("mailto-user"), Col::text("comment")]).about("List all sendmail endpoints."),
    Row::get("notification endpoint sendmail show", ONE_SENDMAIL).takes(&["name"]).object(&["name"]).about("Show a sendmail endpoint."),
    Row::post("notification endpoint sendmail create", SENDMAIL).takes(&["name"]).about("Create a sendmail endpoint."),
    Row::put("notification endpoint sendmail update", ONE_SENDMAIL).takes(&["name"]).about("Change a sendmail endpoint."),
    Row::delete("notification endpoint sendmail delete", ONE_SENDMAIL).takes(&["name"]).about("Delete a sendmail endpoint."),

    Row::get("notification endpoint webhook list", WEBHOOK).list(&[Col::boolean("disable"), Col::text("name"), Col::text("method"), Col::text("url"), Col::text("comment")]).about("List all webhook endpoints."),
    Row::get("notification endpoint webhook show", ONE_WEBHOOK).takes(&["name"]).object(&["name"]).about("Show a webhook endpoint."),
    Row::post("notification endpoint webhook create", WEBHOOK).takes(&["name"]).about("Create a webhook endpoint."),
    Row::put("notification endpoint webhook update", ONE_WEBHOOK).takes(&["name"]).about("Change a webhook endpoint."),
    Row::delete("notification endpoint webhook delete", ONE_WEBHOOK).takes(&["name"]).about("Delete a webhook endpoint."),

    Row::get("notification matcher list", "config/notifications/matchers").list(&[
        Col::boolean("disable"), Col::text("name"), Col::text("origin"), Col::text("comment"),
    ]).about("List all matchers."),
    Row::get("notification matcher show", MATCHER).takes(&["name"]).object(&["name"]).about("Show a matcher."),
    Row::post("notification matcher create", "config/notifications/matchers").takes(&["name"]).about("Create a matcher."),
    Row::put("notification matcher update", MATCHER).takes(&["name"]).about("Change a matcher."),
    Row::delete("notification matcher delete", MATCHER).takes(&["name"]).about("Delete a matcher."),

    Row::get("notification target list", "config/notifications/targets").list(&[
        Col::boolean("disable"), Col::text("name"), Col::text("type"), Col::text("origin"), Col::text("comment"),
    ]).about("List all targets."),
    Row::post("notification target test", "config/notifications/targets/{name}/test").takes(&["name"]).about("Send a test to a target."),
];
