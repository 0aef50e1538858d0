//! The reader session: opening it and the requests inside (protocol.md section 4).

use format::{Digest, Namespace, StoreName};
use serde::{Deserialize, Serialize};

use crate::kinds;
use crate::rest::SnapshotKey;
use crate::schema::{Kind, Param, Schema};

/// `GET /api2/json/reader`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Open {
    /// Which snapshot.
    #[serde(flatten)]
    pub snapshot: SnapshotKey,
    /// Log every request.
    #[serde(default)]
    pub debug: bool,
    /// Where.
    #[serde(default, skip_serializing_if = "Namespace::is_root")]
    pub ns: Namespace,
    /// Where.
    pub store: StoreName,
}

/// Parameters of [`Open`].
pub const OPEN: Schema = Schema(&[
    kinds::IN_NAMESPACE,
    kinds::SNAPSHOT,
    &[Param::optional("debug", Kind::Boolean).or("false")],
]);

/// `GET download`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Download {
    /// Stored name.
    pub file_name: String,
}

/// Parameters of [`Download`].
pub const DOWNLOAD: Schema = Schema(&[&[Param::required("file-name", kinds::FILE_NAME)]]);

/// `GET chunk`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chunk {
    /// Its name.
    pub digest: Digest,
}

/// Parameters of [`Chunk`].
pub const CHUNK: Schema = Schema(&[&[Param::required("digest", kinds::DIGEST)]]);

/// The names below the root of a session, as `GET /` lists them.
pub const SUBDIRS: &[&str] = &["chunk", "download", "speedtest"];
