//! What may differ between the recorded answers (version 3.2.4) and ours, and why. A capture that stands in no rule must be answered alike.

use std::io::Read as _;
use std::ops::RangeInclusive;

use serde_json::Value;

use super::message::Answer;

pub struct Rule {
    pub numbers: RangeInclusive<u16>,
    pub why: &'static str,
    pub how: How,
}

pub enum How {
    /// The route belongs to a later issue.
    Skip,
    /// Another status or text.
    Text(u16, &'static str),
    /// The same after this was done to both.
    Json(fn(&mut Value)),
    /// The same with another content type.
    AnyType(fn(&mut Value)),
    /// Anything that this accepts.
    Check(fn(&Answer, &Answer) -> Result<(), String>),
}

const fn rule(numbers: RangeInclusive<u16>, why: &'static str, how: How) -> Rule {
    Rule { numbers, why, how }
}

const UNKNOWN_CALLER: How = How::Text(401, "authentication failed");

#[rustfmt::skip]
pub const RULES: &[Rule] = &[
    rule(1..=4, "since 4.0.5 the login's answer has no formatter; times and signatures", How::AnyType(ticket)),
    rule(10..=10, "as above", How::AnyType(ticket)),
    rule(8..=8, "the password may be missing since 4.0", How::Text(400, "no password provided")),
    rule(11..=12, "another version", How::Json(version)),
    rule(13..=13, "deflate is zlib-wrapped since 3.2.8; another version", How::Check(deflated_version)),
    rule(14..=14, "another version", How::Json(version)),
    rule(15..=18, "one text for all since 4.1.4", UNKNOWN_CALLER),
    rule(19..=22, "routes of later issues are not there yet", How::Check(index)),
    rule(24..=24, "privileges of 3.3", How::Json(permissions)),
    rule(25..=26, "privileges of 3.3", How::Json(permissions)),
    rule(28..=29, "any order", How::Json(sorted)),
    rule(34..=34, "passwords have 8 characters since 4.0", How::Text(400, "parameter verification failed - 'password': value must be at least 8 characters long")),
    rule(36..=36, "the secret is random", How::Json(token)),
    rule(46..=46, "privileges and roles of 3.3, any order", How::Json(roles)),
    rule(48..=49, "one text for all since 4.1.4", UNKNOWN_CALLER),
    rule(50..=50, "members of 3.3 and 4.2", How::Json(stores)),
    rule(52..=53, "another disk; member of 4.2", How::Json(status)),
    rule(62..=63, "any order; 4.x shows groups without snapshots", How::Json(groups)),
    rule(64..=64, "a text that tells more", How::Text(400, "namespace not found")),
    rule(65..=66, "any order; other zstd version", How::Json(snapshots)),
    rule(69..=70, "other zstd version", How::Json(snapshots)),
    rule(71..=71, "a text that tells more", How::Text(400, "snapshot host/plain/2020-09-13T12:26:40Z does not exist.")),
    rule(77..=77, "other zstd version", How::Check(manifest_blob)),
    rule(82..=82, "other zstd version; times before 1970 were written wrong", How::Check(tar)),
    rule(91..=91, "a prefix since 4.x", How::Text(400, "failed to delete snapshot - cannot remove protected snapshot")),
    rule(97..=97, "a report since 3.3", How::Text(200, r#"{"data":{"protected-snapshots":0,"removed-groups":0,"removed-snapshots":0}}"#)),
    rule(101..=104, "another process and time", How::Json(upid)),
    rule(105..=106, "another process and time; member of 4.x; the chunk of the probe; times of copied files", How::Json(collections)),
    rule(107..=107, "any order; other zstd version; another task", How::Json(snapshots)),
    rule(108..=108, "any order; 4.x shows groups without snapshots", How::Json(groups)),
    rule(109..=109, "another disk; as 105", How::Json(verbose_status)),
    rule(110..=110, "operations", How::Skip),
    rule(111..=111, "another time, another disk", How::Json(slots)),
    rule(112..=112, "usage of all datastores", How::Skip),
    rule(116..=117, "another path", How::Json(store_config)),
    rule(120..=120, "another path", How::Json(store_config)),
    rule(123..=123, "another time", How::Json(runs)),
    rule(124..=124, "another process and time", How::Json(upid)),
    rule(125..=125, "another process and time", How::Json(runs)),
    rule(128..=128, "another time", How::Json(runs)),
    rule(134..=134, "another machine", How::Json(types)),
    rule(135..=135, "another time", How::Json(types)),
    rule(136..=136, "another machine", How::Json(only_digest)),
    rule(137..=137, "another certificate", How::Json(types)),
    rule(153..=153, "another machine", How::Json(types)),
    rule(154..=154, "the machine needs no key of its own for that", How::Text(200, r#"{"data":{"message":"Strongroom is free software; there is no subscription to buy or to check.","status":"notfound"}}"#)),
    rule(157..=157, "a text that tells more", How::Text(400, "snapshot host/plain/2023-11-15T22:13:20Z does not exist.")),
    rule(158..=158, "a report since 3.3", How::Text(200, r#"{"data":{"protected-snapshots":0,"removed-groups":1,"removed-snapshots":1}}"#)),
];

fn remove(value: &mut Value, names: &[&str]) {
    if let Some(members) = value.as_object_mut() {
        names.iter().for_each(|name| drop(members.remove(*name)));
    }
}

fn items(value: &mut Value) -> impl Iterator<Item = &mut Value> {
    value["data"].as_array_mut().into_iter().flatten()
}

fn sorted(value: &mut Value) {
    if let Some(data) = value["data"].as_array_mut() {
        data.sort_by_key(Value::to_string);
    }
}

/// Every scalar replaced by its type.
fn types(value: &mut Value) {
    match value {
        Value::Object(members) => members.values_mut().for_each(types),
        Value::Array(items) => items.iter_mut().for_each(types),
        scalar => {
            *scalar = match scalar {
                Value::Bool(_) => "bool",
                Value::Number(_) => "number",
                _ => "text",
            }
            .into();
        }
    }
}

fn ticket(value: &mut Value) {
    remove(value, &["status", "success"]);
    for name in ["ticket", "CSRFPreventionToken"] {
        let text = value["data"][name].as_str().expect("text").to_owned();
        // The form stays: names, lengths, alphabet of the parts.
        let form: String = text
            .chars()
            .map(|c| {
                if c.is_ascii_alphanumeric() || "+/".contains(c) {
                    'x'
                } else {
                    c
                }
            })
            .collect();
        value["data"][name] = form.into();
    }
}

fn version(value: &mut Value) {
    types(&mut value["data"]);
}

fn deflated_version(recorded: &Answer, live: &Answer) -> Result<(), String> {
    for name in ["content-encoding", "transfer-encoding"] {
        if recorded.header(name) != live.header(name) {
            return Err(format!("{name} {:?}", live.header(name)));
        }
    }
    let mut plain = String::new();
    flate2::read::ZlibDecoder::new(live.body.as_slice())
        .read_to_string(&mut plain)
        .map_err(|e| e.to_string())?;
    if plain.starts_with(r#"{"data":{"release":"#) {
        Ok(())
    } else {
        Err(plain)
    }
}

/// Names below `/`, `/admin` and a datastore that came after 3.2, and those that are ours alone: `events`, `search`, `selection`, `selection-download`,
/// `snapshot-diff` and `usage`.
const NEW_NAMES: [&str; 14] = [
    "events",
    "mount",
    "move-group",
    "move-namespace",
    "push",
    "s3",
    "s3-refresh",
    "search",
    "selection",
    "selection-download",
    "snapshot-diff",
    "unmount",
    "usage",
    "vncticket",
];

/// Everything we list is in the recorded list, or came after it.
fn index(recorded: &Answer, live: &Answer) -> Result<(), String> {
    let names = |answer: &Answer| -> Vec<String> {
        let data = answer.json()["data"].take();
        data.as_array()
            .expect("list")
            .iter()
            .map(|item| item["subdir"].as_str().expect("name").to_owned())
            .collect()
    };
    let (recorded, live) = (names(recorded), names(live));
    let strange: Vec<&String> = live
        .iter()
        .filter(|name| !recorded.contains(name) && !NEW_NAMES.contains(&name.as_str()))
        .collect();
    if live.is_empty() || !strange.is_empty() || !live.is_sorted() {
        Err(format!("{live:?}"))
    } else {
        Ok(())
    }
}

const NEW_PRIVILEGES: [&str; 3] = [
    "Remote.DatastoreBackup",
    "Remote.DatastoreModify",
    "Remote.DatastorePrune",
];

fn permissions(value: &mut Value) {
    for held in value["data"]
        .as_object_mut()
        .into_iter()
        .flat_map(|paths| paths.values_mut())
    {
        remove(held, &NEW_PRIVILEGES);
    }
}

fn token(value: &mut Value) {
    let secret = value["data"]["value"].as_str().expect("secret");
    assert!(api::pattern::uuid(secret), "{secret}");
    value["data"]["value"] = "".into();
}

fn roles(value: &mut Value) {
    const NEW: [&str; 3] = [
        "RemoteSyncPushOperator",
        "RemoteDatastorePowerUser",
        "RemoteDatastoreAdmin",
    ];
    if let Some(data) = value["data"].as_array_mut() {
        data.retain(|role| !NEW.contains(&role["roleid"].as_str().expect("id")));
        for role in data {
            let privileges = role["privs"].as_array_mut().expect("list");
            privileges.retain(|name| !NEW_PRIVILEGES.contains(&name.as_str().expect("name")));
        }
    }
    sorted(value);
}

fn stores(value: &mut Value) {
    items(value).for_each(|store| remove(store, &["backend-type", "mount-status"]));
}

fn status(value: &mut Value) {
    remove(&mut value["data"], &["backend-type"]);
    ["avail", "total", "used"]
        .iter()
        .for_each(|name| types(&mut value["data"][*name]));
}

fn groups(value: &mut Value) {
    let data = value["data"].as_array_mut().expect("list");
    data.retain(|group| group["backup-count"] != 0);
    for group in data {
        group["files"]
            .as_array_mut()
            .expect("files")
            .sort_by_key(Value::to_string);
    }
    sorted(value);
}

/// Snapshots, or files of one: the manifest's own size, and so the sum, depend on the compressor.
fn snapshots(value: &mut Value) {
    for item in items(value) {
        if item.get("files").is_some() {
            assert!(item["size"].is_u64(), "{item}");
            remove(item, &["size"]);
            if let Some(verification) = item.get_mut("verification") {
                types(&mut verification["upid"]);
            }
        }
        manifest_size(item);
        item["files"]
            .as_array_mut()
            .into_iter()
            .flatten()
            .for_each(manifest_size);
    }
    if value["data"][0]
        .get("files")
        .is_some_and(|files| !files.is_null())
    {
        sorted(value);
    }
}

fn manifest_size(file: &mut Value) {
    if file["filename"] == "index.json.blob" {
        types(&mut file["size"]);
    }
    if file["files"].is_null() {
        remove(file, &["files"]);
    }
}

fn manifest_blob(recorded: &Answer, live: &Answer) -> Result<(), String> {
    let plain = |answer: &Answer| -> Result<Vec<u8>, String> {
        let blob = format::Blob::parse(&answer.body).map_err(|e| e.to_string())?;
        blob.check_crc().map_err(|e| e.to_string())?;
        let mut out = Vec::new();
        format::Decompressor::new()
            .decode(&blob, 1 << 20, &mut out)
            .map_err(|e| e.to_string())?;
        Ok(out)
    };
    let (recorded, live) = (plain(recorded)?, plain(live)?);
    if recorded == live {
        Ok(())
    } else {
        Err(String::from_utf8_lossy(&live).into_owned())
    }
}

fn tar(recorded: &Answer, live: &Answer) -> Result<(), String> {
    let plain = |answer: &Answer| {
        let mut tar = zstd::stream::decode_all(answer.body.as_slice()).expect("zstd");
        for block in tar
            .chunks_mut(512)
            .filter(|block| &block[257..262] == b"ustar")
        {
            // A time before 1970 was marked as a number above 2^63; with it the sum of the header changes.
            if block[136] >= 0x80 {
                block[136..140].fill(0xFF);
                block[148..156].fill(b' ');
            }
        }
        tar
    };
    let (recorded, live) = (plain(recorded), plain(live));
    let at = recorded.iter().zip(&live).position(|(a, b)| a != b);
    if recorded == live {
        Ok(())
    } else {
        Err(format!(
            "lengths {} {}, first difference {at:?}",
            recorded.len(),
            live.len()
        ))
    }
}

fn upid(value: &mut Value) {
    let upid: api::Upid = value["data"]
        .as_str()
        .expect("text")
        .parse()
        .expect("task id");
    value["data"] = format!(
        "{} {:?} {} {}",
        upid.worker_type, upid.worker_id, upid.auth_id, upid.node
    )
    .into();
}

fn collections(value: &mut Value) {
    match value["data"].as_array_mut() {
        Some(stores) => stores.iter_mut().for_each(collection),
        None => collection(&mut value["data"]),
    }
}

/// All that does not depend on what the probe left and on when files were copied.
fn collection(status: &mut Value) {
    remove(status, &["cache-stats"]);
    for name in [
        "disk-bytes",
        "disk-chunks",
        "duration",
        "last-run-endtime",
        "pending-bytes",
        "pending-chunks",
        "upid",
    ] {
        if status.get(name).is_some() {
            types(&mut status[name]);
        }
    }
}

fn verbose_status(value: &mut Value) {
    status(value);
    collection(&mut value["data"]["gc-status"]);
}

fn only_digest(value: &mut Value) {
    let members = value["data"].as_object_mut().expect("object");
    members.retain(|name, _| name == "digest");
    types(value);
}

/// How far the slots are apart.
fn slots(value: &mut Value) {
    let mut before = None;
    for slot in items(value) {
        let time = slot["time"].as_i64().expect("time");
        *slot = before.map(|before| time - before).into();
        before = Some(time);
    }
}

/// When jobs ran and will run.
fn runs(value: &mut Value) {
    for job in items(value) {
        for name in ["next-run", "last-run-endtime", "last-run-upid"] {
            if job.get(name).is_some() {
                types(&mut job[name]);
            }
        }
    }
}

fn store_config(value: &mut Value) {
    types(&mut value["digest"]);
    match value["data"].as_array_mut() {
        Some(stores) => stores
            .iter_mut()
            .for_each(|store| types(&mut store["path"])),
        None => types(&mut value["data"]["path"]),
    }
}
