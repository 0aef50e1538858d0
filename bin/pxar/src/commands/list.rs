//! `list`: the members of an archive in their order (pxar.md 6.3). With `PXAR_LOG=debug` each line tells everything.

use std::io::{BufRead, BufWriter, Write};
use std::path::PathBuf;

use anyhow::Result;
use console::out::Stream;
use console::output::{Items, OutputArgs};
use console::report::Failure;
use console::shown::quoted;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use pxar::{Entry, EntryKind, Step};
use serde_json::{Value, json};

use crate::log::{Level, Log};
use crate::places;
use crate::stop::Stop;

/// List the members of an archive.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  pxar list home.pxar
  pxar list home.mpxar --payload-input home.ppxar
  PXAR_LOG=debug pxar list home.pxar")]
pub struct Args {
    /// The archive file, or the metadata half (`.mpxar`) of a split one.
    archive: PathBuf,

    /// The payload half (`.ppxar`) of a split archive.
    #[arg(long)]
    payload_input: Option<PathBuf>,

    #[command(flatten)]
    output: OutputArgs,
}

pub fn run(args: Args, log: &Log) -> Result<()> {
    places::check_halves(&args.archive, args.payload_input.as_deref())?;
    let mut archive = places::decoder(
        &args.archive,
        args.payload_input.as_deref(),
        &Stop::default(),
    )?;
    archive.begin()?;
    if log.is_on(Level::Debug) && archive.is_split() {
        log.line(Level::Debug, "pxar format version 'Version2'");
    }
    let unwritten = |error| Failure::new("cannot write the list").cause(error);
    if let Some(items) = Items::open(args.output.chosen())? {
        return as_items(&mut archive, items);
    }
    let mut out = BufWriter::new(Stream::open().map_err(unwritten)?);
    let long = log.is_on(Level::Debug);
    let zone = TimeZone::system();
    while let Some(step) = archive.advance()? {
        if step == Step::Leave {
            continue;
        }
        let path = quoted(archive.path());
        let written = if long {
            let offset = archive.payload_ref().map(|data| data.offset);
            writeln!(out, "{}", long_line(archive.entry(), &path, offset, &zone))
        } else {
            writeln!(out, "{path}")
        };
        written.map_err(unwritten)?;
    }
    out.flush().map_err(unwritten)?;
    Ok(())
}

/// A record for each member.
fn as_items(archive: &mut pxar::Decoder<impl BufRead>, mut items: Items) -> Result<()> {
    while let Some(step) = archive.advance()? {
        if step == Step::Entry {
            items.add(&record(archive.path(), archive.entry()))?;
        }
    }
    Ok(items.end()?)
}

/// What there is to say of a member. A path that is no UTF-8 is quoted, as in the text.
fn record(path: &[u8], entry: &Entry) -> Value {
    let text = |bytes: &[u8]| match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => quoted(bytes),
    };
    let metadata = &entry.metadata;
    let mut record = json!({
        "path": text(path),
        "type": entry.letter().to_string(),
        "mode": metadata.mode,
        "uid": metadata.uid,
        "gid": metadata.gid,
        "mtime": metadata.mtime.secs,
    });
    match &entry.kind {
        EntryKind::File { size } => record["size"] = json!(size),
        EntryKind::Device { major, minor } => record["device"] = json!([major, minor]),
        EntryKind::Symlink { target } => record["target"] = json!(text(target)),
        EntryKind::Hardlink { path, .. } => record["target"] = json!(text(path)),
        EntryKind::Directory | EntryKind::Fifo | EntryKind::Socket => {}
    }
    record
}

