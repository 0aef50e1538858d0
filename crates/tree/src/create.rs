//! A directory tree becomes an archive.
//!
//! [`create()`] walks beneath an open directory, member by member in the order of their names, and writes each one to an
//! [`pxar::Encoder`] and, if wanted, to a catalog. What changes while it is read leads to a notice and an archive that is still
//! true; what cannot be read at all is left out with a notice, or ends the run where leaving out would hide a fault.

use std::convert::Infallible;
use std::ffi::OsStr;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};

use pxar::{DecodeError, EncodeError, EntryKind, Metadata, Pattern, PatternError, Sink, WriteSink};

use crate::reuse::ReusedChunk;

mod exclude;
mod open;
mod prelude;
mod record;
mod reference;

mod look;
mod member;

mod again;
mod waiting;

mod ahead;

mod walk;

pub use ahead::Previous;
use record::Record;
use walk::Walk;

/// What to store.
#[derive(Clone, Debug)]
pub struct CreateOptions {
    /// Patterns from the command line, in their order; they are stored in the archive as `.pxarexclude-cli`.
    pub excludes: Vec<Pattern>,
    /// Leaves out everything named `lost+found`.
    pub skip_lost_and_found: bool,
    /// Leaves out what is in directories that are marked as caches by a file `CACHEDIR.TAG`, but for that file.
    pub skip_caches: bool,
    /// Which file systems are entered.
    pub devices: DeviceSet,
    /// Members of the directories that are open at the same time, all together.
    pub entries_max: u64,
    pub with_xattrs: bool,
    pub with_acls: bool,
    pub with_fcaps: bool,
    pub with_device_nodes: bool,
    pub with_fifos: bool,
    pub with_sockets: bool,
    /// Keeps a file whose extended attributes are too large to be read, without them.
    pub skip_e2big_xattr: bool,
    /// Puts patterns of `.pxarexclude` files in order (`./x` means `x`) before they are used.
    pub sanitize_patterns: bool,
}

impl Default for CreateOptions {
    fn default() -> CreateOptions {
        CreateOptions {
            excludes: Vec::new(),
            skip_lost_and_found: false,
            skip_caches: false,
            devices: DeviceSet::OnlySource,
            entries_max: ENTRIES_MAX_DEFAULT,
            with_xattrs: true,
            with_acls: true,
            with_fcaps: true,
            with_device_nodes: true,
            with_fifos: true,
            with_sockets: true,
            skip_e2big_xattr: false,
            sanitize_patterns: true,
        }
    }
}

/// Default of [`CreateOptions::entries_max`].
pub const ENTRIES_MAX_DEFAULT: u64 = 1 << 20;

/// File systems whose directories are entered. Pseudo file systems such as proc never are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeviceSet {
    /// The one of the source.
    OnlySource,
    /// The one of the source and those of these paths.
    Listed(Vec<PathBuf>),
    All,
}

/// What was stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CreateStats {
    /// All members, the root included.
    pub entries: u64,
    pub files: u64,
    pub directories: u64,
    pub hard_links: u64,
    /// Data of all files in bytes.
    pub file_bytes: u64,
    /// Notices that mean that something is missing or not as it was.
    pub warnings: u64,
    /// How much was read, and how much taken over from the previous archive.
    pub reuse: ReuseStats,
}

/// What became of the files' data. Bytes count the 16 of the header in front of each file's data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReuseStats {
    /// Files whose data was taken over without being read.
    pub files_reused: u64,
    pub bytes_reused: u64,
    /// Files that were read.
    pub files_read: u64,
    pub bytes_read: u64,
    /// Chunks taken over, and all their bytes.
    pub chunks_injected: u64,
    pub bytes_injected: u64,
    /// Of these, chunks that not only files of this archive fill, and what they hold besides.
    pub chunks_padded: u64,
    pub bytes_padding: u64,
}

/// Hears what the walk does.
pub trait CreateWatch {
    /// A member is about to be stored. `path` is relative to the source and empty for the source itself.
    fn entry(&mut self, path: &Path, metadata: &Metadata, kind: &EntryKind) {
        let _ = (path, metadata, kind);
    }

    /// Something that the user should read; its text is complete.
    fn notice(&mut self, notice: &Notice);

    /// Asked once per member: should the walk end with [`CreateError::Stopped`]?
    fn stopped(&self) -> bool {
        false
    }
}

