//! The contract of [`ChunkStore`], one small function per promise. Every chunk store and every wrapper runs all of it in its tests.
//!
//! [`run`] takes a function that makes an empty store and calls each promise with a fresh one. A broken promise panics with its name.
//! Nothing here knows what a store is made of; damage and power cuts are for each store's own tests.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Barrier;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use format::{BlobKind, Digest};

use crate::chunk::{ChunkError, ChunkStore, Inserted, Part};
use crate::watch::{Unwatched, Watch};

type Promise = fn(&dyn ChunkStore);

/// Name and proof of each promise.
pub const PROMISES: &[(&str, Promise)] = &[
    ("what was inserted can be loaded", inserted_is_loaded),
    (
        "load reuses the buffer and clears it first",
        load_reuses_the_buffer,
    ),
    ("what was never inserted is not found", missing_is_not_found),
    (
        "a failed load leaves no old content in the buffer",
        failed_load_leaves_nothing,
    ),
    (
        "the second insert is a duplicate of the first",
        second_insert_is_a_duplicate,
    ),
    (
        "the smaller of two plain blobs stays",
        the_smaller_plain_blob_stays,
    ),
    (
        "an encrypted blob never replaces a plain one",
        encrypted_never_replaces_plain,
    ),
    (
        "a plain blob takes the place of an encrypted one",
        plain_replaces_encrypted,
    ),
    (
        "encrypted blobs without compression have one size",
        encrypted_sizes_must_agree,
    ),
    (
        "a compressed encrypted blob is kept whatever comes",
        compressed_encrypted_is_kept,
    ),
    ("what is no blob is refused", no_blob_is_refused),
    ("the largest chunk fits, a larger one is refused", limits),
    ("touch tells whether there is a chunk", touch_tells),
    ("position tells whether there is a chunk", position_tells),
    (
        "a stamp tells one writing of a chunk from the next",
        stamp_tells_writings_apart,
    ),
    (
        "a chunk set aside is gone and can be inserted anew",
        set_aside_makes_room,
    ),
    (
        "that a chunk was set aside can be asked for",
        set_aside_is_told,
    ),
    (
        "damaged chunks can be set aside again and again",
        set_aside_again_and_again,
    ),
    (
        "what was written anew is not set aside",
        set_aside_spares_the_new,
    ),
    (
        "a sweep takes what is older than the cutoff",
        sweep_takes_the_old,
    ),
    (
        "a sweep leaves what is younger than the cutoff",
        sweep_leaves_the_young,
    ),
    (
        "a chunk older than the oldest writer is pending",
        sweep_counts_pending,
    ),
    ("a stopped sweep says so", sweep_stops),
    (
        "many threads may insert the same chunk",
        same_chunk_from_many_threads,
    ),
    (
        "many threads may insert different chunks",
        different_chunks_from_many_threads,
    ),
    (
        "a sweep leaves alone what is inserted meanwhile",
        sweep_beside_inserts,
    ),
    ("a barrier passes when nothing was lost", barrier_passes),
    (
        "a store that remembers marks passes the probe",
        probe_passes,
    ),
];

/// Puts every promise to the test, each with an empty store of its own.
pub fn run<S: ChunkStore>(mut make: impl FnMut() -> S) {
    for (name, promise) in PROMISES {
        let store = make();
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| promise(&store))) {
            eprintln!("broken promise: {name}");
            resume_unwind(panic);
        }
    }
}

/// A blob of this kind whose body is `body`; its checksum is right, its content is not looked at by a store.
pub fn blob(kind: BlobKind, body: &[u8]) -> Vec<u8> {
    let mut encoded = vec![0; kind.header_len()];
    encoded[..8].copy_from_slice(&kind.magic());
    encoded.extend_from_slice(body);
    format::blob::set_crc(&mut encoded).expect("header and magic are right");
    encoded
}

/// An uncompressed chunk and its name.
pub fn plain(content: &[u8]) -> (Digest, Vec<u8>) {
    (Digest::of(content), blob(BlobKind::Plain, content))
}

fn now() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("the clock is past 1970")
        .as_secs() as i64
}

fn insert(store: &dyn ChunkStore, digest: &Digest, encoded: &[u8]) -> Inserted {
    store.insert(digest, encoded).expect("insert")
}

fn load(store: &dyn ChunkStore, digest: &Digest) -> Vec<u8> {
    let mut into = Vec::new();
    store.load(digest, &mut into).expect("load");
    into
}

fn set_aside(store: &dyn ChunkStore, digest: &Digest) -> Option<String> {
    let position = store
        .position(digest)
        .expect("position")
        .expect("the chunk is there");
    store.set_aside(digest, position).expect("set aside")
}

fn is_missing(store: &dyn ChunkStore, digest: &Digest) -> bool {
    matches!(
        store.load(digest, &mut Vec::new()),
        Err(ChunkError::NotFound { .. })
    )
}

