//! A file system without space. Only root can make one, so others skip this.

use std::process::Command;

use store::{ChunkError, ChunkStore, LocalChunks, SyncLevel, suite};

use crate::world::tree;

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
