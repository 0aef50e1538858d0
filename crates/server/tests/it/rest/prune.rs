//! Prunes that remove: of one group, and of a datastore for someone who owns a part of it. What a dry run answers is in the captures.

use std::path::Path;

use serde_json::json;

use super::site::{Login, Site, fixtures};
use super::steps::log_lines;

const BASE: &str = "/api2/json/admin/datastore/peer";

/// Another snapshot of a group, with the files of one that is there.
fn copy_snapshot(site: &Site, group: &str, from: &str, to: &str) {
    let group = site.path("peer").join(group);
    copy(&group.join(from), &group.join(to));
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir(to).expect("folder");
    for entry in std::fs::read_dir(from).expect("read") {
        let entry = entry.expect("entry");
        std::fs::copy(entry.path(), to.join(entry.file_name())).expect("copy");
    }
}

/// Times of a group's snapshots on disk.
fn times(site: &Site, group: &str) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(site.path("peer").join(group)) else {
        return Vec::new();
    };
    let name = |entry: std::io::Result<std::fs::DirEntry>| {
        entry
            .expect("entry")
            .file_name()
            .to_string_lossy()
            .into_owned()
    };
    let mut times: Vec<String> = entries
        .map(name)
        .filter(|name| name.ends_with('Z'))
        .collect();
    times.sort();
    times
}

#[tokio::test]
async fn a_group_is_pruned() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start(&fixtures, "").await;
    let admin = site.log_in("test@pbs").await;
    let (old, new, newest) = (
        "2023-11-14T22:13:20Z",
        "2023-11-15T22:13:20Z",
        "2023-11-16T22:13:20Z",
    );
    copy_snapshot(&site, "host/plain", new, newest);
    std::fs::write(
        site.path("peer/host/plain").join(old).join(".protected"),
        "",
    )
    .expect("protect");
    let item = |time: i64, keep: bool, protected: bool| json!({"backup-id": "plain", "backup-time": time, "backup-type": "host", "keep": keep, "protected": protected});
    let expected = json!({"data": [item(1_700_000_000, true, true), item(1_700_086_400, false, false), item(1_700_172_800, true, false)]});

    let group = "backup-type=host&backup-id=plain&keep-last=1";
    let prune = format!("{BASE}/prune");
    let dry = site
        .call(&admin, "POST", &prune, &format!("{group}&dry-run=1"))
        .await;
    assert_eq!(dry.json(), expected);
    assert_eq!(times(&site, "host/plain"), [old, new, newest]);

    let done = site.call(&admin, "POST", &prune, group).await;
    assert_eq!(done.json(), expected);
    assert_eq!(times(&site, "host/plain"), [old, newest]);
    let tasks = site
        .call(
            &admin,
            "GET",
            "/api2/json/nodes/localhost/tasks?typefilter=prune",
            "",
        )
        .await
        .json();
    assert_eq!(
        tasks["data"].as_array().expect("tasks").len(),
        1,
        "a dry run leaves no task"
    );
    let task = &tasks["data"][0];
    assert_eq!(
        (&task["worker_id"], &task["status"]),
        (&json!("peer::host/plain"), &json!("OK"))
    );
    let lines = log_lines(&site, &admin, task["upid"].as_str().expect("upid")).await;
    assert_eq!(
        lines,
        [
            "rules of this prune: keep last 1".to_owned(),
            "prune group host/plain".to_owned(),
            format!("host/plain/{old} protected"),
            format!("host/plain/{new} remove"),
            format!("host/plain/{newest} keep"),
            "TASK OK".to_owned(),
        ]
    );

    // Without any number nothing goes.
    let answer = site
        .call(
            &admin,
            "POST",
            &prune,
            "backup-type=host&backup-id=plain&use-task=1",
        )
        .await
        .json();
    let upid = answer["data"].as_str().expect("task id").to_owned();
    site.idle().await;
    assert_eq!(times(&site, "host/plain"), [old, newest]);
    assert_eq!(
        log_lines(&site, &admin, &upid).await[0],
        "No prune selection - keeping all files."
    );
    let missing = site
        .call(&admin, "POST", &prune, "backup-type=host&backup-id=nobody")
        .await;
    assert_eq!(
        (missing.status, missing.text().as_str()),
        (400, "group host/nobody does not exist.")
    );
    site.end().await;
}

/// Who may only prune prunes what he owns, in every namespace where he may.
#[tokio::test]
async fn a_datastore_is_pruned_as_far_as_one_owns_it() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start(&fixtures, "").await;
    let (admin, low) = (site.log_in("test@pbs").await, site.log_in("low2@pbs").await);
    let (old, new) = ("2023-11-14T22:21:40Z", "2023-11-20T00:00:00Z");
    assert_eq!(times(&site, "host/small"), [old]);
    copy_snapshot(&site, "host/small", old, new);
    for (route, body) in [
        (
            "/api2/json/access/acl".to_owned(),
            "path=/datastore/peer&role=DatastorePowerUser&auth-id=low2%40pbs",
        ),
        (
            format!("{BASE}/change-owner"),
            "backup-type=host&backup-id=small&new-owner=low2%40pbs",
        ),
    ] {
        let verb = if route.ends_with("acl") {
            "PUT"
        } else {
            "POST"
        };
        assert_eq!(
            site.call(&admin, verb, &route, body).await.status,
            200,
            "{route}"
        );
    }
    let run = async |login: &Login, body: &str| {
        let answer = site
            .call(login, "POST", &format!("{BASE}/prune-datastore"), body)
            .await;
        let upid = answer.json()["data"].as_str().expect("task id").to_owned();
        site.idle().await;
        log_lines(&site, login, &upid).await
    };

    let lines = run(&low, "keep-last=1&dry-run=1").await;
    assert!(
        lines.contains(&format!("would remove host/small/{old}")),
        "{lines:?}"
    );
    assert!(
        !lines.iter().any(|line| line.contains("host/plain")),
        "{lines:?}"
    );
    assert_eq!(times(&site, "host/small"), [old, new]);

    let lines = run(&low, "keep-last=1").await;
    assert_eq!(lines.last().expect("end"), "TASK OK");
    assert_eq!(times(&site, "host/small"), [new]);
    assert_eq!(
        times(&site, "host/plain").len(),
        2,
        "it belongs to someone else"
    );

    let lines = run(&admin, "keep-last=1").await;
    assert!(
        lines.contains(&"remove host/plain/2023-11-14T22:13:20Z".to_owned()),
        "{lines:?}"
    );
    assert_eq!(times(&site, "host/plain").len(), 1);
    let missing = site
        .call(
            &admin,
            "POST",
            &format!("{BASE}/prune-datastore"),
            "ns=nowhere&keep-last=1",
        )
        .await;
    assert_eq!(
        (missing.status, missing.text().as_str()),
        (400, "namespace not found")
    );
    site.end().await;
}
