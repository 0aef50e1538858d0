//! Failures of the pipelines as the user reads them: the server's words first, then advice.

use std::io;

use client::{Error, Restore};
use console::report::Failure;
use crypto::Key;
use format::ArchiveName;
pub use pxar_cli::disk_hint;
use pxar_cli::target_hint;

/// A snapshot that names a key is only read with that key; the original does not even show its
/// manifest without.
pub fn check_key(restore: &Restore, key: Option<&Key>) -> anyhow::Result<()> {
    crypto::manifest::check_fingerprint(restore.manifest(), key)
        .map_err(|error| explain(error.into()))
}

/// The error for the report. What the server said stands alone in the first line, since people
/// and scripts look for it.
pub fn explain(error: Error) -> anyhow::Error {
    told(error, Existing::Replaced)
}

/// The same for commands that leave alone whatever exists.
pub fn explain_beside(error: Error) -> anyhow::Error {
    told(error, Existing::LeftAlone)
}

/// What a command can be told to do with what is in its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Existing {
    Replaced,
    LeftAlone,
}

/// Also what goes on with a restore that was stopped.
const OVERWRITE: &str = "restore to an empty directory, or add --allow-existing-dirs --overwrite to replace what is there, as to go on with a restore that was \
     stopped";
const BESIDE: &str = "restore to another directory, or move away what is there; `strongroom restore` with --pattern, --allow-existing-dirs and --overwrite replaces what \
     stands at the same path below its target";

fn told(error: Error, existing: Existing) -> anyhow::Error {
    let error = match error {
        Error::Backup { archive, source } => match *source {
            Error::Remote(refused @ remote::Error::Refused { .. }) => return refused.into(),
            other => Error::Backup {
                archive,
                source: Box::new(other),
            },
        },
        Error::Restore { archive, source } => match *source {
            Error::Extract(cause) => return extraction(cause, existing),
            other => Error::Restore {
                archive,
                source: Box::new(other),
            },
        },
        Error::Extract(cause) => return extraction(cause, existing),
        other => other,
    };
    let hint = match &error {
        Error::Trust(crypto::manifest::ManifestCheckError::MissingKey { .. }) => {
            "give the key with --keyfile, or put it in the default place"
        }
        Error::Trust(crypto::manifest::ManifestCheckError::WrongKey { .. }) => {
            "give the key that the backup was made with"
        }
        other => match disk_hint(other)
            .or_else(|| directory_hint(other, existing))
            .or_else(|| outage_hint(other))
            .or_else(|| damage_hint(other))
        {
            Some(hint) => hint,
            None => return error.into(),
        },
    };
    Failure::new(error.to_string())
        .cause(error)
        .hint(hint)
        .into()
}

/// The last advice, for errors that have none yet. A token is sent with each request, so that any of them may be refused for it; and whatever
/// writes may find the disk full.
pub fn last_advice(error: anyhow::Error) -> anyhow::Error {
    let refused = |cause: &(dyn std::error::Error + 'static)| {
        let error = cause.downcast_ref::<remote::Error>();
        let inside = match cause.downcast_ref::<Error>() {
            Some(Error::Remote(error)) => Some(error),
            _ => None,
        };
        error.or(inside).and_then(remote::Error::status) == Some(401)
    };
    if error.is::<Failure>() || !error.chain().any(refused) {
        return pxar_cli::on_disk(error);
    }
    Failure::new(error.to_string())
        .cause(error)
        .hint("check the API token's name and its secret in PBS_PASSWORD; `strongroom logout` forgets a saved login of a user")
        .into()
}

/// What to do when the server went away in the middle of a directory.
fn directory_hint(error: &Error, existing: Existing) -> Option<&'static str> {
    let Error::Restore { archive, source } = error else {
        return None;
    };
    let is_tree =
        archive.kind() == format::ArchiveKind::Dynamic && *archive != ArchiveName::catalog();
    let is_outage = matches!(**source, Error::OutOfReach { .. });
    (is_tree && is_outage && existing == Existing::Replaced).then_some(
        "run the command again when the server is there, into the same directory with --allow-existing-dirs --overwrite; --wait-for-server says how long to \
         wait for it",
    )
}

