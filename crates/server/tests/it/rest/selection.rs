//! Several members of an archive as one download: first they are selected, then they come.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::message::{Answer, request};
use super::packing::{Member, download, untar, unzip};
use super::site::{Login, Site, fixtures};
use super::steps::{done, refused};
use crate::exchange::client::connect;

const STORE: &str = "admin/datastore/peer";
const PLAIN: &str =
    "backup-type=host&backup-id=plain&backup-time=1700000000&archive-name=root.pxar.didx";
/// The first of three snapshots with a split archive.
const SPLIT: &str =
    "backup-type=host&backup-id=split&backup-time=1760000000&archive-name=root.mpxar.didx";

fn body(snapshot: &str, paths: &[&str], more: &str) -> String {
    let path = |path: &&str| format!("&filepath={}", api::form::escape(&STANDARD.encode(path)));
    let paths: String = paths.iter().map(path).collect();
    format!("{snapshot}{paths}{more}")
}

/// Selects and gives the target of the download.
async fn select(site: &Site, login: &Login, body: &str) -> String {
    let made = done(site, login, "POST", &format!("{STORE}/selection"), body).await;
    let selection = made["data"]["selection"].as_str().expect("a selection");
    format!("{STORE}/selection-download?selection={selection}")
}

async fn packed(site: &Site, login: &Login, body: &str) -> Vec<u8> {
    let target = select(site, login, body).await;
    let answer = site
        .call(login, "GET", &format!("/api2/json/{target}"), "")
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.body
}

/// What of a whole tree lies below these, under names without the first `cut` bytes.
fn part(whole: &BTreeMap<String, Member>, tops: &[&str], cut: usize) -> BTreeMap<String, Member> {
    let below = |path: &str, top: &str| {
        path.trim_end_matches('/')
            .strip_prefix(top)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    whole
        .iter()
        .filter(|(path, _)| tops.iter().any(|top| below(path, top)))
        .map(|(path, member)| (path[cut..].to_owned(), member.clone()))
        .collect()
}

#[tokio::test]
async fn selected_members_come_as_one_zip_or_tar() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start(&fixtures, "").await;
    site.add_split(&fixtures);
    let login = site.log_in("test@pbs").await;
    let whole_tar = untar(&download(&site, &login, "root.pxar.didx", true).await.1);
    let whole_zip = unzip(&download(&site, &login, "root.pxar.didx", false).await.1);
    for (tops, cut) in [
        (&["files/random-48k.bin", "files/empty"][..], "files/".len()),
        (&["files", "links", "dirs"], 0),
        (&["files/random-48k.bin", "links"], 0),
        (&["files", "files/random-48k.bin"], 0),
    ] {
        let paths: Vec<String> = tops.iter().map(|top| format!("/{top}")).collect();
        let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
        let tar = packed(&site, &login, &body(PLAIN, &paths, "&tar=1")).await;
        let expected = part(&whole_tar, tops, cut);
        assert!(
            expected.len() >= tops.len(),
            "{tops:?} are not in the fixtures"
        );
        assert_eq!(untar(&tar), expected, "{tops:?}");
        let zip = packed(&site, &login, &body(PLAIN, &paths, "")).await;
        assert_eq!(unzip(&zip), part(&whole_zip, tops, cut), "{tops:?}");
    }

    // Split: by the name of its metadata, or as if it were in one piece.
    let all = packed(&site, &login, &body(SPLIT, &["/"], "&tar=1")).await;
    let all = untar(&all);
    let files: Vec<&str> = all
        .iter()
        .filter(|(_, m)| m.kind == '0')
        .map(|(path, _)| path.as_str())
        .collect();
    assert!(files.len() > 3, "{files:?}");
    let (first, last) = (files[0], files[files.len() - 1]);
    let as_whole = SPLIT.replace("mpxar", "pxar");
    for snapshot in [SPLIT, &as_whole] {
        let zip = unzip(&packed(&site, &login, &body(snapshot, &[first, last], "")).await);
        let data = |members: &BTreeMap<String, Member>| -> Vec<Vec<u8>> {
            members.values().map(|member| member.data.clone()).collect()
        };
        let mut expected = vec![all[first].data.clone(), all[last].data.clone()];
        let mut found = data(&zip);
        expected.sort();
        found.sort();
        assert_eq!(found, expected, "{first} {last}");
    }
    site.end().await;
}