fn inserted_is_loaded(store: &dyn ChunkStore) {
    for kind in [
        BlobKind::Plain,
        BlobKind::Zstd,
        BlobKind::Encrypted,
        BlobKind::ZstdEncrypted,
    ] {
        let encoded = blob(kind, b"any body will do");
        let digest = Digest::of(&encoded);
        assert_eq!(
            insert(store, &digest, &encoded),
            Inserted::New {
                stored: encoded.len() as u64
            }
        );
        assert_eq!(load(store, &digest), encoded);
    }
}

fn load_reuses_the_buffer(store: &dyn ChunkStore) {
    let (digest, encoded) = plain(b"short");
    insert(store, &digest, &encoded);
    let mut into = vec![1; 100_000];
    let place = into.as_ptr();
    store.load(&digest, &mut into).expect("load");
    assert_eq!(into, encoded);
    assert_eq!(into.as_ptr(), place, "the buffer was large enough");
}

fn missing_is_not_found(store: &dyn ChunkStore) {
    assert!(is_missing(store, &Digest::of(b"missing")));
}

fn failed_load_leaves_nothing(store: &dyn ChunkStore) {
    let mut into = vec![1; 10];
    store
        .load(&Digest::of(b"missing"), &mut into)
        .expect_err("missing");
    assert!(into.is_empty());
}

fn second_insert_is_a_duplicate(store: &dyn ChunkStore) {
    let (digest, encoded) = plain(b"twice");
    insert(store, &digest, &encoded);
    assert_eq!(
        insert(store, &digest, &encoded),
        Inserted::Duplicate {
            stored: encoded.len() as u64
        }
    );
    assert_eq!(load(store, &digest), encoded);
}

fn the_smaller_plain_blob_stays(store: &dyn ChunkStore) {
    let digest = Digest::of(b"content");
    let (large, small) = (
        blob(BlobKind::Plain, &[1; 50]),
        blob(BlobKind::Zstd, &[2; 20]),
    );
    insert(store, &digest, &large);
    assert_eq!(
        insert(store, &digest, &small),
        Inserted::New {
            stored: small.len() as u64
        }
    );
    assert_eq!(load(store, &digest), small);
    assert_eq!(
        insert(store, &digest, &large),
        Inserted::Duplicate {
            stored: small.len() as u64
        }
    );
    assert_eq!(load(store, &digest), small);
}

fn encrypted_never_replaces_plain(store: &dyn ChunkStore) {
    let (digest, encoded) = plain(b"content");
    insert(store, &digest, &encoded);
    for kind in [BlobKind::Encrypted, BlobKind::ZstdEncrypted] {
        let refused = store
            .insert(&digest, &blob(kind, b"content"))
            .expect_err("must be refused");
        assert!(
            matches!(refused, ChunkError::PlainExists { .. }),
            "{refused}"
        );
    }
    assert_eq!(load(store, &digest), encoded);
}

fn plain_replaces_encrypted(store: &dyn ChunkStore) {
    let (digest, encoded) = plain(&[3; 100]);
    for len in [10, encoded.len() - BlobKind::Encrypted.header_len(), 500] {
        insert(store, &digest, &blob(BlobKind::Encrypted, &vec![9; len]));
        assert!(!insert(store, &digest, &encoded).is_duplicate(), "{len}");
        assert_eq!(load(store, &digest), encoded, "{len}");
        set_aside(store, &digest);
    }
}

fn encrypted_sizes_must_agree(store: &dyn ChunkStore) {
    let digest = Digest::of(b"content");
    let encoded = blob(BlobKind::Encrypted, &[1; 30]);
    insert(store, &digest, &encoded);
    assert!(
        insert(store, &digest, &blob(BlobKind::Encrypted, &[2; 30])).is_duplicate(),
        "another IV, the same content"
    );
    let refused = store
        .insert(&digest, &blob(BlobKind::Encrypted, &[1; 31]))
        .expect_err("must be refused");
    assert!(
        matches!(refused, ChunkError::EncryptedSize { .. }),
        "{refused}"
    );
    assert_eq!(load(store, &digest), encoded);
}

fn compressed_encrypted_is_kept(store: &dyn ChunkStore) {
    let digest = Digest::of(b"content");
    let encoded = blob(BlobKind::ZstdEncrypted, &[1; 30]);
    insert(store, &digest, &encoded);
    for other in [
        blob(BlobKind::Encrypted, &[1; 60]),
        blob(BlobKind::ZstdEncrypted, &[1; 10]),
    ] {
        assert_eq!(
            insert(store, &digest, &other),
            Inserted::Duplicate {
                stored: encoded.len() as u64
            }
        );
    }
    assert_eq!(load(store, &digest), encoded);
}

