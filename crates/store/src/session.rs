//! One open backup: what it may reference, the indexes it writes, and its end.
//!
//! A session holds its group exclusively and its base snapshot shared, from [`Datastore::begin`] until [`Session::finish`] or the end of
//! the value. A session that ends unfinished leaves nothing but chunks behind.
//! Every method may be called from several threads; chunks are decoded, checked and written outside the session's lock, which guards the
//! books and the snapshot's directory. The manifest is held back until `finish`: it appears last, when all else is durable.

mod begin;
mod error;
mod finish;
mod known;
mod resumed;
mod writer;
mod writer_dynamic;
mod writer_fixed;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use format::manifest::ChunkUploadStats;
use format::upload_journal::Offer;
use format::{
    ArchiveKind, ArchiveName, Blob, BlobError, CHUNK_ENCODED_MAX, Digest, FIXED_CHUNK, Index,
    Namespace, Snapshot,
};

use crate::chunk::{Epoch, Inserted};
use crate::datastore::{Datastore, SnapshotDir};
use crate::error::StoreError;
use crate::files;
use crate::layout::relative;
use crate::locks::{LockGuard, ProcessLockGuard};
use crate::upload;
use crate::uploads::Journal;

use known::{KnownChunks, mark_all};
use writer::{Announced, IndexFile, Uploads, Writer};
use writer_dynamic::DynamicWriter;
use writer_fixed::FixedWriter;

pub use error::{BeginError, SessionError, WriterKind};
pub use resumed::UploadedBefore;

/// The largest id of a writer that requests can name.
const WRITERS_MAX: u32 = 256;

/// An open backup.
pub struct Session {
    store: Datastore,
    ns: Namespace,
    snapshot: Snapshot,
    path: PathBuf,
    base: Option<SnapshotDir>,
    benchmark: bool,
    group_is_new: bool,
    epoch: Epoch,
    /// What was uploaded, for whoever goes on if this session does not come to its end.
    journal: Option<Journal>,
    state: Mutex<State>,
}

/// What a session holds while it is open.
struct Locks {
    group: LockGuard,
    snapshot: LockGuard,
    _base: Option<LockGuard>,
    _process: ProcessLockGuard,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Open,
    Finished,
    /// Removed.
    Ended,
}

struct State {
    phase: Phase,
    /// Let go of at the end.
    locks: Option<Locks>,
    known: KnownChunks,
    writers: BTreeMap<u32, (Writer, Uploads)>,
    last_wid: u32,
    /// Indexes that have their final name.
    stored: BTreeSet<ArchiveName>,
    /// An index that was right but could not be given its name.
    lost: Option<ArchiveName>,
    /// Closed indexes and blobs.
    files: u64,
    stats: ChunkUploadStats,
    manifest: Option<Vec<u8>>,
}

impl State {
    fn require_open(&self) -> Result<(), SessionError> {
        match self.phase {
            Phase::Open => Ok(()),
            Phase::Finished => Err(SessionError::Finished),
            Phase::Ended => Err(SessionError::Ended),
        }
    }

    fn writer(
        &mut self,
        wid: u32,
        kind: WriterKind,
    ) -> Result<&mut (Writer, Uploads), SessionError> {
        let found = self
            .writers
            .get_mut(&wid)
            .filter(|(writer, _)| writer.kind() == kind);
        found.ok_or(SessionError::NoWriter { kind, wid })
    }

    fn next_wid(&self) -> Result<u32, SessionError> {
        match self.last_wid {
            last if last < WRITERS_MAX => Ok(last + 1),
            _ => Err(SessionError::TooManyWriters { max: WRITERS_MAX }),
        }
    }
}

/// What a closed index holds and what was uploaded for it; the numbers of the task log (protocol.md 3.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloseStats {
    pub name: ArchiveName,
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
    /// How many chunks the index has, all of which are known now; nothing for a blob.
    pub registered: Option<u64>,
}

