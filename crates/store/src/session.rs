//! One open backup: what it may reference, the indexes it writes, and its end.
//!
//! A session holds its group exclusively and its base snapshot shared, from [`Datastore::begin`](crate::Datastore::begin) until
//! [`Session::finish`] or the end of the value. A session that ends unfinished leaves nothing but chunks behind.
//! Every method may be called from several threads; chunks are decoded, checked and written outside the session's lock.

mod error;

use std::fs::File;
use std::path::{Path, PathBuf};

use format::{AuthId, Digest, Namespace, Snapshot};

use crate::chunk::Inserted;
use crate::datastore::Datastore;

pub use error::{BeginError, SessionError, WriterKind};

/// An open backup.
pub struct Session {
    store: Datastore,
}

/// What a closed index holds and what was uploaded for it; the numbers of the task log (protocol.md 3.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloseStats {
    pub name: String,
    /// 32 hex digits.
    pub uuid: String,
    pub csum: Digest,
    /// Content bytes of the archive.
    pub size: u64,
    /// Chunks of the archive, the known ones included.
    pub chunk_count: u64,
    pub uploaded_chunks: u64,
    /// Plain bytes uploaded.
    pub uploaded_bytes: u64,
    /// Bytes on disk of what was uploaded.
    pub compressed_bytes: u64,
    /// Uploaded chunks that the store had already.
    pub duplicates: u64,
}

/// A file of the base snapshot, open for reading.
#[derive(Debug)]
pub struct PreviousFile {
    pub file: File,
    pub path: PathBuf,
    pub snapshot: Snapshot,
    /// How many chunks are known to the session through it; nothing for a blob.
    pub registered: Option<u64>,
}

impl Datastore {
    /// Opens a backup: makes group and snapshot directory and takes the locks (formats.md 1.6, protocol.md 3.1).
    pub fn begin(
        &self,
        ns: &Namespace,
        snapshot: &Snapshot,
        caller: &AuthId,
        benchmark: bool,
    ) -> Result<Session, BeginError> {
        let _ = (ns, snapshot, caller, benchmark);
        unimplemented!()
    }
}

impl Session {
    pub fn namespace(&self) -> &Namespace {
        unimplemented!()
    }
    pub fn snapshot(&self) -> &Snapshot {
        unimplemented!()
    }
    /// Absolute path of the snapshot's directory.
    pub fn path(&self) -> &Path {
        unimplemented!()
    }
    /// `[ns/a/ns/b/]type/id/time`, as it stands in task logs.
    pub fn relative_path(&self) -> String {
        unimplemented!()
    }
    pub fn is_benchmark(&self) -> bool {
        unimplemented!()
    }
    pub fn is_finished(&self) -> bool {
        unimplemented!()
    }
    /// The snapshot that this backup builds on.
    pub fn previous(&self) -> Option<&Snapshot> {
        unimplemented!()
    }
    /// A file of the base snapshot. Chunks of an index are known from then on; all of them are marked as used first.
    pub fn previous_file(&self, name: &str) -> Result<PreviousFile, SessionError> {
        let _ = name;
        unimplemented!()
    }
    /// Opens a dynamic index and gives its id, 1 to 256.
    pub fn open_dynamic(&self, name: &str) -> Result<u32, SessionError> {
        let _ = name;
        unimplemented!()
    }
    /// Opens a fixed index of `size` bytes (unknown: of as many as are appended), on top of the previous one if `reuse` is its csum.
    pub fn open_fixed(
        &self,
        name: &str,
        size: Option<u64>,
        reuse: Option<&Digest>,
    ) -> Result<u32, SessionError> {
        let _ = (name, size, reuse);
        unimplemented!()
    }
    /// Checks an uploaded chunk, rewrites its checksum in place, stores it, and makes it known to this session.
    pub fn insert_chunk(
        &self,
        wid: u32,
        kind: WriterKind,
        digest: &Digest,
        size: u64,
        encoded: &mut [u8],
    ) -> Result<Inserted, SessionError> {
        let _ = (wid, kind, digest, size, encoded);
        unimplemented!()
    }
    /// Adds known chunks to an index, in order, each with its start offset; gives their sizes. Those before a refused one stay.
    pub fn append(
        &self,
        wid: u32,
        kind: WriterKind,
        chunks: &[(Digest, u64)],
    ) -> Result<Vec<u64>, SessionError> {
        let _ = (wid, kind, chunks);
        unimplemented!()
    }
    /// Closes an index: compares count, size and checksum, then gives it its final name. A refused close can be tried again.
    pub fn close(
        &self,
        wid: u32,
        kind: WriterKind,
        count: u64,
        size: u64,
        csum: &Digest,
    ) -> Result<CloseStats, SessionError> {
        let _ = (wid, kind, count, size, csum);
        unimplemented!()
    }
    /// Stores a blob of `announced` bytes; gives the path of the file for the log.
    pub fn add_blob(
        &self,
        name: &str,
        announced: u64,
        encoded: &[u8],
    ) -> Result<PathBuf, SessionError> {
        let _ = (name, announced, encoded);
        unimplemented!()
    }
    /// Makes the backup a finished snapshot and lets go of all locks.
    pub fn finish(&self) -> Result<(), SessionError> {
        let _ = &self.store;
        unimplemented!()
    }
    /// Ends an unfinished session now: removes the snapshot (and a group that this session made, if it is empty), lets go of all
    /// locks. Nothing happens if the session is finished, unless it is a benchmark, which is removed all the same.
    pub fn abort(&self) {}
}
