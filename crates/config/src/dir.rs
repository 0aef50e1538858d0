//! The configuration directory: which files there are, how they are locked, read and replaced (server.md 1.0, 1.2).
//!
//! A file is only ever replaced as a whole, atomically, by the holder of its lock; so readers need no lock. The digest of
//! what was read guards against lost updates over the network.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::str::Utf8Error;
use std::time::{Duration, Instant};

use format::Digest;
use rustix::fs::{FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use crate::error::ConfigError;
use crate::link;
use crate::owner;

/// A file of the directory with its lock and its mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileSpec {
    /// Its name.
    pub name: &'static str,
    /// The file whose lock guards it.
    pub lock: &'static str,
    /// Mode of a new version.
    pub mode: u32,
}

macro_rules! files {
    ($($constant:ident, $name:literal, $lock:literal, $mode:literal;)*) => {
        impl FileSpec {
            $(#[doc = concat!("`", $name, "`")] pub const $constant: FileSpec = FileSpec { name: $name, lock: $lock, mode: $mode };)*
        }
    };
}

files! {
    DATASTORE, "datastore.cfg", ".datastore.lck", 0o640;
    USER, "user.cfg", ".user.lck", 0o640;
    ACL, "acl.cfg", ".acl.lck", 0o640;
    TOKEN_SHADOW, "token.shadow", "token.shadow.lock", 0o640;
    SHADOW, "shadow.json", "shadow.json.lock", 0o600;
    TFA, "tfa.json", "tfa.json.lock", 0o600;
    TICKET_LIMITS, "ticket-limits.json", ".ticket-limits.lck", 0o640;
    DOMAINS, "domains.cfg", ".domains.lck", 0o640;
    LDAP_PASSWORDS, "ldap_passwords.json", ".domains.lck", 0o600;
    NODE, "node.cfg", ".node.lck", 0o640;
    SYNC, "sync.cfg", ".sync.lck", 0o640;
    VERIFICATION, "verification.cfg", ".verification.lck", 0o640;
    NOTIFICATIONS, "notifications.cfg", ".notifications.lck", 0o640;
    NOTIFICATIONS_PRIV, "notifications-priv.cfg", ".notifications.lck", 0o600;
    PRUNE, "prune.cfg", ".prune.lck", 0o640;
    REMOTE, "remote.cfg", ".remote.lck", 0o640;
    TRAFFIC_CONTROL, "traffic-control.cfg", ".traffic-control.lck", 0o640;
    METRIC_SERVER, "metricserver.cfg", ".metricserver.lck", 0o640;
    S3, "s3.cfg", ".s3.lck", 0o640;
    ENCRYPTION_KEYS, "encryption-keys.cfg", ".encryption-keys.lck", 0o640;
    ACME_PLUGINS, "acme/plugins.cfg", "acme/.plugins.lck", 0o640;
    CERTIFICATE, "proxy.pem", ".proxy.lck", 0o640;
    CERTIFICATE_KEY, "proxy.key", ".proxy.lck", 0o640;
    AUTH_KEY, "authkey.key", ".authkey.lck", 0o600;
    AUTH_PUBLIC_KEY, "authkey.pub", ".authkey.lck", 0o640;
    CSRF_KEY, "csrf.key", ".csrf.lck", 0o640;
}

/// How the name of a temporary file ends.
const TEMP_SUFFIX: &str = ".tmp";
/// How long to wait for a lock.
pub const LOCK_TIMEOUT: Duration = Duration::from_secs(10);
/// Time between two tries for a lock.
const LOCK_RETRY: Duration = Duration::from_millis(20);
/// Largest file that is read.
pub(crate) const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// The directory. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigDir {
    root: PathBuf,
    lock_timeout: Duration,
}

/// What a file was at some moment, cheap to ask: a different stamp means that it may have changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stamp {
    inode: u64,
    size: u64,
    mtime_s: i64,
    mtime_ns: i64,
    /// Changes also with owner and mode: what could not be read may be readable now.
    ctime_s: i64,
    ctime_ns: i64,
}

/// The exclusive right to change a file, until dropped.
#[derive(Debug)]
pub struct Locked<'a> {
    dir: &'a ConfigDir,
    spec: FileSpec,
    _lock: File,
}

impl ConfigDir {
    /// The directory at `root`, which must exist.
    pub fn open(root: &Path) -> Result<ConfigDir, ConfigError> {
        let metadata = fs::metadata(root)
            .map_err(ConfigError::io("open the configuration directory", root))?;
        if !metadata.is_dir() {
            return Err(ConfigError::io("open the configuration directory", root)(
                io::Error::from(io::ErrorKind::NotADirectory),
            ));
        }
        Ok(ConfigDir {
            root: root.to_owned(),
            lock_timeout: LOCK_TIMEOUT,
        })
    }

    /// The directory at `root`, made with mode 0700 if it is missing.
    pub fn create(root: &Path) -> Result<ConfigDir, ConfigError> {
        owner::make_folders(root, 0o700)
            .map_err(ConfigError::io("create the configuration directory", root))?;
        ConfigDir::open(root)
    }

