//! `mount`: it was missing from the program; archives in one piece and split ones, ended by a signal and by somebody else.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::mount::UnmountFlags;
use rustix::process::{Pid, Signal, kill_process};

use crate::{err, pxar, scene};

const SOON: Duration = Duration::from_secs(30);

fn has_fuse() -> bool {
    let device = File::options().read(true).write(true).open("/dev/fuse");
    let usable = rustix::process::geteuid().is_root() && device.is_ok();
    if !usable {
        eprintln!("SKIPPED: not root, or no /dev/fuse");
    }
    usable
}

fn start(args: &[&str], dir: &Path) -> Child {
    Command::new(env!("CARGO_BIN_EXE_pxar"))
        .args(args)
        .current_dir(dir)
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts")
}

fn wait_until(what: &str, mut reached: impl FnMut() -> bool) {
    let deadline = Instant::now() + SOON;
    while !reached() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::yield_now();
    }
}

#[test]
fn an_archive_is_shown_until_it_is_unmounted() {
    if !has_fuse() {
        return;
    }
    let temp = scene();
    let dir = temp.path();
    let point = dir.join("point");
    std::fs::create_dir(&point).expect("dir");
    for line in [
        &["create", "one.pxar", "tree"][..],
        &[
            "create",
            "two.mpxar",
            "tree",
            "--payload-output",
            "two.ppxar",
        ],
    ] {
        assert_eq!(pxar(line, dir).status.code(), Some(0), "{line:?}");
    }
    for (line, by_signal) in [
        (&["mount", "one.pxar", "point"][..], true),
        (
            &[
                "mount",
                "two.mpxar",
                "point",
                "--payload-input",
                "two.ppxar",
            ],
            false,
        ),
    ] {
        let mut child = start(line, dir);
        wait_until("mounted", || point.join("dir").exists());
        let text = std::fs::read_to_string(point.join("link/file"));
        assert_eq!(text.expect("the file"), "text", "{line:?}");
        assert!(std::fs::write(point.join("new"), "").is_err());
        match by_signal {
            true => {
                let id = Pid::from_raw(child.id().try_into().expect("an id")).expect("an id");
                kill_process(id, Signal::INT).expect("a signal");
            }
            false => rustix::mount::unmount(&point, UnmountFlags::empty()).expect("unmounted"),
        }
        let status = child.wait().expect("it ends");
        assert_eq!(status.code(), Some(0), "{line:?}");
        assert!(!point.join("dir").exists(), "{line:?}");
    }
}

#[test]
fn what_cannot_be_mounted_is_told_at_once() {
    let temp = scene();
    let dir = temp.path();
    std::fs::create_dir(dir.join("point")).expect("dir");
    std::fs::write(dir.join("bad.pxar"), "no archive at all").expect("file");
    std::fs::write(dir.join("x.mpxar"), "").expect("file");
    for (line, expected) in [
        (
            "mount bad.pxar point",
            "cannot open the archive \"bad.pxar\"",
        ),
        (
            "mount none.pxar point",
            "cannot open the archive \"none.pxar\"",
        ),
        (
            "mount x.mpxar point",
            "Payload input required for split pxar archives",
        ),
        ("mount bad.pxar tree", "\"tree\" is not empty"),
        ("mount bad.pxar none", "cannot use \"none\" as mount point"),
        ("mount bad.pxar", "'mountpoint': missing argument"),
    ] {
        let said = pxar(&line.split(' ').collect::<Vec<_>>(), dir);
        assert_eq!(said.status.code(), Some(255), "{line}");
        assert!(err(&said).contains(expected), "{line}: {}", err(&said));
    }
}
