//! The kernel's table of mounts: on which device a path lies, told without touching the device, which may not answer. Links in the path are not
//! followed.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

/// Mount points with their devices, in the order in which they came to be: a later one covers an earlier one.
#[derive(Debug)]
pub(super) struct MountTable(Vec<(PathBuf, String)>);

impl MountTable {
    pub(super) fn read() -> io::Result<MountTable> {
        Ok(MountTable::parse(&fs::read("/proc/self/mountinfo")?))
    }

    fn parse(table: &[u8]) -> MountTable {
        let mounts = table.split(|byte| *byte == b'\n').filter_map(|line| {
            let mut fields = line.split(|byte| *byte == b' ');
            let device = String::from_utf8(fields.nth(2)?.to_vec()).ok()?;
            let point = OsString::from_vec(plain(fields.nth(1)?));
            Some((PathBuf::from(point), device))
        });
        MountTable(mounts.collect())
    }

    /// Whether two paths certainly lie on different devices.
    pub(super) fn differ(&self, a: &Path, b: &Path) -> bool {
        match (self.device(a), self.device(b)) {
            (Some(a), Some(b)) => a != b,
            _ => false,
        }
    }

    fn device(&self, path: &Path) -> Option<&str> {
        let above = self.0.iter().filter(|(point, _)| path.starts_with(point));
        // Of several at the same point the last one is seen.
        let (_, device) = above.max_by_key(|(point, _)| point.components().count())?;
        Some(device)
    }
}

/// Blanks and their like stand in the table as three octal digits behind a backslash.
fn plain(field: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let [first, tail @ ..] = rest {
        let octal = |digits: &[u8]| {
            let text = std::str::from_utf8(digits).ok()?;
            u8::from_str_radix(text, 8).ok()
        };
        match (first, tail.get(..3).and_then(octal)) {
            (b'\\', Some(byte)) => {
                bytes.push(byte);
                rest = &tail[3..];
            }
            _ => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_of_paths() {
        let table = MountTable::parse(
            b"22 1 8:1 / / rw shared:1 - ext4 /dev/sda1 rw\n\
              30 22 0:45 / /mnt/nfs rw - nfs4 host:/x rw\n\
              31 22 8:17 / /srv/with\\040blank rw - xfs /dev/sdb1 rw\n\
              32 22 8:33 / /srv/with\\040blank rw - xfs /dev/sdc1 rw\n\
              broken\n",
        );
        for (path, expected) in [
            ("/", Some("8:1")),
            ("/mnt", Some("8:1")),
            ("/mnt/nfs", Some("0:45")),
            ("/mnt/nfs/store", Some("0:45")),
            ("/mnt/nfs2", Some("8:1")),
            ("/srv/with blank/x", Some("8:33")),
            ("relative", None),
        ] {
            assert_eq!(table.device(Path::new(path)), expected, "{path}");
        }
        let differ = |a: &str, b: &str| table.differ(Path::new(a), Path::new(b));
        assert!(differ("/mnt/nfs/a", "/srv/a"));
        assert!(!differ("/mnt/nfs/a", "/mnt/nfs/b"));
        assert!(!differ("relative", "/srv/a"), "nothing is known of it");
        assert!(MountTable::read().is_ok());
    }
}
