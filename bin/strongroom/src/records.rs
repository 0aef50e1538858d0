//! How the API's records look in tables: groups, snapshots, file lists, sizes (cli.md 1.7, 3.3).

use console::human;
use console::table::Kind;
use format::time::rfc3339_utc;
use serde_json::Value;

/// The order of groups.
pub const BY_GROUP: [(&str, Kind); 2] = [("backup-type", Kind::Text), ("backup-id", Kind::Text)];
/// The order of snapshots.
pub const BY_SNAPSHOT: [(&str, Kind); 3] = [
    ("backup-type", Kind::Text),
    ("backup-id", Kind::Text),
    ("backup-time", Kind::Number),
];

/// `type/id`.
pub fn group(record: &Value) -> String {
    let field = |key: &str| record[key].as_str().unwrap_or_default().to_string();
    format!("{}/{}", field("backup-type"), field("backup-id"))
}

/// `type/id/time`, the time from the key `time_key`.
pub fn snapshot(record: &Value, time_key: &str) -> String {
    let epoch_s = record[time_key].as_i64().unwrap_or_default();
    let time = rfc3339_utc(epoch_s).unwrap_or_else(|_| epoch_s.to_string());
    format!("{}/{time}", group(record))
}

/// Names, or records with a `filename`, without their endings, sorted and joined by blanks.
pub fn files(value: &Value, _record: &Value) -> String {
    let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
    let names = items
        .iter()
        .filter_map(|file| file.as_str().or_else(|| file["filename"].as_str()));
    let mut labels: Vec<_> = names.map(label).collect();
    labels.sort_unstable();
    labels.join(" ")
}

/// Bytes in a readable unit; nothing for a missing value.
pub fn size(value: &Value, _record: &Value) -> String {
    value.as_u64().map(human::bytes).unwrap_or_default()
}

fn label(name: &str) -> &str {
    [".didx", ".fidx", ".blob"]
        .iter()
        .find_map(|ending| name.strip_suffix(ending))
        .unwrap_or(name)
}
