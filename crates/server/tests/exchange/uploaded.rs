//! Going on with an unfinished backup: what its session uploaded is told to the next one of the same group and user, and counts as known there.
//! Clients that do not ask see the original's answers, to the byte.

use std::time::Duration;

use format::Digest;
use format::upload_journal::{OFFER_LEN, Offer};
use serde_json::{Value, json};

use super::bodies::{blob, digest, run};
use super::client::{Session, connect, plain, protocol_of, upgrade_head};
use super::rig::Rig;

const TIME: i64 = 1_700_000_000;
const LETTERS: [u8; 3] = *b"abc";

fn data(letter: u8) -> Vec<u8> {
    run(letter, 7000 + usize::from(letter))
}

fn journals(rig: &Rig) -> usize {
    let folder = rig.state().join("uploads/peer");
    std::fs::read_dir(folder).map_or(0, Iterator::count)
}

/// Uploads chunks and leaves without a word.
async fn interrupted(rig: &Rig, id: &str, time: i64, letters: &[u8]) {
    let session = rig.open(&rig.backup(id, time)).await;
    let opened = session
        .post("/dynamic_index?archive-name=a.pxar.didx")
        .await;
    assert_eq!(opened.data(), 1);
    for letter in letters {
        let uploaded = session.chunk("dynamic", 1, &data(*letter)).await;
        assert_eq!(uploaded.data(), digest(&data(*letter)));
    }
    session.leave();
    rig.idle().await;
}

/// What the session is offered, sorted.
async fn offered(session: &Session) -> Vec<String> {
    let answer = session.get("/uploaded").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(
        answer.content_type.as_deref(),
        Some("application/octet-stream")
    );
    let (offers, rest) = answer.body.as_chunks::<OFFER_LEN>();
    assert!(rest.is_empty());
    let mut digests: Vec<String> = offers
        .iter()
        .map(|offer| {
            let offer = Offer::parse(offer).expect("offer");
            let of = |letter: &u8| digest(&data(*letter)) == offer.digest.to_string();
            let letter = (b'a'..=b'z').find(of).expect("one of ours");
            assert_eq!(offer.size as usize, data(letter).len());
            offer.digest.to_string()
        })
        .collect();
    digests.sort();
    digests
}

fn digests(letters: &[u8]) -> Vec<String> {
    let mut digests: Vec<_> = letters.iter().map(|l| digest(&data(*l))).collect();
    digests.sort();
    digests
}

async fn append(session: &Session, letters: &[u8]) -> (u16, String) {
    let mut offset = 0;
    let offsets: Vec<usize> = letters
        .iter()
        .map(|letter| {
            offset += data(*letter).len();
            offset - data(*letter).len()
        })
        .collect();
    let list: Vec<_> = letters.iter().map(|l| digest(&data(*l))).collect();
    let body = json!({"wid": 1, "digest-list": list, "offset-list": offsets});
    session.json("PUT", "/dynamic_index", &body).await.refusal()
}

/// Closes the index and finishes.
async fn finish(session: &Session, id: &str, time: i64, letters: &[u8]) {
    let (mut end, mut entries) = (0_u64, Vec::new());
    for letter in letters {
        end += data(*letter).len() as u64;
        entries.extend_from_slice(&end.to_le_bytes());
        entries.extend_from_slice(Digest::of(&data(*letter)).as_bytes());
    }
    let (count, csum) = (letters.len(), digest(&entries));
    let close = format!("/dynamic_close?wid=1&chunk-count={count}&size={end}&csum={csum}");
    assert_eq!(session.post(&close).await.data(), Value::Null);
    let manifest = json!({"backup-type": "host", "backup-id": id, "backup-time": time, "files": [], "signature": null, "unprotected": {}});
    let sent = session.blob("index.json.blob", blob(manifest.to_string().as_bytes()));
    assert_eq!(sent.await.status, 200);
    assert_eq!(session.post("/finish").await.data(), Value::Null);
}

