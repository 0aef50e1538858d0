//! What a server that was killed can leave of a backup that did not finish: the folder of a group with its owner, and nothing in it. As with the original
//! it stays and belongs to whom it says; lists show it as what it is, and everything that goes through groups passes it.

use serde_json::json;

use super::site::{Site, fixtures};
use super::steps::{done, task};

const STORE: &str = "admin/datastore/peer";

#[tokio::test]
async fn a_group_without_snapshots_is_shown_and_passed() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start(&fixtures, "").await;
    let admin = site.log_in("test@pbs").await;
    let counts = async || {
        let status = done(
            &site,
            &admin,
            "GET",
            &format!("{STORE}/status?verbose=1"),
            "",
        )
        .await;
        status["data"]["counts"].clone()
    };
    let before = counts().await;
    assert!(before["host"]["groups"].is_u64(), "{before}");
    let left = site.path("peer/host/left");
    std::fs::create_dir(&left).expect("group");
    std::fs::write(left.join("owner"), "test@pbs\n").expect("owner");

    let groups = done(&site, &admin, "GET", &format!("{STORE}/groups"), "").await;
    let groups = groups["data"].as_array().expect("list");
    let shown = groups.iter().find(|group| group["backup-id"] == "left");
    let expected = json!({"backup-count": 0, "backup-id": "left", "backup-type": "host", "files": [], "last-backup": 0, "owner": "test@pbs"});
    assert_eq!(shown, Some(&expected));
    assert_eq!(counts().await, before, "it holds nothing");
    let of = "backup-type=host&backup-id=left";
    let snapshots = format!("{STORE}/snapshots?{of}");
    let snapshots = done(&site, &admin, "GET", &snapshots, "").await;
    assert_eq!(snapshots["data"], json!([]));
    let pruned = done(
        &site,
        &admin,
        "POST",
        &format!("{STORE}/prune"),
        &format!("{of}&keep-last=1"),
    )
    .await;
    assert_eq!(pruned["data"], json!([]));
    for (verb, path, body) in [
        ("POST", "prune-datastore", "keep-last=1"),
        ("POST", "verify", ""),
        ("POST", "gc", ""),
    ] {
        let lines = task(&site, &admin, verb, &format!("{STORE}/{path}"), body).await;
        assert_eq!(
            lines.last().map(String::as_str),
            Some("TASK OK"),
            "{path}: {lines:#?}"
        );
        assert!(left.join("owner").exists(), "{path}");
    }
    let removed = done(&site, &admin, "DELETE", &format!("{STORE}/groups?{of}"), "").await;
    assert_eq!(removed["data"]["removed-groups"], json!(1));
    assert!(!left.exists());
    site.end().await;
}