/// Takes the names of members, as a catalog keeps them, in the order of the archive. Names are raw bytes.
pub trait CatalogSink {
    fn start_directory(&mut self, name: &[u8]) -> io::Result<()>;
    fn end_directory(&mut self) -> io::Result<()>;
    /// `mtime` in seconds since 1970.
    fn file(&mut self, name: &[u8], size: u64, mtime: i64) -> io::Result<()>;
    fn symlink(&mut self, name: &[u8]) -> io::Result<()>;
    fn hard_link(&mut self, name: &[u8]) -> io::Result<()>;
    fn block_device(&mut self, name: &[u8]) -> io::Result<()>;
    fn char_device(&mut self, name: &[u8]) -> io::Result<()>;
    fn fifo(&mut self, name: &[u8]) -> io::Result<()>;
    fn socket(&mut self, name: &[u8]) -> io::Result<()>;
}

/// Takes the payload half of a split archive.
pub trait PayloadSink: Sink {
    /// The data of a file begins here: a good place for a piece to end.
    fn suggest_boundary(&mut self) -> io::Result<()>;

    /// These chunks of the previous archive come next. Their bytes are not here: whoever keeps the archive has them.
    fn inject(&mut self, chunks: &[ReusedChunk]) -> io::Result<()>;
}

/// The payload of an archive in one piece, of which there is none.
impl PayloadSink for Infallible {
    fn suggest_boundary(&mut self) -> io::Result<()> {
        match *self {}
    }

    fn inject(&mut self, _: &[ReusedChunk]) -> io::Result<()> {
        match *self {}
    }
}

/// A file has no pieces, and takes bytes only.
impl<W: Write> PayloadSink for WriteSink<W> {
    fn suggest_boundary(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn inject(&mut self, _: &[ReusedChunk]) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// What a user should hear about a walk that goes on.
#[derive(Debug, thiserror::Error)]
pub enum Notice {
    #[error("skipping mount point: {0:?}")]
    MountPoint(PathBuf),
    #[error("file vanished while it was read: {0:?}")]
    Vanished(PathBuf),
    #[error("no permission to read {0:?}, it is left out")]
    NoPermission(PathBuf),
    #[error("stale file handle, {0:?} is left out")]
    Stale(PathBuf),
    #[error("file grew while it was read, it is stored with {size} bytes: {path:?}")]
    Grew { path: PathBuf, size: u64 },
    #[error("file shrank while it was read, {missing} bytes are stored as zeros: {path:?}")]
    Shrank { path: PathBuf, missing: u64 },
    #[error(
        "path {0:?} is too long for links to it; other names of this file are stored as copies"
    )]
    LinkTooLong(PathBuf),
    #[error("extended attributes of {0:?} are too large to be read, they are left out")]
    XattrTooLarge(PathBuf),
    #[error("bad pattern {pattern:?} in {path:?}, line {line}: {source}")]
    BadPattern {
        path: PathBuf,
        line: usize,
        pattern: String,
        source: PatternError,
    },
    #[error("pattern {pattern:?} in {path:?} is read as {clean:?}")]
    SanitizedPattern {
        path: PathBuf,
        pattern: String,
        clean: String,
    },
    #[error("cannot read the patterns in {path:?}, they are not used: {source}")]
    UnreadablePatterns { path: PathBuf, source: io::Error },
    #[error("{count} more patterns in {path:?} are bad or were put in order")]
    MorePatterns { path: PathBuf, count: usize },
    #[error(
        "the patterns in {path:?} are not used: with those of the folders above they would take more than {limit}; use fewer patterns"
    )]
    TooManyPatterns { path: PathBuf, limit: String },
    #[error("the previous archive is damaged, files from here on are read: {source}")]
    PreviousDamaged { source: DecodeError },
}

impl Notice {
    /// Whether something is missing in the archive or not as it was.
    pub fn is_loss(&self) -> bool {
        matches!(
            self,
            Notice::Vanished(_)
                | Notice::NoPermission(_)
                | Notice::Stale(_)
                | Notice::Grew { .. }
                | Notice::Shrank { .. }
                | Notice::XattrTooLarge(_)
                | Notice::LinkTooLong(_)
        )
    }
}