#[tokio::test]
async fn an_unfinished_backup_goes_on() {
    let rig = Rig::start().await;
    interrupted(&rig, "pc", TIME, &LETTERS).await;
    assert_eq!(journals(&rig), 1);
    let session = rig.open(&rig.backup("pc", TIME + 60)).await;
    let opened = session
        .post("/dynamic_index?archive-name=a.pxar.didx")
        .await;
    assert_eq!(opened.data(), 1);
    // Whoever does not ask is refused as ever.
    let text = format!("no such chunk {}", digest(&data(b'a')));
    assert_eq!(append(&session, b"a").await, (400, text));
    assert_eq!(offered(&session).await, digests(&LETTERS));
    assert_eq!(append(&session, &LETTERS).await.0, 200);
    finish(&session, "pc", TIME + 60, &LETTERS).await;
    assert_eq!(journals(&rig), 0, "finished");
    assert_eq!(session.get("/uploaded").await.status, 400, "too late");
    session.leave();
    rig.idle().await;
    let log = rig.last_task("backup").log;
    let size: usize = LETTERS.iter().map(|letter| data(*letter).len()).sum();
    let line = format!(
        "register 3 chunks with {size} bytes that an unfinished backup has uploaded; 0 more are gone."
    );
    assert!(log.contains(&line), "{log:#?}");
    let session = rig.open(&rig.backup("pc", TIME + 120)).await;
    assert!(offered(&session).await.is_empty());
}

#[tokio::test]
async fn what_is_gone_is_not_offered_nor_anybody_elses() {
    let rig = Rig::start().await;
    interrupted(&rig, "pc", TIME, &LETTERS).await;
    let name = digest(&data(b'b'));
    let path = rig.store.join(".chunks").join(&name[..4]).join(&name);
    std::fs::remove_file(path).expect("chunk");
    let session = rig.open(&rig.backup("pc", TIME + 60)).await;
    assert_eq!(offered(&session).await, digests(b"ac"));
    session.leave();
    rig.idle().await;
    let other = rig.open(&rig.backup("other", TIME)).await;
    assert!(offered(&other).await.is_empty());
    other.leave();
    // Another user sends the same; he is offered what he sent, and nothing of the first.
    let target = rig.backup("his", TIME);
    let his = Session::open(rig.addr, &target, &rig.backer)
        .await
        .expect("session");
    assert!(offered(&his).await.is_empty());
    let opened = his.post("/dynamic_index?archive-name=a.pxar.didx").await;
    assert_eq!(opened.data(), 1);
    his.chunk("dynamic", 1, &data(b'c')).await.data();
    his.leave();
    rig.idle().await;
    let his = Session::open(rig.addr, &target, &rig.backer)
        .await
        .expect("session");
    assert_eq!(offered(&his).await, digests(b"c"));
}

/// The answer to the upgrade: the original's, unless a client asks and there is something to tell.
#[tokio::test]
async fn only_who_asks_is_told() {
    let rig = Rig::start().await;
    let ask = async |id: &str, time: i64, asks: &str| {
        let target = rig.backup(id, time);
        let auth = format!("{}{asks}", rig.auth);
        let mut stream = connect(rig.addr).await;
        let head = upgrade_head(&target, protocol_of(&target), &auth);
        let (status, answer, _) = plain(&mut stream, &head, b"").await;
        assert_eq!(status, 101, "{answer}");
        drop(stream);
        rig.idle().await;
        let told = answer.to_ascii_lowercase();
        told.lines().find_map(|line| {
            line.strip_prefix("strongroom-uploaded: ")
                .map(str::to_owned)
        })
    };
    let asks = "\r\nstrongroom-uploaded: 1";
    assert_eq!(ask("pc", TIME, asks).await, None, "there is nothing");
    interrupted(&rig, "pc", TIME, &LETTERS).await;
    assert_eq!(ask("pc", TIME + 60, "").await, None, "nobody asks");
    assert_eq!(ask("pc", TIME + 60, asks).await.as_deref(), Some("3"));
    assert_eq!(ask("other", TIME, asks).await, None);
    let tomorrow = "\r\nstrongroom-uploaded: 2";
    assert_eq!(ask("pc", TIME + 60, tomorrow).await, None, "another form");
    // The list of names stays the original's.
    let session = rig.open(&rig.backup("pc", TIME + 60)).await;
    assert!(!session.get("/").await.text().contains("uploaded"));
    let refused = session.post("/uploaded").await.refusal();
    assert_eq!(refused, (404, "Path '/uploaded' not found.".to_owned()));
}

