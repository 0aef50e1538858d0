//! Datastores on devices that come and go: which file system is meant, whether it is mounted, mounting and unmounting it (server.md 5.4,
//! formats.md 11.7). Mounting is root's; everybody else gets told so.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::fs::{DirBuilderExt as _, FileTypeExt as _, MetadataExt as _};
use std::path::{Component, Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use config::files::Datastore;
use format::StoreName;
use rustix::fs::{Mode, OFlags, ResolveFlags, openat2};
use rustix::io::Errno;
use rustix::mount::{UnmountFlags, mount_bind, unmount};

/// Where the system lists file systems by their UUIDs.
const BY_UUID: &str = "/dev/disk/by-uuid";
/// Where a device is mounted while the datastore's folder on it is made.
const TEMPORARY: &str = "/run/strongroom/mount";

/// Why a device was not mounted or unmounted.
#[derive(Debug, thiserror::Error)]
pub enum RemovableError {
    #[error("datastore '{0}' is not removable: it has no backing device")]
    NotRemovable(String),
    #[error(
        "mounting needs root; start the server as root, or mount {device:?} at {target:?} yourself"
    )]
    NotRoot { device: PathBuf, target: PathBuf },
    #[error("another task mounts or unmounts datastore '{0}' now; wait for its end")]
    Busy(StoreName),
    #[error(
        "{0:?} is a link, which may lead away from the device; remove it or choose another path"
    )]
    Link(PathBuf),
    #[error("there is no device {0:?}; is it connected?")]
    NoDevice(PathBuf),
    #[error("cannot mount {device:?}: {reason}")]
    Mount { device: PathBuf, reason: String },
    #[error("cannot {action} {path:?}")]
    Io {
        action: &'static str,
        path: PathBuf,
        source: io::Error,
    },
}

impl RemovableError {
    fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> RemovableError {
        let path = path.to_path_buf();
        move |source| RemovableError::Io {
            action,
            path,
            source,
        }
    }
}

/// Datastores whose device is mounted or unmounted now, one task each: so a mode `unmount` that is found was left by a server that died.
#[derive(Debug, Default)]
pub struct Devices(Mutex<BTreeSet<StoreName>>);

/// A task's turn at a device, while this value lives.
#[derive(Debug)]
pub struct Turn<'a> {
    devices: &'a Devices,
    name: StoreName,
}

impl Devices {
    pub fn turn(&self, name: &StoreName) -> Result<Turn<'_>, RemovableError> {
        let mut names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match names.insert(name.clone()) {
            true => Ok(Turn {
                devices: self,
                name: name.clone(),
            }),
            false => Err(RemovableError::Busy(name.clone())),
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let names = self.devices.0.lock();
        names
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.name);
    }
}

/// Whether a datastore's directory can be looked at: always, unless it is on a device that is not mounted now.
pub fn is_available(datastore: &Datastore) -> bool {
    match &datastore.backing_device {
        None => true,
        Some(uuid) => is_mounted(&device(uuid), &datastore.directory()),
    }
}

/// `nonremovable`, `mounted` or `notmounted`.
pub fn mount_status(datastore: &Datastore) -> &'static str {
    match datastore.backing_device {
        None => "nonremovable",
        Some(_) if is_available(datastore) => "mounted",
        Some(_) => "notmounted",
    }
}

fn device(uuid: &str) -> PathBuf {
    Path::new(BY_UUID).join(uuid)
}

/// Whether `target` is a mount point of this very device; any doubt is a no.
fn is_mounted(device: &Path, target: &Path) -> bool {
    let Some(wanted) = block_device(device) else {
        return false;
    };
    let Ok(table) = fs::read_to_string("/proc/self/mountinfo") else {
        return false;
    };
    sources(&table, target).any(|source| block_device(Path::new(&source)) == Some(wanted))
}

/// Sources of what is mounted at `target`, from the kernel's table.
fn sources<'a>(table: &'a str, target: &'a Path) -> impl Iterator<Item = String> + 'a {
    table.lines().filter_map(move |line| {
        let (mounted, source) = line.split_once(" - ")?;
        let point = mounted.split(' ').nth(4)?;
        let source = source.split(' ').nth(1)?;
        (Path::new(&plain(point)) == target).then(|| plain(source))
    })
}

/// Undoes the table's octal escapes of blanks and backslashes.
fn plain(text: &str) -> String {
    text.replace("\\040", " ")
        .replace("\\011", "\t")
        .replace("\\012", "\n")
        .replace("\\134", "\\")
}

fn block_device(path: &Path) -> Option<u64> {
    let metadata = fs::metadata(path).ok()?;
    metadata
        .file_type()
        .is_block_device()
        .then(|| metadata.rdev())
}

