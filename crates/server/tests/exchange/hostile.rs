//! Requests that are wrong, and parameters in every form that known clients use: each is answered, and the session goes on.

use std::fmt::Write as _;

use bytes::Bytes;
use serde_json::{Value, json};

use super::bodies::{blob, digest, run};
use super::client::{PATIENCE, connect, plain};
use super::rig::Rig;

#[tokio::test]
async fn parameters_in_every_form() {
    let rig = Rig::start().await;
    // Double slashes, an empty namespace, a parameter in the path's query only.
    let session = rig.open("//api2//json/backup?store=peer&ns=&backup-type=host&backup-id=forms&backup-time=1700000000").await;
    assert_eq!(
        session
            .json(
                "POST",
                "//dynamic_index",
                &json!({"archive-name": "a.pxar.didx"})
            )
            .await
            .data(),
        1
    );
    let form = Some("application/x-www-form-urlencoded; charset=utf-8");
    assert_eq!(
        session
            .send(
                "POST",
                "/dynamic_index",
                form,
                Bytes::from_static(b"archive-name=b.pxar.didx")
            )
            .await
            .data(),
        2
    );
    assert_eq!(
        session
            .send(
                "POST",
                "/dynamic_index?archive-name=c.pxar.didx",
                None,
                Bytes::new()
            )
            .await
            .data(),
        3
    );
    let data = run(b'x', 100);
    let name = digest(&data);
    // A chunk without content type, as the Go client sends it.
    let encoded = blob(&data);
    let target = format!(
        "/dynamic_chunk?wid=1&digest={name}&size=100&encoded-size={}",
        encoded.len()
    );
    assert_eq!(
        session
            .send("POST", &target, None, Bytes::from(encoded))
            .await
            .data(),
        name
    );
    let lists = format!("digest-list={name}&digest-list={name}&offset-list=0&offset-list=100");
    assert_eq!(
        session
            .send(
                "PUT",
                &format!("/dynamic_index?wid=1&{lists}"),
                form,
                Bytes::new()
            )
            .await
            .data(),
        Value::Null
    );
    assert_eq!(
        session
            .send(
                "PUT",
                "/dynamic_index",
                form,
                Bytes::from(format!("wid=2&{lists}"))
            )
            .await
            .data(),
        Value::Null
    );
    let json = Some("application/json; charset=UTF-8");
    let body = json!({"wid": 3, "digest-list": [name], "offset-list": [0]}).to_string();
    assert_eq!(
        session
            .send("PUT", "/dynamic_index", json, Bytes::from(body))
            .await
            .data(),
        Value::Null
    );
    let list: Vec<Value> = session
        .get("/")
        .await
        .data()
        .as_array()
        .expect("list")
        .clone();
    assert_eq!(list.len(), 11);
    assert_eq!(list[0], json!({"subdir": "blob"}));
}