impl Session {
    fn new(
        store: Datastore,
        ns: Namespace,
        snapshot: Snapshot,
        base: Option<SnapshotDir>,
        locks: Locks,
        group_is_new: bool,
        benchmark: bool,
    ) -> Session {
        let state = State {
            phase: Phase::Open,
            locks: Some(locks),
            known: KnownChunks::default(),
            writers: BTreeMap::new(),
            last_wid: 0,
            stored: BTreeSet::new(),
            lost: None,
            files: 0,
            stats: ChunkUploadStats::default(),
            manifest: None,
        };
        let path = store.snapshot_path(&ns, &snapshot);
        let epoch = store.chunks().epoch();
        Session {
            store,
            ns,
            snapshot,
            path,
            base,
            benchmark,
            group_is_new,
            epoch,
            journal: None,
            state: Mutex::new(state),
        }
    }

    pub fn namespace(&self) -> &Namespace {
        &self.ns
    }

    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// Absolute path of the snapshot's directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// `[ns/a/ns/b/]type/id/time`, as task logs show it.
    pub fn relative_path(&self) -> String {
        relative(&self.ns, &self.snapshot.to_string())
    }

    pub fn is_benchmark(&self) -> bool {
        self.benchmark
    }

    pub fn is_finished(&self) -> bool {
        self.state().phase == Phase::Finished
    }

    /// The snapshot that this backup builds on.
    pub fn previous(&self) -> Option<&Snapshot> {
        self.base.as_ref().map(SnapshotDir::snapshot)
    }

    /// How many chunks this session may reference.
    pub fn known_chunks(&self) -> u64 {
        self.state().known.len()
    }

    /// A file of the base snapshot. The chunks of an index are known from then on, after all of them were marked as used; if one is
    /// missing the call fails, so that a client uploads it again instead of relying on it.
    pub fn previous_file(&self, name: &str) -> Result<PreviousFile, SessionError> {
        let base = self.base.as_ref().ok_or(SessionError::NoPrevious)?;
        let parsed = ArchiveName::try_from(name.to_owned());
        let archive = parsed.map_err(|source| match ends_in_index_or_blob(name) {
            true => SessionError::Name {
                name: name.to_owned(),
                source,
            },
            false => SessionError::UnknownArchiveType {
                name: name.to_owned(),
            },
        })?;
        let file = base.open_file(&archive)?;
        let registered = match archive.kind() {
            ArchiveKind::Blob => None,
            ArchiveKind::Fixed | ArchiveKind::Dynamic => {
                self.state().require_open()?;
                Some(self.register(base, &archive)?)
            }
        };
        let path = base.path().join(archive.as_str());
        Ok(PreviousFile {
            file,
            path,
            snapshot: base.snapshot().clone(),
            registered,
        })
    }

    fn register(&self, base: &SnapshotDir, archive: &ArchiveName) -> Result<u64, SessionError> {
        let index = base.open_index(archive)?;
        self.mark_chunks(base, archive, &index)?;
        let mut state = self.state();
        state.require_open()?;
        for (range, digest) in index.iter() {
            if (1..=format::CHUNK_RAW_MAX as u64).contains(&(range.end - range.start)) {
                state.known.add(&digest, range.end - range.start);
            }
        }
        Ok(index.len() as u64)
    }

    fn mark_chunks(
        &self,
        base: &SnapshotDir,
        archive: &ArchiveName,
        index: &Index,
    ) -> Result<(), SessionError> {
        let digests = index.iter().map(|(_, digest)| digest).collect();
        let missing = mark_all(self.store.chunks(), digests).map_err(StoreError::from)?;
        match missing {
            None => Ok(()),
            Some(missing) => Err(SessionError::PreviousIncomplete {
                snapshot: base.snapshot().clone(),
                archive: archive.to_string(),
                missing: missing.count,
                first: missing.first,
            }),
        }
    }

    /// Opens a dynamic index and gives its id, 1 to 256.
    pub fn open_dynamic(&self, name: &str) -> Result<u32, SessionError> {
        let name = index_name(name, ArchiveKind::Dynamic)?;
        let mut state = self.state();
        state.require_open()?;
        let wid = state.next_wid()?;
        let writer = Writer::Dynamic(DynamicWriter::new(IndexFile::create(
            &self.path, &name, wid,
        )?));
        Ok(self.add_writer(&mut state, wid, writer))
    }