/// What to do when the server went away.
fn outage_hint(error: &Error) -> Option<&'static str> {
    match error {
        Error::OutOfReach { .. } => Some(
            "run the command again when the server is there; --wait-for-server says how long to wait for it",
        ),
        Error::Restore { source, .. } => outage_hint(source),
        Error::Backup { source, .. } => match &**source {
            Error::Remote(error) if error.is_outage() => Some(
                "run the backup again when the server is there; it goes on with what the server has of this one and of the last snapshot",
            ),
            source => outage_hint(source),
        },
        _ => None,
    }
}

/// What to do about a part of a backup that the server has no more, or has damaged.
fn damage_hint(error: &Error) -> Option<&'static str> {
    match error {
        Error::Restore { source, .. } => damage_hint(source),
        Error::Open { .. }
        | Error::ChunkLength { .. }
        | Error::ChunkMode { .. }
        | Error::OpenBlob { .. }
        | Error::Blob(_)
        | Error::Index(_)
        | Error::NotAsListed { .. } => Some(DAMAGED),
        Error::Remote(remote::Error::Refused { request, .. }) if is_of_chunk(request) => {
            Some(DAMAGED)
        }
        Error::Extract(error) => hidden_damage(error),
        Error::Tree(error) => hidden_damage(error),
        _ => None,
    }
}

const DAMAGED: &str = "a part of this backup is missing or damaged on the server: restore another snapshot (`strongroom snapshot list`), or what is whole of this one, \
     with `strongroom mount` or `strongroom restore --pattern`; on the server `strongroom-manager verify` tells what else is concerned, and the next backup stores again what its \
     files still have";

/// Whether a session asked for a chunk.
fn is_of_chunk(request: &str) -> bool {
    let path = request.split(' ').next_back().unwrap_or_default();
    path.trim_start_matches('/').split('?').next() == Some("chunk")
}

