//! Folders of the server in which nothing can be written: a full disk, a used up quota, a disk that the kernel made read-only. That is told once, with
//! what to do, and once when it is over. Everything that goes on without its file would tell it again with each request.

use std::error::Error;
use std::fmt;
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::fs::{Access, StatVfs, access, statvfs};
use rustix::io::Errno;

/// A disk on the edge is not told every other second to be full, and not to be.
const QUIET: Duration = Duration::from_secs(60);

/// Less room than this takes neither a log nor a chunk.
const ROOM_BYTES_MIN: usize = 64 << 10;

/// Written to see whether it can be.
static TRIED: [u8; ROOM_BYTES_MIN] = [0; ROOM_BYTES_MIN];

/// The folders of a server, each with what was told of it. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Shortage(Arc<Mutex<Folders>>);

type Folders = Vec<(PathBuf, Option<Told>)>;

/// That nothing can be written to a folder.
#[derive(Debug)]
struct Told {
    /// Each is told once: a full disk that is made read-only is another matter.
    kinds: Vec<ErrorKind>,
    /// When it was met last.
    last: Instant,
    /// Where it was met first. It may be only there, such as by a quota of a folder.
    met: PathBuf,
}

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
    /// Of a server's folders; those below the two that are there by now may be other disks.
    pub fn of_server(state_dir: &Path, log_dir: &Path) -> Shortage {
        const STATE: [&str; 5] = [
            "locks",
            "statistics",
            "active-operations",
            "jobstates",
            "uploads",
        ];
        let mut folders = vec![state_dir.to_owned(), log_dir.to_owned()];
        folders.extend(STATE.map(|name| state_dir.join(name)));
        folders.extend(["tasks", "api"].map(|name| log_dir.join(name)));
        Shortage::new(&folders)
    }

    /// Of these folders; one below another counts as that one, unless another disk is mounted on it.
    pub fn new(folders: &[PathBuf]) -> Shortage {
        Shortage::of(folders, disk)
    }

    fn of(folders: &[PathBuf], disk: impl Fn(&Path) -> Option<u64>) -> Shortage {
        let mut known = Folders::new();
        for folder in folders {
            let on = disk(folder);
            let above = holder(&mut known, folder);
            // What cannot be looked at is not mounted.
            if above.is_none_or(|(above, _)| on.is_some() && on != disk(above)) {
                known.push((folder.clone(), None));
            }
        }
        Shortage(Arc::new(Mutex::new(known)))
    }

    /// The folders that are told of.
    pub fn folders(&self) -> Vec<PathBuf> {
        self.known().iter().map(|(path, _)| path.clone()).collect()
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
        for folder in self.folders() {
            // Not while the lock is held: a disk may hang.
            let Some(wrote) = self.tried(&folder, Instant::now()) else {
                continue;
            };
            let change = self.looked(&folder, wrote, Instant::now());
            change.iter().for_each(tell);
            is_over |= matches!(change, Some(Change::Ends { .. }));
        }
        is_over
    }

    /// Whether something can be written there, where there is a reason to try it.
    fn tried(&self, folder: &Path, now: Instant) -> Option<io::Result<()>> {
        let (is_quiet, met) = match &holder(&mut self.known(), folder)?.1 {
            Some(told) => (told.is_quiet(now), Some(told.met.clone())),
            None => (false, None),
        };
        // Such a look alone tells too much: some file systems say that they are full, and are not.
        let is_suspect = matches!(suspicion(folder), Some(FULL | NO_FILES | READ_ONLY));
        if !is_quiet && !is_suspect {
            return None;
        }
        // What was met there may be gone by now.
        let met = met.and_then(|met| met.ancestors().find(|at| at.is_dir()).map(Path::to_owned));
        Some(tried(folder).and_then(|()| met.map_or(Ok(()), |met| tried(&met))))
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
        let (folder, told) = holder(&mut known, path)?;
        let is_new = note(told, path, cause.kind(), now);
        Some(is_new.then(|| Change::Begins {
            folder: folder.clone(),
            cause: cause.to_string(),
        }))
    }

    fn looked(&self, folder: &Path, wrote: io::Result<()>, now: Instant) -> Option<Change> {
        let mut known = self.known();
        let (_, told) = holder(&mut known, folder)?;
        let folder = folder.to_owned();
        match wrote {
            Err(error) if is_shortage(error.kind()) => {
                let is_new = note(told, &folder, error.kind(), now);
                let cause = error.to_string();
                is_new.then_some(Change::Begins { folder, cause })
            }
            // Of other errors whoever meets them tells.
            Err(_) => None,
            // Somebody may have met it meanwhile.
            Ok(()) => {
                told.take_if(|told| told.is_quiet(now))?;
                Some(Change::Ends { folder })
            }
        }
    }
}

