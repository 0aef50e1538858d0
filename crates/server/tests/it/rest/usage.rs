//! How full datastores are, what their snapshots cost, and parts of downloads.

use serde_json::json;

use super::message::{request, send};
use super::site::{Site, fixtures};
use super::steps::{done, refused, task};

const STORE: &str = "admin/datastore/peer";

#[tokio::test]
async fn what_snapshots_cost() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start(&fixtures, "").await;
    let admin = site.log_in("test@pbs").await;
    let usage = format!("{STORE}/usage");
    // Before the first count a collection counts nothing.
    task(&site, &admin, "POST", &format!("{STORE}/gc"), "").await;
    let before = done(&site, &admin, "GET", &usage, "").await;
    assert_eq!(before, json!({"data": [], "updated": null}));
    let lines = task(&site, &admin, "POST", &usage, "").await;
    assert!(
        lines.last().expect("line").starts_with("TASK "),
        "{lines:?}"
    );
    let after = done(&site, &admin, "GET", &usage, "").await;
    assert!(after["updated"].as_i64().is_some_and(|time| time > 0));
    let items = after["data"].as_array().expect("list");
    let of = |level: &str| items.iter().filter(|item| item["level"] == level).count();
    assert_eq!(of("store"), 1);
    assert!(of("namespace") > 1 && of("group") > 1 && of("snapshot") >= of("group"));
    let store = &items[0];
    assert_eq!(
        (&store["name"], &store["shared"]),
        (&json!("peer"), &json!(0))
    );
    let groups = done(&site, &admin, "GET", &format!("{usage}?level=group"), "").await;
    assert_eq!(groups["data"].as_array().expect("list").len(), of("group"));
    let low = site.log_in("low@pbs").await;
    assert_eq!(refused(&site, &low, "GET", &usage, "").await.0, 403);

    // A collection counts anew: what was removed is no longer told.
    let group = format!("{STORE}/groups?backup-type=host&backup-id=plain");
    done(&site, &admin, "DELETE", &group, "").await;
    let lines = task(&site, &admin, "POST", &format!("{STORE}/gc"), "").await;
    let told = lines.iter().any(|line| line.contains("counted anew what "));
    assert!(told, "{lines:?}");
    let items = done(&site, &admin, "GET", &format!("{usage}?level=group"), "").await;
    let items = items["data"].as_array().expect("list");
    let root = |item: &&serde_json::Value| item["name"] == "host/plain" && item["ns"] == "";
    assert_eq!(items.iter().find(root), None);
    assert_eq!(items.len(), of("group") - 1);
    site.end().await;
}

#[tokio::test]
async fn how_full_datastores_are() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start(&fixtures, "").await;
    let (admin, low) = (site.log_in("test@pbs").await, site.log_in("low@pbs").await);
    let config = site.path("etc/datastore.cfg");
    let text = std::fs::read_to_string(&config).expect("read");
    let more = "\ndatastore: usb\n\tbacking-device 00000000-0000-4000-8000-000000000000\n\tpath backups\n\ndatastore: gone\n\tpath /nowhere/at/all\n";
    std::fs::write(&config, text + more).expect("write");
    let target = "status/datastore-usage";
    let list = done(&site, &admin, "GET", target, "").await;
    let items = list["data"].as_array().expect("list");
    let find = |name: &str| items.iter().find(|item| item["store"] == name).expect(name);
    let peer = find("peer");
    assert!(
        peer["total"].as_u64().is_some_and(|total| total > 0),
        "{peer}"
    );
    assert!(peer["used"].is_u64() && peer["avail"].is_u64() && peer["gc-status"].is_object());
    assert_eq!(peer["history-delta"], 1800);
    assert!(
        peer["history"]
            .as_array()
            .is_some_and(|all| all.len() > 1000)
    );
    assert!(
        peer["estimated-full-date"].is_null(),
        "nothing was observed yet"
    );
    assert!(
        find("gone")["error"]
            .as_str()
            .is_some_and(|text| text.contains("missing"))
    );
    let usb = json!({"backend-type": "filesystem", "mount-status": "notmounted", "store": "usb"});
    assert_eq!(find("usb"), &usb);
    // Who may see nothing sees what is not mounted, as in the original.
    let list = done(&site, &low, "GET", target, "").await;
    assert_eq!(list["data"], json!([usb]));
    let offline = "maintenance-mode=offline";
    done(&site, &admin, "PUT", "config/datastore/peer", offline).await;
    let list = done(&site, &admin, "GET", target, "").await;
    let text = list["data"][0]["error"].as_str().expect("error");
    assert!(text.contains("offline maintenance mode"), "{text}");
    site.end().await;
}

