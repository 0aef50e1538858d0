//! Stored archives as the bytes that were backed up: indexes resolved to chunks, chunks decoded and compared with their digests. Only for what
//! is not encrypted. Each open archive takes one of a few turns, since it holds decoded chunks.

pub mod diff;
pub mod names;
pub mod search;
pub mod tree;

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use crypto::Opener;
use format::{
    ArchiveKind, ArchiveName, AuthId, BLOB_RAW_MAX, BlobError, BlobReadError, BlobReader,
    CHUNK_RAW_MAX, CryptMode, Index, Manifest, Window,
};
use pxar::ReadAt;
use store::{Datastore, LockGuard, SnapshotDir};

use crate::blocking::Pieces;
use crate::context::Context;
use crate::fault::Fault;
use crate::room::{Room, Whose};
use crate::turns::StoreTurn;

/// Decoded chunks that an archive keeps, in bytes; at least one is kept.
const CACHE_BYTES: usize = 16 << 20;
/// Size of the pieces in which files are sent.
pub const PIECE_BYTES: usize = 256 << 10;
/// The same of pieces that are no parts of a chunk: they are made on many threads, each of which keeps room for some of its own.
const MADE_BYTES: usize = 64 << 10;

/// One archive of a snapshot, readable at any place.
pub struct Archive {
    store: Datastore,
    index: Index,
    cache: Mutex<Cache>,
    // Held for their drop: the snapshot stays while it is read, and the turn is taken.
    _lock: LockGuard,
    _turn: StoreTurn,
}

struct Cache {
    opener: Opener,
    encoded: Vec<u8>,
    chunks: VecDeque<(usize, Arc<Vec<u8>>)>,
}

/// Refuses what was encrypted by the client, and what the manifest does not name.
fn check_readable(manifest: &Manifest, name: &ArchiveName) -> Result<(), Fault> {
    // The manifest itself is in no manifest and never encrypted.
    if name.is_manifest() {
        return Ok(());
    }
    let file = manifest
        .file(name)
        .ok_or_else(|| Fault::NoArchive(name.to_string()))?;
    match file.crypt_mode {
        CryptMode::Encrypt => Err(Fault::Encrypted(name.to_string())),
        CryptMode::None | CryptMode::SignOnly => Ok(()),
    }
}

impl Archive {
    /// Opens an archive that has an index, after comparing the index with the manifest.
    pub fn open(
        ctx: &Context,
        caller: &AuthId,
        store: &Datastore,
        snapshot: &SnapshotDir,
        name: &ArchiveName,
    ) -> Result<Archive, Fault> {
        let lock = snapshot.lock_shared()?;
        let manifest = snapshot.manifest()?.0;
        check_readable(&manifest, name)?;
        let turn = ctx
            .downloads()
            .take(caller.user(), store.name())
            .ok_or(Fault::Busy)?;
        let index = snapshot.open_index(name)?;
        if manifest
            .file(name)
            .is_none_or(|file| file.csum != index.csum())
        {
            return Err(Fault::ManifestMismatch {
                name: name.to_string(),
            });
        }
        let cache = Cache {
            opener: Opener::new(None),
            encoded: Vec::new(),
            chunks: VecDeque::new(),
        };
        Ok(Archive {
            store: store.clone(),
            index,
            cache: Mutex::new(cache),
            _lock: lock,
            _turn: turn,
        })
    }

    /// Which chunks it is made of.
    pub fn index(&self) -> &Index {
        &self.index
    }

    fn chunk(&self, number: usize) -> io::Result<Arc<Vec<u8>>> {
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = cache.chunks.iter().position(|(n, _)| *n == number) {
            let found = cache.chunks.remove(at).ok_or(io::ErrorKind::NotFound)?;
            let chunk = Arc::clone(&found.1);
            cache.chunks.push_front(found);
            return Ok(chunk);
        }
        let (digest, range) = (self.index.digest(number), self.index.range(number));
        let Cache {
            opener,
            encoded,
            chunks,
        } = &mut *cache;
        self.store
            .chunks()
            .load(&digest, encoded)
            .map_err(io::Error::other)?;
        let mut plain = Vec::new();
        opener
            .open(encoded, CHUNK_RAW_MAX, Some(&digest), &mut plain)
            .map_err(io::Error::other)?;
        if plain.len() as u64 != range.end - range.start {
            return Err(io::Error::other(format!(
                "chunk {digest} has not the size that the index tells"
            )));
        }
        let chunk = Arc::new(plain);
        let mut held = chunk.len();
        chunks.push_front((number, Arc::clone(&chunk)));
        chunks.retain(|(n, kept)| {
            held += if *n == number { 0 } else { kept.len() };
            *n == number || held <= CACHE_BYTES
        });
        Ok(chunk)
    }

