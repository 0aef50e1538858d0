//! Files by their names, in one snapshot and in all.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};

use super::packing::{download, untar};
use super::site::{Login, Site, fixtures};
use super::steps::{done, refused};

const SEARCH: &str = "admin/datastore/peer/search";

async fn find(site: &Site, login: &Login, query: &str) -> Value {
    done(site, login, "GET", &format!("{SEARCH}?{query}"), "").await["data"].take()
}

/// `NS type/id archive path`, each with its versions as sizes and times of snapshots.
fn shown(data: &Value, all: &mut BTreeMap<String, BTreeSet<String>>) {
    for entry in data["entries"].as_array().expect("entries") {
        let text = |name: &str| entry[name].as_str().expect(name).to_owned();
        let path = text("text");
        let key = format!(
            "{} {}/{} {} {path}",
            text("ns"),
            text("backup-type"),
            text("backup-id"),
            text("archive-name")
        );
        for version in entry["versions"].as_array().expect("versions") {
            for time in version["snapshots"].as_array().expect("times") {
                let is = format!(
                    "{} {} {} {time}",
                    version["type"], version["size"], version["mtime"]
                );
                assert!(
                    all.entry(key.clone()).or_default().insert(is.clone()),
                    "{key} {is} twice"
                );
            }
        }
    }
}

/// All answers, each going on where the last one ended.
async fn find_all(
    site: &Site,
    login: &Login,
    query: &str,
) -> (BTreeMap<String, BTreeSet<String>>, Vec<Value>) {
    let (mut all, mut pages) = (BTreeMap::new(), Vec::new());
    let mut from = String::new();
    loop {
        let data = find(site, login, &format!("{query}{from}")).await;
        shown(&data, &mut all);
        let next = data["next"].as_str().map(str::to_owned);
        pages.push(data);
        match next {
            Some(next) => from = format!("&from={}", api::form::escape(&next)),
            None => return (all, pages),
        }
        assert!(pages.len() < 2000, "it never ends");
    }
}

#[tokio::test]
async fn names_in_one_snapshot() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start(&fixtures, "").await;
    site.add_split(&fixtures);
    let login = site.log_in("test@pbs").await;
    let members = untar(&download(&site, &login, "root.pxar.didx", true).await.1);
    let plain = "backup-type=host&backup-id=plain&backup-time=1700000000";
    // By the catalog, against what was backed up. (A tar has links as what they lead to, but all names.)
    for (pattern, fits) in [
        (
            "random",
            Box::new(|name: &str| name.contains("random")) as Box<dyn Fn(&str) -> bool>,
        ),
        (
            "RANDOM-48K.BIN",
            Box::new(|name: &str| name == "random-48k.bin"),
        ),
        ("*.bin", Box::new(|name: &str| name.ends_with(".bin"))),
    ] {
        let query = format!("{plain}&pattern={}", api::form::escape(pattern));
        let (found, pages) = find_all(&site, &login, &query).await;
        let expected: BTreeSet<String> = members
            .keys()
            .map(|path| path.trim_end_matches('/'))
            .filter(|path| fits(path.rsplit('/').next().expect("name")))
            .map(|path| format!(" host/plain root.pxar.didx /{path}"))
            .collect();
        assert!(!expected.is_empty(), "{pattern}");
        assert_eq!(
            found.keys().cloned().collect::<BTreeSet<_>>(),
            expected,
            "{pattern}"
        );
        assert_eq!((pages.len(), &pages[0]["snapshots"]), (1, &json!(1)));
    }
    let none = find(
        &site,
        &login,
        &format!("{plain}&pattern=random&case-sensitive=1&archive-name=home.pxar.didx"),
    )
    .await;
    assert_eq!((&none["entries"], none.get("next")), (&json!([]), None));
    // By metadata, with sizes and times.
    let split = find(
        &site,
        &login,
        "backup-type=host&backup-id=split&backup-time=1760000000&pattern=f05.bin",
    )
    .await;
    assert_eq!(
        split["entries"],
        json!([{
            "archive-name": "root.pxar.didx", "backup-id": "split", "backup-type": "host", "filepath": "L2EvZjA1LmJpbg==", "ns": "",
            "text": "/a/f05.bin",
            "versions": [{ "mtime": 1_716_308_840, "size": 40960, "snapshots": [1_760_000_000], "type": "f" }],
        }])
    );
    site.end().await;
}

