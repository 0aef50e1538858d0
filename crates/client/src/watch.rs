//! What a run tells its caller while it works. Nothing is printed here; a notice's text is complete and ready for a log line.

use std::time::Duration;

use format::{ArchiveName, BackupTime, Digest, Snapshot};

use crate::options::Source;

/// Hears what a backup does. Called from several threads; must not block for long.
pub trait BackupWatch: Send + Sync {
    /// Something that the user should read.
    fn notice(&self, notice: &Notice);

    /// A file or directory of a tree is not stored, or not as it was; or the user should know something else about it.
    fn walked(&self, archive: &ArchiveName, notice: &tree::Notice) {
        let _ = (archive, notice);
    }

    /// An archive is begun. `total` is its size in bytes where that is known.
    fn started(&self, source: &Source, total: Option<u64>) {
        let _ = (source, total);
    }

    /// The archive has come this far; called about once per chunk.
    fn progress(&self, archive: &ArchiveName, counters: Counters) {
        let _ = (archive, counters);
    }

    /// An archive is stored, the catalog included.
    fn finished(&self, stats: &ArchiveStats) {
        let _ = stats;
    }
}

/// Bytes of one archive.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Of the stream so far.
    pub read: u64,
    /// Of these, in chunks that the server had already.
    pub reused: u64,
    /// Of these, in chunks of a backup that was not finished, each counted once.
    pub resumed: u64,
    /// Of all, in chunks that the server has taken.
    pub uploaded: u64,
    /// What the uploaded chunks came to, compressed and sealed.
    pub sent: u64,
}

/// What became of one archive; the numbers of the log lines of cli.md 3.1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchiveStats {
    pub archive: ArchiveName,
    /// Bytes of the stream, or of the encoded blob.
    pub size: u64,
    /// Bytes in chunks that the server did not know.
    pub uploaded: u64,
    /// Bytes in chunks that the server knew.
    pub reused: u64,
    /// Of these, bytes in chunks of a backup that was not finished.
    pub resumed: u64,
    /// What was sent for the uploaded ones.
    pub sent: u64,
    pub chunks: u64,
    pub chunks_new: u64,
    pub duration: Duration,
    /// As in the manifest.
    pub csum: Digest,
    /// Of a payload half: chunks of the previous snapshot that were taken over for unchanged files, and their bytes.
    pub chunks_injected: u64,
    pub injected: u64,
}

/// Result of a whole backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupReport {
    /// As it is called now: where the backup had to start again this may be a later one than was asked for.
    pub snapshot: Snapshot,
    /// How often the backup was started.
    pub starts: u32,
    /// In the order in which they were finished; the catalog is the last.
    pub archives: Vec<ArchiveStats>,
    /// Files that are missing in an archive, or not in it as they were.
    pub warnings: u64,
    pub duration: Duration,
}

/// What a user should hear about a backup that goes on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Notice {
    /// The group has no snapshot to compare with.
    #[error("No previous manifest available.")]
    NoPrevious,
    /// Chunks of this snapshot are reused.
    #[error("Downloading previous manifest ({0})")]
    Previous(BackupTime),
    /// All chunks are uploaded anew, although there is a previous snapshot.
    #[error("Couldn't re-use previous manifest - {0}")]
    PreviousUnusable(#[source] crate::error::Error),
    /// The chunks of one archive are uploaded anew.
    #[error("Couldn't re-use previous index of {archive} - {source}")]
    IndexUnusable {
        archive: ArchiveName,
        source: crate::error::Error,
    },
    #[error("Previous manifest does not contain an archive called '{0}', skipping download..")]
    NotInPrevious(ArchiveName),
    /// Unchanged files of this archive are looked for and not read.
    #[error("Using previous index as metadata reference for '{0}'")]
    Reference(ArchiveName),
    /// All files of this archive are read, although unchanged ones were to be found.
    #[error("no usable reference for '{archive}', all files are read - {source}")]
    ReferenceUnusable {
        archive: ArchiveName,
        source: crate::error::Error,
    },
    /// What looking for unchanged files came to.
    #[error("{} of {} files of {archive} are unchanged", .reuse.files_reused, .reuse.files_reused + .reuse.files_read)]
    Reused {
        archive: ArchiveName,
        reuse: tree::ReuseStats,
        hard_links: u64,
    },
    /// Chunks that a backup which was not finished has left are not sent again.
    #[error(
        "Resuming an unfinished backup: {chunks} chunks with {bytes} bytes are on the server already"
    )]
    Resuming { chunks: u64, bytes: u64 },
    /// What such a backup has left cannot be used.
    #[error("Couldn't resume the unfinished backup, everything new is sent again - {0}")]
    ResumeUnusable(#[source] crate::error::Error),
    /// The connection broke, and the backup starts again when the server answers.
    #[error("the backup broke off and will start again - {}", chain(.0))]
    Broken(#[source] crate::error::Error),
    /// The backup would start again, but one of its sources cannot be read twice.
    #[error("the backup cannot start again by itself, since {} is a pipe", .0.display())]
    NotAgain(std::path::PathBuf),
    /// The server has not noticed yet that the session before has ended.
    #[error("waiting for the server to end the session that broke - {}", chain(.0))]
    StillTaken(#[source] crate::error::Error),
    /// What is left of the attempt before keeps the next one waiting.
    #[error(
        "the backup starts again when the reading of the attempt that broke has ended; it still waits for a disk or a network file system that does not answer"
    )]
    StillReading,
    /// It has started again.
    #[error("Starting backup again: {0}")]
    Again(Snapshot),
    /// Only in a dry run.
    #[error("would upload {} as {archive}", path.display())]
    WouldUpload {
        path: std::path::PathBuf,
        archive: ArchiveName,
    },
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// Hears what a restore does. Called from several threads; must not block for long.
pub trait RestoreWatch: Send + Sync {
    /// Bytes of the archive's stream that are done, and all of them.
    fn progress(&self, done: u64, total: u64) {
        let _ = (done, total);
    }

    /// Something that the user should read, but no failure.
    fn remark(&self, remark: &tree::Remark) {
        let _ = remark;
    }

    /// A member failed and the restore goes on.
    fn entry_error(&self, error: &tree::EntryError) {
        let _ = error;
    }
}

/// Watches nothing.
impl RestoreWatch for () {}

/// Result of restoring an image or a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RestoreStats {
    pub size: u64,
    /// Bytes of zero chunks that became holes.
    pub holes: u64,
    pub chunks: u64,
    pub duration: Duration,
}
