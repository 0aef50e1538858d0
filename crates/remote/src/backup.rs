//! The calls of a backup session (protocol.md 3.3), one method each, as thin as the protocol.
//!
//! Dropping the session without [`BackupSession::finish`] makes the server remove the snapshot. All methods may be called at the
//! same time; the order that the protocol wants (a chunk before the entry that names it) is the caller's duty.

use api::backup as wire;
use bytes::Bytes;
use format::upload_journal::{OFFER_LEN, Offer};
use format::{ArchiveKind, ArchiveName, BLOB_RAW_MAX, CHUNK_ENCODED_MAX, CHUNK_RAW_MAX, Digest};
use http::Method;
use serde_json::Value;

use crate::error::Error;
use crate::offers::Offers;
use crate::query::Query;
use crate::session::{Content, Session};

/// Largest index: that of a 128 TiB image.
const INDEX_BYTES_MAX: u64 = 1 << 30;
/// Chunks that a server can have left of an unfinished backup; it notes no more.
const UPLOADED_BYTES_MAX: u64 = (OFFER_LEN as u64) * (4 << 20);
/// Largest blob: its envelope and content that could not be compressed.
const BLOB_BYTES_MAX: u64 = (BLOB_RAW_MAX + (CHUNK_ENCODED_MAX - CHUNK_RAW_MAX)) as u64;

/// How long a file of a snapshot can be.
pub(crate) fn file_bytes_max(archive: &ArchiveName) -> u64 {
    match archive.kind() {
        ArchiveKind::Fixed | ArchiveKind::Dynamic => INDEX_BYTES_MAX,
        ArchiveKind::Blob => BLOB_BYTES_MAX,
    }
}

/// Which of the two forms an index has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IndexKind {
    Fixed,
    Dynamic,
}

/// An index that is being written in a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Writer {
    pub kind: IndexKind,
    pub id: u64,
}

impl Writer {
    fn path(&self, fixed: &'static str, dynamic: &'static str) -> &'static str {
        match self.kind {
            IndexKind::Fixed => fixed,
            IndexKind::Dynamic => dynamic,
        }
    }
}

/// An open backup.
pub struct BackupSession {
    session: Session,
    uploads_left: u64,
}

impl BackupSession {
    pub(crate) fn new(session: Session, uploads_left: u64) -> BackupSession {
        BackupSession {
            session,
            uploads_left,
        }
    }

    /// How many chunks unfinished backups have left, as far as the server has told. Some may be gone by now.
    pub fn uploads_left(&self) -> u64 {
        self.uploads_left
    }

    /// What unfinished backups of this group have left, chunk by chunk. They become known to the session. Only for servers that have told of it.
    pub async fn uploaded(&self, mut each: impl FnMut(Offer)) -> Result<(), Error> {
        let mut offers = Offers::default();
        let take = |data: &[u8]| offers.take(data, &mut each);
        self.session
            .stream(wire::UPLOADED, UPLOADED_BYTES_MAX, take)
            .await?;
        match offers.are_whole() {
            true => Ok(()),
            false => Err(Error::Garbled {
                request: format!("GET {}", wire::UPLOADED),
            }),
        }
    }

    /// Unix seconds of the group's last finished snapshot.
    pub async fn previous_backup_time(&self) -> Result<Option<i64>, Error> {
        self.get("previous_backup_time").await
    }

    /// A file of the previous snapshot as stored. The chunks of an index become known to the session.
    pub async fn previous(&self, archive: &ArchiveName) -> Result<Vec<u8>, Error> {
        let mut file = Vec::new();
        let query = Query::of(&of_archive(archive));
        self.session
            .download("previous", &query, file_bytes_max(archive), &mut file)
            .await?;
        Ok(file)
    }

    /// Opens an index of pieces of any size.
    pub async fn create_dynamic(&self, archive: &ArchiveName) -> Result<Writer, Error> {
        let query = Query::of(&of_archive(archive));
        let id = self.post("dynamic_index", &query).await?;
        Ok(Writer {
            kind: IndexKind::Dynamic,
            id,
        })
    }

