//! Which index files a collection has marked the chunks of: so much a collection that goes on must know, to mark what any other index names. An
//! index may come without a word to us: a snapshot that was put back, a disk that was used elsewhere.
//!
//! Kept as a sorted list of 16 bytes each, beside the progress, which tells its digest; see `docs/formats/datastore.md`.

use std::collections::BTreeSet;
use std::fs::{self, File, Metadata};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use format::{Digest, DigestWriter};

use crate::datastore::Datastore;
use crate::error::StoreError;
use crate::files::{self, Durable};
use crate::layout::GC_SEEN;

/// Of more index files nothing is kept: a collection of theirs begins anew. 16 MiB.
const SEEN_MAX: usize = 1 << 20;
const KEY: usize = 16;

/// What makes an index file the same one as before: device, number, size, and when it was written and changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Identity {
    numbers: [u64; 3],
    times: [i64; 4],
}

impl Identity {
    pub(super) fn of(stat: &Metadata) -> Identity {
        Identity {
            numbers: [stat.dev(), stat.ino(), stat.size()],
            times: [
                stat.mtime(),
                stat.mtime_nsec(),
                stat.ctime(),
                stat.ctime_nsec(),
            ],
        }
    }

    /// For a file at this path below the store.
    fn key(&self, relative: &Path) -> [u8; KEY] {
        let mut digest = DigestWriter::new();
        for number in self.numbers {
            digest.update(&number.to_le_bytes());
        }
        for time in self.times {
            digest.update(&time.to_le_bytes());
        }
        digest.update(relative.as_os_str().as_bytes());
        let digest = digest.finish();
        let mut key = [0; KEY];
        key.copy_from_slice(&digest.as_bytes()[..KEY]);
        key
    }
}

/// Index files whose chunks are marked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Seen(BTreeSet<[u8; KEY]>);

impl Seen {
    pub(super) fn contains(&self, relative: &Path, identity: &Identity) -> bool {
        !self.0.is_empty() && self.0.contains(&identity.key(relative))
    }

    pub(super) fn add(&mut self, relative: &Path, identity: &Identity) {
        // One too many tells that there were too many.
        if self.0.len() <= SEEN_MAX {
            self.0.insert(identity.key(relative));
        }
    }

    /// Whether it is all of them.
    pub(super) fn is_whole(&self) -> bool {
        self.0.len() <= SEEN_MAX
    }

    /// Keeps it with the datastore. The answer is what the list is known by.
    pub(super) fn write(&self, store: &Datastore) -> Result<Digest, StoreError> {
        let bytes: Vec<u8> = self.0.iter().flatten().copied().collect();
        let path = store.base().join(GC_SEEN);
        files::replace(&path, &bytes, Durable::Later)?;
        Ok(Digest::of(&bytes))
    }

    /// The list that was kept, if it is the one that is known by `digest`.
    pub(super) fn read(store: &Datastore, digest: &Digest) -> Option<Seen> {
        let path = store.base().join(GC_SEEN);
        let file = File::open(&path).ok()?;
        let bytes = files::read_bounded(&file, &path, (SEEN_MAX * KEY) as u64).ok()?;
        if Digest::of(&bytes) != *digest {
            return None;
        }
        let (keys, rest) = bytes.as_chunks::<KEY>();
        rest.is_empty()
            .then(|| Seen(keys.iter().copied().collect()))
    }
}

/// On what a datastore lies. A disk that was away may have been used elsewhere, or may have lost what was written last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Disk {
    device: u64,
    /// Which disk since the start of the machine; one that comes back has another. 0 where nothing tells.
    sequence: u64,
}

impl Disk {
    /// Mounts are not compared: each start of a service may have its own.
    pub(super) fn of(store: &Datastore) -> Option<Disk> {
        let device = fs::metadata(store.base()).ok()?.dev();
        let (major, minor) = (rustix::fs::major(device), rustix::fs::minor(device));
        let known = format!("/sys/dev/block/{major}:{minor}");
        // A partition is told by its disk.
        let sequence = ["diskseq", "../diskseq"]
            .iter()
            .find_map(|name| fs::read_to_string(format!("{known}/{name}")).ok())
            .and_then(|text| text.trim().parse().ok())
            .unwrap_or(0);
        Some(Disk { device, sequence })
    }

    /// `<device> <which disk>`
    pub(super) fn text(&self) -> String {
        format!("{} {}", self.device, self.sequence)
    }

    pub(super) fn parse(text: &str) -> Option<Disk> {
        let (device, sequence) = text.split_once(' ')?;
        Some(Disk {
            device: device.parse().ok()?,
            sequence: sequence.parse().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_is_known_by_all_that_tells_it_from_others() {
        let one = Identity {
            numbers: [1, 2, 3],
            times: [4, 5, 6, 7],
        };
        let path = Path::new("host/a/b.didx");
        let mut seen = Seen::default();
        assert!(!seen.contains(path, &one));
        seen.add(path, &one);
        assert!(seen.contains(path, &one));
        assert!(!seen.contains(Path::new("host/a/c.didx"), &one));
        for n in 0..7 {
            let mut other = one;
            match n {
                0..3 => other.numbers[n] += 1,
                _ => other.times[n - 3] += 1,
            }
            assert!(!seen.contains(path, &other), "{n}");
        }
    }

    #[test]
    fn a_list_has_a_bound() {
        let identity = Identity {
            numbers: [0; 3],
            times: [0; 4],
        };
        let mut seen = Seen::default();
        for n in 0..SEEN_MAX as u128 {
            seen.0.insert(n.to_be_bytes());
        }
        assert!(seen.is_whole());
        seen.add(Path::new("a"), &identity);
        assert!(!seen.is_whole());
        seen.add(Path::new("b"), &identity);
        assert_eq!(seen.0.len(), SEEN_MAX + 1);
    }

    #[test]
    fn disks_are_told() {
        let disk = Disk::parse("2049 17");
        assert_eq!(disk.map(|disk| disk.text()).as_deref(), Some("2049 17"));
        for wrong in ["", "1", "1 x", "x 1", "1 2 3"] {
            assert_eq!(Disk::parse(wrong), None, "{wrong:?}");
        }
    }
}
