//! What the contract cannot show: names, modes and times on disk, damage, and what is in the way.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use format::blob::set_crc;

use super::*;
use crate::watch::Unwatched;

/// An uncompressed blob with this content.
fn plain(content: &[u8]) -> (Digest, Vec<u8>) {
    let mut encoded = BlobKind::Plain.magic().to_vec();
    encoded.extend_from_slice(&[0; 4]);
    encoded.extend_from_slice(content);
    set_crc(&mut encoded).unwrap();
    (Digest::of(content), encoded)
}

/// A store without its directories, which are slow to make and made when needed.
fn store(sync: SyncLevel) -> (tempfile::TempDir, LocalChunks) {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join(CHUNKS)).unwrap();
    let store = LocalChunks::open(dir.path(), sync).unwrap();
    (dir, store)
}

fn set_atime(path: &Path, seconds: i64) {
    let times = Timestamps {
        last_access: Timespec {
            tv_sec: seconds,
            tv_nsec: 0,
        },
        last_modification: Timespec {
            tv_sec: 0,
            tv_nsec: UTIME_OMIT,
        },
    };
    rustix::fs::utimensat(rustix::fs::CWD, path, &times, AtFlags::empty()).unwrap();
}

fn entries(dir: &Path) -> Vec<String> {
    crate::files::list(dir)
        .unwrap()
        .into_iter()
        .map(|(name, _)| name)
        .collect()
}

#[test]
fn creation_makes_all_directories() {
    // 65536 directories are made and removed in a second in memory, and in twenty on some disks.
    let dir = tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .unwrap();
    LocalChunks::create(dir.path(), &Unwatched).unwrap();
    let chunks = dir.path().join(CHUNKS);
    let names = entries(&chunks);
    assert_eq!(names.len(), 65536);
    assert_eq!(
        (
            names[0].as_str(),
            names[0x1a2b].as_str(),
            names[65535].as_str()
        ),
        ("0000", "1a2b", "ffff")
    );
    for path in [chunks.clone(), chunks.join("0000")] {
        assert_eq!(
            fs::metadata(path).unwrap().permissions().mode() & 0o7777,
            0o750
        );
    }
    assert!(LocalChunks::create(dir.path(), &Unwatched).is_err());
    assert_eq!(
        entries(&chunks).len(),
        65536,
        "an existing store is not touched"
    );
}

#[test]
fn chunks_lie_where_the_original_looks() {
    for sync in [SyncLevel::None, SyncLevel::File, SyncLevel::Filesystem] {
        let (dir, store) = store(sync);
        let (digest, encoded) = plain(b"hello");
        let epoch = store.epoch();
        store.insert(&digest, &encoded).unwrap();
        store.barrier(epoch).unwrap();
        let path = dir
            .path()
            .join(".chunks/2cf2/2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
        assert_eq!(fs::read(&path).unwrap(), encoded);
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o644
        );
        assert_eq!(
            entries(path.parent().unwrap()).len(),
            1,
            "no temp file is left"
        );
        assert_eq!(
            store.position(&digest).unwrap(),
            Some(fs::metadata(&path).unwrap().ino())
        );
    }
}

#[test]
fn touching_changes_only_the_access_time() {
    let (dir, store) = store(SyncLevel::None);
    let (digest, encoded) = plain(b"hello");
    store.insert(&digest, &encoded).unwrap();
    let path = dir.path().join(CHUNKS).join(chunk_name(&digest));
    let before = fs::metadata(&path).unwrap();
    for touch in [
        |s: &LocalChunks, d, _: &[u8]| s.touch(d).map(drop),
        |s: &LocalChunks, d, e: &[u8]| s.insert(d, e).map(drop),
    ] {
        set_atime(&path, 1000);
        touch(&store, &digest, &encoded).unwrap();
        let after = fs::metadata(&path).unwrap();
        assert!(after.atime() >= before.atime());
        assert_eq!(
            (after.mtime(), after.mtime_nsec()),
            (before.mtime(), before.mtime_nsec())
        );
    }
}

#[test]
fn damage_is_seen_and_mended_by_the_next_upload() {
    let (dir, store) = store(SyncLevel::None);
    let (digest, encoded) = plain(b"some content");
    let path = dir.path().join(CHUNKS).join(chunk_name(&digest));
    let flipped: Vec<u8> = encoded
        .iter()
        .enumerate()
        .map(|(i, b)| if i == 14 { b ^ 1 } else { *b })
        .collect();
    let zeros = vec![0; encoded.len()];
    let rows: [(&str, &[u8], bool); 6] = [
        ("empty", b"", true),
        ("all there, but nothing was written", &zeros, true),
        ("cut inside the header", &encoded[..5], true),
        ("cut inside the body", &encoded[..15], true),
        ("something else, longer", &[7; 64], true),
        (
            "one bit flipped: same size, so only verify finds it",
            &flipped,
            false,
        ),
    ];
    let mut into = Vec::new();
    for (name, bytes, mended) in rows {
        store.insert(&digest, &encoded).unwrap();
        fs::write(&path, bytes).unwrap();
        let error = store.load(&digest, &mut into).expect_err(name);
        assert!(
            matches!(
                error,
                ChunkError::Damaged { .. } | ChunkError::DamagedSize { .. }
            ),
            "{name}: {error}"
        );
        assert_eq!(store.touch(&digest).unwrap(), bytes.len() >= 12, "{name}");
        assert_eq!(
            store.insert(&digest, &encoded).unwrap().is_duplicate(),
            !mended,
            "{name}"
        );
        assert_eq!(store.load(&digest, &mut into).is_ok(), mended, "{name}");
        fs::remove_file(&path).unwrap();
    }
}

