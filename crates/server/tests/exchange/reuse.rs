//! Building on the previous backup: what a session may rely on, and what happens if the previous one goes away meanwhile.

use serde_json::{Value, json};

use super::bodies::{blob, digest, run};
use super::client::Session;
use super::rig::Rig;

/// Makes the backup of one dynamic index with one chunk.
async fn backup(rig: &Rig, id: &str, time: i64) -> (String, String) {
    let session = rig.open(&rig.backup(id, time)).await;
    let data = run(b'r', 7000);
    assert_eq!(
        session
            .post("/dynamic_index?archive-name=a.pxar.didx")
            .await
            .data(),
        1
    );
    let name = session
        .chunk("dynamic", 1, &data)
        .await
        .data()
        .as_str()
        .expect("name")
        .to_owned();
    append_and_close(&session, &name).await;
    let finished = finish(&session, id, time).await;
    assert_eq!(finished, (200, r#"{"data":null}"#.to_owned()));
    session.leave();
    rig.idle().await;
    (name.clone(), csum(&name))
}

fn csum(name: &str) -> String {
    let raw: Vec<u8> = (0..32)
        .map(|i| u8::from_str_radix(&name[2 * i..2 * i + 2], 16).expect("hex"))
        .collect();
    digest(&[&7000u64.to_le_bytes()[..], &raw].concat())
}

async fn append_and_close(session: &Session, name: &str) {
    let append = json!({"wid": 1, "digest-list": [name], "offset-list": [0]});
    assert_eq!(
        session.json("PUT", "/dynamic_index", &append).await.data(),
        Value::Null
    );
    let close = format!(
        "/dynamic_close?wid=1&chunk-count=1&size=7000&csum={}",
        csum(name)
    );
    assert_eq!(session.post(&close).await.data(), Value::Null);
}

async fn finish(session: &Session, id: &str, time: i64) -> (u16, String) {
    let manifest = json!({"backup-type": "host", "backup-id": id, "backup-time": time, "files": [], "signature": null, "unprotected": {}});
    assert_eq!(
        session
            .blob("index.json.blob", blob(manifest.to_string().as_bytes()))
            .await
            .status,
        200
    );
    session.post("/finish").await.refusal()
}

#[tokio::test]
async fn previous_is_removed_meanwhile() {
    let rig = Rig::start().await;
    let (name, _) = backup(&rig, "base", 1_700_000_000).await;
    let session = rig.open(&rig.backup("base", 1_700_000_060)).await;
    assert_eq!(
        session
            .get("/previous?archive-name=a.pxar.didx")
            .await
            .status,
        200
    );
    assert_eq!(
        session
            .post("/dynamic_index?archive-name=a.pxar.didx")
            .await
            .data(),
        1
    );
    append_and_close(&session, &name).await;
    // Nobody who takes locks can remove it, so somebody who takes none does.
    std::fs::remove_dir_all(rig.store.join("host/base/2023-11-14T22:13:20Z")).expect("removed");
    let text = "base snapshot host/base/2023-11-14T22:13:20Z was removed during backup, cannot finish as chunks might be missing";
    assert_eq!(
        finish(&session, "base", 1_700_000_060).await,
        (400, text.to_owned())
    );
    drop(session);
    rig.idle().await;
    assert!(!rig.store.join("host/base/2023-11-14T22:14:20Z").exists());
}

#[tokio::test]
async fn what_previous_refuses() {
    let rig = Rig::start().await;
    let session = rig.open(&rig.backup("first", 1_700_000_000)).await;
    for (target, expected) in [
        (
            "/previous?archive-name=a.pxar.didx",
            "no valid previous backup",
        ),
        ("/previous?archive-name=a", "no valid previous backup"),
    ] {
        assert_eq!(
            session.get(target).await.refusal(),
            (400, expected.to_owned())
        );
    }
    let zero = "0".repeat(64);
    let reuse = session
        .post(&format!(
            "/fixed_index?archive-name=d.img.fidx&size=5242880&reuse-csum={zero}"
        ))
        .await;
    assert_eq!(
        reuse.refusal(),
        (
            400,
            "cannot reuse index - no valid previous backup exists".to_owned()
        )
    );
    drop(session);
    rig.idle().await;

    backup(&rig, "second", 1_700_000_000).await;
    let session = rig.open(&rig.backup("second", 1_700_000_060)).await;
    let base = rig.store.join("host/second/2023-11-14T22:13:20Z");
    let missing = format!("open file {:?} failed - not found", base.join("none.blob"));
    assert_eq!(
        session
            .get("/previous?archive-name=none.blob")
            .await
            .refusal(),
        (404, missing)
    );
    assert_eq!(
        session.get("/previous?archive-name=owner").await.refusal(),
        (400, "unknown archive type: \"owner\"".to_owned())
    );
    let reuse = session
        .post(&format!(
            "/fixed_index?archive-name=d.img.fidx&size=5242880&reuse-csum={zero}"
        ))
        .await;
    assert_eq!(
        reuse.refusal(),
        (
            400,
            "cannot reuse index - no previous backup exists for archive".to_owned()
        )
    );
}
