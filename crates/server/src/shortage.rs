//! Folders of the server in which nothing can be written: a full disk, a used up quota, a disk that the kernel made read-only. That is told once, with
//! what to do, and once when it is over. Everything that goes on without its file would tell it again with each request.

use std::error::Error;
use std::fmt;
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::fs::{Access, StatVfs, access, statvfs};
use rustix::io::Errno;

/// A disk on the edge is not told every other second to be full, and not to be.
const QUIET: Duration = Duration::from_secs(60);

/// Written to see whether it can be.
const TRIED: [u8; 4096] = [0; 4096];

/// Less room than this takes neither a log nor a chunk.
const ROOM_BYTES_MIN: u64 = 64 << 10;

/// The folders of a server, each with since when it was told that nothing can be written there. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Shortage(Arc<Mutex<Folders>>);

type Folders = Vec<(PathBuf, Option<Instant>)>;

/// What is new of a folder.
#[derive(Debug, PartialEq, Eq)]
enum Change {
    Begins { folder: PathBuf, cause: String },
    Ends { folder: PathBuf },
}

/// The line of a log.
impl fmt::Display for Change {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Change::Begins { folder, cause } => write!(
                out,
                "nothing can be written in {}: {cause}; make room there, or make it writable again. Until then logs, lists of tasks and statistics stay \
                 in memory or are lost, restores go on, and this is not told again for each of them",
                folder.display()
            ),
            Change::Ends { folder } => write!(out, "{} can be written again", folder.display()),
        }
    }
}

impl Shortage {
    /// Of these folders; one below another counts as that one.
    pub fn new(folders: &[&Path]) -> Shortage {
        let mut known = Folders::new();
        for folder in folders {
            if !known.iter().any(|(above, _)| folder.starts_with(above)) {
                known.push(((*folder).to_owned(), None));
            }
        }
        Shortage(Arc::new(Mutex::new(known)))
    }

    /// Whether an error about `path` is such a shortage of one of these folders, and thus told. Any other error is the caller's to tell.
    pub fn covers(&self, path: &Path, error: &(dyn Error + 'static)) -> bool {
        match self.noted(path, error, Instant::now()) {
            None => false,
            Some(change) => {
                change.iter().for_each(tell);
                true
            }
        }
    }

    /// Looks at the folders: tells what has begun before anybody met it, and what is over; whether something is over. Blocking.
    pub fn look(&self) -> bool {
        let mut is_over = false;
        let folders: Vec<PathBuf> = self.known().iter().map(|(path, _)| path.clone()).collect();
        for folder in folders {
            // Not while the lock is held: a disk may hang.
            let cause = shortage(&folder);
            let writes = || tried(&folder).is_ok();
            let change = self.looked(&folder, cause, writes, Instant::now());
            change.iter().for_each(tell);
            is_over |= matches!(change, Some(Change::Ends { .. }));
        }
        is_over
    }

    fn known(&self) -> MutexGuard<'_, Folders> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nothing if it is no shortage, else what is new about it.
    fn noted(
        &self,
        path: &Path,
        error: &(dyn Error + 'static),
        now: Instant,
    ) -> Option<Option<Change>> {
        let cause = cause_of(error)?;
        let mut known = self.known();
        let (folder, told) = known.iter_mut().find(|(of, _)| path.starts_with(of))?;
        let is_new = told.is_none();
        *told = Some(now);
        Some(is_new.then(|| Change::Begins {
            folder: folder.clone(),
            cause: cause.to_string(),
        }))
    }

    fn looked(
        &self,
        folder: &Path,
        cause: Option<&'static str>,
        writes: impl FnOnce() -> bool,
        now: Instant,
    ) -> Option<Change> {
        let told = self.known().iter().find(|(of, _)| of == folder)?.1;
        let next = match (told, cause) {
            (None, None) => return None,
            (_, Some(_)) => Some(now),
            (Some(since), None) if now.duration_since(since) < QUIET => return None,
            (Some(since), None) => (!writes()).then_some(since),
        };
        let mut known = self.known();
        let (_, slot) = known.iter_mut().find(|(of, _)| of == folder)?;
        let folder = folder.to_owned();
        // Somebody may have met it meanwhile.
        match (std::mem::replace(slot, next), cause, next) {
            (None, Some(cause), _) => Some(Change::Begins {
                folder,
                cause: cause.to_owned(),
            }),
            (Some(_), None, None) => Some(Change::Ends { folder }),
            _ => None,
        }
    }
}

fn tell(change: &Change) {
    match change {
        Change::Begins { .. } => tracing::error!("{change}"),
        Change::Ends { .. } => tracing::info!("{change}"),
    }
}

/// The system's reason, if it is one of these.
fn cause_of<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a io::Error> {
    let mut at = Some(error);
    while let Some(each) = at {
        if let Some(cause) = each.downcast_ref::<io::Error>() {
            return is_shortage(cause.kind()).then_some(cause);
        }
        at = each.source();
    }
    None
}

fn is_shortage(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::ReadOnlyFilesystem
    )
}

/// Writes some bytes to a file without a name, which is gone at once.
fn tried(folder: &Path) -> io::Result<()> {
    tempfile::tempfile_in(folder)?.write_all(&TRIED)
}

/// Why nothing can be written to a folder, as far as a look at it tells; nothing is written for it.
pub fn unwritable(folder: &Path) -> Option<&'static str> {
    if let Err(error) = access(folder, Access::WRITE_OK) {
        return Some(match error {
            Errno::ROFS => "the disk is read-only",
            Errno::ACCESS | Errno::PERM => "the server's user may not",
            _ => "it cannot be looked at",
        });
    }
    // What cannot tell its room is taken to have some.
    let room = statvfs(folder).ok()?;
    full(&room, rustix::process::geteuid().is_root())
}