    /// Another time limit for locks.
    pub fn with_lock_timeout(self, lock_timeout: Duration) -> ConfigDir {
        ConfigDir {
            lock_timeout,
            ..self
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.root
    }

    /// Where a file is.
    pub fn path_of(&self, spec: FileSpec) -> PathBuf {
        self.root.join(spec.name)
    }

    /// The bytes of a file, `None` if there is none.
    pub fn read_bytes(&self, spec: FileSpec) -> Result<Option<Vec<u8>>, ConfigError> {
        read_file(&self.path_of(spec))
    }

    /// The text of a file and its digest; a missing file is an empty one.
    pub fn read(&self, spec: FileSpec) -> Result<(String, Digest), ConfigError> {
        let bytes = self.read_bytes(spec)?.unwrap_or_default();
        let digest = Digest::of(&bytes);
        // Not copied: it may hold secrets.
        let text = into_text(spec.name, bytes)?;
        Ok((text, digest))
    }

    /// What the file is now.
    pub fn stamp(&self, spec: FileSpec) -> Result<Stamp, ConfigError> {
        let path = self.path_of(spec);
        let found = match fs::metadata(&path) {
            // A link that leads nowhere is something else than nothing.
            Err(error) if error.kind() == io::ErrorKind::NotFound => fs::symlink_metadata(&path),
            found => found,
        };
        match found {
            Ok(m) => Ok(Stamp {
                inode: m.ino(),
                size: m.size(),
                mtime_s: m.mtime(),
                mtime_ns: m.mtime_nsec(),
                ctime_s: m.ctime(),
                ctime_ns: m.ctime_nsec(),
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Stamp::default()),
            Err(error) => Err(ConfigError::io("look at", path)(error)),
        }
    }

    /// Waits for the right to change a file.
    pub fn lock(&self, spec: FileSpec) -> Result<Locked<'_>, ConfigError> {
        let path = self.root.join(spec.lock);
        if let Some((folder, _)) = spec.lock.rsplit_once('/') {
            self.make_folder(folder)?;
        }
        let mut options = OpenOptions::new();
        options.read(true).write(true).mode(0o660);
        let file = owner::open_or_make(&options, &path);
        let file = file.map_err(ConfigError::io("open the lock", &path))?;
        let end = Instant::now() + self.lock_timeout;
        loop {
            match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => {
                    return Ok(Locked {
                        dir: self,
                        spec,
                        _lock: file,
                    });
                }
                Err(Errno::WOULDBLOCK | Errno::INTR) if Instant::now() < end => {
                    std::thread::sleep(LOCK_RETRY)
                }
                Err(Errno::WOULDBLOCK | Errno::INTR) => {
                    return Err(ConfigError::LockTimeout {
                        path,
                        seconds: self.lock_timeout.as_secs(),
                    });
                }
                Err(error) => return Err(ConfigError::io("lock", path)(error.into())),
            }
        }
    }

    /// New content for a file, all or nothing, on disk when this returns.
    fn write(&self, spec: FileSpec, content: &[u8]) -> Result<(), ConfigError> {
        let (folder, name) = spec.name.rsplit_once('/').unwrap_or(("", spec.name));
        replace_file(&self.root.join(folder), name, spec.mode, content)
    }

    /// A folder of the directory, made if it is missing; for its owner alone.
    pub(crate) fn make_folder(&self, name: &str) -> Result<PathBuf, ConfigError> {
        let folder = self.root.join(name);
        owner::make_folders(&folder, 0o700).map_err(ConfigError::io("create", &folder))?;
        Ok(folder)
    }

    /// New content for a secret file in a folder of the directory, as [`Locked::replace`] does. The caller holds the lock of whatever lists such
    /// files; `name` is a single component.
    pub(crate) fn replace_secret(
        &self,
        folder: &str,
        name: &str,
        content: &[u8],
    ) -> Result<(), ConfigError> {
        replace_file(&self.make_folder(folder)?, name, 0o600, content)
    }
}

/// The text of a file; where it is none, the line that is not.
pub(crate) fn as_text<'a>(name: &str, bytes: &'a [u8]) -> Result<&'a str, ConfigError> {
    std::str::from_utf8(bytes).map_err(|error| no_text(name, bytes, error))
}

/// The same of bytes that are not needed any more.
fn into_text(name: &str, bytes: Vec<u8>) -> Result<String, ConfigError> {
    String::from_utf8(bytes).map_err(|error| no_text(name, error.as_bytes(), error.utf8_error()))
}

fn no_text(name: &str, bytes: &[u8], error: Utf8Error) -> ConfigError {
    let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
    ConfigError::Parse {
        file: name.to_owned(),
        line: before.iter().filter(|byte| **byte == b'\n').count() + 1,
        reason: "file is not UTF-8".to_owned(),
    }
}

/// The bytes of a file, `None` if there is none.
pub(crate) fn read_file(path: &Path) -> Result<Option<Vec<u8>>, ConfigError> {
    let Some(file) = open_regular(path)? else {
        return Ok(None);
    };
    let mut bytes = Vec::new();
    read_bounded(file, path, &mut bytes)?;
    Ok(Some(bytes))
}

