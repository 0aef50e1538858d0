//! An unfinished backup goes on: what it uploaded is offered to the next session of the same group and user, marked, and compared with what was
//! recorded. Nobody else is offered anything.

use std::io::Read as _;

use format::upload_journal::{OFFER_LEN, Offer};
use format::{AuthId, Digest, Namespace, StoreName};
use proptest::prelude::*;
use store::{
    ChunkStore as _, GcOptions, Options, Session, SessionError, SyncLevel, Unwatched,
    UploadedBefore, Uploads, WriterKind,
};
use testkit::Fault;

use crate::world::{
    World, archive, backup, manifest, pieces, root, snapshot, tree, upload, user, verify,
};

const KIND: WriterKind = WriterKind::Dynamic;
const NAME: &str = "root.pxar.didx";

fn uploads(world: &World) -> Uploads {
    Uploads::new(world.dir.path().join("uploads"), Some([1; 16]))
}

/// A session of `who` in a group, its time `n` minutes on.
fn begin_as(world: &World, who: &AuthId, ns: &Namespace, group: &str, n: i64) -> Session {
    let session = world.store.begin(ns, &snapshot(group, n), who, false);
    session.unwrap().recorded(&uploads(world), who)
}

fn begin(world: &World, n: i64) -> Session {
    begin_as(world, &user(), &root(), "host/pc", n)
}

/// Uploads pieces and breaks off.
fn interrupted(session: Session, numbers: impl IntoIterator<Item = u8>) {
    let wid = session.open_dynamic(NAME).unwrap();
    for piece in pieces(numbers) {
        upload(&session, wid, KIND, &piece).unwrap();
    }
    assert!(session.journal_trouble().is_none());
}

fn offers(found: UploadedBefore) -> Vec<Digest> {
    let mut bytes = Vec::new();
    if let Some(mut file) = found.offers {
        file.read_to_end(&mut bytes).unwrap();
    }
    let (offers, rest) = bytes.as_chunks::<OFFER_LEN>();
    assert!(rest.is_empty());
    let offers: Vec<Offer> = offers.iter().map(|o| Offer::parse(o).unwrap()).collect();
    let bytes: u64 = offers.iter().map(|offer| u64::from(offer.size)).sum();
    assert_eq!((found.chunks, found.bytes), (offers.len() as u64, bytes));
    let mut digests: Vec<_> = offers.iter().map(|offer| offer.digest).collect();
    digests.sort();
    digests
}

fn offered(session: &Session) -> Vec<Digest> {
    offers(session.uploaded_before().unwrap())
}

fn digests(numbers: impl IntoIterator<Item = u8>) -> Vec<Digest> {
    let pieces = pieces(numbers);
    let mut digests: Vec<_> = pieces.iter().map(|piece| Digest::of(piece)).collect();
    digests.sort();
    digests
}

/// Finishes a backup of these pieces and sends only what is not known.
fn finish(session: &Session, numbers: impl IntoIterator<Item = u8>, known: &[Digest]) {
    let file = archive(session, NAME, &pieces(numbers), |digest| {
        known.contains(digest)
    });
    manifest(session, vec![file.unwrap()]).unwrap();
    session.finish().unwrap();
}

#[test]
fn what_was_sent_is_not_sent_again() {
    let world = World::new();
    interrupted(begin(&world, 0), [1, 2, 3]);
    let session = begin(&world, 1);
    assert_eq!(session.uploads_left(), 3);
    // Being in the store, and in the journal, is not enough: whoever goes by it asks.
    let wid = session.open_dynamic("other.pxar.didx").unwrap();
    let refused = session.append(wid, KIND, &[(Digest::of(&pieces([1])[0]), 0)]);
    assert!(matches!(refused, Err(SessionError::NoSuchChunk { .. })));
    let known = offered(&session);
    assert_eq!(known, digests([1, 2, 3]));
    // It breaks off once more; what was offered is offered again, with what came on top.
    upload(&session, wid, KIND, &pieces([4])[0]).unwrap();
    drop(session);
    let session = begin(&world, 2);
    let known = offered(&session);
    assert_eq!(known, digests([1, 2, 3, 4]));
    assert_eq!(offered(&session), known, "asking twice does no harm");
    let inserts = world.chunks.inner().digests().len();
    finish(&session, 1..=5, &known);
    assert_eq!(world.chunks.inner().digests().len(), inserts + 1);
    drop(session);
    assert!(tree(&world.dir.path().join("uploads/vault")).is_empty());
    let session = begin(&world, 3);
    assert_eq!(session.uploads_left(), 0);
    assert!(session.uploaded_before().unwrap().offers.is_none());
    assert!(verify(&world.store).0.is_ok());
}