impl Told {
    fn is_quiet(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.last) >= QUIET
    }
}

/// Whether it is to be told.
fn note(told: &mut Option<Told>, met: &Path, kind: ErrorKind, now: Instant) -> bool {
    let told = told.get_or_insert_with(|| Told {
        kinds: Vec::new(),
        last: now,
        met: met.to_owned(),
    });
    told.last = now;
    let is_new = !told.kinds.contains(&kind);
    if is_new {
        told.kinds.push(kind);
    }
    is_new
}

/// The nearest of the folders.
fn holder<'a>(known: &'a mut Folders, path: &Path) -> Option<&'a mut (PathBuf, Option<Told>)> {
    let above = known.iter_mut().filter(|(of, _)| path.starts_with(of));
    above.max_by_key(|(of, _)| of.components().count())
}

/// The number of the disk, or whatever else it is.
fn disk(folder: &Path) -> Option<u64> {
    std::fs::metadata(folder).ok().map(|found| found.dev())
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

/// Why nothing can be written to a folder. Something is only written there if a look at it says that this cannot be.
pub fn unwritable(folder: &Path) -> Option<&'static str> {
    match suspicion(folder) {
        Some(FULL | NO_FILES) if tried(folder).is_ok() => None,
        why => why,
    }
}

/// The same, as far as a look tells.
fn suspicion(folder: &Path) -> Option<&'static str> {
    if let Err(error) = access(folder, Access::WRITE_OK) {
        return Some(match error {
            Errno::ROFS => READ_ONLY,
            Errno::ACCESS | Errno::PERM => "the server's user may not",
            _ => "it cannot be looked at",
        });
    }
    // What cannot tell its room is taken to have some.
    let room = statvfs(folder).ok()?;
    full(&room, rustix::process::geteuid().is_root())
}

const FULL: &str = "the disk is full";
const NO_FILES: &str = "the disk takes no more files";
const READ_ONLY: &str = "the disk is read-only";