/// All of a file, if it is not too large: by its size already, and also if it grows meanwhile.
pub(crate) fn read_bounded(
    file: File,
    path: &Path,
    bytes: &mut Vec<u8>,
) -> Result<(), ConfigError> {
    let size = file.metadata().map_err(ConfigError::io("look at", path))?;
    if size.len() <= FILE_BYTES_MAX {
        file.take(FILE_BYTES_MAX + 1)
            .read_to_end(bytes)
            .map_err(ConfigError::io("read", path))?;
    }
    match size.len().max(bytes.len() as u64) > FILE_BYTES_MAX {
        true => Err(ConfigError::TooLarge {
            path: path.to_owned(),
            limit: FILE_BYTES_MAX,
        }),
        false => Ok(()),
    }
}

/// Opens a file to read it; nothing if there is none, and no link either. Anything else in its place is refused: a FIFO would be waited for without end.
fn open_regular(path: &Path) -> Result<Option<File>, ConfigError> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    let file = match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(file) => File::from(file),
        Err(Errno::NOENT) => return link::dangling(path).map_or(Ok(None), Err),
        Err(error) => return Err(ConfigError::io("open", path)(error.into())),
    };
    let metadata = file.metadata().map_err(ConfigError::io("look at", path))?;
    match metadata.is_file() {
        true => Ok(Some(file)),
        false => Err(ConfigError::NotAFile(path.to_owned())),
    }
}

fn replace_file(folder: &Path, name: &str, mode: u32, content: &[u8]) -> Result<(), ConfigError> {
    let path = link::place(&folder.join(name))?;
    let folder = path.parent().unwrap_or(folder);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let prefix = format!(".{name}.");
    remove_leftovers(folder, &prefix);
    let mut builder = tempfile::Builder::new();
    let temp = builder
        .prefix(&prefix)
        .suffix(TEMP_SUFFIX)
        .permissions(fs::Permissions::from_mode(mode));
    let mut file = temp
        .tempfile_in(folder)
        .map_err(ConfigError::io("create a temporary file for", &path))?;
    file.write_all(content)
        .map_err(ConfigError::io("write", &path))?;
    // The mode given at creation is cut by the umask.
    file.as_file()
        .set_permissions(fs::Permissions::from_mode(mode))
        .map_err(ConfigError::io("set the mode of", &path))?;
    keep_owner(file.as_file(), folder, &path)
        .map_err(ConfigError::io("give its owner the new version of", &path))?;
    file.as_file()
        .sync_all()
        .map_err(ConfigError::io("sync", &path))?;
    file.persist(&path)
        .map_err(|error| ConfigError::io("replace", &path)(error.error))?;
    File::open(folder)
        .and_then(|dir| dir.sync_all())
        .map_err(ConfigError::io("sync the directory of", path))
}

/// Root's new version of a file belongs to the owner of the folder. Where that is refused it matters only if the old version was his: then it
/// would be taken from him.
fn keep_owner(made: &File, folder: &Path, path: &Path) -> io::Result<()> {
    if owner::inherit(made, folder)? {
        return Ok(());
    }
    let his = |old: fs::Metadata| fs::metadata(folder).is_ok_and(|f| f.uid() == old.uid());
    match fs::symlink_metadata(path).is_ok_and(his) {
        true => Err(io::Error::from(io::ErrorKind::PermissionDenied)),
        false => Ok(()),
    }
}

/// Removes what writers left that were killed: whoever holds the lock is the only one who writes. That something stays is no reason not to
/// write.
fn remove_leftovers(folder: &Path, prefix: &str) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let is_ours = name
            .to_str()
            .and_then(|name| name.strip_prefix(prefix)?.strip_suffix(TEMP_SUFFIX))
            .is_some_and(|middle| !middle.contains('.'));
        if is_ours {
            let _ = fs::remove_file(entry.path());
        }
    }
}

impl Locked<'_> {
    /// The file under the lock.
    pub fn spec(&self) -> FileSpec {
        self.spec
    }

    /// The current text and its digest; with `expected` the digest must be that one.
    pub fn read(&self, expected: Option<&Digest>) -> Result<(String, Digest), ConfigError> {
        let (text, digest) = self.dir.read(self.spec)?;
        match expected {
            Some(expected) if *expected != digest => Err(ConfigError::Modified),
            _ => Ok((text, digest)),
        }
    }

    /// Replaces the file.
    pub fn replace(&self, content: &[u8]) -> Result<(), ConfigError> {
        self.dir.write(self.spec, content)
    }

    /// Replaces another file that the same lock guards.
    ///
    /// # Panics
    /// If it is guarded by another lock: a mistake of the caller.
    pub fn replace_companion(&self, spec: FileSpec, content: &[u8]) -> Result<(), ConfigError> {
        assert_eq!(spec.lock, self.spec.lock, "a companion shares the lock");
        self.dir.write(spec, content)
    }
}
