//! Every way a session can end: what stays, what the task says, and that the group is free (protocol.md 3.4).

use std::time::Duration;

use bytes::Bytes;
use tokio::io::AsyncWriteExt as _;

use super::bodies::{blob, digest, run};
use super::client::{Session, connect, plain, protocol_of, upgrade_head};
use super::rig::{Rig, Wishes};

const UNFINISHED: &str = "backup ended but finished state is not set.";
const SNAPSHOT: &str = "host/end/2023-11-14T22:13:20Z";

async fn open(rig: &Rig) -> Session {
    let session = rig.open(&rig.backup("end", 1_700_000_000)).await;
    assert_eq!(
        session
            .post("/dynamic_index?archive-name=a.pxar.didx")
            .await
            .data(),
        1
    );
    assert!(rig.store.join(SNAPSHOT).exists());
    session
}

/// Nothing is left, and the group can be used again at once.
async fn gone(rig: &Rig) {
    rig.idle().await;
    assert!(
        !rig.store.join("host/end").exists(),
        "{:?}",
        rig.files("host")
    );
    drop(rig.open(&rig.backup("end", 1_700_000_000)).await);
    rig.idle().await;
}

#[tokio::test]
async fn clean_close() {
    let rig = Rig::start().await;
    let session = open(&rig).await;
    drop(session);
    rig.idle().await;
    let task = rig.last_task("backup");
    assert_eq!(task.status, UNFINISHED);
    let tail = [
        format!("backup ended and finish failed: {UNFINISHED}"),
        "removing unfinished backup".into(),
        format!("TASK ERROR: {UNFINISHED}"),
    ];
    assert_eq!(task.log[task.log.len() - 3..], tail, "{:#?}", task.log);
    gone(&rig).await;
}

#[tokio::test]
async fn killed_in_the_middle_of_a_chunk() {
    let rig = Rig::start().await;
    let session = open(&rig).await;
    let data = run(b'k', 1 << 20);
    let encoded = Bytes::from(blob(&data));
    let target = format!(
        "/dynamic_chunk?wid=1&digest={}&size={}&encoded-size={}",
        digest(&data),
        data.len(),
        encoded.len()
    );
    let (_answer, mut body) = session.begin("POST", &target, None, false).await;
    body.send_data(encoded.slice(..300_000), false)
        .expect("send");
    assert!(
        session.get("/previous_backup_time").await.status == 200,
        "the beginning of the chunk has arrived"
    );
    session.leave();
    rig.idle().await;
    assert!(
        rig.last_task("backup")
            .log
            .iter()
            .any(|line| line.starts_with("removing "))
    );
    gone(&rig).await;
    assert!(
        !rig.store
            .join(".chunks")
            .join(&digest(&data)[..4])
            .join(digest(&data))
            .exists()
    );
}

#[tokio::test]
async fn garbage_instead_of_frames() {
    let rig = Rig::start().await;
    let target = rig.backup("end", 1_700_000_000);
    let mut stream = connect(rig.addr).await;
    assert_eq!(
        plain(
            &mut stream,
            &upgrade_head(&target, protocol_of(&target), &rig.auth),
            b""
        )
        .await
        .0,
        101
    );
    stream
        .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0")
        .await
        .expect("preface");
    // A frame of an impossible length.
    stream.write_all(&[0xff; 64]).await.expect("garbage");
    stream.flush().await.expect("flush");
    rig.idle().await;
    let task = rig.last_task("backup");
    assert!(
        task.status.starts_with("connection error: "),
        "{}",
        task.status
    );
    assert!(task.log.contains(&"removing failed backup".to_owned()));
    gone(&rig).await;
}

