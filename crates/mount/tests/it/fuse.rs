//! Real mounts, as root and as an ordinary user. Skipped, and said so, where there is no FUSE.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use mount::mounting::check_directory;
use mount::{MountError, Mounted, TreeView, mount_image, mount_tree};
use pxar::Accessor;

use crate::rig::{
    Complaints, fixtures, has_fuse, is_root, noise, recorded, small_archive, spoiled_archive,
    spoiled_names,
};
use crate::seen;

const SOON: Duration = Duration::from_secs(20);
const NOBODY: u32 = 65_534;

fn mount_archive(archive: Vec<u8>, target: &Path, complaints: &Complaints) -> Mounted {
    let view = TreeView::new(Accessor::open(archive).unwrap());
    mount_tree(view, target, complaints.hook()).unwrap()
}

#[test]
fn the_recorded_tree() {
    let Some(fixtures) = fixtures() else { return };
    if !has_fuse() {
        return;
    }
    if !is_root() {
        eprintln!("skipped: only root sees all attributes and owners");
        return;
    }
    let target = tempfile::tempdir().unwrap();
    let complaints = Complaints::default();
    let mounted = mount_tree(recorded(&fixtures), target.path(), complaints.hook()).unwrap();
    let expected = seen::recorded(&fixtures.join("tree.manifest.jsonl"));
    seen::assert_same(&seen::mounted(target.path()), &expected);
    // The kernel keeps what it was told: the same again.
    seen::assert_same(&seen::mounted(target.path()), &expected);
    mounted.unmount().unwrap();
    assert!(mounted.wait_for(SOON));
    mounted.wait().unwrap();
    assert!(complaints.list().is_empty(), "{:?}", complaints.list());
    assert_eq!(fs::read_dir(target.path()).unwrap().count(), 0);
}

#[test]
fn several_readers_at_once() {
    if !has_fuse() {
        return;
    }
    let target = tempfile::tempdir().unwrap();
    let complaints = Complaints::default();
    let _mounted = mount_archive(small_archive(), target.path(), &complaints);
    let big = noise(1, 3 << 20);
    std::thread::scope(|scope| {
        for reader in 0..6u64 {
            let (root, big) = (target.path(), &big);
            scope.spawn(move || match reader % 3 {
                0 => assert!(fs::read(root.join("big")).unwrap() == *big),
                1 => {
                    use std::os::unix::fs::FileExt as _;
                    let file = File::open(root.join("sub/link")).unwrap();
                    let mut piece = vec![0; 5_000];
                    for step in 0..200u64 {
                        let at = (step * 7_919_777 + reader) % (big.len() as u64 - 5_000);
                        file.read_exact_at(&mut piece, at).unwrap();
                        assert!(piece == big[at as usize..][..5_000], "at {at}");
                    }
                }
                _ => {
                    let entries = fs::read_dir(root.join("many")).unwrap();
                    for entry in entries.map(Result::unwrap) {
                        let name = entry.file_name().into_encoded_bytes();
                        assert!(fs::read(entry.path()).unwrap() == name);
                    }
                }
            });
        }
    });
    assert!(complaints.list().is_empty());
    let found = File::options().write(true).open(target.path().join("big"));
    let error = found.unwrap_err();
    assert!(
        [Some(libc_erofs()), Some(13)].contains(&error.raw_os_error()),
        "{error}"
    );
    assert!(fs::write(target.path().join("new"), "x").is_err());
}

fn libc_erofs() -> i32 {
    rustix::io::Errno::ROFS.raw_os_error()
}