#[tokio::test]
async fn wrong_requests_are_refused_and_harmless() {
    let rig = Rig::start().await;
    let session = rig.open(&rig.backup("wrong", 1_700_000_000)).await;
    assert_eq!(
        session
            .post("/dynamic_index?archive-name=a.pxar.didx")
            .await
            .data(),
        1
    );
    let data = run(b'w', 5000);
    let (name, encoded) = (digest(&data), blob(&data));
    let target = |size: usize, announced: usize, name: &str| {
        format!("/dynamic_chunk?wid=1&digest={name}&size={size}&encoded-size={announced}")
    };
    let longer = [&encoded[..], b"x"].concat();
    let missing =
        "parameter verification failed - 'wid': parameter is missing and it is not optional.";
    for (target, body, expected) in [
        (
            target(5000, 5012, &name),
            longer,
            "uploaded chunk is larger than announced.",
        ),
        (
            target(5000, 5012, &name),
            encoded[..5000].to_vec(),
            "uploaded chunk has unexpected size.",
        ),
        (
            target(5000, 5012, &name.to_uppercase()),
            encoded.clone(),
            "parameter verification failed - 'digest': value does not match the regex pattern",
        ),
        (
            target(4999, 5012, &name),
            encoded.clone(),
            "detected chunk with wrong length (4999 != 5000)",
        ),
        (
            target(5000, 5012, &digest(b"other")),
            encoded.clone(),
            "detected chunk with wrong digest.",
        ),
        (
            target(5000, 16_777_261, &name),
            encoded.clone(),
            "parameter verification failed - 'encoded-size': value must have a maximum value of 16777260 (got 16777261)",
        ),
        (
            target(5000, 5012, &name).replace("wid=1&", ""),
            encoded.clone(),
            missing,
        ),
        (
            "/blob?file-name=x.blob&encoded-size=20".to_owned(),
            blob(b"12345678901234567890"),
            "got blob with unexpected length (20 != 32)",
        ),
        (
            "/blob?file-name=x.blob&encoded-size=13".to_owned(),
            [&blob(b"0")[..12], b"1"].concat(),
            "Data blob has wrong CRC checksum.",
        ),
    ] {
        assert_eq!(
            session.upload(&target, body).await.refusal(),
            (400, expected.to_owned()),
            "{target}"
        );
    }
    // The checksum of a chunk is the server's business: a wrong one is repaired.
    let mut unsummed = encoded.clone();
    unsummed[8..12].fill(0);
    assert_eq!(
        session
            .upload(&target(5000, 5012, &name), unsummed)
            .await
            .data(),
        name
    );
    assert_eq!(rig.chunk(&name), encoded);
    for (method, path, body, expected) in [
        (
            "PUT",
            "/dynamic_index",
            r#"{"wid":1"#,
            (400, "EOF while parsing an object at line 1 column 8"),
        ),
        (
            "PUT",
            "/dynamic_index",
            "[]",
            (400, "request body is not a JSON object"),
        ),
        (
            "GET",
            "/../owner",
            "",
            (400, "path contains illegal components"),
        ),
        ("DELETE", "/blob", "", (404, "Path '/blob' not found.")),
    ] {
        let answer = session
            .send(method, path, Some("application/json"), Bytes::from(body))
            .await;
        assert_eq!(
            answer.refusal(),
            (expected.0, expected.1.to_owned()),
            "{method} {path}"
        );
    }
    let answer = session
        .send(
            "POST",
            "/finish",
            Some("text/plain"),
            Bytes::from_static(b"x"),
        )
        .await;
    assert_eq!(
        answer.refusal(),
        (
            400,
            "unsupported content type Ok(\"text/plain\")".to_owned()
        )
    );
    // After all that the session works.
    let csum = {
        let entry = [&5000u64.to_le_bytes()[..], &hex(&name)].concat();
        digest(&entry)
    };
    assert_eq!(
        session
            .json(
                "PUT",
                "/dynamic_index",
                &json!({"wid": 1, "digest-list": [name], "offset-list": [0]})
            )
            .await
            .data(),
        Value::Null
    );
    let close = format!("/dynamic_close?wid=1&chunk-count=1&size=5000&csum={csum}");
    assert_eq!(session.post(&close).await.data(), Value::Null);
    // The Go client closes twice and wants an error, not a broken connection.
    assert_eq!(session.post(&close).await.status, 400);
}

#[tokio::test]
async fn a_thousand_entries_and_too_many() {
    let rig = Rig::start().await;
    let session = rig.open(&rig.backup("many", 1_700_000_000)).await;
    assert_eq!(
        session
            .post("/dynamic_index?archive-name=a.pxar.didx")
            .await
            .data(),
        1
    );
    let data = run(b'm', 64);
    let name = session.chunk("dynamic", 1, &data).await.data();
    let batch = |first: usize, count: usize| {
        let offsets: Vec<usize> = (first..first + count).map(|entry| entry * 64).collect();
        json!({"wid": 1, "digest-list": vec![name.clone(); count], "offset-list": offsets})
    };
    assert_eq!(
        session
            .json("PUT", "/dynamic_index", &batch(0, 1000))
            .await
            .data(),
        Value::Null
    );
    let refused = session
        .json("PUT", "/dynamic_index", &batch(1000, 8000))
        .await;
    assert_eq!(
        refused.refusal(),
        (400, "Request body too large".to_owned())
    );
    let mut entries = Vec::new();
    for end in 1..=1000u64 {
        entries.extend_from_slice(&(end * 64).to_le_bytes());
        entries.extend_from_slice(&hex(name.as_str().expect("text")));
    }
    let close = format!(
        "/dynamic_close?wid=1&chunk-count=1000&size=64000&csum={}",
        digest(&entries)
    );
    assert_eq!(session.post(&close).await.data(), Value::Null);
}

