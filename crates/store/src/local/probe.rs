//! Whether the file system keeps access times (formats.md 9.2). Marks are set explicitly, so mount options do no harm; a file system that
//! ignores them would make a sweep remove what is in use.

use std::thread;
use std::time::Duration;

use format::{Compressor, Digest, FIXED_CHUNK};
use rustix::fs::{AtFlags, Stat};

use super::{LocalChunks, io_error};
use crate::chunk::{ChunkError, ChunkStore};
use crate::layout::chunk_name;

pub(super) fn probe(store: &LocalChunks, wait: Duration) -> Result<(), ChunkError> {
    let content = vec![0; FIXED_CHUNK as usize];
    let digest = Digest::of(&content);
    let mut encoded = Vec::new();
    Compressor::new()
        .encode(&content, true, &mut encoded)
        .map_err(|source| ChunkError::NotABlob { digest, source })?;
    let name = chunk_name(&digest);
    let stat = || {
        rustix::fs::statat(&store.dir, &name, AtFlags::SYMLINK_NOFOLLOW)
            .map_err(io_error("stat", &store.at(&name)))
    };
    // A backup or a verify may replace the chunk in between; twice in two seconds is something else.
    for _ in 0..2 {
        store.insert(&digest, &encoded)?;
        let before = stat()?;
        thread::sleep(wait);
        store.touch(&digest)?;
        let after = stat()?;
        if before.st_ino == after.st_ino {
            return match marked(&after) > marked(&before) {
                true => Ok(()),
                false => Err(ignored(store)),
            };
        }
    }
    Err(ignored(store))
}

fn ignored(store: &LocalChunks) -> ChunkError {
    ChunkError::MarksIgnored {
        path: store.path.clone(),
    }
}

fn marked(stat: &Stat) -> (i64, i64) {
    (stat.st_atime, stat.st_atime_nsec as i64)
}
