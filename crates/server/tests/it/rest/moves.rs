//! Moves of groups and namespaces: who may, what is refused, and the tasks that do it.

use serde_json::json;

use super::site::{Login, Site, fixtures};
use super::steps::{done, refused, task};

const STORE: &str = "admin/datastore/peer";
const GROUP: &str = "backup-type=host&backup-id=plain";

async fn grant(site: &Site, admin: &Login, path: &str, role: &str) {
    let body = format!("path={path}&role={role}&auth-id=low2%40pbs");
    done(site, admin, "PUT", "access/acl", &body).await;
}

fn exists(site: &Site, path: &str) -> bool {
    site.path("peer").join(path).is_dir()
}

#[tokio::test]
async fn groups_and_namespaces_move() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start(&fixtures, "").await;
    let admin = site.log_in("test@pbs").await;
    let (group, namespace) = (
        format!("{STORE}/move-group"),
        format!("{STORE}/move-namespace"),
    );
    let namespaces = format!("{STORE}/namespace");
    done(&site, &admin, "POST", &namespaces, "name=there").await;
    for (target, body, expected) in [
        (
            &group,
            format!("{GROUP}&target-ns="),
            "is in namespace '' already",
        ),
        (
            &group,
            format!("{GROUP}&target-ns=nowhere"),
            "target namespace 'nowhere' does not exist",
        ),
        (
            &group,
            "backup-type=host&backup-id=none&target-ns=there".to_owned(),
            "group host/none does not exist.",
        ),
        (
            &namespace,
            "ns=&target-ns=there".to_owned(),
            "root namespace cannot be moved",
        ),
        (
            &namespace,
            "ns=there&target-ns=there/x".to_owned(),
            "cannot be moved into itself",
        ),
        (
            &namespace,
            "ns=gone&target-ns=there/x".to_owned(),
            "namespace not found",
        ),
        (
            &namespace,
            "ns=there&target-ns=no/such/c".to_owned(),
            "parent no/such doesn't already exists",
        ),
    ] {
        let (status, text) = refused(&site, &admin, "POST", target, &body).await;
        assert_eq!(status, 400, "{text}");
        assert!(text.contains(expected), "{body}: {text}");
    }

    let lines = task(
        &site,
        &admin,
        "POST",
        &group,
        &format!("{GROUP}&target-ns=there"),
    )
    .await;
    assert_eq!(
        lines.last().map(String::as_str),
        Some("TASK OK"),
        "{lines:?}"
    );
    assert!(exists(&site, "ns/there/host/plain") && !exists(&site, "host/plain"));
    let lines = task(&site, &admin, "POST", &namespace, "ns=there&target-ns=else").await;
    assert_eq!(
        lines.last().map(String::as_str),
        Some("TASK OK"),
        "{lines:?}"
    );
    assert!(exists(&site, "ns/else/host/plain") && !exists(&site, "ns/there"));
    let tasks = done(
        &site,
        &admin,
        "GET",
        "nodes/localhost/tasks?typefilter=move",
        "",
    )
    .await;
    let ids: Vec<_> = tasks["data"]
        .as_array()
        .expect("tasks")
        .iter()
        .map(|t| (&t["worker_type"], &t["worker_id"]))
        .collect();
    assert_eq!(
        ids,
        [
            (&json!("move-namespace"), &json!("peer:there:else")),
            (&json!("move-group"), &json!("peer:host/plain:there")),
        ]
    );
    site.end().await;
}

/// With Prune here and Backup there one moves what one owns; with Modify on both sides everything.
#[tokio::test]
async fn who_may_move_a_group() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start(&fixtures, "").await;
    let (admin, low) = (site.log_in("test@pbs").await, site.log_in("low2@pbs").await);
    let group = format!("{STORE}/move-group");
    done(
        &site,
        &admin,
        "POST",
        &format!("{STORE}/namespace"),
        "name=there",
    )
    .await;
    let to = format!("{GROUP}&target-ns=there");
    let status = async || refused(&site, &low, "POST", &group, &to).await;
    assert_eq!(status().await.0, 403);
    grant(&site, &admin, "/datastore/peer", "DatastorePowerUser").await;
    let (code, text) = status().await;
    assert_eq!(code, 400);
    assert!(text.contains("owner check failed"), "{text}");
    // All may be changed at the target; what he may not change is the source.
    grant(&site, &admin, "/datastore/peer/there", "DatastoreAdmin").await;
    assert_eq!(status().await.0, 400);
    let owner = format!("{GROUP}&new-owner=low2%40pbs");
    done(
        &site,
        &admin,
        "POST",
        &format!("{STORE}/change-owner"),
        &owner,
    )
    .await;
    let lines = task(&site, &low, "POST", &group, &to).await;
    assert_eq!(
        lines.last().map(String::as_str),
        Some("TASK OK"),
        "{lines:?}"
    );
    assert!(exists(&site, "ns/there/host/plain"));
    let namespace = format!("{STORE}/move-namespace");
    let (code, _) = refused(&site, &low, "POST", &namespace, "ns=there&target-ns=else").await;
    assert_eq!(code, 403, "it needs the right to change the root");
    site.end().await;
}