/// `offset` is where a split archive has the file's data.
fn long_line(entry: &Entry, path: &str, offset: Option<u64>, zone: &TimeZone) -> String {
    let metadata = &entry.metadata;
    let owner = format!("{}/{}", metadata.uid, metadata.gid);
    let size = match &entry.kind {
        EntryKind::File { size } => size.to_string(),
        EntryKind::Device { major, minor } => format!("{major},{minor}"),
        _ => "0".to_owned(),
    };
    let target = match &entry.kind {
        EntryKind::Symlink { target } => format!(" -> {}", quoted(target)),
        EntryKind::Hardlink { path, .. } => format!(" -> {}", quoted(path)),
        _ => String::new(),
    };
    let time = local_time(metadata.mtime.secs, zone);
    let offset = offset.map_or_else(String::new, |offset| format!(" {offset}"));
    format!(
        "{} {owner:<13} {time} {size:>8} {path}{target}{offset}",
        entry.mode_text()
    )
}

fn local_time(secs: i64, zone: &TimeZone) -> String {
    match Timestamp::from_second(secs) {
        Ok(time) => time
            .to_zoned(zone.clone())
            .strftime("%Y-%m-%d %H:%M:%S")
            .to_string(),
        // No calendar holds it; the number is still true.
        Err(_) => secs.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::{long_line, quoted};
    use jiff::tz::TimeZone;
    use pxar::{Acl, Entry, EntryKind, Metadata, Mtime, Xattr};

    #[test]
    fn paths_are_quoted_as_the_original_does() {
        let rows: [(&[u8], &str); 6] = [
            (b"/", "\"/\""),
            (b"/a b", "\"/a b\""),
            (b"/\"\\", "\"/\\\"\\\\\""),
            (b"/new\nline\ttab\r", "\"/new\\nline\\ttab\\r\""),
            (b"/\x01\x7f", "\"/\\u{1}\\u{7f}\""),
            (b"/latin1-\xe9\xff", "\"/latin1-\\xE9\\xFF\""),
        ];
        for (path, expected) in rows {
            assert_eq!(quoted(path), expected);
        }
    }

    #[test]
    fn long_lines() {
        let metadata = |mode| Metadata {
            mode,
            uid: 1000,
            gid: 34,
            mtime: Mtime { secs: 0, nanos: 1 },
            ..Metadata::default()
        };
        let acl = Acl {
            group_obj: Some(4),
            ..Acl::default()
        };
        let xattrs = vec![Xattr {
            name: b"user.x".to_vec(),
            value: vec![],
        }];
        let rows = [
            (
                metadata(0o100_644),
                EntryKind::File { size: 5 },
                "-rw-r--r--   1000/34       1970-01-01 00:00:00        5 P",
            ),
            (
                Metadata {
                    acl,
                    xattrs,
                    ..metadata(0o107_711)
                },
                EntryKind::File { size: 123_456_789 },
                "-rws--s--t++ 1000/34       1970-01-01 00:00:00 123456789 P",
            ),
            (
                metadata(0o041_770),
                EntryKind::Directory,
                "drwxrwx--T   1000/34       1970-01-01 00:00:00        0 P",
            ),
            (
                metadata(0o020_666),
                EntryKind::Device {
                    major: 300,
                    minor: 7,
                },
                "crw-rw-rw-   1000/34       1970-01-01 00:00:00    300,7 P",
            ),
            (
                metadata(0o120_777),
                EntryKind::Symlink {
                    target: b"t\"".to_vec(),
                },
                "lrwxrwxrwx   1000/34       1970-01-01 00:00:00        0 P -> \"t\\\"\"",
            ),
            (
                Metadata::default(),
                EntryKind::Hardlink {
                    path: b"a/b".to_vec(),
                    offset: 3,
                },
                "L---------   0/0           1970-01-01 00:00:00        0 P -> \"a/b\"",
            ),
        ];
        for (metadata, kind, expected) in rows {
            let entry = Entry {
                name: vec![],
                metadata,
                kind,
            };
            assert_eq!(long_line(&entry, "P", None, &TimeZone::UTC), expected);
            let split = long_line(&entry, "P", Some(16), &TimeZone::UTC);
            assert_eq!(split, format!("{expected} 16"));
        }
    }
}
