//! What two snapshots have not in common, against the lists of what was backed up.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::site::{Login, Site, fixtures};
use super::steps::{done, refused};

const DIFF: &str = "admin/datastore/peer/snapshot-diff";
const SPLIT: &str =
    "backup-type=host&backup-id=split&backup-time=1760086400&archive-name=root.mpxar.didx";
const SMALL: &str =
    "backup-type=host&backup-id=small&backup-time=1700000500&archive-name=root.pxar.didx";

async fn diff(site: &Site, login: &Login, query: &str) -> Value {
    done(site, login, "GET", &format!("{DIFF}?{query}"), "").await["data"].take()
}

fn lines(data: &Value) -> Vec<String> {
    let entries = data["entries"].as_array().expect("entries");
    let line = |entry: &Value| {
        let text = |name: &str| entry[name].as_str().expect("text").to_owned();
        let path = STANDARD.decode(text("filepath")).expect("base64");
        assert_eq!(String::from_utf8_lossy(&path), text("text"));
        format!("{} {}", text("change"), text("text"))
    };
    entries.iter().map(line).collect()
}

/// A list of what was backed up; folders without their times, which tell no more than what is in them does.
fn tree(fixtures: &Path, name: &str) -> BTreeMap<String, Value> {
    let text = std::fs::read_to_string(fixtures.join("split").join(name)).expect("list");
    let entry = |line: &str| {
        let mut entry: Value = serde_json::from_str(line).expect("JSON");
        let path = percent_encoding::percent_decode_str(entry["path"].as_str().expect("path"));
        let path = format!("/{}", path.decode_utf8_lossy());
        if entry["type"] == "dir" {
            entry["mtime"] = Value::Null;
        }
        (path, entry)
    };
    text.lines()
        .map(entry)
        .filter(|(path, _)| path != "/.")
        .collect()
}

#[tokio::test]
async fn split_archives_are_compared_by_their_metadata() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start(&fixtures, "").await;
    site.add_split(&fixtures);
    let login = site.log_in("test@pbs").await;
    let (old, new) = (
        tree(&fixtures, "tree-1.manifest.jsonl"),
        tree(&fixtures, "tree-2.manifest.jsonl"),
    );
    let paths: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let mut expected: Vec<String> = Vec::new();
    for path in paths {
        match (old.get(path), new.get(path)) {
            (Some(_), None) => expected.push(format!("removed {path}")),
            (None, Some(_)) => expected.push(format!("added {path}")),
            (was, is) if was != is => expected.push(format!("changed {path}")),
            _ => {}
        }
    }
    let base = format!("{SPLIT}&base-time=1760000000");
    let all = diff(&site, &login, &base).await;
    let mut found = lines(&all);
    found.sort_by_key(|line| line.split_once(' ').expect("path").1.to_owned());
    assert_eq!(found, expected);
    let count = |word: &str| {
        expected
            .iter()
            .filter(|line| line.starts_with(word))
            .count()
    };
    assert_eq!(
        (
            &all["added"],
            &all["removed"],
            &all["changed"],
            &all["total"],
            &all["complete"]
        ),
        (
            &json!(count("added")),
            &json!(count("removed")),
            &json!(count("changed")),
            &json!(expected.len()),
            &json!(true)
        )
    );
    let of = |path: &str| {
        let entries = all["entries"].as_array().expect("entries");
        entries
            .iter()
            .find(|entry| entry["text"] == path)
            .expect(path)
            .clone()
    };
    let touched = of("/a/f02.bin");
    assert_eq!(
        (
            &touched["differs"],
            &touched["old-mtime"],
            &touched["mtime"]
        ),
        (
            &json!(["mtime"]),
            &json!(1_700_415_914),
            &json!(1_720_000_000)
        )
    );
    let grown = of("/a/f05.bin");
    assert_eq!(
        (&grown["differs"], &grown["old-size"], &grown["size"]),
        (&json!(["size", "mtime"]), &json!(40960), &json!(41060))
    );
    let other_mode = of("/small/s03");
    assert_eq!(
        (&other_mode["differs"], &other_mode["same-data"]),
        (&json!(["mode"]), &Value::Null),
        "{other_mode}"
    );
    assert_eq!(of("/new")["type"], "d");
    // In the other way of backing up, the data of what was touched lies where it lay, and that is seen.
    let query = SPLIT.replace("split", "data") + "&base-time=1760000000";
    let data = diff(&site, &login, &query).await;
    let same: Vec<&Value> = data["entries"]
        .as_array()
        .expect("entries")
        .iter()
        .filter(|entry| entry["same-data"] == true)
        .map(|entry| &entry["text"])
        .collect();
    assert_eq!(same, ["/a/f02.bin"]);

    // The other way round, what came went.
    let back = SPLIT.replace("1760086400", "1760000000") + "&base-time=1760086400";
    let back = diff(&site, &login, &back).await;
    assert_eq!(
        (&back["added"], &back["removed"], &back["changed"]),
        (&all["removed"], &all["added"], &all["changed"])
    );
    // And nothing differs from itself.
    let same = diff(&site, &login, &format!("{SPLIT}&base-time=1760086400")).await;
    assert_eq!(
        (&same["total"], &same["complete"]),
        (&json!(0), &json!(true))
    );

    // A folder, one kind, a page, what a folder stands for.
    let small = format!(
        "{base}&filepath={}",
        api::form::escape(&STANDARD.encode("/small"))
    );
    let below = lines(&diff(&site, &login, &small).await);
    let wanted: Vec<&String> = expected
        .iter()
        .filter(|line| line.contains(" /small/"))
        .collect();
    assert_eq!(below.iter().collect::<Vec<_>>(), wanted);
    let removed = diff(&site, &login, &format!("{base}&change=removed")).await;
    assert_eq!(
        (lines(&removed).len(), &removed["total"]),
        (count("removed"), &json!(count("removed")))
    );
    assert_eq!(removed["added"], json!(count("added")));
    let mut pages = Vec::new();
    for start in (0..expected.len()).step_by(4) {
        let page = diff(&site, &login, &format!("{base}&start={start}&limit=4")).await;
        assert_eq!(page["total"], json!(expected.len()));
        pages.extend(lines(&page));
    }
    assert_eq!(pages, lines(&all));
    let collapsed = diff(&site, &login, &format!("{base}&collapse=1")).await;
    let entries = collapsed["entries"].as_array().expect("entries");
    let new_folder = entries
        .iter()
        .find(|entry| entry["text"] == "/new")
        .expect("/new");
    assert_eq!(
        (&new_folder["entries"], &new_folder["bytes"]),
        (&json!(1), &json!(5000))
    );
    assert!(!lines(&collapsed).contains(&"added /new/n.bin".to_owned()));
    assert_eq!(collapsed["added"], all["added"]);
    site.end().await;
}

