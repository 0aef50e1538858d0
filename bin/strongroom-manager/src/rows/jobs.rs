//! Jobs, and what they do done once: `prune-job`, `verify-job`, `sync-job`, `verify`, `pull`, `push`, `task stop` (cli.md 5.4).

use serde_json::Value;

use crate::row::{Col, Render, Row};

const PRUNE: &str = "config/prune/{id}";
const VERIFY: &str = "config/verify/{id}";
const SYNC: &str = "config/sync/{id}";
/// What the API knows beyond the commands.
const NOT_IN_PULL: &[&str] = &["worker-threads", "decryption-keys"];
const NOT_IN_PUSH: &[&str] = &["worker-threads", "encryption-key"];
const NOT_IN_VERIFY: &[&str] = &["ns", "backup-type", "backup-id", "backup-time", "max-depth"];

#[rustfmt::skip]
pub const ROWS: &[Row] = &[
    Row::get("prune-job list", "config/prune").list(&[
        Col::text("id"), Col::boolean("disable"), Col::text("store"), Col::text("ns"), Col::text("schedule"), Col::number("max-depth"),
        Col::number("keep-last"), Col::number("keep-hourly"), Col::number("keep-daily"), Col::number("keep-weekly"),
        Col::number("keep-monthly"), Col::number("keep-yearly"),
    ]).about("List all prune jobs"),
    Row::get("prune-job show", PRUNE).takes(&["id"]).object(&["id"]).about("Show prune job configuration"),
    Row::post("prune-job create", "config/prune").takes(&["id"]).about("Create a new prune job."),
    Row::put("prune-job update", PRUNE).takes(&["id"]).about("Update prune job configuration."),
    Row::delete("prune-job remove", PRUNE).takes(&["id"]).about("Remove a prune job configuration"),
    Row::post("prune-job run", "admin/prune/{id}/run").takes(&["id"]).at_server().task().about("Run the specified prune job"),

    Row::get("verify-job list", "config/verify").list(&[
        Col::text("id"), Col::text("store"), Col::text("schedule"), Col::boolean("ignore-verified"), Col::number("outdated-after"), Col::text("comment"),
    ]).about("List all verification jobs"),
    Row::get("verify-job show", VERIFY).takes(&["id"]).object(&["id"]).about("Show verification job configuration"),
    Row::post("verify-job create", "config/verify").takes(&["id"]).about("Create a new verification job."),
    Row::put("verify-job update", VERIFY).takes(&["id"]).about("Update verification job configuration."),
    Row::delete("verify-job remove", VERIFY).takes(&["id"]).about("Remove a verification job configuration"),
    Row::post("verify-job run", "admin/verify/{id}/run").takes(&["id"]).at_server().task().about("Run the specified verification job"),

    Row::get("sync-job list", "config/sync").list(&[
        Col::text("id"), Col::text("sync-direction").with(Render::With(direction)), Col::text("store"), Col::text("remote"), Col::text("remote-store"),
        Col::text("schedule"), Col::text("group-filter").with(Render::With(filters)), Col::text("rate-in"), Col::text("comment"),
    ]).about("Sync job list."),
    Row::get("sync-job show", SYNC).takes(&["id"]).object(&["id"]).about("Show sync job configuration"),
    Row::post("sync-job create", "config/sync").takes(&["id"]).about("Create a new sync job."),
    Row::put("sync-job update", SYNC).takes(&["id"]).about("Update sync job config."),
    Row::delete("sync-job remove", SYNC).takes(&["id"]).about("Remove a sync job configuration"),
    Row::post("sync-job run", "admin/sync/{id}/run").takes(&["id"]).at_server().task().about("Run the specified sync job"),

    Row::post("pull", "pull").takes(&["remote", "remote-store", "store"]).without(NOT_IN_PULL).at_server().task()
        .about("Sync datastore from another datastore"),
    Row::post("push", "push").takes(&["store", "remote", "remote-store"]).without(NOT_IN_PUSH).at_server().task()
        .about("Push datastore content to another datastore"),
    Row::post("verify", "admin/datastore/{store}/verify").takes(&["store"]).without(NOT_IN_VERIFY).at_server().task()
        .about("Verify backups"),
    Row::delete("task stop", "nodes/{node}/tasks/{upid}").node().takes(&["upid"]).at_server().about("Try to stop a specific task."),
];

/// Jobs pull unless they say otherwise.
fn direction(value: &Value, _: &Value) -> String {
    value.as_str().unwrap_or("pull").to_owned()
}

/// No filter lets all groups through.
fn filters(value: &Value, _: &Value) -> String {
    let all: Vec<&str> = value
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    if all.is_empty() {
        "all".to_owned()
    } else {
        all.join(" OR ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn cells() {
        assert_eq!(direction(&Value::Null, &Value::Null), "pull");
        assert_eq!(direction(&json!("push"), &Value::Null), "push");
        assert_eq!(filters(&Value::Null, &Value::Null), "all");
        assert_eq!(
            filters(&json!(["type:vm", "group:host/alpha"]), &Value::Null),
            "type:vm OR group:host/alpha"
        );
    }
}
