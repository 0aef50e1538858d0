//! `remote` and `traffic-control` (cli.md 5.5).

use crate::row::{Col, Render, Row};

const REMOTE: &str = "config/remote/{name}";
const RULE: &str = "config/traffic-control/{name}";

#[rustfmt::skip]
pub const ROWS: &[Row] = &[
    Row::get("remote list", "config/remote").list(&[
        Col::text("name"), Col::text("host"), Col::text("auth-id"), Col::text("fingerprint"), Col::text("comment"),
    ]).about("List configured remotes."),
    Row::get("remote show", REMOTE).takes(&["name"]).object(&["name"]).about("Show remote configuration"),
    Row::post("remote create", "config/remote").takes(&["name"]).about("Create new remote."),
    Row::put("remote update", REMOTE).takes(&["name"]).about("Update remote configuration."),
    Row::delete("remote remove", REMOTE).takes(&["name"]).about("Remove a remote from the configuration file."),

    Row::get("traffic-control list", "config/traffic-control").list(&[
        Col::text("name"), Col::text("rate-in"), Col::text("burst-in"), Col::text("rate-out"), Col::text("burst-out"),
        Col::text("network"), Col::text("timeframe"), Col::text("comment"),
    ]).about("List configured traffic control rules."),
    Row::get("traffic-control traffic", "admin/traffic-control").at_server().list(&[
        Col::text("name"), Col::number("cur-rate-in").with(Render::Bytes), Col::number("cur-rate-out").with(Render::Bytes),
    ]).about("Show current traffic for all traffic control rules."),
    Row::get("traffic-control show", RULE).takes(&["name"]).object(&["name"]).about("Show traffic control configuration"),
    Row::post("traffic-control create", "config/traffic-control").takes(&["name"]).about("Create new traffic control rule."),
    Row::put("traffic-control update", RULE).takes(&["name"]).about("Update traffic control configuration."),
    Row::delete("traffic-control remove", RULE).takes(&["name"]).about("Remove a traffic control rule from the configuration file."),
];
