//! Removing what was not marked in time (formats.md 9.5). Directory by directory; each file is looked at and removed under its lock.

use std::ffi::CStr;

use format::Digest;
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::{LocalChunks, io_error, prefix_name};
use crate::chunk::{ChunkError, Part, SweepReport};
use crate::watch::Watch;

/// What a file in a directory of chunks is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Entry {
    Chunk,
    /// Set aside by verify.
    Bad,
    /// A marker of stores that cache an object store; means nothing here.
    Marker,
    /// A write that never ended, or still goes on.
    Temp,
}

pub(super) fn sweep(
    store: &LocalChunks,
    part: Part,
    cutoff: i64,
    oldest_writer: i64,
    watch: &dyn Watch,
) -> Result<SweepReport, ChunkError> {
    let mut report = SweepReport::default();
    for first in part.bytes() {
        for second in 0..=u8::MAX {
            let name = prefix_name(u32::from(first) << 8 | u32::from(second));
            let name = std::str::from_utf8(&name).expect("hexadecimal digits");
            sweep_prefix(store, name, cutoff, oldest_writer, watch, &mut report)?;
            if watch.stopped() {
                report.stopped = true;
                return Ok(report);
            }
        }
    }
    Ok(report)
}

fn sweep_prefix(
    store: &LocalChunks,
    prefix: &str,
    cutoff: i64,
    oldest_writer: i64,
    watch: &dyn Watch,
    report: &mut SweepReport,
) -> Result<(), ChunkError> {
    let path = store.at(prefix);
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let dir = match rustix::fs::openat(&store.dir, prefix, flags, Mode::empty()) {
        Ok(dir) => dir,
        Err(Errno::NOENT) => return Ok(()),
        Err(error) => return Err(io_error("open", &path)(error)),
    };
    for entry in Dir::read_from(&dir).map_err(io_error("list", &path))? {
        if watch.stopped() {
            return Ok(());
        }
        let entry = entry.map_err(io_error("list", &path))?;
        let Some((digest, kind)) = classify(entry.file_name()) else {
            continue;
        };
        let _lock = store.lock(&digest);
        let stat = match rustix::fs::statat(&dir, entry.file_name(), AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            Err(Errno::NOENT) => continue,
            Err(error) => return Err(io_error("stat a chunk in", &path)(error)),
        };
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            continue;
        }
        if !is_garbage(kind, &stat, cutoff) {
            count_kept(kind, &stat, oldest_writer, report);
            continue;
        }
        if let Err(error) = rustix::fs::unlinkat(&dir, entry.file_name(), AtFlags::empty()) {
            return Err(io_error("remove a chunk in", &path)(error));
        }
        count_removed(kind, &stat, report);
    }
    Ok(())
}

fn is_garbage(kind: Entry, stat: &Stat, cutoff: i64) -> bool {
    kind == Entry::Marker || stat.st_atime < cutoff
}

fn count_removed(kind: Entry, stat: &Stat, report: &mut SweepReport) {
    match kind {
        Entry::Chunk => report.removed_chunks += 1,
        Entry::Bad => report.removed_bad += 1,
        Entry::Marker => return,
        Entry::Temp => {}
    }
    report.removed_bytes += stat.st_size as u64;
}

fn count_kept(kind: Entry, stat: &Stat, oldest_writer: i64, report: &mut SweepReport) {
    let size = stat.st_size as u64;
    match (kind, stat.st_atime < oldest_writer) {
        (Entry::Marker | Entry::Temp, _) => {}
        (Entry::Chunk, true) => {
            report.pending_chunks += 1;
            report.pending_bytes += size;
        }
        (Entry::Bad, true) => {
            report.still_bad += 1;
            report.pending_bytes += size;
        }
        (Entry::Chunk, false) => {
            report.disk_chunks += 1;
            report.disk_bytes += size;
        }
        (Entry::Bad, false) => report.disk_bytes += size,
    }
}

/// What the name says, nothing for names that are none of ours.
fn classify(name: &CStr) -> Option<(Digest, Entry)> {
    let name = name.to_str().ok()?;
    let digest = name.get(..64)?.parse().ok()?;
    let kind = match &name.as_bytes()[64..] {
        b"" => Entry::Chunk,
        [b'.', b'0'..=b'9', b'.', b'b', b'a', b'd'] => Entry::Bad,
        b".using" => Entry::Marker,
        [b'.', b't', b'm', b'p', b'_', ..] => Entry::Temp,
        _ => return None,
    };
    Some((digest, kind))
}