fn no_blob_is_refused(store: &dyn ChunkStore) {
    let digest = Digest::of(b"content");
    for bytes in [&b""[..], b"short", &[0; 100]] {
        let refused = store.insert(&digest, bytes).expect_err("must be refused");
        assert!(matches!(refused, ChunkError::NotABlob { .. }), "{refused}");
    }
    assert!(is_missing(store, &digest));
}

fn limits(store: &dyn ChunkStore) {
    let largest = blob(BlobKind::Encrypted, &vec![1; format::CHUNK_RAW_MAX]);
    let digest = Digest::of(b"largest");
    insert(store, &digest, &largest);
    assert_eq!(load(store, &digest).len(), format::CHUNK_ENCODED_MAX);
    let larger = blob(BlobKind::Encrypted, &vec![1; format::CHUNK_RAW_MAX + 1]);
    let refused = store
        .insert(&Digest::of(b"larger"), &larger)
        .expect_err("must be refused");
    assert!(matches!(refused, ChunkError::BadSize { .. }), "{refused}");
}

fn touch_tells(store: &dyn ChunkStore) {
    let (digest, encoded) = plain(b"content");
    assert!(!store.touch(&digest).expect("touch"));
    insert(store, &digest, &encoded);
    assert!(store.touch(&digest).expect("touch"));
}

fn position_tells(store: &dyn ChunkStore) {
    let (digest, encoded) = plain(b"content");
    assert_eq!(store.position(&digest).expect("position"), None);
    insert(store, &digest, &encoded);
    assert!(store.position(&digest).expect("position").is_some());
}

fn stamp_tells_writings_apart(store: &dyn ChunkStore) {
    let (digest, encoded) = plain(b"content");
    let stamp = || store.stamp(&digest).expect("stamp");
    assert_eq!(stamp(), None);
    insert(store, &digest, &encoded);
    let first = stamp();
    assert!(first.is_some());
    insert(store, &digest, &encoded);
    assert!(store.touch(&digest).expect("touch"));
    assert_eq!(stamp(), first, "it was only marked");
    set_aside(store, &digest);
    assert_eq!(stamp(), None);
    // Further apart than the clock of any file system counts; a sweep takes a chunk minutes after it was last marked.
    std::thread::sleep(Duration::from_millis(20));
    insert(store, &digest, &encoded);
    assert!(stamp().is_some());
    assert_ne!(stamp(), first, "it was written anew");
}

fn set_aside_makes_room(store: &dyn ChunkStore) {
    let (digest, encoded) = plain(b"content");
    let nothing = store.set_aside(&digest, 0).expect("set aside");
    assert_eq!(nothing, None, "nothing to set aside");
    assert!(!store.touch_aside(&digest).expect("touch aside"));
    insert(store, &digest, &encoded);
    assert_eq!(set_aside(store, &digest), Some(format!("{digest}.0.bad")));
    assert!(is_missing(store, &digest));
    assert!(!store.touch(&digest).expect("touch"));
    assert_eq!(store.position(&digest).expect("position"), None);
    assert!(store.touch_aside(&digest).expect("touch aside"));
    assert!(!insert(store, &digest, &encoded).is_duplicate());
    assert_eq!(load(store, &digest), encoded);
}

fn set_aside_is_told(store: &dyn ChunkStore) {
    let (digest, encoded) = plain(b"content");
    insert(store, &digest, &encoded);
    let since = store.epoch();
    assert!(!store.disturbed(since));
    set_aside(store, &digest);
    assert!(store.disturbed(since));
    assert!(!store.disturbed(store.epoch()));
}

fn set_aside_again_and_again(store: &dyn ChunkStore) {
    let (digest, encoded) = plain(b"content");
    for n in [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9] {
        insert(store, &digest, &encoded);
        assert_eq!(set_aside(store, &digest), Some(format!("{digest}.{n}.bad")));
    }
    let report = store
        .sweep(Part::ALL, i64::MAX, i64::MAX, &Unwatched)
        .expect("sweep");
    assert_eq!((report.removed_bad, report.removed_chunks), (10, 0));
}

fn set_aside_spares_the_new(store: &dyn ChunkStore) {
    let digest = Digest::of(b"content");
    insert(store, &digest, &blob(BlobKind::Plain, &[1; 50]));
    let position = store
        .position(&digest)
        .expect("position")
        .expect("the chunk is there");
    let new = blob(BlobKind::Zstd, &[2; 20]);
    insert(store, &digest, &new);
    assert_eq!(store.set_aside(&digest, position).expect("set aside"), None);
    assert_eq!(load(store, &digest), new);
}

/// Enough for clocks of different grain.
const SLACK: i64 = 1000;