#[tokio::test]
async fn no_preface_and_a_wrong_one() {
    let rig = Rig::start().await;
    let target = rig.backup("end", 1_700_000_000);
    for (said, status) in [
        (
            &b""[..],
            Some("connection error: connection closed before reading preface"),
        ),
        (&b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"[..], None),
    ] {
        let mut stream = connect(rig.addr).await;
        assert_eq!(
            plain(
                &mut stream,
                &upgrade_head(&target, protocol_of(&target), &rig.auth),
                b""
            )
            .await
            .0,
            101
        );
        stream.write_all(said).await.expect("write");
        stream.shutdown().await.expect("close");
        drop(stream);
        rig.idle().await;
        let task = rig.last_task("backup");
        assert!(
            task.status.starts_with("connection error: "),
            "{}",
            task.status
        );
        if let Some(status) = status {
            assert_eq!(task.status, status);
        }
    }
    gone(&rig).await;
}

#[tokio::test]
async fn http_1_0_cannot_be_upgraded() {
    let rig = Rig::start().await;
    let target = rig.backup("end", 1_700_000_000);
    let head =
        upgrade_head(&target, protocol_of(&target), &rig.auth).replace("HTTP/1.1", "HTTP/1.0");
    let mut stream = connect(rig.addr).await;
    assert_eq!(plain(&mut stream, &head, b"").await.0, 101);
    rig.idle().await;
    assert_eq!(rig.last_task("backup").status, "no upgrade available");
    drop(stream);
    gone(&rig).await;
}

#[tokio::test]
async fn stopped_through_the_api() {
    let rig = Rig::start().await;
    let session = open(&rig).await;
    let upid = rig.running().pop().expect("running");
    let escaped = api::form::escape(&upid);
    assert_eq!(
        rig.rest(
            "DELETE",
            &format!("/api2/json/nodes/localhost/tasks/{escaped}")
        )
        .await,
        (200, r#"{"data":null}"#.to_owned())
    );
    rig.idle().await;
    let task = rig.last_task("backup");
    assert_eq!(
        (task.upid.as_str(), task.status.as_str()),
        (upid.as_str(), "task aborted")
    );
    let tail = [
        "received abort request ...",
        "backup failed: task aborted",
        "removing failed backup",
        "TASK ERROR: task aborted",
    ];
    assert_eq!(task.log[task.log.len() - 4..], tail, "{:#?}", task.log);
    drop(session);
    gone(&rig).await;
}

#[tokio::test]
async fn stopped_by_a_shutdown_that_does_not_wait() {
    let rig = Rig::start().await;
    let _session = open(&rig).await;
    let snapshot = rig.store.join(SNAPSHOT);
    assert!(snapshot.exists());
    let folder = rig.shutdown(Duration::ZERO).await;
    assert!(folder.path().join("peer/.chunks").exists() && !snapshot.exists());
}

/// Nobody gets in any more, but a backup that runs is brought to its end.
#[tokio::test]
async fn a_shutdown_waits_for_sessions() {
    let rig = Rig::start().await;
    let session = rig.open(&rig.backup("end", 1_700_000_000)).await;
    let (address, snapshot) = (rig.addr, rig.store.join(SNAPSHOT));
    let working = async {
        while tokio::net::TcpStream::connect(address).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        finish(&session).await;
        session.leave();
    };
    let (folder, ()) = tokio::join!(rig.shutdown(Duration::from_secs(60)), working);
    assert!(snapshot.join("index.json.blob").exists());
    let archive = std::fs::read_to_string(folder.path().join("log/tasks/archive"));
    let archive = archive.expect("list of tasks");
    assert!(
        archive.contains(":backup:") && archive.ends_with(" OK\n"),
        "{archive}"
    );
}

#[tokio::test]
async fn a_benchmark_leaves_nothing() {
    let rig = Rig::start().await;
    let target =
        "/api2/json/backup?store=peer&backup-type=host&backup-id=benchmark&backup-time=1700000000";
    let without = "unable to run benchmark without --benchmark flags".to_owned();
    assert_eq!(rig.refused(target, &rig.auth).await, (400, without));
    let misplaced = rig.backup("end", 1_700_000_000) + "&benchmark=true";
    assert_eq!(
        rig.refused(&misplaced, &rig.auth).await,
        (
            400,
            "benchmark flags is only allowed on 'host/benchmark'".to_owned()
        )
    );
    let session = rig.open(&format!("{target}&benchmark=true")).await;
    for _ in 0..3 {
        assert!(
            session
                .upload("/speedtest", run(b's', 4 << 20))
                .await
                .data()
                .is_null()
        );
    }
    session.leave();
    rig.idle().await;
    let task = rig.last_task("benchmark");
    assert_eq!(
        (task.status.as_str(), task.log[task.log.len() - 2].as_str()),
        ("OK", "benchmark finished successfully")
    );
    assert!(!rig.store.join("host/benchmark").exists());
}

/// A whole small backup, up to `finish`.
async fn finish(session: &Session) {
    let id = session.blob("a.blob", blob(b"conf")).await;
    assert_eq!(id.status, 200, "{}", id.text());
    let manifest = r#"{"backup-type":"host","backup-id":"end","backup-time":1700000000,"files":[],"signature":null,"unprotected":{}}"#;
    assert_eq!(
        session
            .blob("index.json.blob", blob(manifest.as_bytes()))
            .await
            .status,
        200
    );
    let finished = session.post("/finish").await;
    assert_eq!(finished.status, 200, "{}", finished.text());
}

#[tokio::test]
async fn the_group_is_free_once_finish_is_answered() {
    let rig = Rig::start().await;
    let session = rig.open(&rig.backup("end", 1_700_000_000)).await;
    let busy = rig
        .refused(&rig.backup("end", 1_700_000_060), &rig.auth)
        .await;
    assert_eq!(busy.0, 400);
    assert!(
        busy.1
            .starts_with("unable to acquire lock on backup group directory "),
        "{}",
        busy.1
    );
    assert!(
        busy.1.ends_with(" - another backup is already running"),
        "{}",
        busy.1
    );
    finish(&session).await;
    let next = rig.open(&rig.backup("end", 1_700_000_060)).await;
    assert_eq!(
        next.get("/previous_backup_time").await.data(),
        1_700_000_000
    );
    assert_eq!(
        session.post("/finish").await.refusal(),
        (400, "backup already marked as finished.".to_owned())
    );
    assert_eq!(
        session.get("/previous_backup_time").await.data(),
        serde_json::Value::Null
    );
    session.leave();
    drop(next);
    rig.idle().await;
    assert_eq!(rig.files("host/end"), ["2023-11-14T22:13:20Z", "owner"]);
    for time in [1_700_000_000, 1_600_000_000] {
        let older = rig.refused(&rig.backup("end", time), &rig.auth).await;
        assert_eq!(
            older,
            (
                400,
                "backup timestamp is older than last backup.".to_owned()
            )
        );
    }
}

#[tokio::test]
async fn a_new_backup_is_verified() {
    let rig = Rig::with(Wishes {
        verify_new: true,
        ..Wishes::default()
    })
    .await;
    let session = rig.open(&rig.backup("end", 1_700_000_000)).await;
    finish(&session).await;
    drop(session);
    rig.until("the backup task has ended", || {
        rig.running().iter().all(|upid| upid.contains(":verify:"))
    })
    .await;
    rig.idle().await;
    let task = rig.last_task("verify");
    assert_eq!(task.status, "OK", "{:#?}", task.log);
    assert_eq!(task.log[0], "Automatically verifying newly added snapshot");
    assert!(
        task.upid
            .contains(r":verify:peer\x3ahost-end-6553F100:test@pbs!tok:"),
        "{}",
        task.upid
    );
    let state = &rig.manifest(SNAPSHOT)["unprotected"]["verify_state"];
    assert_eq!(
        (state["state"].as_str(), state["upid"].as_str()),
        (Some("ok"), Some(task.upid.as_str()))
    );
}