/// Some room is kept for root, so only a server of root may count it.
fn full(room: &StatVfs, is_root: bool) -> Option<&'static str> {
    let (blocks, files) = match is_root {
        true => (room.f_bfree, room.f_ffree),
        false => (room.f_bavail, room.f_favail),
    };
    let bytes = usize::try_from(blocks.saturating_mul(room.f_frsize)).unwrap_or(usize::MAX);
    if bytes < ROOM_BYTES_MIN && room.f_blocks > 0 {
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

    /// `/s/log` is a disk of its own.
    fn known() -> Shortage {
        let disk = |path: &Path| match path.starts_with("/s/log") {
            _ if path.ends_with("gone") => None,
            true => Some(2),
            false => Some(1),
        };
        let folders = [
            "/s",
            "/s/log",
            "/s/log/tasks",
            "/s/locks",
            "/s/log/gone",
            "/l",
        ];
        Shortage::of(&folders.map(PathBuf::from), disk)
    }

    /// Each request said it again in three or four lines, none of them with what to do.
    #[test]
    fn it_is_told_once_and_when_it_is_over() {
        let shortage = known();
        let begin = Instant::now();
        let after = |seconds| begin + Duration::from_secs(seconds);
        let noted = |path: &str, number, now| shortage.noted(Path::new(path), &error(number), now);
        let told = noted("/s/locks/x", 28, begin);
        let Some(Some(told)) = told else {
            panic!("{told:?}")
        };
        let told = told.to_string();
        for part in ["written in /s: No space left on device", "make room there"] {
            assert!(told.contains(part), "{told}");
        }
        // Again and again: nothing is new.
        assert_eq!(noted("/s/x", 28, after(1)), Some(None));
        // What is something else, or elsewhere, is not for here.
        assert_eq!(noted("/s/x", 13, after(3)), None);
        assert_eq!(noted("/store/x", 28, after(3)), None);

        let looked = |wrote: Result<(), i32>, seconds| {
            shortage.looked(Path::new("/s"), wrote.map_err(error), after(seconds))
        };
        assert_eq!(looked(Ok(()), 10), None, "too early");
        assert_eq!(looked(Err(28), 20), None, "still");
        assert_eq!(looked(Ok(()), 79), None, "too early again");
        assert!(looked(Err(122), 80).is_some(), "a quota is new");
        assert_eq!(looked(Err(5), 141), None, "who meets it tells it");
        let over = Change::Ends {
            folder: "/s".into(),
        };
        assert_eq!(looked(Ok(()), 142), Some(over));
        assert_eq!(looked(Ok(()), 143), None);
        let again = looked(Err(28), 144);
        assert!(matches!(again, Some(Change::Begins { .. })), "{again:?}");
    }

    /// With a full disk on `log` the folder above was named, which had room, and it was said again and again that it was over.
    #[test]
    fn the_disk_that_is_full_is_named() {
        let shortage = known();
        let named: Vec<PathBuf> = shortage.folders();
        assert_eq!(named, ["/s", "/s/log", "/l"].map(PathBuf::from));
        for (path, folder) in [
            ("/s/log/tasks/active", "/s/log"),
            ("/s/statistics", "/s"),
            ("/l/api/access.log", "/l"),
        ] {
            let told = shortage.noted(Path::new(path), &error(28), Instant::now());
            let Some(Some(Change::Begins { folder: named, .. })) = told else {
                panic!("{path}: {told:?}");
            };
            assert_eq!(named, Path::new(folder), "{path}");
        }
    }

    /// A full disk that the kernel then made read-only was told as full for ever.
    #[test]
    fn another_cause_is_told_too() {
        let (shortage, now) = (known(), Instant::now());
        let mut told = Vec::new();
        for number in [28, 30, 28, 30, 122, 28] {
            match shortage.noted(Path::new("/s/x"), &error(number), now) {
                Some(Some(Change::Begins { .. })) => told.push(number),
                Some(None) => {}
                other => panic!("{number}: {other:?}"),
            }
        }
        assert_eq!(told, [28, 30, 122]);
    }

    /// It may be over in the folder, and not below it where it was met.
    #[test]
    fn it_is_tried_where_it_was_met() {
        let folder = tempfile::tempdir().expect("tempdir");
        let shortage = Shortage::new(&[folder.path().to_owned()]);
        let below = folder.path().join("below");
        std::fs::create_dir(&below).expect("folder");
        let begin = Instant::now();
        let after = |seconds| begin + Duration::from_secs(seconds);
        assert!(shortage.tried(folder.path(), begin).is_none(), "no reason");
        shortage.noted(&below.join("file"), &error(122), begin);
        assert!(shortage.tried(folder.path(), after(59)).is_none());
        let tried = || shortage.tried(folder.path(), after(60)).expect("a reason");
        tried().expect("there is room");
        std::fs::set_permissions(&below, std::os::unix::fs::PermissionsExt::from_mode(0o500))
            .expect("mode");
        let is_root = rustix::process::geteuid().is_root();
        assert_eq!(tried().is_ok(), is_root, "root may");
        std::fs::remove_dir_all(&below).expect("removed");
        tried().expect("what is gone keeps nothing");
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
