//! `acme` without the dialogue of `acme account register` (cli.md 5.9).

use crate::row::{Col, Row};

const ACCOUNT: &str = "config/acme/account/{name}";
const PLUGIN: &str = "config/acme/plugins/{id}";
const CERTIFICATE: &str = "nodes/{node}/certificates/acme/certificate";

#[rustfmt::skip]
pub const ROWS: &[Row] = &[
    Row::get("acme account list", "config/acme/account").list(&[Col::text("name")]).about("List ACME accounts."),
    Row::get("acme account info", ACCOUNT).takes(&["name"]).object(&["account", "directory", "location"]).about("Show ACME account information."),
    Row::put("acme account update", ACCOUNT).takes(&["name"]).task().plain().about("Update an ACME account."),
    Row::delete("acme account deactivate", ACCOUNT).takes(&["name"]).task().plain().about("Deactivate an ACME account."),
    Row::post("acme cert order", CERTIFICATE).node().at_server().task().plain().about("Order a new ACME certificate."),
    Row::get("acme plugin list", "config/acme/plugins").list(&[
        Col::text("plugin"), Col::text("type"), Col::text("api"), Col::text("data"), Col::boolean("disable"), Col::number("validation-delay"),
    ]).about("List ACME plugins."),
    Row::get("acme plugin config", PLUGIN).takes(&["id"]).object(&["plugin", "type"]).about("Show ACME plugin configuration."),
    Row::post("acme plugin add", "config/acme/plugins").takes(&["type", "id"]).file("data").about("Add an ACME plugin; --data is the name of a file."),
    Row::put("acme plugin set", PLUGIN).takes(&["id"]).about("Change an ACME plugin; --data is the content in base64."),
    Row::delete("acme plugin remove", PLUGIN).takes(&["id"]).about("Remove an ACME plugin."),
];
