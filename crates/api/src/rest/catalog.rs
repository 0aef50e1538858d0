//! `/admin/datastore/{store}/catalog` and `pxar-file-download`: looking into a snapshot (protocol.md 6.6).
//!
//! Paths travel as base64, because names in archives are bytes.

use serde::{Deserialize, Serialize};

use super::SnapshotKey;
use super::snapshot::InNamespace;
use crate::kinds;
use crate::schema::{Field, Kind, Param, Returns, Schema};

/// One entry of a directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CatalogItem {
    /// Base64 of the full path, archive name first.
    pub filepath: String,
    /// False for what can be opened further: directories and archives.
    pub leaf: bool,
    /// Seconds since the epoch; only of files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtime: Option<i64>,
    /// Bytes; only of files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// The name.
    pub text: String,
    /// `d f l h b c p s v`
    #[serde(rename = "type")]
    pub kind: String,
}

/// `GET .../catalog` and `GET .../pxar-file-download`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct InCatalog {
    /// Where.
    #[serde(flatten)]
    pub place: InNamespace,
    /// Which snapshot.
    #[serde(flatten)]
    pub snapshot: SnapshotKey,
    /// `root`, `/` or base64.
    pub filepath: String,
    /// For snapshots without a catalog.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archive_name: Option<String>,
    /// Download a directory as tar instead of zip.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tar: Option<bool>,
}

/// What `catalog` gives back.
pub const ENTRIES: Returns = Returns::List(&Returns::object(&[
    Field::new("filepath", Returns::TEXT),
    Field::new("leaf", Returns::BOOLEAN),
    Field::optional("mtime", Returns::INTEGER),
    Field::optional("size", Returns::Value(Kind::at_least(0))),
    Field::new("text", Returns::TEXT),
    Field::new(
        "type",
        Returns::Value(Kind::Enum(&["d", "f", "l", "h", "b", "c", "p", "s", "v"])),
    ),
]));

/// Parameters of `catalog`.
pub const CATALOG: Schema = Schema(&[
    kinds::IN_NAMESPACE,
    kinds::SNAPSHOT,
    &[
        Param::required("filepath", kinds::TEXT),
        Param::optional("archive-name", kinds::FILE_NAME),
    ],
]);
/// Parameters of `pxar-file-download`.
pub const FILE_DOWNLOAD: Schema = Schema(&[
    kinds::IN_NAMESPACE,
    kinds::SNAPSHOT,
    &[
        Param::required("filepath", kinds::TEXT),
        Param::optional("archive-name", kinds::FILE_NAME),
        Param::optional("tar", Kind::Boolean).or("false"),
    ],
]);
