//! The next step where the system refused to open or write something on this machine: nobody can write there, or only somebody else can.

use std::error::Error;
use std::io::{self, ErrorKind};

use crate::report::Failure;

/// What to do about the refusal that an error ends in, if it does and has no advice yet. `is_root` tells who was refused.
///
/// ```
/// use console::{refusal::next_step, report::Failure};
/// let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
/// let error = Failure::new("cannot write 'x'").cause(full);
/// assert_eq!(next_step(&error, false), Some("the disk is full: make room"));
/// ```
pub fn next_step(error: &(dyn Error + 'static), is_root: bool) -> Option<&'static str> {
    let mut at = Some(error);
    let mut step = None;
    while let Some(each) = at {
        let failure = each.downcast_ref::<Failure>();
        if failure.is_some_and(|failure| failure.hint.is_some()) {
            return None;
        }
        let cause = each.downcast_ref::<io::Error>();
        step = step.or_else(|| of(cause?, is_root));
        at = each.source();
    }
    step
}

/// What the system says of a disk that fails; it has no kind of its own.
const EIO: i32 = 5;

fn of(error: &io::Error, is_root: bool) -> Option<&'static str> {
    if error.raw_os_error() == Some(EIO) {
        return Some("`dmesg` tells whether the disk fails");
    }
    Some(match error.kind() {
        ErrorKind::StorageFull => "the disk is full: make room",
        ErrorKind::QuotaExceeded => {
            "the share of the disk that this user may have is used up: make room"
        }
        ErrorKind::ReadOnlyFilesystem => {
            "the disk is mounted read-only: `dmesg` tells whether it failed, `mount -o remount,rw` makes it writable"
        }
        ErrorKind::PermissionDenied if is_root => {
            "not even root may: look at the options of the mount, and at attributes (`lsattr`)"
        }
        ErrorKind::PermissionDenied => {
            "run this as the user whom it belongs to or as root, or give it to this user (`chown -R`)"
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_and_what_to_do() {
        for (number, is_root, expected) in [
            (13, false, Some("run this as the user")),
            (13, true, Some("not even root may")),
            (28, false, Some("the disk is full")),
            (30, true, Some("the disk is mounted read-only")),
            (122, false, Some("the share of the disk")),
            (5, true, Some("`dmesg` tells")),
            (2, false, None),
        ] {
            let cause = io::Error::from_raw_os_error(number);
            let error = Failure::new("cannot write").cause(cause);
            let step = next_step(&error, is_root);
            assert_eq!(step.is_some(), expected.is_some(), "{number}: {step:?}");
            assert!(
                step.is_none_or(|step| step.starts_with(expected.unwrap_or(""))),
                "{step:?}"
            );
            let advised = Failure::new("x").cause(error.hint("ours"));
            assert_eq!(next_step(&advised, is_root), None);
        }
    }
}
