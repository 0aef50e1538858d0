//! Images as block devices. Needs root and loop devices; skipped, and said so, elsewhere.

use std::fs::{self, File};
use std::io::Read as _;

use mount::loop_device::{self, LoopError};
use mount::mount_image;

use crate::rig::{Complaints, has_fuse, is_root, noise};

#[test]
fn an_image_as_a_block_device() {
    if !has_fuse() {
        return;
    }
    let control = File::options().write(true).open("/dev/loop-control");
    if !is_root() || control.is_err() {
        eprintln!("skipped: not root, or no /dev/loop-control here");
        return;
    }
    let work = tempfile::tempdir().unwrap();
    let file = work.path().join("disk");
    fs::write(&file, "").unwrap();
    let image = noise(5, 3 << 20);
    let mounted = mount_image(image.clone(), &file, Complaints::default().hook()).unwrap();
    assert_eq!(loop_device::find(&file).unwrap(), None);
    let number = loop_device::attach(&file).unwrap();
    assert_eq!(loop_device::find(&file).unwrap(), Some(number));
    assert_eq!(loop_device::backing_file(number).unwrap(), file);
    let path = loop_device::path(number);
    let mut content = Vec::new();
    File::open(&path)
        .unwrap()
        .read_to_end(&mut content)
        .unwrap();
    assert!(content == image);
    let read_only = fs::read_to_string(format!("/sys/block/loop{number}/ro"));
    assert_eq!(read_only.unwrap(), "1\n");
    loop_device::detach(number).unwrap();
    assert_eq!(loop_device::find(&file).unwrap(), None);
    // twice is no harm
    loop_device::detach(number).unwrap();
    mounted.unmount().unwrap();
}

#[test]
fn a_file_that_is_not_there() {
    if !is_root() || !std::path::Path::new("/dev/loop-control").exists() {
        return;
    }
    let missing = std::path::Path::new("/nonexistent/image");
    assert!(matches!(
        loop_device::attach(missing),
        Err(LoopError::Open { .. })
    ));
}
