//! The inodes that the kernel knows, and where in the archive each stands.
//!
//! An entry lives from the first answer that names it until the kernel has forgotten it as often as it was named. It is small, since a walk
//! through an archive makes the kernel know all of it; nodes are decoded again when they are needed.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

/// Further names of files that are counted; beyond, link counts stay too low.
const LINKS_MAX: usize = 1 << 20;

#[derive(Clone, Debug)]
pub(crate) struct Known {
    /// From the member's name to its end; see [`pxar::Accessor::member_at`].
    pub place: Range<u64>,
    /// Inode of the directory it was found in.
    pub parent: u64,
    lookups: u64,
}

#[derive(Default)]
pub(crate) struct Inodes {
    known: HashMap<u64, Known>,
    /// Places of the hard links that were seen, and how many lead to a file.
    links: HashSet<u64>,
    link_counts: HashMap<u64, u32>,
}

impl Inodes {
    pub(crate) fn get(&self, inode: u64) -> Option<Known> {
        self.known.get(&inode).cloned()
    }

    /// The kernel is being told of an inode.
    pub(crate) fn remember(&mut self, inode: u64, place: Range<u64>, parent: u64) {
        let known = self.known.entry(inode).or_insert(Known {
            place,
            parent,
            lookups: 0,
        });
        known.lookups += 1;
    }

    /// `true` if the inode is not known any more.
    pub(crate) fn forget(&mut self, inode: u64, lookups: u64) -> bool {
        let Some(known) = self.known.get_mut(&inode) else {
            return true;
        };
        known.lookups = known.lookups.saturating_sub(lookups);
        let gone = known.lookups == 0;
        if gone {
            self.known.remove(&inode);
        }
        gone
    }

    /// A hard link at `place` leads to the file `inode`.
    pub(crate) fn saw_link(&mut self, inode: u64, place: u64) {
        if self.links.len() < LINKS_MAX && self.links.insert(place) {
            *self.link_counts.entry(inode).or_default() += 1;
        }
    }

    /// Names of a file that were seen so far: an archive does not tell their number, each link only tells its file.
    pub(crate) fn links(&self, inode: u64) -> u32 {
        1 + self.link_counts.get(&inode).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inode_is_forgotten_as_often_as_it_was_named() {
        let mut inodes = Inodes::default();
        inodes.remember(7, 10..20, 1);
        inodes.remember(7, 30..40, 2);
        assert_eq!(inodes.get(7).map(|known| known.place), Some(10..20));
        assert!(!inodes.forget(7, 1));
        assert!(inodes.forget(7, 5));
        assert!(inodes.get(7).is_none());
        assert!(inodes.forget(7, 1));
    }

    #[test]
    fn each_name_counts_once() {
        let mut inodes = Inodes::default();
        assert_eq!(inodes.links(7), 1);
        for place in [50, 60, 50] {
            inodes.saw_link(7, place);
        }
        assert_eq!((inodes.links(7), inodes.links(8)), (3, 1));
    }
}
