//! The transcripts that the specification prints (protocol.md 10.3 to 10.5): a minimal backup, the next one on top of it, and a restore, byte by byte.

use serde_json::{Value, json};

use super::bodies::{blob, digest, run};
use super::client::Session;
use super::rig::Rig;

const D1: &str = "156c38442089c1323d3e3ba549a6ac24341c47e8b6367bec4740c9b8c865826e";
const D2: &str = "9a5670771141349931d69d6eb982faa01def544dc17a161ef83b3277fb7c0c3c";
const F1: &str = "bb9f8df61474d25e71fa00722318cd387396ca1736605e1248821cc0de3d3af8";
const F2: &str = "418bcc1d0a75aada93349f29d523e38aed97efe794df4c1971c311b2b4f752dd";
const DYNAMIC_CSUM: &str = "b5af9b00fbc85702ae19bf795952f82533b30abc55896f64684adebec5df8f22";
const FIXED_CSUM: &str = "bdd7918c239935c93fcac28a9ddb287c871a149baf03a6c7a10f86911c8c063c";
const FIRST: &str = "//api2/json/backup?backup-id=demo&backup-time=1700000000&backup-type=host&benchmark=false&debug=true&store=peer";
const SECOND: &str = "//api2/json/backup?backup-id=demo&backup-time=1700000060&backup-type=host&benchmark=false&debug=true&store=peer";
const READER: &str = "//api2/json/reader?backup-id=demo&backup-time=1700000000&backup-type=host&debug=true&store=peer";

const MANIFEST: &str = r#"{
  "backup-id": "demo",
  "backup-time": 1700000000,
  "backup-type": "host",
  "files": [
    {
      "crypt-mode": "none",
      "csum": "b5af9b00fbc85702ae19bf795952f82533b30abc55896f64684adebec5df8f22",
      "filename": "demo.pxar.didx",
      "size": 66536
    },
    {
      "crypt-mode": "none",
      "csum": "bdd7918c239935c93fcac28a9ddb287c871a149baf03a6c7a10f86911c8c063c",
      "filename": "disk.img.fidx",
      "size": 4195328
    },
    {
      "crypt-mode": "none",
      "csum": "670f057b89f3ff375dae887f19d1f517f49bb37577969d02a957c9850593db86",
      "filename": "test.conf.blob",
      "size": 24
    }
  ],
  "signature": null,
  "unprotected": {}
}"#;

#[tokio::test]
async fn minimal_backup_follow_up_and_restore() {
    let rig = Rig::start().await;
    let session = rig.open(FIRST).await;
    backup(&session).await;
    session.leave();
    rig.idle().await;
    stored(&rig);
    follow_up(&rig).await;
    restore(&rig).await;
}

async fn backup(session: &Session) {
    assert_eq!(
        session.get("/previous_backup_time").await.data(),
        Value::Null
    );
    assert_eq!(
        session
            .blob("test.conf.blob", blob(b"hello world\n"))
            .await
            .data(),
        Value::Null
    );
    assert_eq!(
        session
            .post("/dynamic_index?archive-name=demo.pxar.didx")
            .await
            .data(),
        1
    );
    let chunks = [
        (run(0x41, 65536), D1, "80069ba0"),
        (run(0x42, 1000), D2, "4d569c7d"),
        (run(0, 4 << 20), F1, "6a404711"),
        (run(0x43, 1024), F2, "7ced589d"),
    ];
    for (data, name, crc) in &chunks {
        assert_eq!(digest(data), *name);
        assert_eq!(
            blob(data)[8..12]
                .iter()
                .map(|b| format!("{b:02x}"))
                .collect::<String>(),
            *crc
        );
    }
    for (data, name, _) in &chunks[..2] {
        assert_eq!(session.chunk("dynamic", 1, data).await.data(), *name);
    }
    let append = json!({"digest-list": [D1, D2], "offset-list": [0, 65536], "wid": 1});
    assert_eq!(
        session.json("PUT", "/dynamic_index", &append).await.data(),
        Value::Null
    );
    let close = format!("/dynamic_close?chunk-count=2&csum={DYNAMIC_CSUM}&size=66536&wid=1");
    let closed = session.post(&close).await;
    assert_eq!(
        (
            closed.status,
            closed.content_type.as_deref(),
            closed.content_length
        ),
        (200, Some("application/json;charset=UTF-8"), Some(13))
    );
    assert_eq!(
        session
            .post("/fixed_index?archive-name=disk.img.fidx&size=4195328")
            .await
            .data(),
        2
    );
    for (data, name, _) in &chunks[2..] {
        assert_eq!(session.chunk("fixed", 2, data).await.data(), *name);
    }
    let append = json!({"digest-list": [F2, F1], "offset-list": [4194304, 0], "wid": 2});
    assert_eq!(
        session.json("PUT", "/fixed_index", &append).await.data(),
        Value::Null
    );
    assert_eq!(
        session
            .post(&format!(
                "/fixed_close?chunk-count=2&csum={FIXED_CSUM}&size=4195328&wid=2"
            ))
            .await
            .data(),
        Value::Null
    );
    let manifest = blob(MANIFEST.as_bytes());
    assert_eq!(
        (
            manifest.len(),
            manifest[8..12]
                .iter()
                .map(|b| format!("{b:02x}"))
                .collect::<String>()
        ),
        (685, "ce7e4396".to_owned())
    );
    assert_eq!(
        session.blob("index.json.blob", manifest).await.data(),
        Value::Null
    );
    assert_eq!(session.post("/finish").await.data(), Value::Null);
}