    /// All bytes in order.
    fn into_pieces(self) -> Pieces {
        let (mut numbers, mut rest) = (0..self.index.len(), Bytes::new());
        Box::new(std::iter::from_fn(move || {
            while rest.is_empty() {
                match self.whole_chunk(numbers.next()?) {
                    Ok(chunk) => rest = chunk,
                    Err(e) => return Some(Err(e)),
                }
            }
            Some(Ok(rest.split_to(rest.len().min(PIECE_BYTES))))
        }))
    }

    /// A chunk that is needed once.
    fn whole_chunk(&self, number: usize) -> io::Result<Bytes> {
        let chunk = self.chunk(number)?;
        self.cache
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .chunks
            .clear();
        Ok(Arc::try_unwrap(chunk)
            .map_or_else(|shared| Bytes::copy_from_slice(&shared), Bytes::from))
    }
}

impl ReadAt for Archive {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        let Some(number) = self.index.lookup(offset) else {
            return Ok(0);
        };
        let chunk = self.chunk(number)?;
        let start =
            usize::try_from(offset - self.index.range(number).start).map_err(io::Error::other)?;
        let rest = chunk.get(start..).unwrap_or_default();
        let n = rest.len().min(buf.len());
        buf[..n].copy_from_slice(&rest[..n]);
        Ok(n)
    }

    fn size(&self) -> u64 {
        self.index.size()
    }
}

/// A stored file as it was backed up: the chunks of an archive, or the content of a blob.
pub fn decoded(
    ctx: &Context,
    caller: &AuthId,
    store: &Datastore,
    snapshot: &SnapshotDir,
    name: &ArchiveName,
) -> Result<Pieces, Fault> {
    if name.kind() != ArchiveKind::Blob {
        return Ok(Archive::open(ctx, caller, store, snapshot, name)?.into_pieces());
    }
    check_readable(&snapshot.manifest()?.0, name)?;
    let turn = ctx
        .downloads()
        .take(caller.user(), store.name())
        .ok_or(Fault::Busy)?;
    let mut file = snapshot.open_file(name)?;
    let (window, room) = blob_window(ctx, caller, &file)?;
    let damaged = |error: BlobReadError| Fault::Read(io::Error::other(error));
    file.rewind().map_err(Fault::Read)?;
    let mut content = BlobReader::new(file, BLOB_RAW_MAX, window).map_err(damaged)?;
    Ok(Box::new(std::iter::from_fn(move || {
        let _held = (&turn, &room);
        blob_piece(&mut content).transpose()
    })))
}

/// Reads a blob to its end, so that nothing of a damaged one is sent, and tells how far back its frames refer. One that refers unusually far makes
/// each reader hold a good part of its content; so it takes room for a large answer, which each user has once.
fn blob_window(
    ctx: &Context,
    caller: &AuthId,
    file: &File,
) -> Result<(Window, Option<Room>), Fault> {
    let check = |window| {
        let mut from_start = file;
        from_start.rewind()?;
        BlobReader::new(from_start, BLOB_RAW_MAX, window)?.check()
    };
    let damaged = |error: BlobReadError| Fault::Read(io::Error::other(error));
    match check(Window::Usual) {
        Ok(()) => return Ok((Window::Usual, None)),
        Err(BlobReadError::Blob(BlobError::Window)) => {}
        Err(error) => return Err(damaged(error)),
    }
    let whose = Whose::User(caller.user().clone());
    let room = ctx.answers().now(&whose, BLOB_RAW_MAX);
    let room = room.ok_or(Fault::NoRoom)?;
    check(Window::Any).map_err(damaged)?;
    Ok((Window::Any, Some(room)))
}

/// The next piece of a blob's content.
fn blob_piece(content: &mut BlobReader<File>) -> io::Result<Option<Bytes>> {
    let mut piece = vec![0; MADE_BYTES];
    let mut filled = 0;
    while filled < piece.len() {
        let len = content.read(&mut piece[filled..]);
        match len.map_err(io::Error::other)? {
            0 => break,
            len => filled += len,
        }
    }
    piece.truncate(filled);
    Ok((filled > 0).then(|| Bytes::from(piece)))
}

/// A file on disk as it is, from an offset on.
pub fn raw(mut file: File, from: u64) -> io::Result<Pieces> {
    file.seek(SeekFrom::Start(from))?;
    Ok(Box::new(std::iter::from_fn(move || {
        let mut piece = Vec::with_capacity(MADE_BYTES);
        match (&file).take(MADE_BYTES as u64).read_to_end(&mut piece) {
            Ok(0) => None,
            Ok(_) => Some(Ok(Bytes::from(piece))),
            Err(e) => Some(Err(e)),
        }
    })))
}
