//! Small files as blobs, the wrapped key, the manifest, logs, and what is said about a snapshot by REST.

use client::admin::Store;
use client::{Error, Protection};
use format::{ArchiveName, CryptMode, Namespace, StoreName};

use crate::rig::{Rig, archive, back_up, chain, key, open, options, place, source};

#[tokio::test(flavor = "multi_thread")]
async fn blobs_and_the_manifest_come_back() {
    let rig = Rig::start().await;
    let client = rig.client().await;
    let work = tempfile::tempdir().unwrap();
    let conf = work.path().join("app.conf");
    std::fs::write(&conf, "answer = 42\n".repeat(100)).unwrap();
    let place = place(1_234_567);
    let mut options = options(Protection::Encrypt(key(3)));
    options.master_blob = Some(vec![7; 512]);
    let sources = vec![source("app.conf.blob", &conf), source("x.log.blob", &conf)];
    let (report, _) = back_up(&client, &place, &options, sources).await;
    assert_eq!(report.unwrap().archives.len(), 3);

    let restore = open(&client, &place, Some(key(3))).await;
    assert_eq!(restore.trust(), crypto::manifest::Trust::Signed);
    let content = restore.blob(&archive("app.conf.blob")).await.unwrap();
    assert_eq!(content, std::fs::read(&conf).unwrap());
    let files = &restore.manifest().files;
    assert!(files.iter().all(|f| f.crypt_mode == CryptMode::Encrypt));
    let stored = std::fs::read(rig.stored(&place).join(ArchiveName::RSA_KEY)).unwrap();
    assert_eq!(stored.len(), 524);

    // Without the key only the wrapped key can be had; with a wrong one nothing.
    let restore = open(&client, &place, None).await;
    assert_eq!(
        restore.blob(&ArchiveName::rsa_key()).await.unwrap(),
        vec![7; 512]
    );
    let error = restore.blob(&archive("app.conf.blob")).await.unwrap_err();
    assert!(chain(&error).contains("missing key"), "{}", chain(&error));
    let wrong = client::Restore::open(&client, &place, Some(key(4))).await;
    assert!(matches!(wrong.err(), Some(Error::Trust(_))));
    let error = restore.blob(&archive("none.conf.blob")).await.unwrap_err();
    assert!(matches!(error, Error::Restore { .. }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_leaves_nothing() {
    let rig = Rig::start().await;
    let client = rig.client().await;
    let conf = rig.folder.path().join("app.conf");
    std::fs::write(&conf, "x").unwrap();
    let place = place(9_999);
    let mut options = options(Protection::None);
    options.dry_run = true;
    let (report, ear) = back_up(
        &client,
        &place,
        &options,
        vec![source("app.conf.blob", &conf)],
    )
    .await;
    assert!(report.unwrap().archives.is_empty());
    assert!(ear.0.lock().unwrap().notices[0].starts_with("would upload "));
    assert!(client::Restore::open(&client, &place, None).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn housekeeping_by_rest() {
    let rig = Rig::start().await;
    let client = rig.client().await;
    let conf = rig.folder.path().join("app.conf");
    std::fs::write(&conf, "x").unwrap();
    let place = place(77_777);
    let sources = vec![source("app.conf.blob", &conf)];
    let (report, _) = back_up(&client, &place, &options(Protection::None), sources).await;
    report.unwrap();
    let name: StoreName = "vault".parse().unwrap();
    let (store, root) = (Store::new(&client, &name), Namespace::root());
    let (snapshot, group) = (&place.snapshot, &place.snapshot.group);

    let groups = store.groups(&root).await.unwrap();
    assert_eq!((groups.len(), groups[0].backup_count), (1, 1));
    let snapshots = store.snapshots(&root, Some(group)).await.unwrap();
    assert_eq!(snapshots[0].backup_time, snapshot.time);
    let files = store.files(&root, snapshot).await.unwrap();
    assert_eq!(files[0].filename, "app.conf.blob");

    assert_eq!(store.notes(&root, snapshot).await.unwrap(), "");
    store
        .set_notes(&root, snapshot, "two words & more\nline")
        .await
        .unwrap();
    assert_eq!(
        store.notes(&root, snapshot).await.unwrap(),
        "two words & more\nline"
    );
    store.set_protected(&root, snapshot, true).await.unwrap();
    assert!(store.protected(&root, snapshot).await.unwrap());
    let refused = store.forget_snapshot(&root, snapshot).await.unwrap_err();
    assert!(refused.to_string().contains("protected"), "{refused}");
    store.set_protected(&root, snapshot, false).await.unwrap();

    store
        .upload_log(&root, snapshot, b"all went well", &Protection::None)
        .await
        .unwrap();
    assert_eq!(
        store.client_log(&root, snapshot).await.unwrap(),
        b"all went well"
    );
    let restore = open(&client, &place, None).await;
    assert_eq!(
        restore.blob(&ArchiveName::client_log()).await.unwrap(),
        b"all went well"
    );
    drop(restore);

    let ns: Namespace = "a".parse().unwrap();
    assert_eq!(store.create_namespace(&ns).await.unwrap(), "a");
    let listed = store.namespaces(&root, None).await.unwrap();
    assert_eq!(listed["data"].as_array().unwrap().len(), 2);
    store.delete_namespace(&ns, false).await.unwrap();
    assert!(store.status().await.unwrap().total > 0);

    store.forget_snapshot(&root, snapshot).await.unwrap();
    assert!(store.snapshots(&root, None).await.unwrap().is_empty());
    assert_eq!(
        client::admin::version(&client).await.unwrap().version,
        api::defaults::API_VERSION
    );
}
