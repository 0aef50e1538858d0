//! The restore: follows the decoder from member to member, with one open directory per level.
//!
//! Here is decided what is made and when a directory is made and completed; how a member is made stands in `member`.
//! Each member is made by its name in the open directory of its level, never by a path, and never through a symlink.

use std::ffi::OsStr;
use std::io::{self, BufRead};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::Arc;

use pxar::{Decoder, Entry, EntryKind, MatchKind, Metadata, Step};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use super::{EntryError, ExtractError, ExtractOptions, ExtractStats, ExtractWatch, Remark};
use crate::advice::advised;
use crate::apply::{Failed, Handle, Ignored, Why, apply};
use crate::capture::is_kept_xattr;

/// Mode of a directory until its own metadata is there; nobody else sees what is not complete.
const PRIVATE_DIR: u32 = 0o700;

/// Attributes of all directories that are open at the same time, in bytes; an archive could hold any number of them.
const ATTRIBUTES_HELD_MAX: usize = 128 << 20;

/// A directory of the archive that was entered and not left yet.
struct Level {
    name: Vec<u8>,
    metadata: Metadata,
    /// What its members inherit.
    selected: bool,
    state: LevelState,
}

enum LevelState {
    Open(Arc<OwnedFd>),
    /// Made when a member needs it.
    Later,
    /// Could not be made, which was reported; its members are passed over.
    Failed,
}

pub(super) struct Restore<'a> {
    pub(super) options: &'a ExtractOptions,
    pub(super) stats: ExtractStats,
    pub(super) ignored: Ignored,
    /// Effective user and group: what new files belong to.
    pub(super) user: (u32, u32),
    /// The target, for hard links.
    pub(super) root: Arc<OwnedFd>,
    watch: &'a mut dyn ExtractWatch,
    levels: Vec<Level>,
    /// Bytes of the attributes in `levels`.
    held: usize,
    /// Path of the current member, relative to the target.
    path: Vec<u8>,
    /// Steps that were remarked to be left out.
    remarked: Vec<(&'static str, Why)>,
}