#[tokio::test]
async fn names_in_all_snapshots() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start_with(&fixtures, "", |settings| {
        settings.limits.searches_of_user = 1;
        settings.limits.searches_own = 0;
    })
    .await;
    site.add_split(&fixtures);
    let login = site.log_in("test@pbs").await;
    // Two versions in three snapshots of a group.
    let f05 = find(&site, &login, "pattern=f05.bin&backup-id=split").await;
    let versions = &f05["entries"][0]["versions"];
    assert_eq!(f05["entries"].as_array().map(Vec::len), Some(1));
    assert_eq!(
        (
            &versions[0]["size"],
            &versions[0]["snapshots"],
            &versions[1]["size"],
            &versions[1]["snapshots"]
        ),
        (
            &json!(41060),
            &json!([1_760_172_800, 1_760_086_400]),
            &json!(40960),
            &json!([1_760_000_000])
        )
    );
    let newest = find(&site, &login, "pattern=f05.bin&backup-id=split&newest=1").await;
    assert_eq!(
        newest["entries"][0]["versions"].as_array().map(Vec::len),
        Some(1)
    );
    assert_eq!(newest["snapshots"], 1);

    // The whole datastore at once and bit by bit: the same.
    let (at_once, pages) = find_all(&site, &login, "pattern=*&limit=10000").await;
    assert_eq!((pages.len(), &pages[0]["failed"]), (1, &json!(0)));
    assert!(
        pages[0]["encrypted"]
            .as_u64()
            .is_some_and(|count| count >= 2),
        "{}",
        pages[0]["encrypted"]
    );
    let keys = |start: &str| at_once.keys().filter(|key| key.starts_with(start)).count();
    assert!(keys(" host/plain ") > 100 && keys("a/b ct/200 ") > 3 && keys(" host/split ") > 50);
    assert_eq!(keys(" host/split-enc ") + keys(" host/enc "), 0);
    let (by_pages, pages) = find_all(&site, &login, "pattern=*&limit=7").await;
    assert!(pages.len() > 50, "{}", pages.len());
    assert!(by_pages == at_once, "pages leave something out");
    // Only what is below, and as deep as wished.
    let (below, _) = find_all(&site, &login, "pattern=*&ns=a").await;
    assert!(below.keys().all(|key| key.starts_with("a/b ")) && below.len() == keys("a/b "));
    let (top, _) = find_all(&site, &login, "pattern=*&ns=a&max-depth=0").await;
    assert_eq!(top.len(), 0);
    // A folder that is no namespace hides nothing, and is counted in the first answer alone.
    std::fs::create_dir(site.path("peer/ns/bad?")).expect("folder");
    let (beside, pages) = find_all(&site, &login, "pattern=*&limit=5000").await;
    assert!(beside == at_once, "a strange folder hides something");
    let failed: Vec<_> = pages.iter().map(|page| page["failed"].as_u64()).collect();
    assert_eq!(failed.iter().flatten().sum::<u64>(), 1, "{failed:?}");

    for (query, text) in [
        ("pattern=[", "a character class is not closed"),
        ("pattern=a&from=x", "it is no `next`"),
        ("pattern=", "pattern"),
        ("pattern=a&ns=none", "namespace not found"),
    ] {
        let found = refused(&site, &login, "GET", &format!("{SEARCH}?{query}"), "").await;
        assert!(
            found.0 >= 400 && found.1.contains(text),
            "{query}: {found:?}"
        );
    }
    site.end().await;
}

/// Without any time each answer still gets a step further.
#[tokio::test]
async fn a_search_without_time_ends() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start_with(&fixtures, "", |settings| {
        settings.limits.search_time = Duration::ZERO
    })
    .await;
    site.add_split(&fixtures);
    let login = site.log_in("test@pbs").await;
    let (found, pages) = find_all(&site, &login, "pattern=f05.bin&backup-id=split").await;
    let versions = found.values().next().expect("it was found");
    assert_eq!((found.len(), versions.len()), (1, 3), "{found:?}");
    assert!(pages.len() > 100, "{}", pages.len());
    site.end().await;
}