    /// Opens a fixed index of `size` content bytes, or of as many as are appended. With `reuse`, it starts as a copy of the base's index
    /// of that name, whose checksum must be this one; chunks of the copy do not become known.
    pub fn open_fixed(
        &self,
        name: &str,
        size: Option<u64>,
        reuse: Option<&Digest>,
    ) -> Result<u32, SessionError> {
        let name = index_name(name, ArchiveKind::Fixed)?;
        let reused = reuse
            .map(|csum| self.reusable_index(&name, size, csum))
            .transpose()?;
        let mut state = self.state();
        state.require_open()?;
        let wid = state.next_wid()?;
        let mut writer = FixedWriter::new(IndexFile::create(&self.path, &name, wid)?, size)?;
        if let Some(index) = reused {
            writer.copy_from(index.iter().map(|(_, digest)| digest))?;
        }
        Ok(self.add_writer(&mut state, wid, Writer::Fixed(writer)))
    }

    fn add_writer(&self, state: &mut State, wid: u32, writer: Writer) -> u32 {
        state.last_wid = wid;
        state.writers.insert(wid, (writer, Uploads::default()));
        wid
    }

    /// The base's index, if it is the one with this checksum and as many chunks as the new one, and all its chunks are there.
    fn reusable_index(
        &self,
        name: &ArchiveName,
        size: Option<u64>,
        csum: &Digest,
    ) -> Result<Index, SessionError> {
        let size = size.ok_or(SessionError::ReuseSizeMissing)?;
        let base = self.base.as_ref().ok_or(SessionError::ReuseNoPrevious)?;
        let index = base.open_index(name).map_err(|error| match error {
            source @ StoreError::OpenIndex { .. } => SessionError::ReuseNoArchive { source },
            error => error.into(),
        })?;
        let actual = index.csum();
        if actual != *csum {
            return Err(SessionError::ReuseChecksum {
                given: *csum,
                actual,
            });
        }
        let (new, old) = (size.div_ceil(FIXED_CHUNK), index.len() as u64);
        let same_chunks =
            matches!(&index, Index::Fixed(index) if index.chunk_size() == FIXED_CHUNK);
        if new != old || !same_chunks {
            return Err(SessionError::ReuseLength { new, old });
        }
        self.mark_chunks(base, name, &index)?;
        Ok(index)
    }

    /// Checks an uploaded chunk, rewrites its checksum in place, stores it, and makes it known to this session. The chunk is stored even
    /// if there is no such writer: that is looked at last, as the original does.
    pub fn insert_chunk(
        &self,
        wid: u32,
        kind: WriterKind,
        digest: &Digest,
        size: u64,
        encoded: &mut [u8],
    ) -> Result<Inserted, SessionError> {
        self.state().require_open()?;
        upload::check(digest, size, encoded)?;
        let inserted = self
            .store
            .chunks()
            .insert(digest, encoded)
            .map_err(upload::UploadError::from)?;
        let mut state = self.state();
        state.require_open()?;
        let (writer, uploads) = state.writer(wid, kind)?;
        writer.admit(wid, size)?;
        uploads.add(size, inserted);
        let is_new = state.known.add(digest, size);
        drop(state);
        if is_new && let Ok(size) = u32::try_from(size) {
            let offer = Offer {
                digest: *digest,
                size,
            };
            self.note_upload(offer, inserted);
        }
        Ok(inserted)
    }

    /// Adds known chunks to an index in this order, each with its start offset, and gives their sizes. Those before a refused one stay.
    pub fn append(
        &self,
        wid: u32,
        kind: WriterKind,
        chunks: &[(Digest, u64)],
    ) -> Result<Vec<u64>, SessionError> {
        let mut state = self.state();
        state.require_open()?;
        let State { writers, known, .. } = &mut *state;
        let (writer, _) = writers
            .get_mut(&wid)
            .filter(|(writer, _)| writer.kind() == kind)
            .ok_or(SessionError::NoWriter { kind, wid })?;
        let mut sizes = Vec::with_capacity(chunks.len());
        for (digest, offset) in chunks {
            let size = known
                .size(digest)
                .ok_or(SessionError::NoSuchChunk { digest: *digest })?;
            writer.append(*offset, size, digest)?;
            sizes.push(size);
        }
        Ok(sizes)
    }

