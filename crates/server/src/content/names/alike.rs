//! When two entries are the same, as far as can be told without reading their data.

use std::ops::Range;

use format::Index;
use pxar::Node;

use super::Item;

/// Whether two items are told to be the same, as far as both sides tell.
pub fn look_same(old: &Item, new: &Item) -> bool {
    let times = match (old.rest, new.rest) {
        (Some(was), Some(is)) => was == is && (old.is_folder() || old.mtime == new.mtime),
        // A catalog has whole seconds, and of files alone.
        _ => {
            let secs = |item: &Item| item.mtime.map(|time| time.secs);
            old.letter != 'f' || secs(old) == secs(new)
        }
    };
    times && old.letter == new.letter && old.size == new.size
}

/// Whether two ranges of two streams lie at the same places of the same chunks.
pub fn same_bytes(a: &Index, own: &Range<u64>, b: &Index, others: &Range<u64>) -> bool {
    if own.end.checked_sub(own.start) != others.end.checked_sub(others.start) {
        return false;
    }
    let (mut at, mut other_at) = (own.start, others.start);
    while at < own.end {
        let (Some(chunk), Some(other)) = (a.lookup(at), b.lookup(other_at)) else {
            return false;
        };
        let (range, other_range) = (a.range(chunk), b.range(other));
        let same_place = at - range.start == other_at - other_range.start;
        if !same_place || a.digest(chunk) != b.digest(other) {
            return false;
        }
        let step = range.end - at;
        if step != other_range.end - other_at {
            return false;
        }
        (at, other_at) = (at + step, other_at + step);
    }
    true
}

/// The words of what differs between two entries of which all is known.
pub fn differences(old: &Node, new: &Node) -> Vec<&'static str> {
    let (was, is) = (&old.entry.metadata, &new.entry.metadata);
    let size = |node: &Node| match node.entry.kind {
        pxar::EntryKind::File { size } => Some(size),
        _ => None,
    };
    let leads_to = |node: &Node| match &node.entry.kind {
        pxar::EntryKind::Symlink { target } => (target.clone(), 0, 0),
        pxar::EntryKind::Hardlink { path, .. } => (path.clone(), 0, 0),
        pxar::EntryKind::Device { major, minor } => (Vec::new(), *major, *minor),
        _ => (Vec::new(), 0, 0),
    };
    let attributes = |metadata: &pxar::Metadata| {
        let pxar::Metadata {
            flags,
            xattrs,
            fcaps,
            quota_project_id,
            ..
        } = metadata;
        (*flags, xattrs.clone(), fcaps.clone(), *quota_project_id)
    };
    let table = [
        ("type", old.entry.letter() != new.entry.letter()),
        ("size", size(old) != size(new)),
        ("mtime", was.mtime != is.mtime),
        ("mode", was.permissions() != is.permissions()),
        ("owner", (was.uid, was.gid) != (is.uid, is.gid)),
        ("target", leads_to(old) != leads_to(new)),
        ("acl", was.acl != is.acl),
        ("attributes", attributes(was) != attributes(is)),
    ];
    let named = table.iter().filter(|(_, differs)| *differs);
    named.map(|(word, _)| *word).collect()
}

#[cfg(test)]
mod tests {
    use format::{ArchiveName, Digest};

    use super::*;

    /// An index whose chunks end there and are named by a number each.
    fn index(chunks: &[(u64, u8)]) -> Index {
        let name: ArchiveName = "root.ppxar.didx".parse().expect("name");
        let mut bytes = vec![0; format::index::HEADER_LEN];
        bytes[..8].copy_from_slice(&[28, 145, 78, 165, 25, 186, 179, 205]);
        for (end, digest) in chunks {
            bytes.extend(end.to_le_bytes());
            bytes.extend(Digest::of(&[*digest]).as_bytes());
        }
        Index::parse(&name, bytes).expect("index")
    }

    #[test]
    fn same_places_of_same_chunks() {
        let a = index(&[(10, 1), (25, 2), (30, 3)]);
        let b = index(&[(10, 9), (20, 1), (35, 2), (40, 4)]);
        for (own, others, expected) in [
            (0..10, 10..20, true),
            (3..8, 13..18, true),
            (3..20, 13..30, true),
            (0..25, 10..35, true),
            (0..25, 10..34, false),
            (3..8, 12..17, false),
            (0..26, 10..36, false),
            (20..40, 30..50, false),
            (5..5, 17..17, true),
        ] {
            let found = same_bytes(&a, &own, &b, &others);
            assert_eq!(found, expected, "{own:?} {others:?}");
        }
    }
}
