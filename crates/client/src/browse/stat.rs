//! The four lines of `stat` (pxar.md 6.4).

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use pxar::metadata::mode;
use pxar::{Entry, EntryKind};

/// The path is written as it is given, all else is text.
pub(super) fn lines(path: &[u8], entry: &Entry, zone: &TimeZone) -> Vec<u8> {
    let metadata = &entry.metadata;
    let target = match &entry.kind {
        EntryKind::Symlink { target } => Some(target),
        EntryKind::Hardlink { path, .. } => Some(path),
        _ => None,
    };
    let target = target
        .map(|target| format!(" -> {:?}", OsStr::from_bytes(target)))
        .unwrap_or_default();
    let size = match entry.kind {
        EntryKind::File { size } => size,
        _ => 0,
    };
    let (octal, mode) = (metadata.permissions(), entry.mode_text());
    let rest = format!(
        "{target}\n  Size: {size:<13} Type: {}\nAccess: ({octal:o}/{mode})  Uid: {:<5} Gid: {:<5}\nModify: {}\n",
        type_word(entry),
        metadata.uid,
        metadata.gid,
        local_time(metadata.mtime.secs, zone),
    );
    [b"  File: ", path, rest.as_bytes()].concat()
}

/// The original's words, its misspelling included.
fn type_word(entry: &Entry) -> &'static str {
    match &entry.kind {
        EntryKind::File { .. } => "file",
        EntryKind::Directory => "directory",
        EntryKind::Symlink { .. } | EntryKind::Hardlink { .. } => "symlink",
        EntryKind::Fifo => "fifo",
        EntryKind::Socket => "socket",
        EntryKind::Device { .. } => match entry.metadata.file_type() {
            mode::BLOCK => "block special file",
            mode::CHAR => "characters pecial file",
            _ => "device",
        },
    }
}

/// `YYYY-MM-DD HH:MM:SS`; the number where no calendar has the time.
pub(crate) fn local_time(secs: i64, zone: &TimeZone) -> String {
    match Timestamp::from_second(secs) {
        Ok(time) => time
            .to_zoned(zone.clone())
            .strftime("%Y-%m-%d %H:%M:%S")
            .to_string(),
        Err(_) => secs.to_string(),
    }
}