#[test]
fn nobody_else_is_offered_anything() {
    let world = World::new();
    let deep: Namespace = "a/b".parse().unwrap();
    world.store.create_namespace(&root(), "a").unwrap();
    world
        .store
        .create_namespace(&"a".parse().unwrap(), "b")
        .unwrap();
    // The group belongs to a token, so its user may write to it too.
    let token: AuthId = "test@pbs!laptop".parse().unwrap();
    interrupted(begin_as(&world, &token, &root(), "host/pc", 0), [1, 2]);
    let taken = world
        .store
        .begin(&root(), &snapshot("host/pc", 0), &token, false);
    let first = taken.unwrap().recorded(&uploads(&world), &token);
    finish(&first, [9], &[]);
    drop(first);
    interrupted(begin_as(&world, &token, &root(), "host/pc", 1), [1, 2]);
    for (name, who, ns, group, expected) in [
        ("its user", user(), root(), "host/pc", 0),
        ("another group", token.clone(), root(), "host/other", 0),
        ("another namespace", token.clone(), deep, "host/pc", 0),
        ("itself", token.clone(), root(), "host/pc", 2),
    ] {
        let session = begin_as(&world, &who, &ns, group, 2);
        assert_eq!(session.uploads_left(), expected, "{name}");
        assert_eq!(offered(&session).len() as u64, expected, "{name}");
        assert_eq!(session.known_chunks(), expected, "{name}");
    }
}

/// Somebody else may have stored an encrypted chunk of his own under a digest after the first one was collected.
#[test]
fn what_is_gone_or_another_one_is_sent_again() {
    let world = World::new();
    interrupted(begin(&world, 0), [1, 2, 3, 4]);
    let chunks = world.chunks.inner();
    let [one, two] = [&pieces([1])[0], &pieces([2])[0]].map(|piece| Digest::of(piece));
    chunks.remove(&one);
    chunks.put(&two, b"something else".to_vec());
    let session = begin(&world, 1);
    let found = session.uploaded_before().unwrap();
    assert_eq!(found.gone, 2);
    assert_eq!(offers(found), digests([3, 4]));
    assert_eq!(session.known_chunks(), 2);
    // Sent again, it counts again.
    interrupted(session, [1]);
    let session = begin(&world, 2);
    assert_eq!(offered(&session), digests([1, 3, 4]));
}

#[test]
fn what_was_offered_is_not_collected_what_was_not_is() {
    const DAYS: i64 = 3 * 86_400;
    for asks in [true, false] {
        let world = World::new();
        world.chunks.inner().advance(-DAYS);
        interrupted(begin(&world, 0), [1, 2]);
        world.chunks.inner().advance(DAYS);
        let session = begin(&world, 1);
        let known = match asks {
            true => offered(&session),
            false => Vec::new(),
        };
        let options = GcOptions {
            probe: false,
            ..GcOptions::default()
        };
        let now = world.chunks.inner().now();
        let report = world
            .store
            .collect_garbage(&options, now, &Unwatched)
            .unwrap();
        assert_eq!(report.sweep.removed_chunks, if asks { 0 } else { 2 });
        let known = match asks {
            true => known,
            // Too late: it is gone, and sent again.
            false => offered(&session),
        };
        assert_eq!(known.len(), if asks { 2 } else { 0 });
        finish(&session, [1, 2], &known);
        assert!(verify(&world.store).0.is_ok());
    }
}

#[test]
fn every_operation_of_the_chunk_store_fails_once() {
    let mut n = 1;
    loop {
        let world = World::new();
        interrupted(begin(&world, 0), [1, 2, 3]);
        let session = begin(&world, 1);
        world.chunks.arm(n, Fault::Before);
        let found = session.uploaded_before();
        let failed = world.chunks.has_failed();
        world.chunks.disarm();
        if !failed {
            assert_eq!(offers(found.unwrap()).len(), 3);
            break;
        }
        assert!(found.is_err(), "{n}");
        assert_eq!(session.known_chunks(), 0, "{n}: not marked, not known");
        assert_eq!(
            offered(&session).len(),
            3,
            "{n}: and then it can be asked again"
        );
        n += 1;
    }
    assert_eq!(n, 7, "three marks, three stamps");
}

