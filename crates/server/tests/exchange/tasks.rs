//! Who may open a session, and what the logs of sessions say (protocol.md 3.1, 3.5 and 4).

use serde_json::json;

use super::bodies::{blob, digest, run};
use super::client::{connect, plain, upgrade_head};
use super::rig::Rig;

const BACKUP: &str = "proxmox-backup-protocol-v1";
const READER: &str = "proxmox-backup-reader-protocol-v1";

#[tokio::test]
async fn openings_that_are_refused() {
    let rig = Rig::start().await;
    let backup = rig.backup("new", 1_700_000_000);
    let reader = backup.replace("/backup?", "/reader?");
    for (target, protocol, auth, status, text) in [
        (
            &backup,
            BACKUP,
            &rig.stranger,
            403,
            "missing permissions 'Datastore.Backup' on '/datastore/peer'",
        ),
        (
            &reader,
            READER,
            &rig.stranger,
            400,
            "no permissions on /datastore/peer",
        ),
        (&backup, READER, &rig.auth, 400, "invalid protocol name"),
        (&reader, BACKUP, &rig.auth, 400, "invalid protocol name"),
        (
            &reader,
            READER,
            &rig.auth,
            400,
            "snapshot host/new/2023-11-14T22:13:20Z does not exist.",
        ),
        (
            &backup.replace("peer", "nope"),
            BACKUP,
            &rig.auth,
            400,
            "no such datastore 'nope'",
        ),
        (
            &(backup.clone() + "&ns=none"),
            BACKUP,
            &rig.auth,
            404,
            "namespace not found",
        ),
        (
            &backup.replace("host", "disk"),
            BACKUP,
            &rig.auth,
            400,
            "parameter verification failed - 'backup-type': value 'disk' is not defined in the enumeration.",
        ),
        (
            &(backup.clone() + "&x=1"),
            BACKUP,
            &rig.auth,
            400,
            "parameter verification failed - 'x': schema does not allow additional properties.",
        ),
        (
            &backup,
            BACKUP,
            &"x-no: auth".to_owned(),
            401,
            "authentication failed",
        ),
    ] {
        let (found, _, body) = plain(
            &mut connect(rig.addr).await,
            &upgrade_head(target, protocol, auth),
            b"",
        )
        .await;
        assert_eq!(
            (found, String::from_utf8(body).expect("text")),
            (status, text.to_owned()),
            "{target}"
        );
    }
    let head =
        upgrade_head(&backup, BACKUP, &rig.auth).replace(&format!("upgrade: {BACKUP}\r\n"), "");
    let (status, _, body) = plain(&mut connect(rig.addr).await, &head, b"").await;
    assert_eq!((status, body), (400, b"missing Upgrade header".to_vec()));
    assert!(
        !rig.store.join("host").exists(),
        "a refused session leaves nothing"
    );
}

