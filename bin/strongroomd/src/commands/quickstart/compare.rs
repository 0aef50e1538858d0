//! Two trees, entry by entry: type, mode, owner, mtime with nanoseconds, size and every byte, link targets, hard links, device
//! numbers, extended attributes (ACLs and capabilities among them) and file attributes.
//!
//! Directories and files are opened relative to their parent and never followed. What a backup leaves out on purpose (what could not
//! be read, other file systems, patterns) and what an ordinary user may not set is counted, not called a difference.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ffi::OsString;
use std::fs::File;
use std::io::Read as _;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use rustix::fs::{AtFlags, CWD, FileType, IFlags, Mode, OFlags, Stat};
use rustix::io::Errno;

/// Differences told; further ones are only counted.
const TOLD_MAX: usize = 20;
/// Bytes compared at a time.
const BLOCK: usize = 1 << 20;
/// The kernel's limit for a list of names and for one value (XATTR_LIST_MAX, XATTR_SIZE_MAX).
const XATTR_MAX: usize = 64 << 10;

#[derive(Default)]
pub struct Report {
    entries: u64,
    bytes: u64,
    differences: u64,
    told: Vec<String>,
    /// Entries of the source that the backup leaves out: unreadable, changed meanwhile, excluded, on other file systems.
    left_out: u64,
    /// Owners and attributes that only root may set.
    not_ours_to_set: u64,
}

impl Report {
    pub fn is_alike(&self) -> bool {
        self.differences == 0
    }

    pub fn verdict(&self) -> String {
        let what = if self.is_alike() {
            "all alike".to_owned()
        } else {
            format!("{} DIFFERENCES", self.differences)
        };
        format!(
            "{} entries, {}: {what}",
            self.entries,
            console::human::bytes(self.bytes)
        )
    }

    /// What else a reader should know.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = self.told.clone();
        if self.left_out > 0 {
            lines.push(format!("{} entries are not in the backup (unreadable, changed while read, excluded, or on other file systems)", self.left_out));
        }
        if self.not_ours_to_set > 0 {
            lines.push(format!("{} owners, devices or attributes can only be set by root and were left as they are", self.not_ours_to_set));
        }
        lines
    }

    fn differs(&mut self, path: &Path, what: impl std::fmt::Display) {
        self.differences += 1;
        if self.told.len() < TOLD_MAX {
            self.told
                .push(format!("DIFFERENT {}: {what}", path.display()));
        }
    }
}

struct Walk<'a> {
    report: Report,
    root: PathBuf,
    device: u64,
    /// An absolute path that the backup leaves out.
    skip: Option<&'a Path>,
    /// Paths (relative to the root) that the backup told as not stored or not as they were.
    losses: HashSet<&'a Path>,
    /// First restored inode of each source inode with several names.
    links: HashMap<(u64, u64), (u64, u64)>,
    privileged: bool,
    blocks: [Vec<u8>; 2],
}

/// Compares `source` with `restored`.
pub fn trees(
    source: &Path,
    restored: &Path,
    skip: Option<&Path>,
    losses: &[PathBuf],
) -> Result<Report> {
    let open = |path: &Path| {
        let fd = rustix::fs::openat(CWD, path, directory(), Mode::empty());
        fd.with_context(|| format!("cannot open {}", path.display()))
    };
    let (a, b) = (open(source)?, open(restored)?);
    let (stat_a, stat_b) = (rustix::fs::fstat(&a)?, rustix::fs::fstat(&b)?);
    let losses = losses
        .iter()
        .map(|p| p.strip_prefix("/").unwrap_or(p))
        .collect();
    let mut walk = Walk {
        report: Report::default(),
        root: source.to_path_buf(),
        device: stat_a.st_dev,
        skip,
        losses,
        links: HashMap::new(),
        privileged: rustix::process::geteuid().is_root(),
        blocks: [vec![0; BLOCK], vec![0; BLOCK]],
    };
    walk.attributes(Path::new(""), &stat_a, &stat_b, a.as_fd(), b.as_fd())?;
    walk.directory(Path::new(""), a, b, false)?;
    Ok(walk.report)
}

fn directory() -> OFlags {
    OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC
}

