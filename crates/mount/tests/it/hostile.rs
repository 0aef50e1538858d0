//! Damaged archives: every call ends with an answer or an error, soon, and without a panic.

use mount::{Listing, TreeView};
use proptest::prelude::*;
use pxar::Accessor;

use crate::rig::archive;

/// Looks at everything that can be reached; returns how much that was.
fn walk(archive: Vec<u8>) -> usize {
    const MEMBERS_MAX: usize = 5_000;
    let Ok(accessor) = Accessor::open(archive) else {
        return 0;
    };
    let view = TreeView::new(accessor);
    let mut open = vec![1];
    let mut seen = 0;
    while let Some(inode) = open.pop() {
        seen += 1;
        if seen > MEMBERS_MAX {
            break;
        }
        let _ = view.attributes(inode);
        let _ = view.read_link(inode);
        let _ = view.read(inode, 0, 4096);
        let _ = view.read(inode, u64::MAX, 4096);
        for name in view
            .attribute_names(inode)
            .unwrap_or_default()
            .split(|b| *b == 0)
        {
            let _ = view.attribute(inode, name);
        }
        let _ = view.lookup(inode, b"link");
        let mut next = 0;
        loop {
            let start = next;
            let _ = view.list(inode, start, Listing::Lookups, &mut |line| {
                if line.name != b"." && line.name != b".." {
                    open.push(line.attributes.ino.0);
                }
                next = line.next;
                true
            });
            if next == start {
                break;
            }
        }
    }
    seen
}

#[test]
fn the_whole_archive_can_be_walked() {
    assert_eq!(walk(archive(5_000, 40)), 1 + 3 + 40 + 2);
}

#[test]
fn every_tail_that_is_missing() {
    let archive = archive(5_000, 40);
    let len = archive.len();
    for cut in (0..400).chain((400..len).step_by(97)) {
        walk(archive[..len - cut.min(len)].to_vec());
        walk(archive[cut..].to_vec());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn bytes_that_changed(changes in prop::collection::vec((any::<usize>(), any::<u8>()), 1..8)) {
        let mut archive = archive(500, 20);
        let len = archive.len();
        for (place, byte) in changes {
            archive[place % len] = byte;
        }
        walk(archive);
    }
}