fn stored(rig: &Rig) {
    let snapshot = "host/demo/2023-11-14T22:13:20Z";
    assert_eq!(
        rig.files(snapshot),
        [
            "demo.pxar.didx",
            "disk.img.fidx",
            "index.json.blob",
            "test.conf.blob"
        ]
    );
    let read = |name: &str| std::fs::read(rig.store.join(snapshot).join(name)).expect(name);
    let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();

    let dynamic = read("demo.pxar.didx");
    assert_eq!(dynamic.len(), 4176);
    assert_eq!(
        (hex(&dynamic[..8]).as_str(), hex(&dynamic[32..64]).as_str()),
        ("1c914ea519bab3cd", DYNAMIC_CSUM)
    );
    assert_eq!(
        hex(&dynamic[4096..]),
        format!("0000010000000000{D1}e803010000000000{D2}")
    );
    let fixed = read("disk.img.fidx");
    assert_eq!(fixed.len(), 4160);
    assert_eq!(
        (hex(&fixed[..8]).as_str(), hex(&fixed[32..64]).as_str()),
        ("2f7f41ed91fd0fcd", FIXED_CSUM)
    );
    assert_eq!(hex(&fixed[64..80]), "00044000000000000000400000000000");
    assert_eq!(hex(&fixed[4096..]), format!("{F1}{F2}"));
    assert_eq!(read("test.conf.blob"), blob(b"hello world\n"));

    let manifest = rig.manifest(snapshot);
    let stats = json!({"compressed_size": 4261912, "count": 4, "duplicates": 0, "size": 4262573});
    assert_eq!(manifest["unprotected"]["chunk_upload_stats"], stats);
    let mut expected: Value = serde_json::from_str(MANIFEST).expect("JSON");
    expected["unprotected"]["chunk_upload_stats"] = stats;
    assert_eq!(manifest, expected);
}

async fn follow_up(rig: &Rig) {
    let session = rig.open(SECOND).await;
    assert_eq!(
        session.get("/previous_backup_time").await.data(),
        1_700_000_000
    );
    let manifest = session.get("/previous?archive-name=index.json.blob").await;
    assert_eq!(
        (
            manifest.status,
            manifest.content_type.as_deref(),
            manifest.content_length
        ),
        (200, Some("application/octet-stream"), None)
    );
    assert_eq!(
        session
            .get("/previous?archive-name=demo.pxar.didx")
            .await
            .body
            .len(),
        4176
    );
    assert_eq!(
        session
            .post("/dynamic_index?archive-name=demo.pxar.didx")
            .await
            .data(),
        1
    );
    let append = json!({"digest-list": [D1, D2], "offset-list": [0, 65536], "wid": 1});
    assert_eq!(
        session.json("PUT", "/dynamic_index", &append).await.data(),
        Value::Null
    );
    assert_eq!(
        session
            .post(&format!(
                "/dynamic_close?chunk-count=2&csum={DYNAMIC_CSUM}&size=66536&wid=1"
            ))
            .await
            .data(),
        Value::Null
    );
    let reuse =
        format!("/fixed_index?archive-name=disk.img.fidx&reuse-csum={FIXED_CSUM}&size=4195328");
    assert_eq!(session.post(&reuse).await.data(), 2);
    assert_eq!(
        session
            .post(&format!(
                "/fixed_close?chunk-count=0&csum={FIXED_CSUM}&size=0&wid=2"
            ))
            .await
            .data(),
        Value::Null
    );
    let manifest = MANIFEST.replace("1700000000", "1700000060");
    assert_eq!(
        session
            .blob("index.json.blob", blob(manifest.as_bytes()))
            .await
            .data(),
        Value::Null
    );
    assert_eq!(session.post("/finish").await.data(), Value::Null);
    session.leave();
    rig.idle().await;
    let second = rig.manifest("host/demo/2023-11-14T22:14:20Z");
    assert_eq!(
        second["unprotected"]["chunk_upload_stats"]["count"], 0,
        "nothing was uploaded again"
    );
}

async fn restore(rig: &Rig) {
    let session = rig.open(READER).await;
    assert_eq!(
        session.get(&format!("/chunk?digest={D1}")).await.refusal(),
        (401, format!("download chunk {D1} not allowed"))
    );
    assert_eq!(
        session
            .get("/download?file-name=index.json.blob")
            .await
            .content_type
            .as_deref(),
        Some("application/octet-stream")
    );
    assert_eq!(
        session.get("/download?file-name=test.conf.blob").await.body,
        blob(b"hello world\n")
    );
    assert_eq!(
        session
            .get("/download?file-name=demo.pxar.didx")
            .await
            .body
            .len(),
        4176
    );
    for (name, data) in [(D1, run(0x41, 65536)), (D2, run(0x42, 1000))] {
        let chunk = session.get(&format!("/chunk?digest={name}")).await;
        assert_eq!(
            (chunk.content_length, &chunk.body[..]),
            (Some(data.len() + 12), &blob(&data)[..])
        );
    }
    assert_eq!(
        session.get(&format!("/chunk?digest={F1}")).await.status,
        401,
        "the other index was not read yet"
    );
    assert_eq!(
        session
            .get("/download?file-name=disk.img.fidx")
            .await
            .body
            .len(),
        4160
    );
    for (name, data) in [(F1, run(0, 4 << 20)), (F2, run(0x43, 1024))] {
        let chunk = session.get(&format!("/chunk?digest={name}")).await;
        assert_eq!(chunk.content_length, Some(data.len() + 12));
        assert_eq!(chunk.body, blob(&data));
    }
    drop(session);
    rig.idle().await;
    assert_eq!(rig.last_task("reader").status, "OK");
}