/// The same in the system's words, of what is no matter of rights.
fn shortage(folder: &Path) -> Option<&'static str> {
    match unwritable(folder)? {
        FULL => Some("No space left on device"),
        NO_FILES => Some("No space left on device: it takes no more files"),
        _ => (access(folder, Access::WRITE_OK) == Err(Errno::ROFS))
            .then_some("Read-only file system"),
    }
}

const FULL: &str = "the disk is full";
const NO_FILES: &str = "the disk takes no more files";

/// Some room is kept for root, so only a server of root may count it.
fn full(room: &StatVfs, is_root: bool) -> Option<&'static str> {
    let (blocks, files) = match is_root {
        true => (room.f_bfree, room.f_ffree),
        false => (room.f_bavail, room.f_favail),
    };
    if blocks.saturating_mul(room.f_frsize) < ROOM_BYTES_MIN && room.f_blocks > 0 {
        Some(FULL)
    } else if files == 0 && room.f_files > 0 {
        Some(NO_FILES)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(number: i32) -> io::Error {
        io::Error::from_raw_os_error(number)
    }

    /// Each request said it again in three or four lines, none of them with what to do.
    #[test]
    fn it_is_told_once_and_when_it_is_over() {
        let shortage = Shortage::new(&["/s", "/s/log", "/l"].map(Path::new));
        let begin = Instant::now();
        let after = |seconds| begin + Duration::from_secs(seconds);
        let noted = |path: &str, number, now| shortage.noted(Path::new(path), &error(number), now);
        let told = noted("/s/log/tasks/active", 28, begin);
        let Some(Some(told)) = told else {
            panic!("{told:?}")
        };
        let told = told.to_string();
        for part in ["written in /s: No space left on device", "make room there"] {
            assert!(told.contains(part), "{told}");
        }
        // Again and again, and with another cause: nothing is new.
        assert_eq!(noted("/s/x", 28, after(1)), Some(None));
        assert_eq!(noted("/s/log/y", 30, after(2)), Some(None));
        // Another disk.
        let other = noted("/l/api/access.log", 122, after(2));
        assert!(
            matches!(other, Some(Some(Change::Begins { .. }))),
            "{other:?}"
        );
        // What is something else, or elsewhere, is not for here.
        assert_eq!(noted("/s/x", 13, after(3)), None);
        assert_eq!(noted("/store/x", 28, after(3)), None);

        let looked = |cause, writes, seconds| {
            shortage.looked(Path::new("/s"), cause, || writes, after(seconds))
        };
        assert_eq!(looked(None, true, 10), None, "too early");
        assert_eq!(looked(Some("full"), true, 20), None, "still");
        assert_eq!(looked(None, true, 79), None, "too early again");
        assert_eq!(looked(None, false, 81), None, "a quota");
        let over = Change::Ends {
            folder: "/s".into(),
        };
        assert_eq!(looked(None, true, 82), Some(over));
        assert_eq!(looked(None, true, 83), None);
        let again = looked(Some("full"), false, 84);
        assert!(matches!(again, Some(Change::Begins { .. })), "{again:?}");
    }

    #[test]
    fn a_cause_is_found_below_what_failed() {
        let deep = config::ConfigError::io("write", "/s/x")(error(28));
        assert!(cause_of(&deep).is_some());
        assert!(cause_of(&error(5)).is_none());
    }

    #[test]
    fn a_folder_with_room_is_tried() {
        let folder = tempfile::tempdir().expect("tempdir");
        tried(folder.path()).expect("written");
        assert_eq!(std::fs::read_dir(folder.path()).expect("list").count(), 0);
        assert!(tried(&folder.path().join("gone")).is_err());
    }

    /// With a full disk the server said that it was ready.
    #[test]
    fn a_full_or_closed_folder_is_not_writable() {
        let folder = tempfile::tempdir().expect("tempdir");
        assert_eq!(unwritable(folder.path()), None);
        let gone = folder.path().join("gone");
        assert_eq!(unwritable(&gone), Some("it cannot be looked at"));
        assert_eq!(shortage(&gone), None);
        let with = |change: fn(&mut StatVfs)| {
            let mut room = statvfs(folder.path()).expect("statvfs");
            room.f_blocks = room.f_blocks.max(1);
            room.f_frsize = 4096;
            change(&mut room);
            (full(&room, false), full(&room, true))
        };
        let told = Some("the disk is full");
        assert_eq!(
            with(|room| (room.f_bavail, room.f_bfree) = (3, 100)),
            (told, None)
        );
        assert_eq!(
            with(|room| (room.f_bavail, room.f_bfree) = (0, 0)),
            (told, told)
        );
        // Such as btrfs, which has no fixed number of files.
        let none = (None, None);
        assert_eq!(
            with(|room| (room.f_bfree, room.f_files, room.f_ffree) = (99, 0, 0)),
            none
        );
        let files = Some("the disk takes no more files");
        assert_eq!(
            with(|room| (room.f_bfree, room.f_files, room.f_ffree, room.f_favail) = (99, 9, 0, 0)),
            (files, files)
        );
    }
}