#[tokio::test]
async fn parts_of_downloads() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start(&fixtures, "").await;
    let admin = site.log_in("test@pbs").await;
    let target = format!(
        "/api2/json/{STORE}/download?backup-type=host&backup-id=plain&backup-time=1700000000&file-name=index.json.blob"
    );
    let get = async |range: Option<&str>| {
        let range = range.map(|range| format!("range: bytes={range}"));
        let cookie = admin.cookie();
        let mut headers = vec![cookie.as_str()];
        headers.extend(range.as_deref());
        send(site.address, &request("GET", &target, &headers, "")).await
    };
    let whole = get(None).await;
    assert_eq!(whole.status, 200);
    let size = whole.body.len();
    let part = get(Some("10-19")).await;
    assert_eq!((part.status, &part.body[..]), (206, &whole.body[10..20]));
    let range = format!("bytes 10-19/{size}");
    assert_eq!(part.header("content-range"), Some(range.as_str()));
    let end = get(Some("-5")).await;
    assert_eq!((end.status, &end.body[..]), (206, &whole.body[size - 5..]));
    let beyond = get(Some(&format!("{size}-"))).await;
    assert_eq!((beyond.status, beyond.body.len()), (416, 0));

    // A part is never deflated, and what is deflated is not offered in parts.
    let cookie = admin.cookie();
    let deflated = async |more: &[&str]| {
        let mut headers = vec![cookie.as_str(), "accept-encoding: deflate"];
        headers.extend(more);
        send(site.address, &request("GET", &target, &headers, "")).await
    };
    let part = deflated(&["range: bytes=10-19"]).await;
    assert_eq!((part.status, &part.body[..]), (206, &whole.body[10..20]));
    assert_eq!(part.header("content-encoding"), None);
    let all = deflated(&[]).await;
    assert_eq!(all.header("content-encoding"), Some("deflate"));
    assert_eq!(all.header("accept-ranges"), None);
    assert_eq!(whole.header("accept-ranges"), Some("bytes"));

    // Whoever wants a part only of what he knows gets the whole.
    let headers = [cookie.as_str(), "range: bytes=10-19", "if-range: \"x\""];
    let answer = send(site.address, &request("GET", &target, &headers, "")).await;
    assert_eq!((answer.status, &answer.body), (200, &whole.body));
    site.end().await;
}

/// What a blob holds was decoded whole for each reader. A damaged one is refused before its first byte, as it was then.
#[tokio::test]
async fn content_of_blobs() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start(&fixtures, "").await;
    let admin = site.log_in("test@pbs").await;
    let file = site.path("peer/host/plain/2023-11-14T22:13:20Z/index.json.blob");
    let target = format!(
        "/api2/json/{STORE}/download-decoded?backup-type=host&backup-id=plain&backup-time=1700000000&file-name=index.json.blob"
    );
    let encoded = std::fs::read(&file).expect("manifest");
    let blob = format::Blob::parse(&encoded).expect("a blob");
    let mut content = Vec::new();
    format::Decompressor::new()
        .decode(&blob, format::BLOB_RAW_MAX, &mut content)
        .expect("content");
    let answer = site.call(&admin, "GET", &target, "").await;
    assert_eq!((answer.status, &answer.body), (200, &content));
    assert_eq!(
        answer.header("content-type"),
        Some("application/octet-stream")
    );
    assert_eq!(answer.header("content-length"), None);
    let mut damaged = encoded;
    damaged[9] ^= 1;
    std::fs::write(&file, damaged).expect("written");
    let answer = site.call(&admin, "GET", &target, "").await;
    assert_eq!(answer.status, 400);
    assert!(
        answer.text().contains("wrong checksum of the blob"),
        "{}",
        answer.text()
    );
    site.end().await;
}
