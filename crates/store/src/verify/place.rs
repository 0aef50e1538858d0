//! Where a run began: what is missing there is gone; what is missing while the disk is away is not.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::AtFlags;
use rustix::io::Errno;

/// The folder of a datastore as the system knew it: an empty mount point is another one than the disk that was mounted there.
#[derive(Debug, Clone)]
pub(super) struct Place {
    base: PathBuf,
    /// Device and inode; nothing if it could not be looked at.
    id: Option<(u64, u64)>,
}

impl Place {
    pub(super) fn new(base: &Path) -> Place {
        Place {
            base: base.to_owned(),
            id: fs::metadata(base).ok().as_ref().map(id),
        }
    }

    /// Whether the same folder is there now.
    pub(super) fn is_there(&self) -> bool {
        let now = fs::metadata(&self.base).ok();
        now.is_some_and(|now| self.is(&now))
    }

    /// Whether the place is there and has nothing at `path`, which is below it. Both are asked of one open folder, so that a disk that comes
    /// back in between makes no difference. A disk that answers with errors tells nothing of the kind.
    pub(super) fn has_lost(&self, path: &Path) -> bool {
        let missing = || -> io::Result<bool> {
            let base = File::open(&self.base)?;
            let Ok(relative) = path.strip_prefix(&self.base) else {
                return Ok(false);
            };
            let found = rustix::fs::statat(&base, relative, AtFlags::SYMLINK_NOFOLLOW);
            Ok(self.is(&base.metadata()?) && found.is_err_and(|error| error == Errno::NOENT))
        };
        missing().unwrap_or(false)
    }

    fn is(&self, metadata: &fs::Metadata) -> bool {
        self.id == Some(id(metadata))
    }
}

fn id(metadata: &fs::Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_place_has_lost_something() {
        let dir = tempfile::tempdir().unwrap();
        let (base, away) = (dir.path().join("base"), dir.path().join("away"));
        fs::create_dir_all(base.join("kept")).unwrap();
        let place = Place::new(&base);
        let seen = || {
            let lost = |name: &str| place.has_lost(&base.join(name));
            (place.is_there(), lost("kept"), lost("lost"), lost("kept/x"))
        };
        assert_eq!(seen(), (true, false, true, true));
        fs::rename(&base, &away).unwrap();
        assert_eq!(seen(), (false, false, false, false), "nothing there");
        fs::create_dir(&base).unwrap();
        assert_eq!(seen(), (false, false, false, false), "an empty mount point");
        fs::remove_dir(&base).unwrap();
        fs::rename(&away, &base).unwrap();
        assert_eq!(seen(), (true, false, true, true), "it is back");
        assert!(!place.has_lost(&dir.path().join("elsewhere")));
        assert!(
            !Place::new(&away).has_lost(&away.join("kept")),
            "never there"
        );
    }
}