/// Why no archive could be made.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    #[error("cannot {action} {path:?}")]
    Io {
        action: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error(
        "{path:?} is on a file system that the kernel makes up ({magic:#x}); it cannot be the source of an archive"
    )]
    PseudoFileSystem { path: PathBuf, magic: u64 },
    #[error(
        "more than {max} directory entries at the same time in memory, at {path:?}; raise the limit with --entries-max"
    )]
    TooManyEntries { path: PathBuf, max: u64 },
    #[error("{path:?} has a file type that no archive can hold (mode {mode:o})")]
    UnknownFileType { path: PathBuf, mode: u32 },
    #[error(
        "extended attributes of {path:?} are too large to be read; --skip-e2big-xattr stores the file without them"
    )]
    XattrTooLarge { path: PathBuf },
    #[error("cannot store {path:?}")]
    Encode {
        path: PathBuf,
        #[source]
        source: EncodeError,
    },
    #[error("the pattern {pattern:?} is no UTF-8 text; a split archive cannot name it")]
    PatternText { pattern: String },
    #[error("cannot write the catalog at {path:?}")]
    Catalog {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("stopped")]
    Stopped,
}

/// Opens the directory that is to be stored; `follow` tells whether a symlink in the last place is followed.
pub fn open_source(path: &Path, follow: bool) -> Result<OwnedFd, CreateError> {
    let mut flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    if !follow {
        flags |= OFlags::NOFOLLOW;
    }
    rustix::fs::open(path, flags, Mode::empty()).map_err(|errno| CreateError::Io {
        action: "open the source",
        path: path.to_owned(),
        source: errno.into(),
    })
}

/// Stores the directory `source` with everything beneath it and gives the sink back.
///
/// ```
/// use tree::{CreateOptions, CreateWatch, Notice};
///
/// struct Quiet;
/// impl CreateWatch for Quiet {
///     fn notice(&mut self, _: &Notice) {}
/// }
///
/// let dir = tempfile::tempdir()?;
/// std::fs::write(dir.path().join("hello"), "world")?;
/// let source = tree::open_source(dir.path(), true)?;
/// let (archive, stats) = tree::create(source, Vec::new(), &CreateOptions::default(), None, &mut Quiet)?;
/// assert_eq!((stats.files, stats.file_bytes), (1, 5));
/// assert!(archive.windows(5).any(|w| w == b"world"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn create<'a, S: Sink>(
    source: OwnedFd,
    sink: S,
    options: &'a CreateOptions,
    catalog: Option<&'a mut dyn CatalogSink>,
    watch: &'a mut dyn CreateWatch,
) -> Result<(S, CreateStats), CreateError> {
    let walk = Walk::new(source, options, watch, |root, _, watch| {
        Record::start(sink, root, catalog, watch)
    })?;
    walk.run()?.finish()
}

/// Stores the directory `source` as a split archive and gives both sinks back. With `previous`, the data of files that are as
/// they were then is not read but taken over; the payload sink hears which chunks that means ([`PayloadSink::inject`]).
///
/// ```
/// use tree::{CreateOptions, CreateWatch, Notice};
///
/// struct Quiet;
/// impl CreateWatch for Quiet {
///     fn notice(&mut self, _: &Notice) {}
/// }
///
/// let dir = tempfile::tempdir()?;
/// std::fs::write(dir.path().join("hello"), "world")?;
/// let source = tree::open_source(dir.path(), true)?;
/// let payload = pxar::WriteSink::new(Vec::new());
/// let options = CreateOptions::default();
/// let (_, payload, stats) = tree::create_split(source, Vec::new(), payload, &options, None, &mut Quiet)?;
/// assert_eq!(payload.finish()?.len() as u64, 16 + stats.reuse.bytes_read + 16);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn create_split<'a, S: Sink, P: PayloadSink>(
    source: OwnedFd,
    metadata: S,
    payload: P,
    options: &'a CreateOptions,
    previous: Option<Previous<'a>>,
    watch: &'a mut dyn CreateWatch,
) -> Result<(S, P, CreateStats), CreateError> {
    let mut walk = Walk::new(source, options, watch, |root, patterns, watch| {
        let prelude =
            prelude::prelude(patterns).map_err(|pattern| CreateError::PatternText { pattern })?;
        Record::start_split(metadata, payload, prelude.as_deref(), root, watch)
    })?;
    if let Some(previous) = previous {
        walk.compare(previous);
    }
    walk.run()?.finish_split()
}

fn path_of(bytes: &[u8]) -> PathBuf {
    PathBuf::from(OsStr::from_bytes(bytes))
}
