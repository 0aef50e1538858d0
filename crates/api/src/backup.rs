//! The backup session: opening it and the requests inside (protocol.md section 3).
//!
//! Numbers that bound a request stand in its schema; what a request does is the server's, how it is sent is `remote`'s.

use format::{CHUNK_ENCODED_MAX, CHUNK_RAW_MAX, Digest, Namespace, StoreName};
use serde::{Deserialize, Serialize};

use crate::kinds;
use crate::rest::SnapshotKey;
use crate::schema::{Kind, Param, Schema};

/// Header of a request to open a session by which a client says that it can go on with an unfinished backup; its value is [`UPLOADED_FORM`].
/// In the answer it says how many chunks such a backup has left, if there are any. Other servers and clients do not know it.
pub const UPLOADED_HEADER: &str = "strongroom-uploaded";
/// The form in which those chunks are told: `format::upload_journal::Offer`.
pub const UPLOADED_FORM: &str = "1";
/// `GET`: the chunks that unfinished backups of this group by this user have left. They are known to the session from then on.
pub const UPLOADED: &str = "uploaded";

/// Smallest encoded blob: its header.
pub const BLOB_ENCODED_MIN: u64 = 12;
/// Writers of a session are numbered from 1 to this.
pub const WRITERS_MAX: u64 = 256;

/// `GET /api2/json/backup`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Open {
    /// Which snapshot.
    #[serde(flatten)]
    pub snapshot: SnapshotKey,
    /// Only with the group `host/benchmark`.
    #[serde(default)]
    pub benchmark: bool,
    /// Log every request.
    #[serde(default)]
    pub debug: bool,
    /// Do not fill the local cache of an object store.
    #[serde(default, skip_serializing_if = "is_false")]
    pub no_cache: bool,
    /// Where.
    #[serde(default, skip_serializing_if = "Namespace::is_root")]
    pub ns: Namespace,
    /// Where.
    pub store: StoreName,
}

fn is_false(flag: &bool) -> bool {
    !flag
}

/// Parameters of [`Open`].
pub const OPEN: Schema = Schema(&[
    kinds::IN_NAMESPACE,
    kinds::SNAPSHOT,
    &[
        Param::optional("debug", Kind::Boolean).or("false"),
        Param::optional("benchmark", Kind::Boolean).or("false"),
        Param::optional("no-cache", Kind::Boolean).or("false"),
    ],
]);

const WRITER_ID: Kind = Kind::Integer {
    min: 1,
    max: WRITERS_MAX as i64,
};
const ENCODED_MAX: i64 = CHUNK_ENCODED_MAX as i64;

/// `POST blob`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Blob {
    /// Length of the body.
    pub encoded_size: u64,
    /// Ends in `.blob`.
    pub file_name: String,
}

/// Parameters of [`Blob`].
pub const BLOB: Schema = Schema(&[&[
    Param::required("file-name", kinds::FILE_NAME),
    Param::required(
        "encoded-size",
        Kind::Integer {
            min: BLOB_ENCODED_MIN as i64,
            max: ENCODED_MAX,
        },
    ),
]]);

/// `POST dynamic_index`, `GET previous`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Archive {
    /// Stored name.
    pub archive_name: String,
}

/// Parameters of [`Archive`].
pub const ARCHIVE: Schema = Schema(&[&[Param::required("archive-name", kinds::FILE_NAME)]]);

/// `POST fixed_index`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct FixedOpen {
    /// Stored name.
    pub archive_name: String,
    /// Start with a copy of the previous index that has this checksum.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reuse_csum: Option<String>,
    /// Size of the image; it may be unknown since 4.1.5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
}

/// Parameters of [`FixedOpen`].
pub const FIXED_OPEN: Schema = Schema(&[&[
    Param::required("archive-name", kinds::FILE_NAME),
    Param::optional("size", Kind::at_least(1)),
    Param::optional("reuse-csum", kinds::TEXT),
]]);

/// `POST dynamic_chunk`, `POST fixed_chunk`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Chunk {
    /// Name of the chunk.
    pub digest: Digest,
    /// Length of the body.
    pub encoded_size: u64,
    /// Length of the content.
    pub size: u64,
    /// The writer.
    pub wid: u64,
}

/// Parameters of [`Chunk`].
pub const CHUNK: Schema = Schema(&[&[
    Param::required("wid", WRITER_ID),
    Param::required("digest", kinds::DIGEST),
    Param::required(
        "size",
        Kind::Integer {
            min: 1,
            max: CHUNK_RAW_MAX as i64,
        },
    ),
    Param::required(
        "encoded-size",
        Kind::Integer {
            min: BLOB_ENCODED_MIN as i64 + 1,
            max: ENCODED_MAX,
        },
    ),
]]);

/// `PUT dynamic_index`, `PUT fixed_index`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Append {
    /// Chunks, in step with the offsets.
    pub digest_list: Vec<Digest>,
    /// Where each chunk starts.
    pub offset_list: Vec<u64>,
    /// The writer.
    pub wid: u64,
}

/// Parameters of [`Append`].
pub const APPEND: Schema = Schema(&[&[
    Param::required("wid", WRITER_ID),
    Param::required("digest-list", Kind::Array(&kinds::DIGEST)),
    Param::required("offset-list", Kind::Array(&Kind::at_least(0))),
]]);

/// `POST dynamic_close`, `POST fixed_close`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Close {
    /// Chunks appended.
    pub chunk_count: u64,
    /// Checksum of the index.
    pub csum: Digest,
    /// Content bytes.
    pub size: u64,
    /// The writer.
    pub wid: u64,
}

/// Parameters of [`Close`] of a dynamic index: it cannot be empty.
pub const DYNAMIC_CLOSE: Schema = Schema(&[&[
    Param::required("wid", WRITER_ID),
    Param::required("chunk-count", Kind::at_least(1)),
    Param::required("size", Kind::at_least(1)),
    Param::required("csum", kinds::DIGEST),
]]);

/// Parameters of [`Close`] of a fixed index.
pub const FIXED_CLOSE: Schema = Schema(&[&[
    Param::required("wid", WRITER_ID),
    Param::required("chunk-count", Kind::at_least(0)),
    Param::required("size", Kind::at_least(0)),
    Param::required("csum", kinds::DIGEST),
]]);

/// Requests without parameters: `finish`, `previous_backup_time`, `speedtest`.
pub const NOTHING: Schema = Schema(&[]);

/// The names below the root of a session, as `GET /` lists them.
pub const SUBDIRS: &[&str] = &[
    "blob",
    "dynamic_chunk",
    "dynamic_close",
    "dynamic_index",
    "finish",
    "fixed_chunk",
    "fixed_close",
    "fixed_index",
    "previous",
    "previous_backup_time",
    "speedtest",
];
