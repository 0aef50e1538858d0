//! What differs between two archives of directories: the engine of `debug diff archive` (cli.md 4.2).
//!
//! Chunks decide where to look. What lies wholly in chunks that both archives have is the same and is not even fetched; the other
//! entries are compared by path, and their data if that is asked for.
//!
//! Of a split archive the metadata decides, and where contents are to be compared, the payload too: a file may have other data under
//! the very same metadata.

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::ops::Range;

use format::{Digest, Index};
use pxar::{AccessError, Accessor, Entry, EntryKind, Node, ReadAt};

/// Directories inside each other that are entered.
const DEPTH_MAX: usize = 4096;
/// Bytes of two files that are compared at a time.
const PIECE_BYTES: usize = 256 << 10;

/// One of the two archives, with the index of the stream that its tree is in, and of the other one if it is split.
pub struct Side<R> {
    pub tree: Accessor<R>,
    pub index: Index,
    pub payload: Option<Index>,
}

/// An entry that is not the same on both sides.
#[derive(Debug)]
pub struct Change {
    /// Absolute in the archive, `/a/b`.
    pub path: Vec<u8>,
    pub operation: Operation,
    /// As it is after the change; of a deleted one, as it was.
    pub entry: Entry,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    Added,
    Deleted,
    Modified(Marks),
}