fn names(fd: &OwnedFd) -> Result<Vec<OsString>> {
    let mut names = Vec::new();
    for entry in rustix::fs::Dir::read_from(fd)? {
        let name = entry?.file_name().to_bytes().to_vec();
        if name != b"." && name != b".." {
            names.push(OsString::from_vec(name));
        }
    }
    names.sort();
    Ok(names)
}

impl Walk<'_> {
    /// Whether an entry may be missing.
    fn excused(&self, path: &Path) -> bool {
        self.losses.contains(path) || self.skip.is_some_and(|skip| self.root.join(path) == *skip)
    }

    fn directory(&mut self, path: &Path, a: OwnedFd, b: OwnedFd, patterns: bool) -> Result<()> {
        self.report.entries += 1;
        let (in_source, in_restored) = (names(&a)?, names(&b)?);
        let patterns = patterns || in_source.iter().any(|n| n == ".pxarexclude");
        for name in &in_restored {
            let made_by_us = path.as_os_str().is_empty() && name == ".pxarexclude-cli";
            if !made_by_us && in_source.binary_search(name).is_err() {
                self.report.differs(&path.join(name), "not in the source");
            }
        }
        for name in &in_source {
            let below = path.join(name);
            if in_restored.binary_search(name).is_err() {
                if patterns || self.excused(&below) {
                    self.report.left_out += 1;
                } else if self.cannot_be_made(&a, name) {
                    self.report.not_ours_to_set += 1;
                } else {
                    self.report.differs(&below, "missing");
                }
                continue;
            }
            self.entry(&below, name, &a, &b, patterns)?;
        }
        Ok(())
    }

    /// Device nodes need root.
    fn cannot_be_made(&self, dir: &OwnedFd, name: &OsString) -> bool {
        let stat = rustix::fs::statat(dir, name.as_os_str(), AtFlags::SYMLINK_NOFOLLOW);
        let device = |s: Stat| {
            matches!(
                FileType::from_raw_mode(s.st_mode),
                FileType::BlockDevice | FileType::CharacterDevice
            )
        };
        !self.privileged && stat.is_ok_and(device)
    }

    fn entry(
        &mut self,
        path: &Path,
        name: &OsString,
        a: &OwnedFd,
        b: &OwnedFd,
        patterns: bool,
    ) -> Result<()> {
        let stat =
            |dir: &OwnedFd| rustix::fs::statat(dir, name.as_os_str(), AtFlags::SYMLINK_NOFOLLOW);
        let (stat_a, stat_b) = match (stat(a), stat(b)) {
            (Ok(x), Ok(y)) => (x, y),
            _ => {
                self.report.left_out += 1;
                return Ok(());
            }
        };
        let kind = FileType::from_raw_mode(stat_a.st_mode);
        if kind != FileType::from_raw_mode(stat_b.st_mode) {
            self.report.differs(path, "another type");
            return Ok(());
        }
        if self.losses.contains(path) {
            self.report.left_out += 1;
            return Ok(());
        }
        let flags = match kind {
            FileType::Directory => directory(),
            FileType::RegularFile => OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC,
            _ => OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC,
        };
        let open = |dir: &OwnedFd| rustix::fs::openat(dir, name.as_os_str(), flags, Mode::empty());
        let (fd_a, fd_b) = match (open(a), open(b)) {
            (Ok(x), Ok(y)) => (x, y),
            (Err(Errno::ACCESS), _) | (_, Err(Errno::ACCESS)) if !self.privileged => {
                self.report.left_out += 1;
                return Ok(());
            }
            (x, y) => {
                x.and(y)
                    .with_context(|| format!("cannot open {}", path.display()))?;
                return Ok(());
            }
        };
        self.attributes(path, &stat_a, &stat_b, fd_a.as_fd(), fd_b.as_fd())?;
        match kind {
            FileType::Directory if stat_a.st_dev != self.device => self.report.left_out += 1,
            FileType::Directory => self.directory(path, fd_a, fd_b, patterns)?,
            FileType::RegularFile => {
                self.report.entries += 1;
                self.names_of_one_file(path, &stat_a, &stat_b);
                self.content(
                    path,
                    stat_a.st_size,
                    stat_b.st_size,
                    fd_a.into(),
                    fd_b.into(),
                )?;
            }
            FileType::Symlink => {
                self.report.entries += 1;
                let target =
                    |dir: &OwnedFd| rustix::fs::readlinkat(dir, name.as_os_str(), Vec::new());
                if target(a)? != target(b)? {
                    self.report.differs(path, "another target");
                }
            }
            _ => {
                self.report.entries += 1;
                if stat_a.st_rdev != stat_b.st_rdev {
                    self.report.differs(path, "another device");
                }
            }
        }
        Ok(())
    }

    fn attributes(
        &mut self,
        path: &Path,
        a: &Stat,
        b: &Stat,
        fd_a: BorrowedFd<'_>,
        fd_b: BorrowedFd<'_>,
    ) -> Result<()> {
        let owner = |s: &Stat| (s.st_uid, s.st_gid);
        let foreign = owner(a) != owner(b) && !self.privileged;
        if foreign {
            self.report.not_ours_to_set += 1;
        } else if owner(a) != owner(b) {
            self.report.differs(
                path,
                format!("owner {:?}, restored {:?}", owner(a), owner(b)),
            );
        }
        let kind = FileType::from_raw_mode(a.st_mode);
        // set-id bits of another's file go with its owner
        let mask = if foreign { 0o1777 } else { 0o7777 };
        if kind != FileType::Symlink && (a.st_mode & mask) != (b.st_mode & mask) {
            self.report.differs(
                path,
                format!(
                    "mode {:o}, restored {:o}",
                    a.st_mode & 0o7777,
                    b.st_mode & 0o7777
                ),
            );
        }
        let mtime = |s: &Stat| (s.st_mtime, s.st_mtime_nsec);
        if mtime(a) != mtime(b) {
            self.report.differs(
                path,
                format!("mtime {:?}, restored {:?}", mtime(a), mtime(b)),
            );
        }
        if matches!(kind, FileType::Directory | FileType::RegularFile) {
            let (mut kept_a, mut kept_b) = (xattrs(fd_a)?, xattrs(fd_b)?);
            if !self.privileged {
                let all = kept_a.len() + kept_b.len();
                kept_a.retain(|name, _| may_set(name));
                kept_b.retain(|name, _| may_set(name));
                self.report.not_ours_to_set +=
                    u64::try_from(all - kept_a.len() - kept_b.len()).unwrap_or(0);
            }
            if kept_a != kept_b {
                self.report.differs(path, "other extended attributes");
            }
            // what pxar.md 1.4 keeps and restores, as far as the file system has it
            let kept = IFlags::APPEND
                | IFlags::NOATIME
                | IFlags::COMPRESSED
                | IFlags::NOCOW
                | IFlags::DIRSYNC
                | IFlags::IMMUTABLE
                | IFlags::SYNC;
            if let (Ok(x), Ok(y)) = (
                rustix::fs::ioctl_getflags(fd_a),
                rustix::fs::ioctl_getflags(fd_b),
            ) && self.privileged
                && x & kept != y & kept
            {
                self.report.differs(path, "other file attributes");
            }
        }
        Ok(())
    }

    /// Names of one file must be names of one file again.
    fn names_of_one_file(&mut self, path: &Path, a: &Stat, b: &Stat) {
        if a.st_nlink > 1 {
            let restored = (b.st_dev, b.st_ino);
            if *self.links.entry((a.st_dev, a.st_ino)).or_insert(restored) != restored {
                self.report
                    .differs(path, "no longer a hard link of its first name");
            }
        }
    }

    fn content(
        &mut self,
        path: &Path,
        size_a: i64,
        size_b: i64,
        mut a: File,
        mut b: File,
    ) -> Result<()> {
        if size_a != size_b {
            self.report
                .differs(path, format!("size {size_a}, restored {size_b}"));
            return Ok(());
        }
        let [block_a, block_b] = &mut self.blocks;
        loop {
            let (n, m) = (fill(&mut a, block_a)?, fill(&mut b, block_b)?);
            if block_a[..n] != block_b[..m] {
                self.report.differs(path, "other content");
                return Ok(());
            }
            self.report.bytes += n as u64;
            if n < BLOCK {
                return Ok(());
            }
        }
    }
}