#[tokio::test]
async fn what_is_removed_is_forgotten() {
    let rig = Rig::start().await;
    let api = "/api2/json/admin/datastore/peer";
    interrupted(&rig, "pc", TIME, &LETTERS).await;
    let session = rig.open(&rig.backup("pc", TIME + 60)).await;
    session
        .post("/dynamic_index?archive-name=a.pxar.didx")
        .await
        .data();
    offered(&session).await;
    append(&session, &LETTERS).await;
    finish(&session, "pc", TIME + 60, &LETTERS).await;
    session.leave();
    rig.idle().await;
    interrupted(&rig, "pc", TIME + 120, b"xy").await;
    assert_eq!(journals(&rig), 1);
    let target = format!("{api}/groups?backup-type=host&backup-id=pc");
    let (status, text) = rig.rest("DELETE", &target).await;
    assert_eq!((status, journals(&rig)), (200, 0), "{text}");
    let (status, text) = rig
        .rest("POST", &format!("{api}/namespace?name=deep"))
        .await;
    assert_eq!(status, 200, "{text}");
    let session = rig
        .open(&format!("{}&ns=deep", rig.backup("pc", TIME)))
        .await;
    session
        .post("/dynamic_index?archive-name=a.pxar.didx")
        .await
        .data();
    session.chunk("dynamic", 1, &data(b'z')).await.data();
    session.leave();
    rig.idle().await;
    assert_eq!(journals(&rig), 1);
    let (status, text) = rig
        .rest("DELETE", &format!("{api}/namespace?ns=deep"))
        .await;
    assert_eq!((status, journals(&rig)), (200, 0), "{text}");
}

/// A journal that cannot be written costs a warning, not the backup.
#[tokio::test]
async fn trouble_with_the_journal_is_a_warning() {
    let rig = Rig::start().await;
    std::fs::write(rig.state().join("uploads"), "in the way").expect("file");
    let session = rig.open(&rig.backup("pc", TIME)).await;
    session
        .post("/dynamic_index?archive-name=a.pxar.didx")
        .await
        .data();
    for letter in LETTERS {
        session.chunk("dynamic", 1, &data(letter)).await.data();
    }
    assert_eq!(append(&session, &LETTERS).await.0, 200);
    finish(&session, "pc", TIME, &LETTERS).await;
    session.leave();
    rig.idle().await;
    let task = rig.last_task("backup");
    assert_eq!(task.status, "WARNINGS: 1");
    let warnings = task
        .log
        .iter()
        .filter(|line| line.contains("not noted what was uploaded"));
    assert_eq!(warnings.count(), 1, "{:#?}", task.log);
}

/// Each list is a file of up to 151 MB until it is sent, and a client could ask for any number of them at once.
#[tokio::test]
async fn one_list_at_a_time() {
    let rig = Rig::start().await;
    interrupted(&rig, "pc", TIME, &LETTERS).await;
    let target = rig.backup("pc", TIME + 60);
    let mut stream = connect(rig.addr).await;
    let head = upgrade_head(&target, protocol_of(&target), &rig.auth);
    let (status, answer, _) = plain(&mut stream, &head, b"").await;
    assert_eq!(status, 101, "{answer}");
    // Less than the list has.
    let session = Session::with_window(stream, 64).await;
    let ask = async || {
        let (answer, _) = session.begin("GET", "/uploaded", None, true).await;
        answer.await.expect("answer")
    };
    let first = ask().await;
    assert_eq!(first.status(), 200);
    let mut second = Box::pin(ask());
    let soon = tokio::time::timeout(Duration::from_millis(500), &mut second);
    assert!(soon.await.is_err(), "the first is not sent yet");
    // Its client takes no more of it.
    drop(first);
    let second = tokio::time::timeout(Duration::from_secs(20), second).await;
    assert_eq!(second.expect("its turn").status(), 200);
}

/// A datastore that was closed forgot where it had been, so another disk in its place was not noticed.
#[tokio::test]
async fn another_disk_while_it_is_closed() {
    let rig = Rig::start().await;
    interrupted(&rig, "pc", TIME, &LETTERS).await;
    assert_eq!(journals(&rig), 1);
    let config = "/api2/json/config/datastore/peer";
    let (status, text) = rig
        .rest("PUT", &format!("{config}?maintenance-mode=offline"))
        .await;
    assert_eq!(status, 200, "{text}");
    let groups = "/api2/json/admin/datastore/peer/groups";
    let (status, _) = rig.rest("GET", groups).await;
    assert_ne!(status, 200, "it is closed");
    let away = rig.store.with_extension("away");
    std::fs::rename(&rig.store, &away).expect("away");
    std::fs::create_dir_all(rig.store.join(".chunks")).expect("another");
    let (status, text) = rig
        .rest("PUT", &format!("{config}?delete=maintenance-mode"))
        .await;
    assert_eq!(status, 200, "{text}");
    let (status, text) = rig.rest("GET", groups).await;
    assert_eq!((status, journals(&rig)), (200, 0), "{text}");
}