#[tokio::test]
async fn selections_are_refused_in_time_and_belong_to_one() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start(&fixtures, "").await;
    site.add_split(&fixtures);
    let login = site.log_in("test@pbs").await;
    let target = format!("{STORE}/selection");
    let many = body(PLAIN, &vec!["/files"; 1001], "");
    let enc = PLAIN
        .replace("plain", "enc")
        .replace("1700000000", "1700000100");
    for (body, status, text) in [
        (
            body(PLAIN, &["/files", "/nope"], ""),
            400,
            r#"path "/nope" not found in archive"#,
        ),
        (
            body(PLAIN, &["/files/../x"], ""),
            400,
            "cannot enter a parent directory",
        ),
        (body(PLAIN, &[], ""), 400, "filepath"),
        (many, 400, "at most 1000 paths"),
        (
            body(&enc, &["/"], ""),
            400,
            "cannot decode 'root.pxar.didx' - is encrypted",
        ),
        (
            format!("{PLAIN}&filepath=%21"),
            400,
            "'!' is not base64 of a path",
        ),
    ] {
        let found = refused(&site, &login, "POST", &target, &body).await;
        assert_eq!(found.0, status, "{body:.200}: {}", found.1);
        assert!(found.1.contains(text), "{body:.200}: {}", found.1);
    }
    let made = select(&site, &login, &body(PLAIN, &["/files"], "")).await;
    let over = "', or its time is over; select again";
    for (login, target) in [
        (&login, format!("{STORE}/selection-download?selection=1-1")),
        (&login, format!("{made}&ns=a")),
    ] {
        let found = refused(&site, login, "GET", &target, "").await;
        assert!(
            found.0 == 400 && found.1.ends_with(over),
            "{target}: {found:?}"
        );
    }
    // Another user, who may read all there is, still gets none but his own.
    let role = "path=/datastore/peer&role=DatastoreReader&auth-id=low2%40pbs";
    done(&site, &login, "PUT", "access/acl", role).await;
    let other = site.log_in("low2@pbs").await;
    let found = refused(&site, &other, "GET", &made, "").await;
    assert!(found.0 == 400 && found.1.ends_with(over), "{found:?}");
    let own = select(&site, &other, &body(SPLIT, &["/"], "")).await;
    // And what he may no more read does not come, though it was selected in time.
    let role = "path=/datastore/peer&role=DatastoreReader&auth-id=low2%40pbs&delete=1";
    done(&site, &login, "PUT", "access/acl", role).await;
    assert_eq!(refused(&site, &other, "GET", &own, "").await.0, 403);
    site.end().await;
}

/// A download that breaks off must not look like one that ended.
#[tokio::test]
async fn a_damaged_chunk_breaks_the_transfer() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start(&fixtures, "").await;
    site.add_split(&fixtures);
    let login = site.log_in("test@pbs").await;
    let target = select(&site, &login, &body(SPLIT, &["/"], "")).await;
    // The payload's last chunk goes; the metadata stays.
    let index = site.path("peer/host/split/2025-10-09T08:53:20Z/root.ppxar.didx");
    let name = "root.ppxar.didx".parse().expect("name");
    let bytes = std::fs::read(index).expect("index");
    let index = format::Index::parse(&name, bytes).expect("index");
    let digest = index.digest(index.len() - 1).to_string();
    let chunk = site.path(&format!("peer/.chunks/{}/{digest}", &digest[..4]));
    std::fs::remove_file(chunk).expect("chunk");
    let cookie = login.cookie();
    let request = request("GET", &format!("/api2/json/{target}"), &[&cookie], "");
    let mut stream = connect(site.address).await;
    stream.write_all(&request).await.expect("request");
    let mut bytes = Vec::new();
    // How a connection is cut off is its own matter.
    let _ = stream.read_to_end(&mut bytes).await;
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(400)]).into_owned();
    assert!(
        head.starts_with("HTTP/1.1 200 ") && head.contains("chunked"),
        "{head}"
    );
    assert_eq!(Answer::parse(&bytes, true), None, "it seems to be whole");
    site.end().await;
}

/// What lies in many folders is found in the time of one request, or it is told.
#[tokio::test]
async fn a_selection_has_its_time() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start_with(&fixtures, "", |settings| {
        settings.limits.search_time = std::time::Duration::ZERO;
    })
    .await;
    let login = site.log_in("test@pbs").await;
    let target = format!("{STORE}/selection");
    let wanted = body(PLAIN, &["/files/empty"], "");
    let told = refused(&site, &login, "POST", &target, &wanted).await;
    assert!(told.1.contains("select fewer entries"), "{told:?}");
    site.end().await;
}