/// Reads until the block is full or the file ends.
fn fill(file: &mut File, block: &mut [u8]) -> std::io::Result<usize> {
    let mut len = 0;
    while len < block.len() {
        match file.read(&mut block[len..])? {
            0 => break,
            n => len += n,
        }
    }
    Ok(len)
}

/// The kinds of attributes that archives keep (pxar.md 4.3).
fn xattrs(fd: BorrowedFd<'_>) -> Result<BTreeMap<Vec<u8>, Vec<u8>>> {
    let mut nothing: [u8; 0] = [];
    match rustix::fs::flistxattr(fd, &mut nothing) {
        Ok(0) | Err(Errno::OPNOTSUPP) => return Ok(BTreeMap::new()),
        other => other?,
    };
    let mut list = vec![0u8; XATTR_MAX];
    let len = rustix::fs::flistxattr(fd, &mut list)?;
    let mut out = BTreeMap::new();
    for name in list[..len].split(|b| *b == 0).filter(|n| is_kept(n)) {
        let mut value = vec![0u8; XATTR_MAX];
        let len = rustix::fs::fgetxattr(fd, std::ffi::OsStr::from_bytes(name), &mut value)?;
        value.truncate(len);
        out.insert(name.to_vec(), value);
    }
    Ok(out)
}