    /// Closes an index: compares count, size and checksum with what was appended, then gives it its final name. A refused close changes
    /// nothing and can be tried again. If the disk fails at the end, the backup is spoilt: what a file is worth whose sync failed is not
    /// known, so there is no second try.
    pub fn close(
        &self,
        wid: u32,
        kind: WriterKind,
        count: u64,
        size: u64,
        csum: &Digest,
    ) -> Result<CloseStats, SessionError> {
        let mut state = self.state();
        state.require_open()?;
        let (writer, uploads) = state.writer(wid, kind)?;
        let contents = writer.complete(Announced { count, size, csum })?;
        let (uploads, name) = (*uploads, writer.index().name.clone());
        let uuid = writer
            .index()
            .uuid
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        if state.stored.contains(&name) {
            return Err(SessionError::AlreadyStored {
                name: name.to_string(),
            });
        }
        let (writer, _) = state.writers.remove(&wid).expect("it was found above");
        let renamed = writer
            .into_index()
            .rename(&self.path, self.store.durable_before_barrier());
        if let Err(error) = renamed {
            state.lost = Some(name);
            return Err(error.into());
        }
        state.stored.insert(name.clone());
        state.files += 1;
        state.stats.count += uploads.chunks;
        state.stats.size += uploads.raw_bytes;
        state.stats.compressed_size += uploads.stored_bytes;
        state.stats.duplicates += uploads.duplicates;
        Ok(CloseStats {
            name,
            uuid,
            csum: *csum,
            size: contents.size,
            chunk_count: contents.count,
            uploaded_chunks: uploads.chunks,
            uploaded_bytes: uploads.raw_bytes,
            compressed_bytes: uploads.stored_bytes,
            duplicates: uploads.duplicates,
        })
    }

    /// Stores a blob of `announced` bytes, in place of an older one of that name; gives its path for the log. Not after `finish`.
    pub fn add_blob(
        &self,
        name: &str,
        announced: u64,
        encoded: &[u8],
    ) -> Result<PathBuf, SessionError> {
        if !name.ends_with(ArchiveKind::Blob.ending()) {
            return Err(SessionError::BlobExtension {
                name: name.to_owned(),
            });
        }
        let archive: ArchiveName = name.parse().map_err(|source| SessionError::Name {
            name: name.to_owned(),
            source,
        })?;
        check_blob(announced, encoded)?;
        let path = self.path.join(archive.as_str());
        let mut state = self.state();
        state.require_open()?;
        if archive.is_manifest() {
            state.manifest = Some(encoded.to_vec());
        } else {
            files::replace(&path, encoded, self.store.durable_before_barrier())?;
        }
        state.files += 1;
        state.stats.size += encoded.len() as u64;
        Ok(path)
    }

    /// A panic under the lock leaves books that are no worse than those of a request that failed half-way.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn ends_in_index_or_blob(name: &str) -> bool {
    ArchiveKind::ALL
        .iter()
        .any(|kind| name.ends_with(kind.ending()))
}

fn index_name(name: &str, kind: ArchiveKind) -> Result<ArchiveName, SessionError> {
    if !name.ends_with(kind.ending()) {
        return Err(SessionError::ArchiveExtension {
            name: name.to_owned(),
        });
    }
    name.parse().map_err(|source| SessionError::Name {
        name: name.to_owned(),
        source,
    })
}

fn check_blob(announced: u64, encoded: &[u8]) -> Result<(), SessionError> {
    let len = encoded.len();
    if announced != len as u64 {
        return Err(SessionError::BlobLength {
            announced,
            len: len as u64,
        });
    }
    if len > CHUNK_ENCODED_MAX {
        return Err(SessionError::BlobTooLarge {
            len,
            max: CHUNK_ENCODED_MAX,
        });
    }
    let blob = Blob::parse(encoded).map_err(|error| match error {
        BlobError::TooShort { len, .. } => SessionError::BlobTooShort { len },
        _ => SessionError::BlobMagic,
    })?;
    blob.check_crc().map_err(|_| SessionError::BlobChecksum)
}