/// Mounts a datastore's device so that its directory is there; makes the folder on the device if it is missing.
pub fn mount(datastore: &Datastore) -> Result<(), RemovableError> {
    let uuid = uuid(datastore)?;
    let (device, target) = (device(uuid), datastore.directory());
    if is_mounted(&device, &target) {
        return Ok(());
    }
    require_root(&device, &target)?;
    if block_device(&device).is_none() {
        return Err(RemovableError::NoDevice(device));
    }
    let temporary = Path::new(TEMPORARY).join(uuid);
    make_dir(&temporary)?;
    mount_device(&device, &temporary)?;
    let made = bind(&temporary, Path::new(&datastore.path), &target);
    let taken = unmount(&temporary, UnmountFlags::empty());
    made?;
    taken.map_err(|error| RemovableError::io("unmount", &temporary)(error.into()))?;
    // What stays is an empty folder.
    let _ = fs::remove_dir(&temporary);
    Ok(())
}

/// Unmounts a datastore's device from its directory.
pub fn unmount_device(datastore: &Datastore) -> Result<(), RemovableError> {
    let (device, target) = (device(uuid(datastore)?), datastore.directory());
    if !is_mounted(&device, &target) {
        return Ok(());
    }
    require_root(&device, &target)?;
    unmount(&target, UnmountFlags::empty())
        .map_err(|error| RemovableError::io("unmount", &target)(error.into()))
}

fn uuid(datastore: &Datastore) -> Result<&str, RemovableError> {
    let uuid = datastore.backing_device.as_deref();
    uuid.ok_or_else(|| RemovableError::NotRemovable(datastore.name.to_string()))
}

fn require_root(device: &Path, target: &Path) -> Result<(), RemovableError> {
    match rustix::process::geteuid().is_root() {
        true => Ok(()),
        false => Err(RemovableError::NotRoot {
            device: device.to_path_buf(),
            target: target.to_path_buf(),
        }),
    }
}

fn bind(device: &Path, folder: &Path, target: &Path) -> Result<(), RemovableError> {
    let folder = folder_beneath(device, folder)?;
    make_dir(target)?;
    // By the open folder: what was looked at is what is mounted.
    let source = format!("/proc/self/fd/{}", folder.as_raw_fd());
    mount_bind(source.as_str(), target)
        .map_err(|error| RemovableError::io("mount at", target)(error.into()))
}

/// A folder of a device, made if it is missing. Whoever wrote the device is not trusted: none of its links leads elsewhere. To hold the answer
/// keeps the device busy.
fn folder_beneath(device: &Path, folder: &Path) -> Result<OwnedFd, RemovableError> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let strict = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    let mut place = device.to_path_buf();
    let mut open = rustix::fs::open(device, flags, Mode::empty())
        .map_err(|error| RemovableError::io("open", device)(error.into()))?;
    for part in folder.components() {
        place.push(part);
        let name = match part {
            Component::Normal(name) => name,
            Component::CurDir => continue,
            _ => {
                let refused = io::ErrorKind::InvalidInput.into();
                return Err(RemovableError::io("open", &place)(refused));
            }
        };
        match rustix::fs::mkdirat(&open, name, Mode::from_raw_mode(0o755)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(RemovableError::io("create", &place)(error.into())),
        }
        open = openat2(&open, name, flags, Mode::empty(), strict).map_err(|error| match error {
            Errno::LOOP | Errno::XDEV => RemovableError::Link(place.clone()),
            error => RemovableError::io("open", &place)(error.into()),
        })?;
    }
    Ok(open)
}

fn make_dir(path: &Path) -> Result<(), RemovableError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o755)
        .create(path)
        .map_err(RemovableError::io("create", path))
}