fn is_kept(name: &[u8]) -> bool {
    let exact: [&[u8]; 4] = [
        b"security.capability",
        b"security.NTACL",
        b"system.posix_acl_access",
        b"system.posix_acl_default",
    ];
    name.starts_with(b"user.") || name.starts_with(b"trusted.") || exact.contains(&name)
}

/// What an ordinary user may set on his own files.
fn may_set(name: &[u8]) -> bool {
    name.starts_with(b"user.") || name.starts_with(b"system.")
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn plant(root: &Path) {
        fs::create_dir_all(root.join("d")).unwrap();
        fs::write(root.join("d/f"), "text").unwrap();
        fs::hard_link(root.join("d/f"), root.join("d/g")).unwrap();
        symlink("f", root.join("d/l")).unwrap();
        for path in ["d/f", "d", "."] {
            let file = File::open(root.join(path)).unwrap();
            file.set_modified(std::time::UNIX_EPOCH + std::time::Duration::new(1000, 5))
                .unwrap();
        }
        let times = rustix::fs::Timestamps {
            last_access: rustix::fs::Timespec {
                tv_sec: 1,
                tv_nsec: 0,
            },
            last_modification: rustix::fs::Timespec {
                tv_sec: 1000,
                tv_nsec: 5,
            },
        };
        rustix::fs::utimensat(CWD, root.join("d/l"), &times, AtFlags::SYMLINK_NOFOLLOW).unwrap();
    }

    #[test]
    fn each_kind_of_difference_is_seen() {
        type Change = fn(&Path);
        let cases: [(&str, Change, &str); 7] = [
            ("nothing", |_| {}, ""),
            (
                "content",
                |r| {
                    let modified = fs::metadata(r.join("d/f")).unwrap().modified().unwrap();
                    fs::write(r.join("d/f"), "tixt").unwrap();
                    File::open(r.join("d/f"))
                        .unwrap()
                        .set_modified(modified)
                        .unwrap();
                },
                "other content",
            ),
            (
                "mode",
                |r| fs::set_permissions(r.join("d/f"), fs::Permissions::from_mode(0o600)).unwrap(),
                "mode",
            ),
            (
                "mtime",
                |r| {
                    File::open(r.join("d"))
                        .unwrap()
                        .set_modified(std::time::UNIX_EPOCH)
                        .unwrap()
                },
                "mtime",
            ),
            (
                "extra",
                |r| fs::write(r.join("d/new"), "").unwrap(),
                "not in the source",
            ),
            (
                "missing",
                |r| fs::remove_file(r.join("d/l")).unwrap(),
                "missing",
            ),
            (
                "type",
                |r| {
                    fs::remove_file(r.join("d/l")).unwrap();
                    fs::create_dir(r.join("d/l")).unwrap();
                },
                "another type",
            ),
        ];
        for (name, change, expected) in cases {
            let dir = tempfile::tempdir().unwrap();
            let (a, b) = (dir.path().join("a"), dir.path().join("b"));
            plant(&a);
            plant(&b);
            change(&b);
            let report = trees(&a, &b, None, &[]).unwrap();
            assert_eq!(
                report.is_alike(),
                expected.is_empty(),
                "{name}: {:?}",
                report.told
            );
            assert!(
                report.told.iter().any(|t| t.contains(expected)) || expected.is_empty(),
                "{name}: {:?}",
                report.told
            );
        }
    }
}