    /// Opens an index of 4 MiB pieces. `size` may be unknown with servers since 4.1.5. With `reuse`, the checksum of the
    /// previous snapshot's index, its entries are taken over and only what changed is appended.
    pub async fn create_fixed(
        &self,
        archive: &ArchiveName,
        size: Option<u64>,
        reuse: Option<Digest>,
    ) -> Result<Writer, Error> {
        let query = Query::of(&wire::FixedOpen {
            archive_name: archive.to_string(),
            reuse_csum: reuse.map(|csum| csum.to_string()),
            size,
        });
        let id = self.post("fixed_index", &query).await?;
        Ok(Writer {
            kind: IndexKind::Fixed,
            id,
        })
    }

    /// Uploads a sealed chunk: `digest` and `size` are those of its plain bytes. It is known to the session afterwards.
    pub async fn upload_chunk(
        &self,
        writer: Writer,
        digest: &Digest,
        size: u64,
        sealed: Bytes,
    ) -> Result<(), Error> {
        let path = writer.path("fixed_chunk", "dynamic_chunk");
        let query = Query::of(&wire::Chunk {
            digest: *digest,
            encoded_size: sealed.len() as u64,
            size,
            wid: writer.id,
        });
        self.upload(path, &query, Content::Bytes(sealed)).await
    }

    /// Appends entries (digest, start offset) whose chunks are known to the session.
    pub async fn append(&self, writer: Writer, entries: &[(Digest, u64)]) -> Result<(), Error> {
        let path = writer.path("fixed_index", "dynamic_index");
        let body = Query::of(&wire::Append {
            digest_list: entries.iter().map(|(digest, _)| *digest).collect(),
            offset_list: entries.iter().map(|(_, offset)| *offset).collect(),
            wid: writer.id,
        });
        let content = Content::Json(body.to_json().to_string().into());
        let _: Value = self
            .session
            .call(Method::PUT, path, &Query::new(), content)
            .await?;
        Ok(())
    }

    /// Closes an index: entries appended, bytes of content, checksum over its entries.
    pub async fn close(
        &self,
        writer: Writer,
        chunk_count: u64,
        size: u64,
        csum: &Digest,
    ) -> Result<(), Error> {
        let path = writer.path("fixed_close", "dynamic_close");
        let query = Query::of(&wire::Close {
            chunk_count,
            csum: *csum,
            size,
            wid: writer.id,
        });
        let _: Value = self.post(path, &query).await?;
        Ok(())
    }

    /// Stores an encoded blob as a file of the snapshot.
    pub async fn blob(&self, name: &ArchiveName, encoded: Bytes) -> Result<(), Error> {
        let query = Query::of(&wire::Blob {
            encoded_size: encoded.len() as u64,
            file_name: name.to_string(),
        });
        self.upload("blob", &query, Content::Bytes(encoded)).await
    }

    /// Completes the snapshot; the manifest is in place.
    pub async fn finish(&self) -> Result<(), Error> {
        let _: Value = self.post("finish", &Query::new()).await?;
        Ok(())
    }

    /// Sends bytes that the server throws away.
    pub async fn speedtest(&self, bytes: Bytes) -> Result<(), Error> {
        self.upload("speedtest", &Query::new(), Content::Bytes(bytes))
            .await
    }

    async fn get<T: serde::de::DeserializeOwned>(&self, path: &str) -> Result<T, Error> {
        self.session
            .call(Method::GET, path, &Query::new(), Content::Nothing)
            .await
    }

    async fn post<T: serde::de::DeserializeOwned>(
        &self,
        path: &str,
        query: &Query,
    ) -> Result<T, Error> {
        self.session
            .call(Method::POST, path, query, Content::Nothing)
            .await
    }

    async fn upload(&self, path: &str, query: &Query, content: Content) -> Result<(), Error> {
        let _: Value = self
            .session
            .call(Method::POST, path, query, content)
            .await?;
        Ok(())
    }
}

fn of_archive(archive: &ArchiveName) -> wire::Archive {
    wire::Archive {
        archive_name: archive.to_string(),
    }
}