/// Runs itself again as `nobody` when it is run by root: the helper `fusermount3` then mounts.
#[test]
fn an_ordinary_user() {
    if !has_fuse() {
        return;
    }
    if is_root() {
        if !Path::new("/usr/bin/fusermount3").exists() {
            eprintln!("skipped: no /usr/bin/fusermount3 here");
            return;
        }
        // Where nobody may read it.
        let work = tempfile::tempdir_in("/dev/shm").unwrap();
        fs::set_permissions(work.path(), fs::Permissions::from_mode(0o777)).unwrap();
        let copy = work.path().join("it");
        fs::copy(std::env::current_exe().unwrap(), &copy).unwrap();
        // Where udev has not opened the device to all, a private one is put in its place, for this process only.
        let script = format!(
            "set -e; cd {work}; mknod fuse c 10 229; chmod 666 fuse; mount --bind fuse /dev/fuse;
             exec setpriv --reuid {NOBODY} --regid {NOBODY} --clear-groups \
             {work}/it --exact fuse::an_ordinary_user --nocapture",
            work = work.path().display()
        );
        let closed = work.path().join("closed");
        fs::create_dir(&closed).unwrap();
        let output = Command::new("unshare")
            .args(["--mount", "--propagation", "private", "sh", "-c", &script])
            .env("TMPDIR", work.path())
            .env("MOUNT_TEST_CLOSED", &closed)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        let out = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{out}\n{said}");
        assert!(out.contains("1 passed"), "{out}");
        eprint!("{said}");
        return;
    }
    let target = tempfile::tempdir().unwrap();
    let complaints = Complaints::default();
    let mounted = mount_archive(small_archive(), target.path(), &complaints);
    let small = target.path().join("many/file with a longer name, number 7");
    assert_eq!(
        fs::read(small).unwrap(),
        b"file with a longer name, number 7"
    );
    assert!(fs::read(target.path().join("big")).unwrap() == noise(1, 3 << 20));
    let (big, link) = (
        target.path().join("big").metadata().unwrap(),
        target.path().join("sub").metadata().unwrap(),
    );
    assert_eq!((big.uid(), link.mode()), (0, 0o040_700));
    // Permissions hold: this directory is root's.
    assert!(fs::read_dir(target.path().join("sub")).is_err());
    assert!(matches!(
        check_directory(target.path()),
        Err(MountError::Busy(_))
    ));
    mounted.unmount().unwrap();
    assert!(mounted.wait_for(SOON));
    assert_eq!(fs::read_dir(target.path()).unwrap().count(), 0);

    // A directory of somebody else: the helper's own words come through.
    let Some(closed) = std::env::var_os("MOUNT_TEST_CLOSED") else {
        return;
    };
    let view = TreeView::new(Accessor::open(small_archive()).unwrap());
    let refused = mount_tree(view, Path::new(&closed), complaints.hook());
    match refused.map(drop) {
        Err(MountError::Helper { source, .. }) => {
            assert!(source.to_string().contains("fusermount3"), "{source}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_open_file_outlives_the_unmounting() {
    if !has_fuse() {
        return;
    }
    let target = tempfile::tempdir().unwrap();
    let mounted = mount_archive(small_archive(), target.path(), &Complaints::default());
    let open = File::open(target.path().join("big")).unwrap();
    mounted.unmount().unwrap();
    assert!(!mounted.wait_for(Duration::from_millis(50)));
    assert!(!target.path().join("big").exists());
    let mut last = [0; 100];
    let at = (3 << 20) - 100;
    std::os::unix::fs::FileExt::read_exact_at(&open, &mut last, at).unwrap();
    assert!(last == noise(1, 3 << 20)[at as usize..]);
    drop(open);
    assert!(mounted.wait_for(SOON));
    // Nothing is unmounted that is not ours.
    mounted.unmount().unwrap();
}

#[test]
fn somebody_else_unmounts() {
    if !has_fuse() || !is_root() {
        return;
    }
    let target = tempfile::tempdir().unwrap();
    let mounted = mount_archive(small_archive(), target.path(), &Complaints::default());
    rustix::mount::unmount(target.path(), rustix::mount::UnmountFlags::empty()).unwrap();
    assert!(mounted.wait_for(SOON));
    mounted.wait().unwrap();
}

#[test]
fn damage_is_an_error_for_the_reader_and_told() {
    if !has_fuse() {
        return;
    }
    let target = tempfile::tempdir().unwrap();
    let mut archive = small_archive();
    // The middle of the table of `many`: somewhere in the last fifth, found by its item's header.
    let header = 0x2fec_4fa6_42d5_731d_u64.to_le_bytes();
    let tables: Vec<_> = (0..archive.len() - 8)
        .filter(|at| archive[*at..][..8] == header)
        .collect();
    let many = tables[0];
    archive[many + 16 + 24 + 8..][..8].fill(0xff);
    let complaints = Complaints::default();
    let _mounted = mount_archive(archive, target.path(), &complaints);
    let listed: Vec<_> = fs::read_dir(target.path().join("many")).unwrap().collect();
    assert!(listed.iter().any(Result::is_err), "{}", listed.len());
    assert!(!complaints.list().is_empty());
    assert!(fs::read(target.path().join("big")).is_ok());
}

#[test]
fn what_the_kernel_cannot_take_is_left_out_and_the_rest_is_there() {
    if !has_fuse() {
        return;
    }
    let target = tempfile::tempdir().unwrap();
    let complaints = Complaints::default();
    let _mounted = mount_archive(spoiled_archive(17), target.path(), &complaints);
    for _ in 0..2 {
        let listed = fs::read_dir(target.path()).unwrap();
        let mut names: Vec<_> = listed
            .map(|entry| entry.unwrap().file_name().into_encoded_bytes())
            .collect();
        names.sort();
        assert_eq!(names, spoiled_names());
        for name in names {
            let path = target.path().join(OsStr::from_bytes(&name));
            let read = fs::read(&path).map_err(|error| error.raw_os_error());
            let expected = match &name[..] {
                b"bad" => Err(Some(rustix::io::Errno::IO.raw_os_error())),
                _ => Ok(b"x".to_vec()),
            };
            assert_eq!(read, expected, "{path:?}");
            assert_eq!(fs::symlink_metadata(&path).is_ok(), name != b"bad");
        }
    }
    let told = complaints.list();
    let long = told.iter().filter(|text| text.contains("cannot be shown"));
    assert_eq!(long.count(), 2, "{told:?}");
}

#[test]
fn where_nothing_can_be_mounted() {
    let work = tempfile::tempdir().unwrap();
    let path = |name: &str| work.path().join(name);
    fs::write(path("file"), "x").unwrap();
    fs::create_dir_all(path("full/member")).unwrap();
    fs::create_dir(path("empty")).unwrap();
    std::os::unix::fs::symlink(path("empty"), path("link")).unwrap();
    let check = |name: &str| check_directory(&path(name));
    assert!(matches!(check("file"), Err(MountError::NotADirectory(_))));
    assert!(matches!(check("full"), Err(MountError::NotEmpty(_))));
    assert!(matches!(check("none"), Err(MountError::Target { .. })));
    assert!(matches!(
        check_directory(Path::new("/proc")),
        Err(MountError::Busy(_))
    ));
    let real = path("empty").canonicalize().unwrap();
    assert_eq!(check("link").unwrap(), real);
}

/// The kernel's side of a mount whose process was killed.
#[test]
fn a_mount_that_nobody_serves() {
    if !has_fuse() || !is_root() {
        return;
    }
    let target = tempfile::tempdir().unwrap();
    let device = File::options()
        .read(true)
        .write(true)
        .open("/dev/fuse")
        .unwrap();
    let options = format!(
        "fd={},rootmode=40000,user_id=0,group_id=0",
        std::os::fd::AsRawFd::as_raw_fd(&device)
    );
    let options = std::ffi::CString::new(options).unwrap();
    let flags = rustix::mount::MountFlags::RDONLY;
    rustix::mount::mount("x", target.path(), "fuse", flags, options.as_c_str()).unwrap();
    drop(device);
    let found = check_directory(target.path());
    rustix::mount::unmount(target.path(), rustix::mount::UnmountFlags::DETACH).unwrap();
    assert!(matches!(found, Err(MountError::Stale(_))), "{found:?}");
}

#[test]
fn an_image_as_a_file() {
    if !has_fuse() {
        return;
    }
    let work = tempfile::tempdir().unwrap();
    let target = work.path().join("disk");
    fs::write(&target, "").unwrap();
    let image = noise(9, (5 << 20) + 77);
    let complaints = Complaints::default();
    let mounted = mount_image(image.clone(), &target, complaints.hook()).unwrap();
    assert_eq!(fs::metadata(&target).unwrap().len(), image.len() as u64);
    assert!(fs::read(&target).unwrap() == image);
    mounted.unmount().unwrap();
    assert!(mounted.wait_for(SOON));
    assert_eq!(fs::read(&target).unwrap(), b"");
}
