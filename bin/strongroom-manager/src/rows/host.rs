//! What concerns the machine: `dns`, `network`, `disk`, `subscription`, `report`, `versions` (cli.md 5.11). Much of it belongs to the original's
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
    Row::get("versions", "nodes/{node}/apt/versions").node().text(versions).about("List package versions"),
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

/// Package, version and what else is known, padded, without a frame.
fn versions(data: &Value) -> String {
    let rows: Vec<[String; 3]> = data.as_array().into_iter().flatten().map(version).collect();
    let width = |column: usize| {
        rows.iter()
            .map(|row| row[column].chars().count())
            .max()
            .unwrap_or(0)
    };
    let (package, number) = (width(0), width(1));
    rows.iter()
        .map(|[name, version, extra]| {
            format!(
                "{}\n",
                format!("{name:package$} {version:number$} {extra}").trim_end()
            )
        })
        .collect()
}

fn version(record: &Value) -> [String; 3] {
    let text = |key: &str| record[key].as_str().unwrap_or_default().to_owned();
    let version = Some(text("Version")).filter(|text| !text.is_empty());
    [
        text("Package"),
        version.unwrap_or_else(|| "unknown".to_owned()),
        text("ExtraInfo"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn versions_are_padded() {
        let data = json!([
            {"Package": "a-long-name", "Version": "1", "ExtraInfo": "running kernel: 6.1"},
            {"Package": "b", "Version": "4.2.3-1", "ExtraInfo": "running version: 4.2.3"},
            {"Package": "c"},
        ]);
        assert_eq!(
            versions(&data),
            "a-long-name 1       running kernel: 6.1\nb           4.2.3-1 running version: 4.2.3\nc           unknown\n"
        );
    }
}
