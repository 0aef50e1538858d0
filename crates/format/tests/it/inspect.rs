//! What the original's own inspection tool says about its files is what we see in them.

use std::collections::BTreeSet;
use std::path::Path;

use format::{ArchiveKind, ArchiveName, Blob, CryptMode, Index};
use serde_json::Value;

use crate::fixtures::{dir, files};

/// Every recorded JSON answer whose command inspects `what`, with the path of the inspected file.
fn answers(fixtures: &Path, what: &str) -> Vec<(String, Value)> {
    let begin = format!("$ proxmox-backup-debug inspect {what} ");
    let mut found = Vec::new();
    for path in files(&fixtures.join("debug")) {
        let text = std::fs::read_to_string(&path).unwrap();
        let (command, rest) = text.split_once('\n').unwrap();
        let Some(arguments) = command.strip_prefix(&begin) else {
            continue;
        };
        let Some((answer, _)) = rest.rsplit_once("rc 0") else {
            continue;
        };
        if let Ok(answer @ Value::Object(_)) = serde_json::from_str(answer) {
            found.push((arguments.split(' ').next().unwrap().to_owned(), answer));
        }
    }
    assert!(found.len() > 10, "too few answers about a {what}");
    found
}

fn encryption(blob: &Blob<'_>) -> &'static str {
    match blob.kind().crypt_mode() {
        CryptMode::Encrypt => "encrypt",
        _ => "none",
    }
}

#[test]
fn chunks() {
    let Some(fixtures) = dir() else { return };
    for (path, answer) in answers(&fixtures, "chunk") {
        if !fixtures.join(&path).is_file() {
            continue;
        }
        let encoded = std::fs::read(fixtures.join(&path)).unwrap();
        let blob = Blob::parse(&encoded).unwrap();
        assert_eq!(answer["size"], encoded.len(), "{path}");
        assert_eq!(answer["encryption"], encryption(&blob), "{path}");
        assert_eq!(
            answer["is-compressed"],
            blob.kind().is_compressed(),
            "{path}"
        );
        assert_eq!(
            answer["crc"],
            format!("{}(OK)", blob.stored_crc()),
            "{path}"
        );
        assert_eq!(blob.stored_crc(), blob.computed_crc(), "{path}");
    }
}

#[test]
fn archives() {
    let Some(fixtures) = dir() else { return };
    for (path, answer) in answers(&fixtures, "file") {
        let name: ArchiveName = path.rsplit('/').next().unwrap().parse().unwrap();
        let bytes = std::fs::read(fixtures.join(&path)).unwrap();
        if name.kind() == ArchiveKind::Blob {
            let blob = Blob::parse(&bytes).unwrap();
            assert_eq!(answer["size"], bytes.len(), "{path}");
            assert_eq!(answer["encryption"], encryption(&blob), "{path}");
            continue;
        }
        let index = Index::parse(&name, bytes).unwrap();
        // The tool shows the content's size of a fixed index and the file's of a dynamic one.
        let size = match name.kind() {
            ArchiveKind::Fixed => index.size(),
            _ => index.as_bytes().len() as u64,
        };
        assert_eq!(answer["size"], size, "{path}");
        let listed: BTreeSet<String> = answer["chunk-digests"]
            .as_array()
            .unwrap()
            .iter()
            .map(|digest| digest.as_str().unwrap().to_owned())
            .collect();
        let found: BTreeSet<String> = index.iter().map(|(_, digest)| digest.to_string()).collect();
        assert_eq!(found, listed, "{path}");
        // Times are written in words; for dynamic indexes the tool shows its own time (formats.md 4.2).
        if name.kind() == ArchiveKind::Fixed {
            let shown = answer["ctime"].as_str().unwrap();
            let time = format::time::rfc3339_utc(index.ctime()).unwrap();
            let (date, clock) = (&time[8..10], &time[11..19]);
            assert!(
                shown.contains(clock) && shown.contains(&format!("Nov {date} ")),
                "{path}: {shown} {time}"
            );
        }
    }
}