/// The same inside of what an archive's reader was told; an I/O error hides the error inside it from `source()`.
fn hidden_damage(error: &(dyn std::error::Error + 'static)) -> Option<&'static str> {
    let mut next = Some(error);
    while let Some(error) = next {
        let inside = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        let of_client = error
            .downcast_ref::<Error>()
            .or_else(|| inside.and_then(|inside| inside.downcast_ref()));
        if let Some(error) = of_client {
            return damage_hint(error);
        }
        next = error.source();
    }
    None
}

/// One line as the original's, which names the entry and, for what is in the way, `EEXIST`.
fn extraction(error: tree::ExtractError, existing: Existing) -> anyhow::Error {
    let tree::ExtractError::Entry(entry) = error else {
        let hint = disk_hint(&error)
            .or_else(|| target_hint(&error))
            .or_else(|| hidden_damage(&error));
        let failure = Failure::new(format!("error extracting archive - {error}")).cause(error);
        return match hint {
            Some(hint) => failure.hint(hint).into(),
            None => failure.into(),
        };
    };
    let exists = entry.source.kind() == std::io::ErrorKind::AlreadyExists;
    let cause = match exists {
        true => "EEXIST: File exists".to_string(),
        false => entry.source.to_string(),
    };
    let failed = match entry.action.strip_prefix("create the ") {
        Some(thing) => {
            let name = entry.path.file_name().unwrap_or_default();
            format!("failed to extract {thing}: failed to create {thing} {name:?}")
        }
        None => format!("cannot {}", entry.action),
    };
    let failure = Failure::new(format!(
        "error extracting archive - encountered unexpected error during extraction: error at entry {:?}: {failed}: {cause}",
        entry.path
    ));
    let hint = match exists {
        true if existing == Existing::Replaced => Some(OVERWRITE),
        true => Some(BESIDE),
        false if entry.action == tree::CREATE_DEVICE => Some(
            "only root makes device nodes: restore as root, or leave them out with --ignore-extract-device-errors",
        ),
        false => disk_hint(&entry).or_else(|| hidden_damage(&entry)),
    };
    match hint {
        Some(hint) => failure.hint(hint).into(),
        None => failure.into(),
    }
}

#[cfg(test)]
mod tests {
    use tree::{CREATE_DEVICE, EntryError};

    use super::*;

    /// What is in the way is told in the original's words; what to do stands below.
    #[test]
    fn entries_that_cannot_be_made() {
        const BEGIN: &str = "Error: error extracting archive - encountered unexpected error during extraction: error at entry";
        for (path, action, number, expected) in [
            (
                "d/app.conf",
                "create the file",
                17,
                r#""d/app.conf": failed to extract file: failed to create file "app.conf": EEXIST: File exists
hint: restore to an empty directory, or add --allow-existing-dirs --overwrite to replace what is there, as to go on with a restore that was stopped
"#,
            ),
            (
                "dev/sda",
                CREATE_DEVICE,
                1,
                r#""dev/sda": failed to extract device node: failed to create device node "sda": Operation not permitted (os error 1)
hint: only root makes device nodes: restore as root, or leave them out with --ignore-extract-device-errors
"#,
            ),
            (
                "a",
                "write to",
                28,
                r#""a": cannot write to: No space left on device (os error 28)
hint: the target's disk is full: make room, or choose another place
"#,
            ),
        ] {
            let error = EntryError {
                path: path.into(),
                action,
                source: io::Error::from_raw_os_error(number),
            };
            let told = explain(Error::Extract(error.into()));
            let text = console::report::text(&*told);
            assert_eq!(text, format!("{BEGIN} {expected}"));
        }
    }

    /// Who had waited for a server in vain was not told how to go on with half a directory; and options were named that the command did not have.
    #[test]
    fn advice_fits_the_command() {
        let out_of_reach = |archive: &str| Error::Restore {
            archive: archive.parse().unwrap(),
            source: Box::new(Error::OutOfReach {
                seconds: 1,
                source: std::sync::Arc::new(Error::Remote(remote::Error::Refused {
                    request: "GET chunk".into(),
                    status: 503,
                    text: "away".into(),
                })),
            }),
        };
        let in_the_way = || {
            let entry = EntryError {
                path: "a".into(),
                action: "create the file",
                source: io::Error::from_raw_os_error(17),
            };
            Error::Extract(entry.into())
        };
        type Explain = fn(Error) -> anyhow::Error;
        let both: [Explain; 2] = [explain, explain_beside];
        for (error, expected) in [
            (&in_the_way as &dyn Fn() -> Error, [true, false]),
            (&|| out_of_reach("root.pxar.didx"), [true, false]),
            (&|| out_of_reach("disk.img.fidx"), [false, false]),
        ] {
            let named = both.map(|explain| {
                let text = console::report::text(&*explain(error()));
                assert!(text.contains("hint: "), "{text}");
                text.contains("--allow-existing-dirs --overwrite")
            });
            assert_eq!(named, expected, "{:?}", error());
        }
    }

    /// A restore only said which chunk it missed, also where an archive's reader was told, deep inside of other errors.
    #[test]
    fn what_to_do_about_damage() {
        let refused = |request: &str| {
            Error::Remote(remote::Error::Refused {
                request: request.into(),
                status: 404,
                text: "no such thing".into(),
            })
        };
        let garbled = || Error::Blob(format::BlobError::Encrypted);
        let in_restore = |source| Error::Restore {
            archive: "root.pxar.didx".parse().unwrap(),
            source: Box::new(source),
        };
        let in_entry = |error| {
            let entry = EntryError {
                path: "a".into(),
                action: "read",
                source: io::Error::other(error),
            };
            Error::Extract(entry.into())
        };
        for (error, expected) in [
            (in_restore(refused("GET chunk")), true),
            (in_restore(garbled()), true),
            (in_entry(in_restore(refused("GET chunk"))), true),
            (in_restore(in_entry(refused("GET chunk"))), true),
            (in_restore(refused("GET download")), false),
            (in_entry(refused("GET /version")), false),
        ] {
            let text = console::report::text(&*explain(error));
            assert_eq!(text.contains(DAMAGED), expected, "{text}");
        }
    }
}
