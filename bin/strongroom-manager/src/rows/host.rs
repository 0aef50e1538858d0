//! What concerns the machine: `dns`, `network`, `disk`, `subscription`, `report` (cli.md 5.11). Much of it belongs to the original's
//! appliance; the routes say what this installation cannot do.

use serde_json::Value;

use crate::row::{Col, Render, Row};

const DNS: &str = "nodes/{node}/dns";
const NETWORK: &str = "nodes/{node}/network";
const IFACE: &str = "nodes/{node}/network/{iface}";
const SUBSCRIPTION: &str = "nodes/{node}/subscription";

#[rustfmt::skip]
pub const ROWS: &[Row] = &[
    Row::get("dns get", DNS).node().object(&["search"]).about("Read DNS settings"),
    Row::put("dns set", DNS).node().about("Update DNS settings"),
    Row::get("network list", NETWORK).node().list(&[
        Col::text("name"), Col::text("type"), Col::boolean("autostart"), Col::text("method"), Col::text("method6"),
        Col::text("cidr"), Col::text("gateway"), Col::text("slaves"),
    ]).about("Network device list."),
    Row::put("network reload", NETWORK).node().task().plain().about("Reload network changes"),
    Row::delete("network revert", NETWORK).node().about("Revert network changes"),
    Row::post("network create", NETWORK).node().takes(&["iface"]).about("Create network interface configuration."),
    Row::put("network update", IFACE).node().takes(&["iface"]).about("Update network interface config."),
    Row::delete("network remove", IFACE).node().takes(&["iface"]).about("Remove network interface configuration."),
    Row::get("disk list", "nodes/{node}/disks/list").node().without(&["skipsmart", "include-partitions", "usage-type"]).list(&[
        Col::text("name"), Col::text("used"), Col::boolean("gpt"), Col::text("disk-type"), Col::number("size").with(Render::Bytes),
        Col::text("model"), Col::text("wearout").with(Render::With(wearout)), Col::text("status"),
    ]).about("Local disk list."),
    Row::get("subscription get", SUBSCRIPTION).node().object(&["status"]).about("Read subscription info."),
    Row::put("subscription set", SUBSCRIPTION).node().takes(&["key"]).about("Set a subscription key."),
    Row::post("subscription update", SUBSCRIPTION).node().about("Check and update the subscription status."),
    Row::delete("subscription remove", SUBSCRIPTION).node().about("Delete the subscription key."),
    Row::get("report", "nodes/{node}/report").node().text(report).plain().about("Generate a report on the system's state"),
];

/// `2.00 %` or `-`.
fn wearout(value: &Value, _: &Value) -> String {
    value
        .as_f64()
        .map_or_else(|| "-".to_owned(), |percent| format!("{percent:.2} %"))
}

fn report(data: &Value) -> String {
    let text = data.as_str().unwrap_or_default();
    format!("{}\n", text.trim_end_matches('\n'))
}