impl<'a> Restore<'a> {
    pub(super) fn new(
        target: &Path,
        options: &'a ExtractOptions,
        watch: &'a mut dyn ExtractWatch,
    ) -> Result<Restore<'a>, ExtractError> {
        let fail = |source| ExtractError::Target {
            path: target.to_owned(),
            source,
        };
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(PRIVATE_DIR)
            .create(target)
            .map_err(fail)?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = rustix::fs::open(target, flags, Mode::empty()).map_err(|e| fail(e.into()))?;
        let ignored = Ignored {
            acls: options.ignore_acls,
            xattrs: options.ignore_xattrs,
            fcaps: options.ignore_fcaps,
            ownership: options.ignore_ownership,
            permissions: options.ignore_permissions,
        };
        Ok(Restore {
            options,
            stats: ExtractStats::default(),
            ignored,
            user: (
                rustix::process::geteuid().as_raw(),
                rustix::process::getegid().as_raw(),
            ),
            root: Arc::new(root),
            watch,
            levels: Vec::new(),
            held: 0,
            path: Vec::new(),
            remarked: Vec::new(),
        })
    }

    pub(super) fn run<R: BufRead>(
        mut self,
        mut archive: Decoder<R>,
    ) -> Result<ExtractStats, ExtractError> {
        while let Some(step) = archive.advance()? {
            if self.watch.stopped() {
                return Err(ExtractError::Stopped);
            }
            self.path.clear();
            self.path.extend_from_slice(&archive.path()[1..]);
            match step {
                Step::Leave => self.leave()?,
                Step::Entry if self.levels.is_empty() => self.enter_root(archive.entry()),
                Step::Entry if archive.entry().is_dir() => {
                    self.enter(archive.path(), archive.entry())?
                }
                Step::Entry => {
                    if self.select(archive.path(), archive.entry()).1
                        && !self.is_unwanted(&archive.entry().kind)
                    {
                        let (entry, mut contents) = archive.split();
                        if let Some(dir) = self.open_levels()? {
                            self.announce(&entry.metadata, &entry.kind);
                            self.make(&dir, entry, &mut contents)?;
                        }
                    }
                }
            }
        }
        Ok(self.stats)
    }

    fn enter_root(&mut self, entry: &Entry) {
        self.announce(&entry.metadata, &entry.kind);
        self.stats.entries += 1;
        self.levels.push(Level {
            name: Vec::new(),
            metadata: entry.metadata.clone(),
            selected: self.options.patterns.is_empty(),
            state: LevelState::Open(Arc::clone(&self.root)),
        });
    }

    /// A directory is made at once only if the one around it is selected too; else when something in it is wanted.
    fn enter(&mut self, path: &[u8], entry: &Entry) -> Result<(), ExtractError> {
        let (inherited, selected) = self.select(path, entry);
        let held = self.held + attribute_bytes(&entry.metadata);
        let fits = held <= ATTRIBUTES_HELD_MAX;
        let (metadata, state) = if fits {
            self.held = held;
            (entry.metadata.clone(), LevelState::Later)
        } else {
            (Metadata::default(), LevelState::Failed)
        };
        self.levels.push(Level {
            name: entry.name.clone(),
            metadata,
            selected,
            state,
        });
        if !fits {
            let text = "it and the directories around it have more attributes than any file system";
            return self.failed("hold the attributes of", io::Error::other(text));
        }
        if inherited && selected {
            self.open_levels()?;
        }
        Ok(())
    }

    /// What the directory around a member says, and what holds for the member itself: the last pattern that fits decides.
    fn select(&self, path: &[u8], entry: &Entry) -> (bool, bool) {
        let inherited = self.levels.last().is_some_and(|level| level.selected);
        let matched = self.options.patterns.matches(path, entry.is_dir());
        (
            inherited,
            matched.map_or(inherited, |kind| kind == MatchKind::Include),
        )
    }

    fn is_unwanted(&self, kind: &EntryKind) -> bool {
        match kind {
            EntryKind::Device { .. } => self.options.no_device_nodes,
            EntryKind::Fifo => self.options.no_fifos,
            EntryKind::Socket => self.options.no_sockets,
            _ => false,
        }
    }

    /// The innermost directory, made with all that are missing around it; `None` if that failed, now or before.
    fn open_levels(&mut self) -> Result<Option<Arc<OwnedFd>>, ExtractError> {
        let first = match self.levels.last().map(|level| &level.state) {
            Some(LevelState::Open(dir)) => return Ok(Some(Arc::clone(dir))),
            Some(LevelState::Failed) | None => return Ok(None),
            Some(LevelState::Later) => self
                .levels
                .iter()
                .position(|level| !matches!(level.state, LevelState::Open(_)))
                .unwrap_or_default(),
        };
        let member_path = std::mem::take(&mut self.path);
        let mut dir = Arc::clone(&self.root);
        if let Some(Level {
            state: LevelState::Open(parent),
            ..
        }) = first.checked_sub(1).and_then(|i| self.levels.get(i))
        {
            dir = Arc::clone(parent);
        }
        for index in first..self.levels.len() {
            self.path = self.levels[1..=index]
                .iter()
                .map(|level| &level.name[..])
                .collect::<Vec<_>>()
                .join(&b'/');
            if matches!(self.levels[index].state, LevelState::Failed) {
                self.path = member_path;
                self.fail_levels(index);
                return Ok(None);
            }
            match self.make_directory(&dir, index) {
                Ok(made) => {
                    dir = Arc::new(made);
                    self.levels[index].state = LevelState::Open(Arc::clone(&dir));
                    self.stats.entries += 1;
                }
                Err((action, errno)) => {
                    self.fail_levels(index);
                    self.failed(action, errno.into())?;
                    self.path = member_path;
                    return Ok(None);
                }
            }
        }
        self.path = member_path;
        Ok(Some(dir))
    }

    fn fail_levels(&mut self, first: usize) {
        for level in &mut self.levels[first..] {
            level.state = LevelState::Failed;
        }
    }

    fn make_directory(
        &mut self,
        parent: &OwnedFd,
        index: usize,
    ) -> Result<OwnedFd, (&'static str, Errno)> {
        let level = &self.levels[index];
        let path = Path::new(OsStr::from_bytes(&self.path));
        self.watch
            .entry(path, &level.metadata, &EntryKind::Directory);
        let own = if self.ignored.permissions {
            level.metadata.permissions() & 0o777
        } else {
            0
        };
        match rustix::fs::mkdirat(
            parent,
            &level.name[..],
            Mode::from_raw_mode(own | PRIVATE_DIR),
        ) {
            Ok(()) => {}
            Err(Errno::EXIST) if self.options.allow_existing_dirs => {}
            Err(errno) => return Err(("create the directory", errno)),
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        rustix::fs::openat(parent, &level.name[..], flags, Mode::empty())
            .map_err(|errno| ("open the directory", errno))
    }

    /// Completes the innermost directory: its members are all there.
    fn leave(&mut self) -> Result<(), ExtractError> {
        let Some(level) = self.levels.pop() else {
            return Ok(());
        };
        self.held = self.held.saturating_sub(attribute_bytes(&level.metadata));
        let LevelState::Open(dir) = level.state else {
            return Ok(());
        };
        if self.levels.is_empty() && self.options.keep_target_metadata {
            return Ok(());
        }
        self.complete(
            Handle::Open(dir.as_fd()),
            &level.metadata,
            &EntryKind::Directory,
        )
    }

    /// Applies the metadata to what was made.
    pub(super) fn complete(
        &mut self,
        handle: Handle<'_>,
        metadata: &Metadata,
        kind: &EntryKind,
    ) -> Result<(), ExtractError> {
        let (Handle::Open(fd) | Handle::Place(fd)) = handle;
        let current = match rustix::fs::fstat(fd) {
            Ok(stat) => stat,
            Err(errno) => return self.failed("examine", errno.into()),
        };
        if !self.ignored.xattrs {
            for xattr in metadata
                .xattrs
                .iter()
                .filter(|xattr| !is_kept_xattr(&xattr.name))
            {
                let name = String::from_utf8_lossy(&xattr.name).into_owned();
                self.remark(|path| Remark::UnknownXattr { path, name });
            }
        }
        let ignored = self.ignored;
        apply(handle, metadata, kind, &current, ignored, &mut |failed| {
            self.step_failed(failed)
        })
    }

    /// A step of the metadata failed. What only root may do, and what the target cannot keep, is remarked once and left out.
    pub(super) fn step_failed(&mut self, failed: Failed) -> Result<(), ExtractError> {
        let Failed { action, errno, why } = failed;
        match why {
            Why::Privilege if self.user.0 != 0 => {
                self.stats.without_privilege += 1;
                self.remark_once(failed, |path| Remark::NoPrivilege { action, path });
            }
            Why::Unsupported => {
                self.stats.unsupported += 1;
                self.remark_once(failed, |path| Remark::Unsupported { action, path });
            }
            Why::Fault | Why::Privilege => return self.failed(action, errno.into()),
        }
        Ok(())
    }

    fn remark_once(&mut self, step: Failed, remark: impl FnOnce(std::path::PathBuf) -> Remark) {
        if !self.remarked.contains(&(step.action, step.why)) {
            self.remarked.push((step.action, step.why));
            self.remark(remark);
        }
    }

    /// A member failed: the end in strict mode, else counted and reported.
    pub(super) fn failed(
        &mut self,
        action: &'static str,
        source: io::Error,
    ) -> Result<(), ExtractError> {
        let path = if self.path.is_empty() {
            &b"."[..]
        } else {
            &self.path
        };
        let error = EntryError {
            path: Path::new(OsStr::from_bytes(path)).to_owned(),
            action,
            source: advised(source),
        };
        if self.options.strict {
            return Err(error.into());
        }
        self.stats.errors += 1;
        self.watch.error(&error);
        Ok(())
    }

    pub(super) fn remark(&mut self, remark: impl FnOnce(std::path::PathBuf) -> Remark) {
        let path = Path::new(OsStr::from_bytes(&self.path)).to_owned();
        self.watch.remark(&remark(path));
    }

    fn announce(&mut self, metadata: &Metadata, kind: &EntryKind) {
        self.watch
            .entry(Path::new(OsStr::from_bytes(&self.path)), metadata, kind);
    }
}

/// Memory that attributes take besides the entry itself.
fn attribute_bytes(metadata: &Metadata) -> usize {
    let xattrs = metadata.xattrs.iter();
    let acl = &metadata.acl;
    let acl_entries =
        acl.users.len() + acl.groups.len() + acl.default_users.len() + acl.default_groups.len();
    xattrs
        .map(|xattr| size_of::<pxar::Xattr>() + xattr.name.len() + xattr.value.len())
        .sum::<usize>()
        + metadata.fcaps.as_ref().map_or(0, Vec::len)
        + acl_entries * size_of::<pxar::AclEntry>()
}