#[test]
fn what_is_no_file_is_in_the_way() {
    let (dir, store) = store(SyncLevel::None);
    let (digest, encoded) = plain(b"hello");
    let path = dir.path().join(CHUNKS).join(chunk_name(&digest));
    let target = dir.path().join("target");
    fs::write(&target, &encoded).unwrap();
    fs::create_dir(path.parent().unwrap()).unwrap();
    for link in [false, true] {
        if link {
            std::os::unix::fs::symlink(&target, &path).unwrap();
        } else {
            fs::create_dir(&path).unwrap();
        }
        let mut into = Vec::new();
        assert!(matches!(
            store.insert(&digest, &encoded),
            Err(ChunkError::NotAFile { .. })
        ));
        assert!(matches!(
            store.load(&digest, &mut into),
            Err(ChunkError::NotAFile { .. })
        ));
        assert!(matches!(
            store.touch(&digest),
            Err(ChunkError::NotAFile { .. })
        ));
        assert_eq!(
            entries(path.parent().unwrap()).len(),
            1,
            "no temp file is left"
        );
        if !link {
            fs::remove_dir(&path).unwrap();
        }
    }
}

#[test]
fn a_failed_write_leaves_nothing_behind() {
    let (dir, store) = store(SyncLevel::None);
    let (digest, encoded) = plain(b"hello");
    let prefix = dir.path().join(CHUNKS).join(&digest.to_string()[..4]);
    // A file where the directory of the chunk should be.
    fs::write(&prefix, b"").unwrap();
    assert!(matches!(
        store.insert(&digest, &encoded),
        Err(ChunkError::Io { action: "stat", .. })
    ));
    assert_eq!(
        entries(&dir.path().join(CHUNKS)),
        [digest.to_string()[..4].to_owned()]
    );
}

#[test]
fn sweep_looks_at_each_kind_of_file() {
    let (dir, store) = store(SyncLevel::None);
    let (digest, encoded) = plain(b"hello");
    store.insert(&digest, &encoded).unwrap();
    let folder = dir.path().join(CHUNKS).join(&digest.to_string()[..4]);
    let len = encoded.len() as u64;
    // Ending, access time, whether it stays with cutoff 1000, bytes.
    let rows = [
        ("", 2000, true),
        (".0.bad", 999, false),
        (".1.bad", 1000, true),
        (".2.bad", 3000, true),
        (".using", 3000, false),
        (".tmp_abc123", 3000, true),
        (".tmp_abc124", 10, false),
        (".unknown", 10, true),
        (".10.bad", 10, true),
    ];
    for (ending, atime, _) in rows {
        let path = folder.join(format!("{digest}{ending}"));
        fs::write(&path, &encoded).unwrap();
        set_atime(&path, atime);
    }
    let other = folder.join("2cf2nothing");
    fs::write(&other, b"").unwrap();
    set_atime(&other, 10);

    let report = store.sweep(Part::ALL, 1000, 2500, &Unwatched).unwrap();
    let expected = SweepReport {
        removed_bad: 1,
        removed_bytes: 2 * len,
        pending_chunks: 1,
        pending_bytes: 2 * len,
        still_bad: 1,
        disk_bytes: len,
        ..SweepReport::default()
    };
    assert_eq!(report, expected);
    for (ending, _, stays) in rows {
        assert_eq!(
            folder.join(format!("{digest}{ending}")).exists(),
            stays,
            "{ending}"
        );
    }
    assert!(other.exists());

    set_atime(&folder.join(digest.to_string()), 999);
    assert_eq!(
        store
            .sweep(Part::ALL, 1000, 1000, &Unwatched)
            .unwrap()
            .removed_chunks,
        1
    );
}

#[test]
fn a_lost_write_fails_every_backup_that_was_open_then() {
    let (_dir, store) = store(SyncLevel::Filesystem);
    let before = store.epoch();
    // What a failing sync leaves behind; a real one cannot be had without a broken disk.
    store.losses.fetch_add(1, Ordering::SeqCst);
    assert!(matches!(store.barrier(before), Err(ChunkError::WritesLost)));
    store.barrier(store.epoch()).unwrap();
}

/// A sync of the file system takes minutes on a busy disk. The number that a beginning backup asks for was guarded by the lock held
/// meanwhile, so no backup could begin while another one finished.
#[test]
fn a_backup_begins_while_another_one_is_synced() {
    let (_dir, store) = store(SyncLevel::Filesystem);
    let syncing = store.syncing.lock().unwrap();
    assert_eq!(store.epoch().losses, 0);
    drop(syncing);
}

/// A smaller encoding of a chunk was renamed over the old one before its data was on disk. A power cut then left an empty file where
/// backups that were finished long ago had had a chunk, at every sync level but `file`.
#[test]
fn what_replaces_a_chunk_is_on_disk_first() {
    use BeforeRename::{Nothing, StartWriting, Sync};
    let rows = [
        (SyncLevel::None, false, Nothing),
        (SyncLevel::None, true, Sync),
        (SyncLevel::File, false, Sync),
        (SyncLevel::File, true, Sync),
        (SyncLevel::Filesystem, false, StartWriting),
        (SyncLevel::Filesystem, true, Sync),
    ];
    for (sync, replaces, expected) in rows {
        assert_eq!(
            before_rename(sync, replaces),
            expected,
            "{sync:?} {replaces}"
        );
    }
}

#[test]
fn a_full_disk_has_its_own_error() {
    let full = chunk_io(
        "write",
        PathBuf::from("x"),
        io::Error::from(io::ErrorKind::StorageFull),
    );
    assert!(matches!(full, ChunkError::NoSpace { .. }));
    assert!(
        full.to_string()
            .starts_with("no space left on the datastore")
    );
}