/// Snapshots that have no names in them take time too.
#[tokio::test]
async fn a_search_ends_between_snapshots_without_archives() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start_with(&fixtures, "", |settings| {
        settings.limits.search_time = Duration::ZERO
    })
    .await;
    let login = site.log_in("test@pbs").await;
    let group = site.path("peer/vm/100");
    let files = std::fs::read_dir(group.join("2023-11-14T22:18:20Z")).expect("snapshot");
    let files: Vec<_> = files
        .map(|file| file.expect("file").path())
        .filter(|file| !file.to_string_lossy().ends_with(".fidx"))
        .collect();
    for day in 10..30 {
        let snapshot = group.join(format!("2024-01-{day}T00:00:00Z"));
        std::fs::create_dir(&snapshot).expect("folder");
        for file in &files {
            let name = file.file_name().expect("name");
            std::fs::copy(file, snapshot.join(name)).expect("copy");
        }
    }
    let (found, pages) = find_all(&site, &login, "pattern=*&backup-type=vm").await;
    assert_eq!(found.len(), 0);
    assert_eq!(pages.len(), 21, "one snapshot an answer");
    let at_once = find_all(&site, &login, "pattern=*&limit=10000").await;
    assert!(at_once.1.len() > 100, "and others behind them");
    site.end().await;
}

/// A snapshot that comes between two answers takes nothing from what the first one began.
#[tokio::test]
async fn a_search_in_newest_snapshots_goes_on_where_it_began() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start(&fixtures, "").await;
    let login = site.log_in("test@pbs").await;
    let query = "pattern=*&newest=1&backup-id=plain&limit=40";
    let (expected, _) = find_all(&site, &login, query).await;
    let mut found = BTreeMap::new();
    let first = find(&site, &login, query).await;
    shown(&first, &mut found);
    let newer = site.path("peer/host/plain/2030-01-01T00:00:00Z");
    std::fs::create_dir(&newer).expect("folder");
    let group = site.path("peer/host/plain");
    let last = std::fs::read_dir(&group)
        .expect("group")
        .map(|entry| entry.expect("entry").file_name())
        .filter(|name| name.to_string_lossy().starts_with("202"))
        .filter(|name| group.join(name) != newer)
        .max();
    let last = group.join(last.expect("a snapshot"));
    for file in std::fs::read_dir(last).expect("snapshot") {
        let file = file.expect("file").path();
        let name = file.file_name().expect("name").to_owned();
        std::fs::copy(&file, newer.join(name)).expect("copy");
    }
    let mut next = first["next"].as_str().map(str::to_owned);
    while let Some(from) = next {
        let from = api::form::escape(&from).to_string();
        let more = find(&site, &login, &format!("{query}&from={from}")).await;
        shown(&more, &mut found);
        next = more["next"].as_str().map(str::to_owned);
    }
    assert!(found == expected, "{} of {}", found.len(), expected.len());
    site.end().await;
}

#[tokio::test]
async fn each_finds_what_he_may_read() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start(&fixtures, "").await;
    site.add_split(&fixtures);
    let admin = site.log_in("test@pbs").await;
    let low2 = site.log_in("low2@pbs").await;
    let target = format!("{SEARCH}?pattern=*");
    let nothing = refused(&site, &low2, "GET", &target, "").await;
    assert_eq!(nothing.0, 403, "{}", nothing.1);
    // In the root only what he owns, below another namespace all.
    for role in [
        "path=/datastore/peer&role=DatastorePowerUser&auth-id=low2%40pbs",
        "path=/datastore/peer/a/b&role=DatastoreReader&auth-id=low2%40pbs",
    ] {
        done(&site, &admin, "PUT", "access/acl", role).await;
    }
    let give = "backup-type=host&backup-id=split&new-owner=low2%40pbs";
    done(
        &site,
        &admin,
        "POST",
        "admin/datastore/peer/change-owner",
        give,
    )
    .await;
    let (found, _) = find_all(&site, &low2, "pattern=*").await;
    let groups: BTreeSet<String> = found
        .keys()
        .map(|key| key.split(' ').take(2).collect::<Vec<_>>().join(" "))
        .collect();
    let expected = [" host/split", "a/b ct/200"].map(str::to_owned);
    assert_eq!(groups, BTreeSet::from(expected));
    site.end().await;
}