/// A stamp that cannot be had costs a record, and a finish whose writes were lost all journals of the datastore.
#[test]
fn faults_beside_the_journal() {
    let world = World::new();
    let session = begin(&world, 0);
    let wid = session.open_dynamic(NAME).unwrap();
    world.chunks.arm(2, Fault::Before);
    upload(&session, wid, KIND, &pieces([1])[0]).unwrap();
    world.chunks.disarm();
    upload(&session, wid, KIND, &pieces([2])[0]).unwrap();
    drop(session);
    assert_eq!(offered(&begin(&world, 1)), digests([2]));

    interrupted(begin_as(&world, &user(), &root(), "host/other", 0), [5]);
    let session = begin(&world, 2);
    let file = archive(&session, NAME, &pieces([3]), |_| false).unwrap();
    manifest(&session, vec![file]).unwrap();
    world.chunks.arm(1, Fault::Before);
    assert!(session.finish().is_err());
    world.chunks.disarm();
    drop(session);
    assert_eq!(begin(&world, 3).uploads_left(), 0);
    let other = begin_as(&world, &user(), &root(), "host/other", 1);
    assert_eq!(other.uploads_left(), 0);
}

/// The loss counts from the moment on at which it is told: between that and the removal of the journals others begin.
#[test]
fn journals_from_before_a_loss_are_not_relied_on() {
    let world = World::new();
    let uploads = uploads(&world);
    let begin = |group: &str, n| {
        let session = world
            .store
            .begin(&root(), &snapshot(group, n), &user(), false);
        session.unwrap().recorded(&uploads, &user())
    };
    interrupted(begin("host/pc", 0), [1, 2]);
    interrupted(begin("host/other", 0), [3]);
    let early = begin("host/other", 1);
    assert_eq!(early.uploads_left(), 1);
    world.chunks.inner().note_loss();
    let late = begin("host/pc", 1);
    assert_eq!(late.uploads_left(), 0);
    assert!(offered(&early).is_empty());
    // What is uploaded since counts.
    interrupted(late, [1]);
    assert_eq!(offered(&begin("host/pc", 2)), digests([1]));
}

#[test]
fn a_failed_finish_keeps_the_journal() {
    let world = World::new();
    let session = begin(&world, 0);
    drop(archive(&session, NAME, &pieces([1]), |_| false).unwrap());
    assert!(session.finish().is_err(), "there is no manifest");
    drop(session);
    assert_eq!(offered(&begin(&world, 1)), digests([1]));
}

#[test]
fn benchmarks_and_unknown_machines_record_nothing() {
    let world = World::new();
    let name = snapshot("host/benchmark", 0);
    let session = world.store.begin(&root(), &name, &user(), true).unwrap();
    interrupted(session.recorded(&uploads(&world), &user()), [1]);
    let nowhere = Uploads::new(world.dir.path().join("uploads"), None);
    let session = world
        .store
        .begin(&root(), &snapshot("host/pc", 0), &user(), false);
    interrupted(session.unwrap().recorded(&nowhere, &user()), [1]);
    assert!(!world.dir.path().join("uploads").exists());
}

#[test]
fn what_is_removed_is_forgotten() {
    let world = World::new();
    for name in ["a", "ab"] {
        world.store.create_namespace(&root(), name).unwrap();
    }
    world
        .store
        .create_namespace(&"a".parse().unwrap(), "b")
        .unwrap();
    let places = [
        ("", "host/pc"),
        ("", "host/pc2"),
        ("a", "host/pc"),
        ("a/b", "vm/1"),
        ("ab", "host/pc"),
    ];
    let left = |world: &World| -> Vec<u64> {
        let of = |(ns, group): &(&str, &str)| {
            begin_as(world, &user(), &ns.parse().unwrap(), group, 1).uploads_left()
        };
        places.iter().map(of).collect()
    };
    for (ns, group) in places {
        interrupted(
            begin_as(&world, &user(), &ns.parse().unwrap(), group, 0),
            [1],
        );
    }
    assert_eq!(left(&world), [1, 1, 1, 1, 1]);
    let (store, uploads): (StoreName, _) = ("vault".parse().unwrap(), uploads(&world));
    let group = "host/pc".parse().unwrap();
    uploads.forget_group(&store, &root(), &group).unwrap();
    assert_eq!(left(&world), [0, 1, 1, 1, 1]);
    uploads
        .forget_namespace(&store, &"a".parse().unwrap())
        .unwrap();
    assert_eq!(left(&world), [0, 1, 0, 0, 1]);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let now = now.unwrap().as_secs() as i64;
    uploads.tidy(now + 6 * 86_400).unwrap();
    assert_eq!(left(&world), [0, 1, 0, 0, 1]);
    uploads.tidy(now + 8 * 86_400).unwrap();
    assert_eq!(left(&world), [0; 5]);
    interrupted(begin(&world, 2), [1]);
    uploads.forget_store(&store).unwrap();
    assert_eq!(left(&world), [0; 5]);
    uploads.forget_store(&"nobody".parse().unwrap()).unwrap();
}

