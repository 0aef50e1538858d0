//! A file system without space, and one that has become read-only. Only root can make one, so others skip this.

use std::process::Command;

use store::{ChunkError, ChunkStore, Datastore, LocalChunks, Options, SyncLevel, suite};

use crate::world::{backup, pieces, root, snapshot, tree};

/// A file system in memory, gone with this value.
struct Small {
    dir: tempfile::TempDir,
}

impl Small {
    fn mount() -> Option<Small> {
        let dir = tempfile::tempdir().unwrap();
        let mounted = rustix::process::geteuid().is_root()
            && Command::new("mount")
                .args(["-t", "tmpfs", "-o", "size=256k", "tmpfs"])
                .arg(dir.path())
                .status()
                .is_ok_and(|status| status.success());
        if !mounted {
            eprintln!("skipped: a file system can be mounted by root only");
            return None;
        }
        Some(Small { dir })
    }
}

impl Small {
    fn remount(&self, how: &str) {
        let remounted = Command::new("mount")
            .args(["-o", &format!("remount,{how}")])
            .arg(self.dir.path())
            .status();
        assert!(remounted.is_ok_and(|status| status.success()), "{how}");
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.dir.path()).status();
    }
}

#[test]
fn a_full_disk_is_told_and_leaves_nothing_behind() {
    let Some(small) = Small::mount() else { return };
    std::fs::create_dir(small.dir.path().join(".chunks")).unwrap();
    let store = LocalChunks::open(small.dir.path(), SyncLevel::Filesystem).unwrap();
    let (fits, encoded) = suite::plain(&[1; 1000]);
    store.insert(&fits, &encoded).unwrap();
    let before = tree(small.dir.path());
    let (large, encoded) = suite::plain(&vec![2; 1 << 20]);
    let error = store
        .insert(&large, &encoded)
        .expect_err("there is no room");
    assert!(matches!(error, ChunkError::NoSpace { .. }), "{error}");
    let after: Vec<String> = tree(small.dir.path())
        .into_iter()
        .filter(|name| name.len() > ".chunks/0000".len())
        .collect();
    assert!(
        after.iter().all(|name| before.contains(name)),
        "no part of the chunk is left: {after:?}"
    );
    assert!(store.touch(&fits).unwrap());
}

/// No lock file could be opened, so nothing could be restored: on the day when the disk of the state had failed.
#[test]
fn what_is_stored_is_read_while_the_disk_of_the_locks_is_read_only() {
    let Some(small) = Small::mount() else { return };
    let dir = tempfile::tempdir().unwrap();
    let base = dir.path().join("vault");
    std::fs::create_dir_all(base.join(".chunks")).unwrap();
    let options = Options::new(small.dir.path().join("locks"));
    let store = Datastore::open(&"vault".parse().unwrap(), &base, options).unwrap();
    let (one, other) = (snapshot("host/pc", 0), snapshot("host/new", 0));
    for snapshot in [&one, &other] {
        backup(&store, &root(), snapshot, &pieces([1])).unwrap();
    }
    small.remount("ro");
    for snapshot in [&one, &other] {
        let dir = store.snapshot(&root(), snapshot).unwrap();
        let locked = dir.lock_shared().expect("can be read");
        let refused = store.forget_snapshot(&root(), snapshot).expect_err("stays");
        assert!(refused.to_string().contains("lock"), "{refused}");
        drop(locked);
    }
    small.remount("rw");
    let dir = store.snapshot(&root(), &one).unwrap();
    drop(dir.lock_shared().expect("as ever"));
}
