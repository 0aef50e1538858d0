//! What to do when nothing can be mounted; for every program that mounts archives.

use console::report::Failure;
use mount::MountError;
use mount::mounting::HelperError;

/// The error with the next step. `instead` names the commands that need no FUSE.
pub fn advise(error: MountError, instead: &str) -> anyhow::Error {
    let hint = match &error {
        MountError::Target { .. } => {
            "the directory must exist and be accessible: make it first".to_owned()
        }
        MountError::NotADirectory(_) | MountError::NotEmpty(_) => {
            "mount on an empty directory".to_owned()
        }
        MountError::Busy(_) => {
            "take another directory, or unmount that first: `umount`, or `fusermount3 -u` for an ordinary user"
                .to_owned()
        }
        MountError::Stale(_) => {
            "unmount it first: `umount`, or `fusermount3 -u` for an ordinary user".to_owned()
        }
        MountError::NoDevice => format!(
            "`modprobe fuse` loads the driver, and a container must be given /dev/fuse; {instead} need no FUSE"
        ),
        MountError::Device(_) => {
            format!("a container must be given /dev/fuse; {instead} need no FUSE")
        }
        MountError::Kernel { .. } => {
            format!("root in a container may lack the right to mount; {instead} need none")
        }
        MountError::Helper {
            source: HelperError::Missing,
            ..
        } => "install the package `fuse3`, or run this as root".to_owned(),
        MountError::Helper { .. } => {
            "the directory must be your own and writable for you".to_owned()
        }
        MountError::Session(_) | MountError::Unmount { .. } => return error.into(),
    };
    Failure::new(error.to_string())
        .cause(error)
        .hint(hint)
        .into()
}