#[derive(Debug, Clone)]
enum Op {
    Interrupted(Vec<u8>),
    Finished(Vec<u8>),
    Removed(u8),
    Overwritten(u8),
}

fn op() -> impl Strategy<Value = Op> {
    let some = || prop::collection::vec(0..12_u8, 0..6);
    prop_oneof![
        5 => some().prop_map(Op::Interrupted),
        1 => some().prop_map(Op::Finished),
        2 => (0..12_u8).prop_map(Op::Removed),
        1 => (0..12_u8).prop_map(Op::Overwritten),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Beside a plain set: what was sent since the last finished backup, and has not been touched by anybody since.
    #[test]
    fn offers_are_what_was_sent_and_is_still_there(ops in prop::collection::vec(op(), 1..24)) {
        let world = World::new();
        let mut expected = std::collections::BTreeSet::new();
        let digest = |n: u8| Digest::of(&pieces([n])[0]);
        for (n, op) in ops.into_iter().enumerate() {
            let n = n as i64 * 2;
            match op {
                Op::Interrupted(numbers) => {
                    expected.extend(numbers.iter().copied());
                    let session = begin(&world, n);
                    // A client that knows a chunk does not send it.
                    let known = offered(&session);
                    let wid = session.open_dynamic(NAME).unwrap();
                    for number in numbers {
                        if !known.contains(&digest(number)) {
                            upload(&session, wid, KIND, &pieces([number])[0]).unwrap();
                        }
                    }
                }
                Op::Finished(numbers) => {
                    expected.clear();
                    let session = begin(&world, n);
                    let known = offered(&session);
                    let numbers: std::collections::BTreeSet<_> = numbers.into_iter().chain([50]).collect();
                    finish(&session, numbers, &known);
                }
                Op::Removed(number) => {
                    expected.remove(&number);
                    world.chunks.inner().remove(&digest(number));
                }
                Op::Overwritten(number) => {
                    expected.remove(&number);
                    let (digest, encoded) = crate::world::encode(&pieces([number])[0]);
                    world.chunks.inner().put(&digest, encoded);
                }
            }
            let session = begin(&world, n + 1);
            let mut found = offered(&session);
            found.dedup();
            prop_assert_eq!(found, digests(expected.iter().copied()));
        }
    }
}

/// The same on real files: a restart of the server in the middle, and a chunk that was written anew.
#[test]
fn on_disk() {
    let dir = tempfile::tempdir().unwrap();
    let store = crate::world::local(&dir);
    let uploads = Uploads::of_this_boot(dir.path().join("uploads"));
    let begin = |n| {
        let session = store.begin(&root(), &snapshot("host/pc", n), &user(), false);
        session.unwrap().recorded(&uploads, &user())
    };
    let session = begin(0);
    let wid = session.open_dynamic(NAME).unwrap();
    for piece in pieces([1, 2, 3]) {
        upload(&session, wid, KIND, &piece).unwrap();
    }
    // Killed: nothing is closed, and the locks go with the process.
    drop(session);
    let path = store.chunk_path(&Digest::of(&pieces([2])[0]));
    let bytes = std::fs::read(&path).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(20));
    std::fs::write(&path, bytes).unwrap();
    let session = begin(1);
    let known = offered(&session);
    assert_eq!(known, digests([1, 3]));
    finish(&session, [1, 2, 3], &known);
    assert!(verify(&store).0.is_ok());
    backup(&store, &root(), &snapshot("host/pc", 2), &pieces([1, 2, 3])).unwrap();
}

/// A journal that outlasts the machine named chunks that had been there before, and nobody had ever synced those.
#[test]
fn at_level_file_only_what_was_written_is_recorded() {
    for (sync, expected) in [
        (SyncLevel::File, digests([3])),
        (SyncLevel::Filesystem, digests([2, 3])),
        (SyncLevel::None, digests([2, 3])),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let mut options = Options::new(dir.path().join("locks"));
        options.sync = SyncLevel::None;
        let store = crate::world::local_with(&dir, options.clone());
        backup(&store, &root(), &snapshot("host/pc", 0), &pieces([2])).unwrap();
        options.sync = sync;
        let store = crate::world::local_with(&dir, options);
        let uploads = Uploads::new(dir.path().join("uploads"), Some([1; 16]));
        let begin = |n| {
            let session = store.begin(&root(), &snapshot("host/pc", n), &user(), false);
            session.unwrap().recorded(&uploads, &user())
        };
        interrupted(begin(1), [2, 3]);
        assert_eq!(offered(&begin(2)), expected, "{sync:?}");
    }
}
