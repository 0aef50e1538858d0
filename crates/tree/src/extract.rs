//! An archive becomes a directory tree.
//!
//! [`extract()`] reads an archive once from front to back and makes what is selected beneath the target. Nothing is ever made,
//! followed or linked outside of the target, whatever the archive contains and whatever lies in the target already.
//! Metadata is applied in the order that lets each step stand; a directory's comes last, when all its members are there.

use std::io::{self, BufRead};
use std::path::{Path, PathBuf};

use pxar::{DecodeError, Decoder, EntryKind, Metadata, PatternList};

mod member;
mod restore;

use restore::Restore;

/// What to restore and how.
#[derive(Clone, Debug, Default)]
pub struct ExtractOptions {
    /// Selects members; the last pattern that fits decides, all members are selected if there are none.
    pub patterns: PatternList,
    /// Directories may exist already (symlinks to directories are never followed).
    pub allow_existing_dirs: bool,
    /// Existing files are replaced.
    pub overwrite_files: bool,
    pub overwrite_symlinks: bool,
    pub overwrite_hardlinks: bool,
    /// Existing files are replaced where a device node, fifo or socket goes.
    pub overwrite_nodes: bool,
    pub ignore_acls: bool,
    /// Leaves out extended attributes; file capabilities have their own switch.
    pub ignore_xattrs: bool,
    pub ignore_fcaps: bool,
    pub ignore_ownership: bool,
    pub ignore_permissions: bool,
    pub no_device_nodes: bool,
    pub no_fifos: bool,
    pub no_sockets: bool,
    /// The metadata of the archive's root is not given to the target.
    pub keep_target_metadata: bool,
    /// Device nodes that cannot be made are only remarked.
    pub ignore_extract_device_errors: bool,
    /// Ends with the first member that fails. Otherwise the failures are reported and counted, and the rest is restored.
    pub strict: bool,
}

/// What was restored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExtractStats {
    /// Members that were selected and made, the root included.
    pub entries: u64,
    pub files: u64,
    /// Data of all files in bytes, holes included.
    pub file_bytes: u64,
    /// Members that failed (only without `strict`).
    pub errors: u64,
    /// Steps left out because only root may do them, above all giving files to another owner.
    pub without_privilege: u64,
    /// Steps left out because the target's file system cannot keep what they set.
    pub unsupported: u64,
}

/// Hears what a restore does.
pub trait ExtractWatch {
    /// A member is about to be made. `path` is relative to the target and empty for the target itself.
    fn entry(&mut self, path: &Path, metadata: &Metadata, kind: &EntryKind) {
        let _ = (path, metadata, kind);
    }

    /// Something that the user should read, but no failure.
    fn remark(&mut self, remark: &Remark);

    /// A member failed and the restore goes on.
    fn error(&mut self, error: &EntryError);

    /// Asked once per member: should the restore end with [`ExtractError::Stopped`]?
    fn stopped(&self) -> bool {
        false
    }
}

/// What a user should hear about a restore that goes on.
#[derive(Debug, thiserror::Error)]
pub enum Remark {
    /// Told once per step; [`ExtractStats::without_privilege`] counts how often.
    #[error("only root may {action} every file; what needs it is left out (first at {path:?})")]
    NoPrivilege { action: &'static str, path: PathBuf },
    /// Told once per step; [`ExtractStats::unsupported`] counts how often.
    #[error("the target's file system cannot {action} files; it is left out (first at {path:?})")]
    Unsupported { action: &'static str, path: PathBuf },
    #[error(
        "the extended attribute {name:?} of {path:?} is of a kind that archives do not keep; it is left out"
    )]
    UnknownXattr { path: PathBuf, name: String },
    #[error("device node {path:?} cannot be created, it is left out: {source}")]
    DeviceLeftOut { path: PathBuf, source: io::Error },
}

/// The [`EntryError::action`] that only root may do, and that can be left out.
pub const CREATE_DEVICE: &str = "create the device node";

/// One member that could not be restored.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {path:?}")]
pub struct EntryError {
    pub path: PathBuf,
    pub action: &'static str,
    #[source]
    pub source: io::Error,
}

/// Why a restore ended.
#[derive(Debug, thiserror::Error)]
pub enum ExtractError {
    #[error(transparent)]
    Archive(#[from] DecodeError),
    #[error(transparent)]
    Entry(#[from] EntryError),
    #[error("cannot use {path:?} as the target")]
    Target {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("stopped")]
    Stopped,
}

/// Restores an archive beneath `target`, which is made if it does not exist. The metadata of the archive's root goes to the
/// target itself.
///
/// ```
/// use tree::{EntryError, ExtractOptions, ExtractWatch, Remark};
///
/// struct Quiet;
/// impl ExtractWatch for Quiet {
///     fn remark(&mut self, _: &Remark) {}
///     fn error(&mut self, _: &EntryError) {}
/// }
///
/// let root = pxar::Metadata { mode: 0o040755, ..Default::default() };
/// let archive = pxar::Encoder::new(Vec::new(), &root)?.finish()?;
/// let dir = tempfile::tempdir()?;
/// let options = ExtractOptions { ignore_ownership: true, ..Default::default() };
/// let stats = tree::extract(pxar::Decoder::new(archive.as_slice()), &dir.path().join("new"), &options, &mut Quiet)?;
/// assert_eq!((stats.entries, stats.errors), (1, 0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn extract<'a, R: BufRead>(
    archive: Decoder<R>,
    target: &Path,
    options: &'a ExtractOptions,
    watch: &'a mut dyn ExtractWatch,
) -> Result<ExtractStats, ExtractError> {
    Restore::new(target, options, watch)?.run(archive)
}
