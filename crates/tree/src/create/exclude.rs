//! Patterns: those of the command line, and those in `.pxarexclude` files, which hold from their directory downwards.
//!
//! Such a file may be anybody's, and the memory is that of whoever makes the archive, often root: what all files in force hold
//! together has a bound. A file that does not fit is treated as one that cannot be read: it is told, and none of its lines counts.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::path::Path;

use pxar::{MatchKind, Pattern, PatternList, pattern::sanitize};
use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::Errno;

use super::record::io_error;
use super::{CreateError, CreateOptions, CreateWatch, Notice, path_of};

/// Larger files are not patterns.
const FILE_LEN_MAX: u64 = 16 << 20;
/// What the patterns of all files from the root down to one directory may hold in memory: some 300,000 paths.
const HELD_MAX: usize = 32 << 20;
/// Steps of those with wildcards, some 13,000 lines: each is compared with every name, so this is a bound of time.
const STEPS_MAX: usize = 1 << 18;
/// Lines of one file that are told one by one.
const TOLD_MAX: usize = 100;
/// Bytes of a line that a message shows.
const SHOWN_MAX: usize = 1024;
const NAME: &str = ".pxarexclude";
/// The mark of a cache, and how it begins.
const CACHE_TAG: &str = "CACHEDIR.TAG";
const CACHE_SIGNATURE: &[u8; 43] = b"Signature: 8a477f597d28d172789f06886806bc55";

/// The file in which the patterns of the command line are kept, last in the root directory.
pub(super) const CLI_PATTERNS: &[u8] = b".pxarexclude-cli";

/// The patterns of the command line, and the text that keeps them in the archive.
pub(super) fn command_line_patterns(options: &CreateOptions) -> (PatternList, Vec<u8>) {
    let lost_and_found = options
        .skip_lost_and_found
        .then(|| Pattern::parse(b"lost+found", MatchKind::Exclude));
    let all = options
        .excludes
        .iter()
        .cloned()
        .chain(lost_and_found.and_then(Result::ok));
    let list: PatternList = all.collect();
    let mut text = Vec::new();
    for pattern in list.iter() {
        text.extend_from_slice(&pattern.to_line());
        text.push(b'\n');
    }
    (list, text)
}

/// Patterns that hold, and how much memory they may take.
pub(super) struct Patterns {
    pub list: PatternList,
    held_max: usize,
    steps_max: usize,
}

impl Patterns {
    /// Those of the command line are their owner's business, and come on top of what files may hold.
    pub(super) fn new(list: PatternList) -> Patterns {
        Patterns {
            held_max: list.held_bytes().saturating_add(HELD_MAX),
            steps_max: list.steps().saturating_add(STEPS_MAX),
            list,
        }
    }

    /// Adds a pattern if there is room, else says of what there is too much.
    fn push(&mut self, pattern: Pattern) -> Result<(), String> {
        if self.list.held_bytes() + pattern.held_bytes() > self.held_max {
            return Err(format!("{} MiB of memory", HELD_MAX >> 20));
        }
        if self.list.steps() + pattern.steps() > self.steps_max {
            return Err(format!("{STEPS_MAX} characters in patterns with wildcards"));
        }
        self.list.push(pattern);
        Ok(())
    }
}

/// Adds the patterns of `dir`, whose path is `/` + names from the root of the archive (empty for the root itself). Trouble with
/// the file or with a line is told and otherwise ignored, but where this process can open nothing more: then nobody knows what was
/// to be left out.
pub(super) fn add_patterns(
    dir: &OwnedFd,
    path: &[u8],
    sanitized: bool,
    patterns: &mut Patterns,
    watch: &mut dyn CreateWatch,
) -> Result<(), CreateError> {
    let file_path = path_of(&[path, b"/", NAME.as_bytes()].concat()[1..]);
    let text = match read(dir) {
        Ok(Some(text)) => text,
        Ok(None) => return Ok(()),
        Err(source) => {
            if let Some(errno) = Errno::from_io_error(&source).filter(|errno| is_lack(*errno)) {
                let path = [path, b"/", NAME.as_bytes()].concat();
                return Err(io_error("open", &path[1..], errno));
            }
            watch.notice(&Notice::UnreadablePatterns {
                path: file_path,
                source,
            });
            return Ok(());
        }
    };
    let before = patterns.list.len();
    let mut remarks = 0;
    for (index, line) in text.split(|b| *b == b'\n').enumerate() {
        let line = line.trim_ascii();
        if line.is_empty() || line.starts_with(b"#") {
            continue;
        }
        let (pattern, notice) = read_line(line, index + 1, path, &file_path, sanitized);
        if let Some(notice) = notice {
            remarks += 1;
            if remarks <= TOLD_MAX {
                watch.notice(&notice);
            }
        }
        if let Some(Err(limit)) = pattern.map(|pattern| patterns.push(pattern)) {
            patterns.list.truncate(before);
            watch.notice(&Notice::TooManyPatterns {
                path: file_path,
                limit,
            });
            return Ok(());
        }
    }
    if remarks > TOLD_MAX {
        watch.notice(&Notice::MorePatterns {
            path: file_path,
            count: remarks - TOLD_MAX,
        });
    }
    Ok(())
}

