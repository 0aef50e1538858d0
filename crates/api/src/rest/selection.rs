//! `/admin/datastore/{store}/selection` and `selection-download`: several members of an archive as one download. Ours alone.
//!
//! A browser can only save what it gets by a link, and a link is too short for many paths; so the paths are sent first, by `POST`, and what
//! comes back leads to the download.

use serde::{Deserialize, Serialize};

use super::SnapshotKey;
use super::snapshot::InNamespace;
use crate::kinds;
use crate::schema::{Field, Format, Kind, Param, Returns, Schema};

/// Paths in one selection.
pub const PATHS_MAX: usize = 1000;

const PATH: Kind = Kind::Text {
    min: 1,
    max: 8192,
    format: Format::Any,
};

/// `POST .../selection`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Select {
    /// Where.
    #[serde(flatten)]
    pub place: InNamespace,
    /// Which snapshot.
    #[serde(flatten)]
    pub snapshot: SnapshotKey,
    /// The archive that the members are in.
    pub archive_name: String,
    /// Paths in it, each as `root`, `/` or base64.
    pub filepath: Vec<String>,
    /// Tar instead of zip.
    #[serde(default)]
    pub tar: bool,
}

/// What comes back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Selected {
    /// Unix seconds after which it leads nowhere.
    pub expires: i64,
    /// For `selection-download`.
    pub selection: String,
}

/// `GET .../selection-download`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Download {
    /// Where.
    #[serde(flatten)]
    pub place: InNamespace,
    /// From `selection`.
    pub selection: String,
}

/// Parameters of [`Select`].
pub const SELECT: Schema = Schema(&[
    kinds::IN_NAMESPACE,
    kinds::SNAPSHOT,
    &[
        Param::required("archive-name", kinds::FILE_NAME).about("Archive that the members are in."),
        Param::required("filepath", Kind::Array(&PATH))
            .about("Paths of files and folders in the archive, as base64; at most 1000."),
        Param::optional("tar", Kind::Boolean)
            .or("false")
            .about("Pack them as tar, compressed with zstd, instead of zip."),
    ],
]);

/// Parameters of [`Download`].
pub const DOWNLOAD: Schema = Schema(&[
    kinds::IN_NAMESPACE,
    &[Param::required(
        "selection",
        Kind::Text {
            min: 1,
            max: 64,
            format: Format::Any,
        },
    )
    .about("What `POST selection` gave.")],
]);

/// What [`SELECT`] gives back.
pub const SELECTED: Returns = Returns::object(&[
    Field::new("expires", Returns::INTEGER),
    Field::new("selection", Returns::TEXT),
]);