fn sweep_takes_the_old(store: &dyn ChunkStore) {
    let (digest, encoded) = plain(b"content");
    insert(store, &digest, &encoded);
    let report = store
        .sweep(Part::ALL, now() + SLACK, now() + SLACK, &Unwatched)
        .expect("sweep");
    assert_eq!(
        (report.removed_chunks, report.removed_bytes),
        (1, encoded.len() as u64)
    );
    assert_eq!(
        (report.disk_chunks, report.pending_chunks, report.stopped),
        (0, 0, false)
    );
    assert!(is_missing(store, &digest));
    assert!(
        !insert(store, &digest, &encoded).is_duplicate(),
        "it can come back"
    );
}

fn sweep_leaves_the_young(store: &dyn ChunkStore) {
    let (digest, encoded) = plain(b"content");
    insert(store, &digest, &encoded);
    let (aside, encoded_aside) = plain(b"damaged");
    insert(store, &aside, &encoded_aside);
    set_aside(store, &aside);
    let report = store
        .sweep(Part::ALL, now() - SLACK, now() - SLACK, &Unwatched)
        .expect("sweep");
    assert_eq!(
        (
            report.removed_chunks,
            report.removed_bad,
            report.pending_chunks
        ),
        (0, 0, 0)
    );
    assert_eq!(
        (report.disk_chunks, report.disk_bytes),
        (1, (encoded.len() + encoded_aside.len()) as u64)
    );
    assert_eq!(load(store, &digest), encoded);
}

fn sweep_counts_pending(store: &dyn ChunkStore) {
    let (digest, encoded) = plain(b"content");
    insert(store, &digest, &encoded);
    let report = store
        .sweep(Part::ALL, now() - SLACK, now() + SLACK, &Unwatched)
        .expect("sweep");
    assert_eq!(
        (report.pending_chunks, report.pending_bytes),
        (1, encoded.len() as u64)
    );
    assert_eq!((report.removed_chunks, report.disk_chunks), (0, 0));
    assert_eq!(load(store, &digest), encoded);
}

fn sweep_stops(store: &dyn ChunkStore) {
    struct Stop;
    impl Watch for Stop {
        fn log(&self, _: &str) {}
        fn warn(&self, _: &str) {}
        fn stopped(&self) -> bool {
            true
        }
    }
    let (digest, encoded) = plain(b"content");
    insert(store, &digest, &encoded);
    assert!(
        store
            .sweep(Part::ALL, i64::MAX, i64::MAX, &Stop)
            .expect("sweep")
            .stopped
    );
}

const THREADS: usize = 8;

fn same_chunk_from_many_threads(store: &dyn ChunkStore) {
    let (digest, encoded) = plain(&[7; 50_000]);
    let start = Barrier::new(THREADS);
    let new = std::thread::scope(|scope| {
        let insert_one = || {
            start.wait();
            insert(store, &digest, &encoded)
        };
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(insert_one)).collect();
        threads
            .into_iter()
            .map(|t| t.join().expect("insert"))
            .filter(|i| !i.is_duplicate())
            .count()
    });
    assert_eq!(new, 1, "one of them wrote it");
    assert_eq!(load(store, &digest), encoded);
}

fn different_chunks_from_many_threads(store: &dyn ChunkStore) {
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            scope.spawn(move || {
                for n in 0..20 {
                    let (digest, encoded) = plain(&[thread as u8, n]);
                    insert(store, &digest, &encoded);
                    assert_eq!(load(store, &digest), encoded);
                }
            });
        }
    });
    let report = store
        .sweep(Part::ALL, now() - SLACK, now() - SLACK, &Unwatched)
        .expect("sweep");
    assert_eq!(report.disk_chunks, THREADS as u64 * 20);
}

fn sweep_beside_inserts(store: &dyn ChunkStore) {
    let cutoff = now() - SLACK;
    std::thread::scope(|scope| {
        let sweeper = scope.spawn(move || store.sweep(Part::ALL, cutoff, cutoff, &Unwatched));
        for n in 0..50_u8 {
            let (digest, encoded) = plain(&[n]);
            insert(store, &digest, &encoded);
            assert_eq!(load(store, &digest), encoded);
        }
        sweeper.join().expect("sweep").expect("sweep");
    });
    assert!((0..50_u8).all(|n| store.touch(&Digest::of(&[n])).expect("touch")));
}

fn barrier_passes(store: &dyn ChunkStore) {
    let epoch = store.epoch();
    let (digest, encoded) = plain(b"content");
    insert(store, &digest, &encoded);
    store.barrier(epoch).expect("barrier");
    assert_eq!(load(store, &digest), encoded);
}

fn probe_passes(store: &dyn ChunkStore) {
    // More than the grain of any clock that marks are taken from.
    store.probe(Duration::from_millis(50)).expect("probe");
    store.probe(Duration::from_millis(50)).expect("once more");
}
