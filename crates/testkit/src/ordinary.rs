//! Programs run as a user who is not root: root may read and write everywhere, so what is refused to others must be shown by one of them.

use std::fs::{self, File};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// Some user who is not root.
pub const ORDINARY: u32 = 65534;

/// Whether root runs the tests.
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Gives a file, or a folder with all in it, to [`ORDINARY`].
pub fn give(path: &Path) {
    chown(path, Some(ORDINARY), Some(ORDINARY)).expect("given away");
    if path.symlink_metadata().expect("there").is_dir() {
        for entry in fs::read_dir(path).expect("list") {
            give(&entry.expect("entry").path());
        }
    }
}

/// The built program, the one that this process tests, for somebody who may not come through the folders above it, such as the home of root: opened
/// by us. None, said aloud, if he cannot run it all the same.
pub fn program_for(program: &Path, uid: u32) -> Option<&'static Path> {
    static OPENED: OnceLock<(File, PathBuf, PathBuf)> = OnceLock::new();
    let (_, of, path) = OPENED.get_or_init(|| {
        let file = File::open(program).expect("built");
        let path = format!("/proc/self/fd/{}", file.as_raw_fd());
        (file, program.to_owned(), path.into())
    });
    assert_eq!(of, program, "one program for each process");
    let mut tried = Command::new(path);
    tried.arg("--help").uid(uid).gid(uid).current_dir("/");
    match tried.stdout(Stdio::null()).status() {
        Ok(status) if status.success() => Some(path),
        other => {
            eprintln!("SKIPPED: user {uid} cannot run the program: {other:?}");
            None
        }
    }
}