/// What was modified. All are false if it is something that has no mark of its own: attributes, ACLs, the target of a link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    pub kind: bool,
    pub uid: bool,
    pub gid: bool,
    pub mode: bool,
    pub size: bool,
    pub mtime: bool,
    /// Known only if contents were compared.
    pub content: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum CompareError {
    #[error("cannot read the archive")]
    Archive(#[from] AccessError),
    #[error("cannot read the data of {path:?}")]
    Data {
        path: String,
        #[source]
        source: io::Error,
    },
}

/// All changes from `before` to `after` in the order of their paths; the roots themselves are not compared. With `content`, files of
/// equal size are compared byte by byte, and one whose time alone differs is no change.
pub fn compare<R: ReadAt>(
    before: &Side<R>,
    after: &Side<R>,
    content: bool,
) -> Result<Vec<Change>, CompareError> {
    let mut old = before.entries_apart_from(after, content)?;
    let mut changes = Vec::new();
    for (path, new) in after.entries_apart_from(before, content)? {
        let found = match old.remove(&path) {
            Some(found) => Some(found),
            // It may lie in a chunk that both have, at another place.
            None => before.tree.lookup(&path)?,
        };
        match found {
            None => changes.push(Change::new(path, Operation::Added, new)),
            Some(found) => {
                let marks = modified(before, &found, after, &new, content);
                if let Some(marks) = marks.map_err(|source| data_error(&path, source))? {
                    changes.push(Change::new(path, Operation::Modified(marks), new));
                }
            }
        }
    }
    for (path, gone) in old {
        match after.tree.lookup(&path)? {
            None => changes.push(Change::new(path, Operation::Deleted, gone)),
            Some(new) => {
                let marks = modified(before, &gone, after, &new, content);
                if let Some(marks) = marks.map_err(|source| data_error(&path, source))? {
                    changes.push(Change::new(path, Operation::Modified(marks), new));
                }
            }
        }
    }
    changes.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(changes)
}

fn data_error(path: &[u8], source: io::Error) -> CompareError {
    CompareError::Data {
        path: String::from_utf8_lossy(path).into_owned(),
        source,
    }
}

impl Change {
    fn new(path: Vec<u8>, operation: Operation, node: Node) -> Change {
        Change {
            path,
            operation,
            entry: node.entry,
        }
    }
}

impl<R: ReadAt> Side<R> {
    /// The entries that lie at least partly in chunks which the other side does not have.
    fn entries_apart_from(
        &self,
        other: &Side<R>,
        content: bool,
    ) -> Result<BTreeMap<Vec<u8>, Node>, CompareError> {
        let theirs = digests(&other.index);
        let own = Own::new(&self.index, &theirs);
        let payload = self.payload.as_ref().filter(|_| content);
        let own_data = payload.map_or_else(Own::default, |payload| {
            Own::new(
                payload,
                &other.payload.as_ref().map(digests).unwrap_or_default(),
            )
        });
        // Nothing tells which directories have files there, so all are asked.
        let everywhere = !own_data.0.is_empty();
        let mut found = BTreeMap::new();
        let mut todo = vec![(0, Vec::new(), self.tree.root().clone())];
        while let Some((depth, path, node)) = todo.pop() {
            if depth > DEPTH_MAX {
                let path = String::from_utf8_lossy(&path).into_owned();
                return Err(AccessError::TooDeep(path).into());
            }
            // The table is in chunks of its own only if something in the directory changed.
            if !everywhere && !own.touches(node.entry_offset..node.end) {
                continue;
            }
            let directory = self.tree.open_directory(&node)?;
            for number in directory.in_archive_order() {
                let range = directory.member_range(number);
                let is_shared = range.is_some_and(|range| !own.touches(range));
                if is_shared && !everywhere {
                    continue;
                }
                let Some(member) = self.tree.member(&directory, number)? else {
                    continue;
                };
                let path = [&path, &b"/"[..], &member.entry.name].concat();
                if member.entry.is_dir() {
                    todo.push((depth + 1, path.clone(), member.clone()));
                }
                let data = member.payload_ref().and_then(|reference| reference.data());
                if !is_shared || data.is_some_and(|data| own_data.touches(data)) {
                    found.insert(path, member);
                }
            }
        }
        Ok(found)
    }
}

fn digests(index: &Index) -> HashSet<Digest> {
    index.iter().map(|(_, digest)| digest).collect()
}

/// The parts of a stream that lie in chunks which only this side has, merged and in order.
#[derive(Default)]
struct Own(Vec<Range<u64>>);

impl Own {
    fn new(index: &Index, theirs: &HashSet<Digest>) -> Own {
        let mut parts: Vec<Range<u64>> = Vec::new();
        for (range, digest) in index.iter() {
            if theirs.contains(&digest) {
                continue;
            }
            match parts.last_mut() {
                Some(last) if last.end == range.start => last.end = range.end,
                _ => parts.push(range),
            }
        }
        Own(parts)
    }

    fn touches(&self, range: Range<u64>) -> bool {
        let after = self.0.partition_point(|part| part.end <= range.start);
        self.0.get(after).is_some_and(|part| part.start < range.end)
    }
}

/// What differs between two entries of one path; nothing if they are the same.
fn modified<R: ReadAt>(
    before: &Side<R>,
    old: &Node,
    after: &Side<R>,
    new: &Node,
    content: bool,
) -> io::Result<Option<Marks>> {
    let (was, is) = (&old.entry.metadata, &new.entry.metadata);
    let mut marks = Marks {
        kind: old.entry.letter() != new.entry.letter(),
        uid: was.uid != is.uid,
        gid: was.gid != is.gid,
        mode: was.permissions() != is.permissions(),
        size: size(&old.entry) != size(&new.entry),
        mtime: was.mtime != is.mtime,
        content: false,
    };
    let both_files = size(&old.entry).is_some() && size(&new.entry).is_some();
    if content && both_files {
        marks.content = marks.size || !same_data(before, old, after, new)?;
    }
    let unmarked = was.flags != is.flags
        || was.xattrs != is.xattrs
        || was.acl != is.acl
        || was.fcaps != is.fcaps
        || was.quota_project_id != is.quota_project_id
        || target(&old.entry) != target(&new.entry);
    if content && both_files && !unmarked {
        let only_time = Marks {
            mtime: true,
            ..Marks::default()
        };
        if marks == only_time {
            return Ok(None);
        }
    }
    Ok((unmarked || marks != Marks::default()).then_some(marks))
}

fn same_data<R: ReadAt>(
    before: &Side<R>,
    old: &Node,
    after: &Side<R>,
    new: &Node,
) -> io::Result<bool> {
    let old = before.tree.contents(old).map_err(io::Error::other)?;
    let new = after.tree.contents(new).map_err(io::Error::other)?;
    let (mut left, mut right) = (vec![0; PIECE_BYTES], vec![0; PIECE_BYTES]);
    let (mut at, size) = (0, new.size());
    while at < size {
        let len = usize::try_from(size - at).map_or(PIECE_BYTES, |rest| rest.min(PIECE_BYTES));
        old.read_exact_at(&mut left[..len], at)?;
        new.read_exact_at(&mut right[..len], at)?;
        if left[..len] != right[..len] {
            return Ok(false);
        }
        at += len as u64;
    }
    Ok(true)
}

fn size(entry: &Entry) -> Option<u64> {
    match entry.kind {
        EntryKind::File { size } => Some(size),
        _ => None,
    }
}

/// What an entry leads to: a path, or the numbers of a device.
fn target(entry: &Entry) -> Option<(&[u8], u64, u64)> {
    match &entry.kind {
        EntryKind::Symlink { target } => Some((target, 0, 0)),
        EntryKind::Hardlink { path, .. } => Some((path, 0, 0)),
        EntryKind::Device { major, minor } => Some((b"", *major, *minor)),
        _ => None,
    }
}
