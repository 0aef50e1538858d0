//! The names in one directory: read in large batches, kept in one piece of memory, sorted once.

use std::ffi::CStr;
use std::mem::MaybeUninit;
use std::os::fd::AsFd;

use rustix::fs::{FileType, RawDir};
use rustix::io::Errno;

/// Bytes read from the kernel at a time.
const BATCH_LEN: usize = 64 << 10;

/// Names with the types that the directory claims for them ([`FileType::Unknown`] where it does not know).
#[derive(Default)]
pub(crate) struct Listing {
    /// Names with their NULs, one after the other.
    names: Vec<u8>,
    members: Vec<Member>,
}

#[derive(Clone, Copy)]
struct Member {
    start: usize,
    /// Length without the NUL.
    len: u16,
    file_type: FileType,
}

impl Listing {
    /// Reads all names but `.` and `..` for which `keep` returns true, in no order.
    pub(crate) fn read<E: From<Errno>>(
        dir: impl AsFd,
        batch: &mut Batch,
        mut keep: impl FnMut(&CStr, FileType) -> Result<bool, E>,
    ) -> Result<Listing, E> {
        let mut listing = Listing::default();
        let mut entries = RawDir::new(dir, &mut batch.0);
        while let Some(entry) = entries.next() {
            let entry = match entry {
                Err(Errno::INTR) => continue,
                entry => entry?,
            };
            let name = entry.file_name();
            let bytes = name.to_bytes();
            if bytes == b"." || bytes == b".." || !keep(name, entry.file_type())? {
                continue;
            }
            let len = u16::try_from(bytes.len()).map_err(|_| Errno::NAMETOOLONG)?;
            listing.members.push(Member {
                start: listing.names.len(),
                len,
                file_type: entry.file_type(),
            });
            listing.names.extend_from_slice(name.to_bytes_with_nul());
        }
        Ok(listing)
    }

    /// Sorts by the names' bytes.
    pub(crate) fn sort(&mut self) {
        let names = &self.names;
        let name = |m: &Member| &names[m.start..m.start + usize::from(m.len)];
        self.members.sort_unstable_by(|a, b| name(a).cmp(name(b)));
    }

    pub(crate) fn len(&self) -> usize {
        self.members.len()
    }

    pub(crate) fn get(&self, index: usize) -> Option<(&CStr, FileType)> {
        let member = self.members.get(index)?;
        let bytes = &self.names[member.start..=member.start + usize::from(member.len)];
        Some((CStr::from_bytes_with_nul(bytes).ok()?, member.file_type))
    }
}

/// Memory for one batch, reused from directory to directory.
pub(crate) struct Batch(Box<[MaybeUninit<u8>]>);

impl Batch {
    pub(crate) fn new() -> Batch {
        Batch(Box::new_uninit_slice(BATCH_LEN))
    }
}

#[cfg(test)]
mod tests {
    use super::{Batch, Listing};
    use rustix::fs::FileType;
    use rustix::io::Errno;

    #[test]
    fn names_are_sorted_by_bytes() {
        let dir = tempfile::tempdir().expect("temp dir");
        for name in ["b", "a", "a.b", "B", "ab", "\u{e9}"] {
            std::fs::write(dir.path().join(name), b"").expect(name);
        }
        std::fs::create_dir(dir.path().join("dir")).expect("dir");
        let file = std::fs::File::open(dir.path()).expect("dir");
        let keep = |name: &std::ffi::CStr, _| Ok::<_, Errno>(name.to_bytes() != b"B");
        let mut listing = Listing::read(&file, &mut Batch::new(), keep).expect("readable");
        listing.sort();
        let names: Vec<_> = (0..listing.len())
            .map(|i| listing.get(i).expect("member").0.to_owned())
            .collect();
        assert_eq!(
            names,
            [
                c"a".into(),
                c"a.b".into(),
                c"ab".into(),
                c"b".into(),
                c"dir".into(),
                c"\u{e9}".to_owned()
            ]
        );
        assert_eq!(listing.get(4).map(|m| m.1), Some(FileType::Directory));
        assert!(listing.get(6).is_none());
    }
}
