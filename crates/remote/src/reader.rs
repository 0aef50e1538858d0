//! The calls of a reader session (protocol.md 4).
//!
//! A chunk can be fetched only after an index that names it was downloaded in the same session.

use api::reader as wire;
use format::{ArchiveName, CHUNK_ENCODED_MAX, Digest};

use crate::backup::file_bytes_max;
use crate::error::Error;
use crate::query::Query;
use crate::session::Session;

/// A snapshot that is being read.
pub struct ReaderSession(Session);

impl ReaderSession {
    pub(crate) fn new(session: Session) -> ReaderSession {
        ReaderSession(session)
    }

    /// A file of the snapshot as stored. The chunks that an index names may be fetched afterwards.
    pub async fn download(&self, name: &ArchiveName) -> Result<Vec<u8>, Error> {
        let mut file = Vec::new();
        let query = Query::of(&wire::Download {
            file_name: name.to_string(),
        });
        self.0
            .download("download", &query, file_bytes_max(name), &mut file)
            .await?;
        Ok(file)
    }

    /// A chunk as stored, still sealed. `into` is cleared, and its memory is used again.
    pub async fn chunk(&self, digest: &Digest, into: &mut Vec<u8>) -> Result<(), Error> {
        let query = Query::of(&wire::Chunk { digest: *digest });
        self.0
            .download("chunk", &query, CHUNK_ENCODED_MAX as u64, into)
            .await
    }

    /// A fixed amount of bytes, to measure the way back.
    pub async fn speedtest(&self) -> Result<usize, Error> {
        let mut bytes = Vec::new();
        let limit = 16 << 20;
        self.0
            .download("speedtest", &Query::new(), limit, &mut bytes)
            .await?;
        Ok(bytes.len())
    }
}
