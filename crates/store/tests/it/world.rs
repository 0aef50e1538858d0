//! What most tests need: a small datastore, backups in one call, and someone who looks on.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use format::{
    ArchiveName, AuthId, Compressor, CryptMode, Digest, DigestWriter, Manifest, ManifestFile,
    Namespace, Snapshot,
};
use store::{
    BeginError, Datastore, Options, Session, SessionError, SyncLevel, VerifyFilter, VerifyReport,
    VerifyScope, Watch, WriterKind,
};
use tempfile::TempDir;
use testkit::{Fault, FaultyChunks, MemoryChunks};

pub const UPID: &str = r"UPID:pbs:000058D4:0004EA88:0000001D:6B0322FC:verify:vault:test@pbs:";

/// A datastore whose chunks are in memory, behind a wrapper that can fail.
pub struct World {
    pub store: Datastore,
    pub chunks: Arc<FaultyChunks<MemoryChunks>>,
    pub dir: TempDir,
}

impl World {
    pub fn new() -> World {
        let dir = tempfile::tempdir().unwrap();
        let chunks = Arc::new(FaultyChunks::new(MemoryChunks::new(), 0, Fault::Before));
        fs::create_dir(dir.path().join("vault")).unwrap();
        let store = open(&dir.path().join("vault"), &chunks);
        World { store, chunks, dir }
    }

    pub fn base(&self) -> PathBuf {
        self.dir.path().join("vault")
    }

    /// The same datastore opened once more, as another process would.
    pub fn open_again(&self) -> Datastore {
        open(&self.base(), &self.chunks)
    }
}

/// Opens `base` with these chunks; lock files lie beside it.
pub fn open(base: &Path, chunks: &Arc<FaultyChunks<MemoryChunks>>) -> Datastore {
    let locks = base.parent().unwrap().join("locks");
    let mut options = Options::new(locks);
    options.sync = SyncLevel::None;
    Datastore::with_chunks(&"vault".parse().unwrap(), base, options, chunks.clone()).unwrap()
}

/// A datastore on disk without its 65536 directories, which are made when needed.
pub fn local(dir: &TempDir) -> Datastore {
    local_with(dir, Options::new(dir.path().join("locks")))
}

pub fn local_with(dir: &TempDir, options: Options) -> Datastore {
    let base = dir.path().join("vault");
    fs::create_dir_all(base.join(".chunks")).unwrap();
    Datastore::open(&"vault".parse().unwrap(), &base, options).unwrap()
}

pub fn user() -> AuthId {
    "test@pbs".parse().unwrap()
}

pub fn root() -> Namespace {
    Namespace::root()
}

/// Snapshot number `n` of a group, each a minute after the other.
pub fn snapshot(group: &str, n: i64) -> Snapshot {
    let time = format::BackupTime::new(1_700_000_000 + 60 * n).unwrap();
    Snapshot::new(group.parse().unwrap(), time)
}

/// A chunk as a client sends it.
pub fn encode(content: &[u8]) -> (Digest, Vec<u8>) {
    let mut encoded = Vec::new();
    Compressor::new()
        .encode(content, true, &mut encoded)
        .unwrap();
    (Digest::of(content), encoded)
}

pub fn upload(
    session: &Session,
    wid: u32,
    kind: WriterKind,
    content: &[u8],
) -> Result<Digest, SessionError> {
    let (digest, mut encoded) = encode(content);
    session.insert_chunk(wid, kind, &digest, content.len() as u64, &mut encoded)?;
    Ok(digest)
}

/// Uploads an archive of these pieces and closes it; a piece that `is_known` is only referenced.
pub fn archive(
    session: &Session,
    name: &str,
    pieces: &[Vec<u8>],
    is_known: impl Fn(&Digest) -> bool,
) -> Result<ManifestFile, SessionError> {
    let kind = WriterKind::Dynamic;
    let wid = session.open_dynamic(name)?;
    let mut csum = DigestWriter::new();
    let mut offset = 0;
    for piece in pieces {
        let digest = Digest::of(piece);
        if !is_known(&digest) {
            upload(session, wid, kind, piece)?;
        }
        session.append(wid, kind, &[(digest, offset)])?;
        offset += piece.len() as u64;
        csum.update(&offset.to_le_bytes());
        csum.update(digest.as_bytes());
    }
    let csum = csum.finish();
    session.close(wid, kind, pieces.len() as u64, offset, &csum)?;
    Ok(ManifestFile {
        crypt_mode: CryptMode::None,
        csum,
        filename: name.parse().unwrap(),
        size: offset,
    })
}