#[tokio::test]
async fn the_log_of_a_session() {
    let rig = Rig::start().await;
    let session = rig.open(&rig.backup("log", 1_700_000_000)).await;
    let data = run(b'l', 5000);
    let name = digest(&data);
    assert_eq!(
        session
            .post("/dynamic_index?archive-name=a.pxar.didx")
            .await
            .data(),
        1
    );
    assert_eq!(session.chunk("dynamic", 1, &data).await.data(), name);
    let append = json!({"wid": 1, "digest-list": [name, name], "offset-list": [0, 5000]});
    assert_eq!(
        session.json("PUT", "/dynamic_index", &append).await.status,
        200
    );
    let raw: Vec<u8> = (0..32)
        .map(|i| u8::from_str_radix(&name[2 * i..2 * i + 2], 16).expect("hex"))
        .collect();
    let csum = digest(
        &[
            &5000u64.to_le_bytes()[..],
            &raw,
            &10000u64.to_le_bytes(),
            &raw,
        ]
        .concat(),
    );
    let wrong = format!("/dynamic_close?wid=1&chunk-count=3&size=10000&csum={csum}");
    assert_eq!(session.post(&wrong).await.status, 400);
    assert_eq!(
        session
            .post(&wrong.replace("count=3", "count=2"))
            .await
            .status,
        200
    );
    let manifest = json!({"backup-type": "host", "backup-id": "log", "backup-time": 1_700_000_000, "files": [], "signature": null, "unprotected": {}});
    let encoded = blob(manifest.to_string().as_bytes());
    let length = encoded.len();
    assert_eq!(session.blob("index.json.blob", encoded).await.status, 200);
    assert_eq!(session.post("/finish").await.status, 200);
    drop(session);
    rig.idle().await;
    let task = rig.last_task("backup");
    assert_eq!(task.status, "OK");
    assert!(
        task.upid
            .ends_with(r":backup:peer\x3ahost-log:test@pbs!tok:"),
        "{}",
        task.upid
    );
    let snapshot = "host/log/2023-11-14T22:13:20Z";
    let mut log = task.log.clone();
    let uuid = log
        .iter()
        .position(|line| line.starts_with("UUID: "))
        .expect("uuid");
    assert_eq!(log.remove(uuid).len(), "UUID: ".len() + 32);
    let expected = [
        format!("starting new backup on datastore 'peer' from 127.0.0.1: \"{snapshot}\""),
        "protocol upgrade done".into(),
        "POST /dynamic_index".into(),
        format!("created new dynamic index 1 (\"{snapshot}/a.pxar.didx\")"),
        "POST /dynamic_chunk".into(),
        format!("upload_chunk done: 5000 bytes, {name}"),
        "PUT /dynamic_index".into(),
        "dynamic_append 2 chunks".into(),
        format!("successfully added chunk {name} to dynamic index 1 (offset 0, size 5000)"),
        format!("successfully added chunk {name} to dynamic index 1 (offset 5000, size 5000)"),
        "POST /dynamic_close".into(),
        "POST /dynamic_close: 400 Bad Request: dynamic writer 'a.pxar.didx' close failed - unexpected chunk count (2 != 3)".into(),
        "POST /dynamic_close".into(),
        "Upload statistics for 'a.pxar.didx'".into(),
        format!("Checksum: {csum}"),
        "Size: 10000".into(),
        "Chunk count: 2".into(),
        "Upload size: 5000 (50%)".into(),
        "Duplicates: 1+0 (50%)".into(),
        "Compression: 100%".into(),
        "successfully closed dynamic index 1".into(),
        "POST /blob".into(),
        format!("add blob {:?} ({length} bytes, comp: {length})", rig.store.join(snapshot).join("index.json.blob")),
        "POST /finish".into(),
        "successfully finished backup".into(),
        "backup finished successfully".into(),
        "TASK OK".into(),
    ];
    assert_eq!(log, expected);

    let session = rig
        .open(
            &rig.backup("log", 1_700_000_000)
                .replace("/backup?", "/reader?"),
        )
        .await;
    assert_eq!(
        session.get("/download?file-name=a.pxar.didx").await.status,
        200
    );
    assert_eq!(
        session.get(&format!("/chunk?digest={name}")).await.body,
        blob(&data)
    );
    assert_eq!(
        session.get("/").await.data(),
        json!([{"subdir": "chunk"}, {"subdir": "download"}, {"subdir": "speedtest"}])
    );
    // The snapshot cannot be removed while somebody reads it, and a backup on top of it is possible.
    drop(rig.open(&rig.backup("log", 1_700_000_060)).await);
    drop(session);
    rig.idle().await;
    let task = rig.last_task("reader");
    assert!(
        task.upid
            .ends_with(r":reader:peer\x3ahost-log-6553F100:test@pbs!tok:"),
        "{}",
        task.upid
    );
    let expected = [
        format!(
            "starting new backup reader datastore 'peer': {:?}",
            rig.store
        ),
        "protocol upgrade done".into(),
        "GET /download".into(),
        format!(
            "download {:?}",
            rig.store.join(snapshot).join("a.pxar.didx")
        ),
        "register chunks in 'a.pxar.didx' as downloadable.".into(),
        "GET /chunk".into(),
        format!("download chunk {name}"),
        "GET /".into(),
        "reader finished successfully".into(),
        "TASK OK".into(),
    ];
    assert_eq!(task.log, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn owners_and_readers() {
    let rig = Rig::start().await;
    let target = rig.backup("mine", 1_700_000_000);
    let session = rig.open(&target).await;
    assert_eq!(
        session
            .post("/dynamic_index?archive-name=a.pxar.didx")
            .await
            .data(),
        1
    );
    let chunks: Vec<Vec<u8>> = (0..24).map(|number| run(number, 500_000)).collect();
    let mut entries = Vec::new();
    let mut names = Vec::new();
    for (number, data) in (1u64..).zip(&chunks) {
        let name = session
            .chunk("dynamic", 1, data)
            .await
            .data()
            .as_str()
            .expect("name")
            .to_owned();
        entries.extend_from_slice(&(number * 500_000).to_le_bytes());
        entries
            .extend((0..32).map(|i| u8::from_str_radix(&name[2 * i..2 * i + 2], 16).expect("hex")));
        names.push(name);
    }
    let offsets: Vec<usize> = (0..24).map(|number| number * 500_000).collect();
    let append = json!({"wid": 1, "digest-list": names, "offset-list": offsets});
    assert_eq!(
        session.json("PUT", "/dynamic_index", &append).await.status,
        200
    );
    let close = format!(
        "/dynamic_close?wid=1&chunk-count=24&size=12000000&csum={}",
        digest(&entries)
    );
    assert_eq!(session.post(&close).await.status, 200);
    let manifest = json!({"backup-type": "host", "backup-id": "mine", "backup-time": 1_700_000_000, "files": [], "signature": null, "unprotected": {}});
    assert_eq!(
        session
            .blob("index.json.blob", blob(manifest.to_string().as_bytes()))
            .await
            .status,
        200
    );
    assert_eq!(session.post("/finish").await.status, 200);

    let owner = "backup owner check failed (back@pbs!tok != test@pbs!tok)".to_owned();
    assert_eq!(
        rig.refused(&rig.backup("mine", 1_700_000_060), &rig.backer)
            .await,
        (400, owner)
    );
    let reader = target.replace("/backup?", "/reader?");
    assert_eq!(
        rig.refused(&reader, &rig.backer).await,
        (400, "backup owner check failed!".to_owned())
    );

    // Sixteen and more chunks at the same time, as the official restore asks for them; answers come in any order.
    let reading = rig.open(&reader).await;
    assert_eq!(
        reading.get("/download?file-name=a.pxar.didx").await.status,
        200
    );
    let mut asked = tokio::task::JoinSet::new();
    for (name, data) in names.into_iter().zip(chunks) {
        let reading = reading.clone();
        asked.spawn(async move {
            assert_eq!(
                reading.get(&format!("/chunk?digest={name}")).await.body,
                blob(&data)
            )
        });
    }
    while let Some(done) = asked.join_next().await {
        done.expect("the chunk");
    }
    // A reader that vanishes lets go of the snapshot.
    reading.leave();
    session.leave();
    rig.idle().await;
    let lock = rig.open(&reader).await;
    drop(lock);
    rig.idle().await;
}