/// Whether it says nothing of the file, only that there is no room for it here.
fn is_lack(errno: Errno) -> bool {
    matches!(errno, Errno::MFILE | Errno::NFILE | Errno::NOMEM)
}

/// Leaves out what is in a directory that its owner has marked as a cache, but for the mark (<https://bford.info/cachedir/>). What cannot
/// be read is no mark.
pub(super) fn add_cache(
    dir: &OwnedFd,
    path: &[u8],
    patterns: &mut Patterns,
    watch: &mut dyn CreateWatch,
) {
    if !is_cache(dir) {
        return;
    }
    let mut inside = escaped(path);
    inside.push(b'/');
    let pattern = |name: &[u8], kind| Pattern::parse(&[&inside, name].concat(), kind);
    let both = [
        pattern(b"*", MatchKind::Exclude),
        pattern(CACHE_TAG.as_bytes(), MatchKind::Include),
    ];
    let before = patterns.list.len();
    // Only a path that is longer than any pattern may be is none, and then the cache is stored.
    for pattern in both.into_iter().flatten() {
        if let Err(limit) = patterns.push(pattern.anchored()) {
            patterns.list.truncate(before);
            let path = path_of(&[path, b"/", CACHE_TAG.as_bytes()].concat()[1..]);
            return watch.notice(&Notice::TooManyPatterns { path, limit });
        }
    }
}

fn is_cache(dir: &OwnedFd) -> bool {
    let flags =
        OFlags::RDONLY | OFlags::NOCTTY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOFOLLOW;
    let Ok(tag) = rustix::fs::openat(dir, CACHE_TAG, flags, Mode::empty()) else {
        return false;
    };
    let is_file = rustix::fs::fstat(&tag)
        .is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile);
    let mut begin = [0; CACHE_SIGNATURE.len()];
    is_file && File::from(tag).read_exact(&mut begin).is_ok() && begin == *CACHE_SIGNATURE
}

/// The pattern of a line, and what is to be told of it.
fn read_line(
    line: &[u8],
    number: usize,
    dir: &[u8],
    file: &Path,
    sanitized: bool,
) -> (Option<Pattern>, Option<Notice>) {
    let clean = if sanitized {
        sanitize(line)
    } else {
        line.into()
    };
    let (kind, body) = match clean.strip_prefix(b"!") {
        Some(rest) => (MatchKind::Include, rest),
        None => (MatchKind::Exclude, &clean[..]),
    };
    let mut pattern = Pattern::parse(body, kind);
    if pattern.is_ok() && body.starts_with(b"/") {
        let whole = [&escaped(dir), body].concat();
        pattern = Pattern::parse(&whole, kind).map(Pattern::anchored);
    }
    let notice = match &pattern {
        Ok(_) if *clean == *line => None,
        Ok(_) => Some(Notice::SanitizedPattern {
            path: file.to_owned(),
            pattern: shown(line),
            clean: shown(&clean),
        }),
        Err(source) => Some(Notice::BadPattern {
            path: file.to_owned(),
            line: number,
            pattern: shown(line),
            source: *source,
        }),
    };
    (pattern.ok(), notice)
}

/// As much of a line as a message takes.
fn shown(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(&line[..line.len().min(SHOWN_MAX)]).into_owned();
    match line.len() {
        ..=SHOWN_MAX => text,
        _ => text + "...",
    }
}

/// The directory's own path must match as it is, whatever its names look like.
fn escaped(path: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(path.len() + 16);
    for byte in path {
        if matches!(byte, b'\\' | b'*' | b'?' | b'[' | b']') {
            out.push(b'\\');
        }
        out.push(*byte);
    }
    out
}

/// The file's text; `None` if there is none for us. Symlinks are followed as users expect of a pattern file; a fifo or device
/// behind the name is never waited for.
fn read(dir: &OwnedFd) -> io::Result<Option<Vec<u8>>> {
    let flags = OFlags::RDONLY | OFlags::NOCTTY | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let fd = match rustix::fs::openat(dir, NAME, flags, Mode::empty()) {
        Ok(fd) => fd,
        Err(Errno::NOENT | Errno::ACCESS) => return Ok(None),
        Err(errno) => return Err(errno.into()),
    };
    let stat = rustix::fs::fstat(&fd)?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "it is no regular file",
        ));
    }
    let mut text = Vec::new();
    if File::from(fd)
        .take(FILE_LEN_MAX + 1)
        .read_to_end(&mut text)? as u64
        > FILE_LEN_MAX
    {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            "it is larger than 16 MiB",
        ));
    }
    Ok(Some(text))
}
