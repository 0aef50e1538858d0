//! What to do about a disk that does not take what is written; for every program that writes archives or what is in them.

use std::error::Error;
use std::io::{self, ErrorKind};

use console::report::Failure;
use tree::ExtractError;

/// The next step, if the cause is a full or read-only disk.
pub fn disk_hint(error: &(dyn Error + 'static)) -> Option<&'static str> {
    let mut next = Some(error);
    while let Some(error) = next {
        let kind = error.downcast_ref::<io::Error>().map(io::Error::kind);
        match kind {
            Some(ErrorKind::StorageFull) => {
                return Some("the target's disk is full: make room, or choose another place");
            }
            Some(ErrorKind::QuotaExceeded) => {
                return Some("your share of the target's disk is used up: choose another place");
            }
            Some(ErrorKind::ReadOnlyFilesystem) => {
                return Some("the target lies on a read-only file system: choose another place");
            }
            _ => next = error.source(),
        }
    }
    None
}

/// The next step, if a file has the place of the target.
pub fn target_hint(error: &ExtractError) -> Option<&'static str> {
    match error {
        ExtractError::Target { source, .. }
            if matches!(
                source.kind(),
                ErrorKind::AlreadyExists | ErrorKind::NotADirectory
            ) =>
        {
            Some("the target is a directory, and a file has its name: name another")
        }
        _ => None,
    }
}

/// The error with that step, unless it has advice already.
pub fn on_disk(error: anyhow::Error) -> anyhow::Error {
    let is_advised = |cause: &(dyn Error + 'static)| {
        cause
            .downcast_ref::<Failure>()
            .is_some_and(|failure| failure.hint.is_some())
    };
    if error.chain().any(is_advised) {
        return error;
    }
    match disk_hint(&*error) {
        Some(hint) => Failure::new(error.to_string())
            .cause(error)
            .hint(hint)
            .into(),
        None => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A full disk was told, and not what to do about it.
    #[test]
    fn every_error_about_a_disk_has_advice() {
        let told = |error: anyhow::Error| console::report::text(&*on_disk(error));
        let number = io::Error::from_raw_os_error;
        for (error, expected) in [
            (
                Failure::new("cannot write").cause(number(28)),
                "hint: the target's disk is full: ",
            ),
            (
                Failure::new("cannot write").cause(number(30)),
                "hint: the target lies on a read-only file system: ",
            ),
            (
                Failure::new("cannot write").cause(number(28)).hint("ours"),
                "hint: ours\n",
            ),
        ] {
            let text = told(error.into());
            assert!(text.contains(expected), "{text}");
            assert_eq!(text.matches("hint: ").count(), 1, "{text}");
        }
        assert_eq!(told(number(13).into()).matches("hint").count(), 0);
    }
}
