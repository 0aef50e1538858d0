//! Every byte and name that compatibility with the original fixes.
//!
//! Digests, blobs, index files, the chunker, the catalog, the manifest, key files and the names of datastores, namespaces, groups,
//! snapshots, archives and users. All of it is pure: no file system, no clock, no network; times and random bytes come in as arguments.
//! Decoders take hostile input: they check lengths before they reserve memory and answer with an error, never with a panic.
//! The drawings are in `docs/formats/`. Encryption is left to `crypto`, files on disk to `store`.
//!
//! A stream becomes chunks, a chunk becomes a blob, and the blob a chunk again:
//!
//! ```
//! use format::{Blob, CHUNK_RAW_MAX, Chunker, Compressor, Decompressor, Digest};
//!
//! let stream = vec![7; 100_000];
//! let end = Chunker::new(1 << 14)?.scan(&stream).unwrap_or(stream.len());
//! let chunk = &stream[..end];
//! let digest = Digest::of(chunk);
//!
//! let (mut encoded, mut content) = (Vec::new(), Vec::new());
//! Compressor::new().encode(chunk, true, &mut encoded)?;
//! let blob = Blob::parse(&encoded)?;
//! blob.check_crc()?;
//! Decompressor::new().decode(&blob, CHUNK_RAW_MAX, &mut content)?;
//! assert_eq!(Digest::of(&content), digest);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#[cfg(target_arch = "x86_64")]
mod sys;
#[macro_use]
mod text;

mod crypt_mode;
mod digest;
mod fingerprint;
mod safe_id;
pub mod time;

mod archive_name;
mod auth_id;
mod namespace;
mod snapshot;

pub mod blob;
pub mod catalog;
mod chunker;
pub mod index;
pub mod keyfile;
pub mod manifest;

mod parts;
pub mod upload_journal;

pub use archive_name::{ArchiveKind, ArchiveName};
pub use auth_id::{AuthId, Realm, Tokenname, Userid, Username};
pub use blob::{
    BLOB_RAW_MAX, Blob, BlobError, BlobKind, BlobReadError, BlobReader, CHUNK_ENCODED_MAX,
    CHUNK_RAW_MAX, Compressor, Decompressor, Window,
};
pub use chunker::{Chunker, ChunkerError};
pub use crypt_mode::CryptMode;
pub use digest::{Digest, DigestWriter};
pub use fingerprint::Fingerprint;
pub use index::{
    DynamicHeader, DynamicIndex, FIXED_CHUNK, FixedHeader, FixedIndex, Index, IndexError,
};
pub use keyfile::{Kdf, KeyFile, KeyFileError};
pub use manifest::{Manifest, ManifestError, ManifestFile};
pub use namespace::{Namespace, NamespaceError};
pub use parts::Parts;
pub use safe_id::{SafeId, StoreName};
pub use snapshot::{BackupId, BackupTime, BackupType, Group, GroupOrSnapshot, Snapshot};
pub use text::NameError;
pub use upload_journal::UploadJournalError;