/// The system's own `mount` finds out what kind of file system it is.
fn mount_device(device: &Path, target: &Path) -> Result<(), RemovableError> {
    let output = Command::new("mount")
        // Backups are data: neither programs with another's rights nor doors to devices.
        .args(["-o", "nosuid,nodev"])
        .arg("--")
        .arg(device)
        .arg(target)
        .output()
        .map_err(RemovableError::io("run `mount` for", device))?;
    if output.status.success() {
        return Ok(());
    }
    let reason = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(RemovableError::Mount {
        device: device.to_path_buf(),
        reason,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = r"22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw
98 22 8:17 /vault /mnt/datastore/my\040vault rw,relatime shared:5 - ext4 /dev/sdb1 rw
99 22 0:44 / /mnt/datastore/net rw - nfs box:/export rw
";

    #[test]
    fn what_is_mounted_where() {
        for (target, expected) in [
            ("/", vec!["/dev/sda1"]),
            ("/mnt/datastore/my vault", vec!["/dev/sdb1"]),
            ("/mnt/datastore/net", vec!["box:/export"]),
            ("/mnt/datastore", vec![]),
        ] {
            let found: Vec<String> = sources(TABLE, Path::new(target)).collect();
            assert_eq!(found, expected, "{target}");
        }
    }

    #[test]
    fn folders_lie_on_the_device() {
        let dir = tempfile::tempdir().expect("tempdir");
        let (device, outside) = (dir.path().join("device"), dir.path().join("outside"));
        make_dir(&device).expect("folder");
        make_dir(&outside).expect("folder");
        let made = |path: &str| folder_beneath(&device, Path::new(path));
        for path in ["a", "a/b", "a/b/c", "./a/d"] {
            made(path).unwrap_or_else(|error| panic!("{path}: {error:?}"));
            made(path).unwrap_or_else(|error| panic!("{path} again: {error:?}"));
            assert!(device.join(path).is_dir(), "{path}");
        }
        let links = [("away", outside.as_path()), ("near", Path::new("a"))];
        for (name, to) in links {
            std::os::unix::fs::symlink(to, device.join(name)).expect("link");
            std::os::unix::fs::symlink(to, device.join("a").join(name)).expect("link");
        }
        for path in ["away", "away/x", "near", "near/x", "a/away/x", "a/near"] {
            let refused = made(path).expect_err(path);
            let is_told = matches!(refused, RemovableError::Link(_));
            assert!(is_told, "{path}: {refused:?}");
        }
        fs::write(device.join("file"), "").expect("file");
        for path in ["file", "file/x", "../outside", "a/../../outside", "/etc"] {
            made(path).expect_err(path);
        }
        let left = fs::read_dir(&outside).expect("list").count();
        assert_eq!(left, 0, "nothing was made elsewhere");
    }

    /// A file system in a file, which `mount` takes like a device. Only root can mount it, so others skip this.
    #[test]
    fn a_device_brings_neither_programs_nor_devices() {
        let dir = tempfile::tempdir().expect("tempdir");
        let (image, point, target) = (
            dir.path().join("image"),
            dir.path().join("point"),
            dir.path().join("target"),
        );
        let file = fs::File::create(&image).expect("image");
        file.set_len(4 << 20).expect("image");
        make_dir(&point).expect("folder");
        let made = Command::new("mkfs.ext4").arg("-q").arg(&image).status();
        if !rustix::process::geteuid().is_root() || !made.is_ok_and(|status| status.success()) {
            eprintln!("skipped: needs root and mkfs.ext4");
            return;
        }
        if let Err(error) = mount_device(&image, &point) {
            eprintln!("skipped: no loop devices here: {error}");
            return;
        }
        let bound = bind(&point, Path::new("backups/vault"), &target);
        let table = fs::read_to_string("/proc/self/mountinfo").expect("table");
        let freed = unmount(&point, UnmountFlags::empty());
        let gone = unmount(&target, UnmountFlags::empty());
        bound.expect("bound");
        freed.expect("nothing keeps the device busy");
        gone.expect("unmounted");
        for place in [&point, &target] {
            let place = format!(" {} ", place.display());
            let line = table.lines().find(|line| line.contains(&place));
            let line = line.unwrap_or_else(|| panic!("{place} in {table}"));
            assert!(line.contains("nosuid") && line.contains("nodev"), "{line}");
        }
    }

    #[test]
    fn one_task_at_a_device() {
        let devices = Devices::default();
        let [usb, tape] = ["usb", "tape"].map(|name| name.parse().expect("name"));
        let turn = devices.turn(&usb).expect("free");
        assert!(matches!(
            devices.turn(&usb),
            Err(RemovableError::Busy(name)) if name == usb
        ));
        devices.turn(&tape).expect("another device");
        drop(turn);
        devices.turn(&usb).expect("free again");
    }

    #[test]
    fn without_its_device_a_datastore_is_not_there() {
        let mut datastore = Datastore::new("vault".parse().expect("name"), "folder".to_owned());
        assert_eq!(mount_status(&datastore), "nonremovable");
        assert!(matches!(
            mount(&datastore),
            Err(RemovableError::NotRemovable(_))
        ));
        datastore.backing_device = Some("00000000-0000-4000-8000-000000000000".to_owned());
        assert_eq!(mount_status(&datastore), "notmounted");
        let error = mount(&datastore).expect_err("there is no such device");
        assert!(matches!(
            error,
            RemovableError::NotRoot { .. } | RemovableError::NoDevice(_)
        ));
        unmount_device(&datastore).expect("nothing to do");
    }
}