#[tokio::test]
async fn archives_in_one_piece_are_compared_by_their_catalogs() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start(&fixtures, "").await;
    site.add_split(&fixtures);
    let login = site.log_in("test@pbs").await;
    // The same tree, backed up twice.
    let plain = SMALL
        .replace("small", "plain")
        .replace("1700000500", "1700086400");
    let same = diff(&site, &login, &format!("{plain}&base-time=1700000000")).await;
    assert_eq!(
        (&same["total"], &same["complete"]),
        (&json!(0), &json!(true))
    );
    // Another namespace, group and archive, with other files.
    let there = "ns=a%2Fb&backup-type=ct&backup-id=200&backup-time=1700000400&archive-name=exclude.pxar.didx";
    let base = "base-ns=&base-type=host&base-id=plain&base-time=1700000000&base-archive-name=root.pxar.didx";
    let other = diff(&site, &login, &format!("{there}&{base}")).await;
    let count = |name: &str| other[name].as_u64().expect("count");
    assert!(count("removed") > 50 && count("added") > 3, "{other}");
    // One side by its catalog, the other by its metadata.
    let mixed =
        format!("{SMALL}&base-id=split&base-time=1760000000&base-archive-name=root.mpxar.didx");
    let mixed = diff(&site, &login, &mixed).await;
    let old = tree(&fixtures, "tree-1.manifest.jsonl");
    assert_eq!(mixed["removed"], json!(old.len()), "{mixed}");
    site.end().await;
}

#[tokio::test]
async fn what_cannot_be_compared_is_told() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start_with(&fixtures, "", |settings| {
        settings.limits.search_time = Duration::ZERO
    })
    .await;
    site.add_split(&fixtures);
    let login = site.log_in("test@pbs").await;
    let base = format!("{SPLIT}&base-time=1760000000");
    let cut = diff(&site, &login, &base).await;
    assert_eq!(
        (&cut["complete"], &cut["entries"]),
        (&json!(false), &json!([])),
        "no time"
    );
    let enc = SPLIT.replace("split", "split-enc") + "&base-time=1760000000";
    for (query, status, text) in [
        (enc, 400, "cannot decode 'root.mpxar.didx' - is encrypted"),
        (
            format!("{SPLIT}&base-time=1760000001"),
            400,
            "2025-10-09T08:53:21Z does not exist",
        ),
        (
            format!("{base}&base-archive-name=home.pxar.didx"),
            400,
            "archive 'home.pxar.didx' is not in this snapshot",
        ),
        (
            format!("{base}&filepath={}", STANDARD.encode("/nope/x")),
            400,
            r#"path "/nope/x" not found in archive"#,
        ),
        (format!("{base}&base-ns=none"), 400, "does not exist"),
    ] {
        let found = refused(&site, &login, "GET", &format!("{DIFF}?{query}"), "").await;
        assert_eq!(found.0, status, "{query}: {}", found.1);
        assert!(found.1.contains(text), "{query}: {}", found.1);
    }
    // Whoever may read the one may not read the other.
    let role = "path=/datastore/peer/a&role=DatastoreReader&auth-id=low2%40pbs";
    done(&site, &login, "PUT", "access/acl", role).await;
    let low2 = site.log_in("low2@pbs").await;
    let there = "ns=a%2Fb&backup-type=ct&backup-id=200&backup-time=1700000400&archive-name=exclude.pxar.didx";
    let own = done(
        &site,
        &low2,
        "GET",
        &format!("{DIFF}?{there}&base-time=1700000400"),
        "",
    )
    .await;
    assert_eq!(own["data"]["total"], 0);
    let both = format!(
        "{there}&base-ns=&base-type=host&base-id=small&base-time=1700000500&base-archive-name=root.pxar.didx"
    );
    let found = refused(&site, &low2, "GET", &format!("{DIFF}?{both}"), "").await;
    assert_eq!(found.0, 403, "{}", found.1);
    assert!(found.1.contains("/datastore/peer"), "{}", found.1);
    site.end().await;
}