pub fn blob(session: &Session, name: &str, content: &[u8]) -> Result<ManifestFile, SessionError> {
    let (_, encoded) = encode(content);
    session.add_blob(name, encoded.len() as u64, &encoded)?;
    let (csum, size) = (Digest::of(&encoded), encoded.len() as u64);
    Ok(ManifestFile {
        crypt_mode: CryptMode::None,
        csum,
        filename: name.parse().unwrap(),
        size,
    })
}

pub fn manifest(session: &Session, files: Vec<ManifestFile>) -> Result<(), SessionError> {
    let mut manifest = Manifest::new(session.snapshot());
    for file in files {
        manifest.add_file(file).unwrap();
    }
    blob(
        session,
        ArchiveName::MANIFEST,
        manifest.to_json().as_bytes(),
    )
    .map(drop)
}

#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error(transparent)]
    Begin(#[from] BeginError),
    #[error(transparent)]
    Session(#[from] SessionError),
}

/// One archive, one blob, a manifest; pieces of the previous backup are not sent again.
pub fn backup(
    store: &Datastore,
    ns: &Namespace,
    snapshot: &Snapshot,
    pieces: &[Vec<u8>],
) -> Result<(), BackupError> {
    let session = store.begin(ns, snapshot, &user(), false)?;
    let known = known(&session)?;
    let files = vec![
        archive(&session, "root.pxar.didx", pieces, |digest| {
            known.contains(digest)
        })?,
        blob(&session, "note.conf.blob", b"a note")?,
    ];
    manifest(&session, files)?;
    session.finish()?;
    Ok(())
}

/// What the previous backup's archive makes known; a client that cannot have it sends everything.
pub fn known(session: &Session) -> Result<Vec<Digest>, SessionError> {
    let Some(previous) = session.previous() else {
        return Ok(Vec::new());
    };
    let _ = previous;
    match session.previous_file("root.pxar.didx") {
        Ok(previous) => {
            let bytes = fs::read(&previous.path).unwrap();
            let index = format::DynamicIndex::parse(bytes).unwrap();
            Ok(index.iter().map(|(_, digest)| digest).collect())
        }
        Err(SessionError::PreviousIncomplete { .. }) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// Pieces by number; each number has its own content.
pub fn pieces(numbers: impl IntoIterator<Item = u8>) -> Vec<Vec<u8>> {
    numbers
        .into_iter()
        .map(|n| vec![n; 1000 + usize::from(n)])
        .collect()
}

/// Keeps what it is told, and may stop the work.
#[derive(Default)]
pub struct Notes {
    pub lines: Mutex<Vec<String>>,
    pub stop_after: Option<usize>,
}

impl Notes {
    pub fn text(&self) -> String {
        self.lines.lock().unwrap().join("\n")
    }
}

impl Watch for Notes {
    fn log(&self, text: &str) {
        self.lines.lock().unwrap().push(text.to_owned());
    }

    fn warn(&self, text: &str) {
        self.log(&format!("WARN {text}"));
    }

    fn stopped(&self) -> bool {
        self.stop_after
            .is_some_and(|after| self.lines.lock().unwrap().len() >= after)
    }
}

/// Everything, whatever was verified before.
pub fn verify(store: &Datastore) -> (VerifyReport, String) {
    let notes = Notes::default();
    let scope = VerifyScope {
        ns: root(),
        max_depth: None,
        group: None,
        owned_by: None,
    };
    let report = store.verify_all(&scope, VerifyFilter::All, UPID, &notes);
    (report, notes.text())
}

/// Copies a tree of folders and files.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::write(&target, fs::read(entry.path()).unwrap()).unwrap();
        }
    }
}

/// All names below a folder, relative, sorted.
pub fn tree(dir: &Path) -> Vec<String> {
    fn walk(dir: &Path, base: &Path, out: &mut Vec<String>) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            out.push(path.strip_prefix(base).unwrap().display().to_string());
            if path.is_dir() {
                walk(&path, base, out);
            }
        }
    }
    let mut out = Vec::new();
    walk(dir, dir, &mut out);
    out.sort();
    out
}