#[tokio::test]
async fn unknown_chunks_cannot_be_appended() {
    let rig = Rig::start().await;
    let data = run(b'u', 300);
    let other = rig.open(&rig.backup("owner-of-chunk", 1_700_000_000)).await;
    assert_eq!(
        other
            .post("/dynamic_index?archive-name=a.pxar.didx")
            .await
            .data(),
        1
    );
    let name = other.chunk("dynamic", 1, &data).await.data();
    // It is in the store, and still unknown to another session.
    let session = rig.open(&rig.backup("thief", 1_700_000_000)).await;
    assert_eq!(
        session
            .post("/dynamic_index?archive-name=a.pxar.didx")
            .await
            .data(),
        1
    );
    let append = json!({"wid": 1, "digest-list": [name], "offset-list": [0]});
    let text = format!("no such chunk {}", name.as_str().expect("text"));
    assert_eq!(
        session
            .json("PUT", "/dynamic_index", &append)
            .await
            .refusal(),
        (400, text)
    );
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len() / 2)
        .map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).expect("hex"))
        .collect()
}

/// A refused request leaves one line in the task's log, and cannot write others.
#[tokio::test]
async fn refusals_are_logged() {
    let rig = Rig::start().await;
    let session = rig.open(&rig.backup("logged", 1_700_000_000)).await;
    let mut text = String::new();
    write!(
        text,
        "{:?}",
        session.get("/nope%0ATASK%20OK").await.refusal()
    )
    .expect("text");
    assert!(text.contains("not found"), "{text}");
    drop(session);
    rig.idle().await;
    let log = rig.last_task("backup").log;
    assert!(
        log.iter()
            .any(|line| line.starts_with("GET /nope TASK OK: 404 Not Found: Path '/nope")),
        "{log:#?}"
    );
    assert!(!log.iter().any(|line| line == "TASK OK"), "{log:#?}");
}

/// Else everybody with a login could make the server hold megabytes for him.
#[tokio::test]
async fn a_payload_is_not_received_from_someone_who_may_not_send_it() {
    let rig = Rig::start().await;
    let head = format!(
        "POST /api2/json/admin/datastore/peer/upload-backup-log?backup-type=host&backup-id=x&backup-time=1700000000 HTTP/1.1\r\n\
         host: localhost\r\n{}\r\ncontent-type: application/octet-stream\r\ncontent-length: 16000000\r\n\r\n",
        rig.stranger
    );
    let mut stream = connect(rig.addr).await;
    let answer = tokio::time::timeout(PATIENCE, plain(&mut stream, &head, b"")).await;
    let (status, _, text) = answer.expect("answered although nothing of the body was sent");
    assert_eq!(
        (status, String::from_utf8(text).expect("text").as_str()),
        (
            403,
            "permission check failed - missing Datastore.Backup on /datastore/peer"
        )
    );
}

/// The disk of a datastore was unmounted under a running server, and backups went to the empty mount point, with success.
#[tokio::test]
async fn an_empty_mount_point_takes_no_backups() {
    let rig = Rig::start().await;
    drop(rig.open(&rig.backup("first", 1_700_000_000)).await);
    rig.idle().await;
    let away = rig.store.with_extension("away");
    std::fs::rename(&rig.store, &away).expect("unmount");
    std::fs::create_dir(&rig.store).expect("mount point");
    let (status, text) = rig
        .refused(&rig.backup("second", 1_700_000_000), &rig.auth)
        .await;
    assert_eq!(status, 400, "{text}");
    let left = std::fs::read_dir(&rig.store).expect("list").count();
    assert_eq!(left, 0, "{text}");
    std::fs::remove_dir(&rig.store).expect("mount point");
    std::fs::rename(&away, &rig.store).expect("mount");
    drop(rig.open(&rig.backup("second", 1_700_000_000)).await);
    rig.idle().await;
}
