//! `debug diff archive`: what changed in an archive between two snapshots, a line for each entry (cli.md 4.2).

use std::io::IsTerminal as _;
use std::sync::Arc;

use anyhow::Result;
use clap::ValueEnum;
use client::compare::{self, Change, Marks, Operation, Side};
use client::{Parts, RemoteArchive};
use console::out;
use console::output::{Items, OutputArgs};
use console::report::Failure;
use console::shown;
use crypto::Key;
use format::{ArchiveName, GroupOrSnapshot, Snapshot};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use pxar::EntryKind;
use serde_json::{Value, json};

use crate::commands::put_path;
use crate::commands::snapshot::snapshot_path;
use crate::connection::connect;
use crate::context::Context;
use crate::failure::{check_key, explain};
use crate::keys::{self, KeyArgs, KeyFileArgs, Offer};
use crate::nearest::missing_archive;
use crate::outage::PatienceArgs;
use crate::repository::{NamespaceArgs, RepositoryArgs};
use crate::snapshots::Shelf;

/// Show what changed in an archive between two snapshots.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The older snapshot (type/id/time).
    #[arg(value_parser = snapshot_path)]
    prev_snapshot: Snapshot,

    /// The newer snapshot (type/id/time).
    #[arg(value_parser = snapshot_path)]
    snapshot: Snapshot,

    /// The archive, like `root.pxar`.
    archive_name: String,

    #[command(flatten)]
    repository: RepositoryArgs,
    #[command(flatten)]
    namespace: NamespaceArgs,
    #[command(flatten)]
    key: KeyFileArgs,
    #[command(flatten)]
    patience: PatienceArgs,

    /// Compare the data of files too. One of which only the time differs is not shown then.
    #[arg(long)]
    compare_content: bool,

    /// Colour the output.
    #[arg(long, value_enum, default_value = "auto")]
    color: Color,

    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Color {
    Always,
    Auto,
    Never,
}

pub async fn run(args: Args, context: &Context) -> Result<()> {
    let archive = archive(&args.archive_name)?;
    let namespace = args.namespace.resolve(&context.environment)?;
    let repository = args.repository.resolve(&context.environment)?;
    let key = KeyArgs {
        file: args.key,
        crypt_mode: None,
    };
    let choice = keys::choose(Offer::for_reading(&key, context)?)?;
    let key = choice.load_quietly(context)?.map(|loaded| loaded.key);
    let at = connect(context, repository, None).await?;
    let shelf = Shelf {
        store: &at.repository.store,
        namespace: &namespace,
        patience: &args.patience.with(at.client),
    };
    let before = side(&shelf, args.prev_snapshot, &archive, &key).await?;
    let after = side(&shelf, args.snapshot, &archive, &key).await?;
    let content = args.compare_content;
    let changes = client::run_blocking(move || Ok(compare::compare(&before, &after, content)));
    let changes = changes.await.map_err(explain)??;
    if let Some(mut items) = Items::open(args.output.chosen())? {
        for change in &changes {
            items.add(&item(change))?;
        }
        return Ok(items.end()?);
    }
    let colored = args.color.is_on(context);
    let mut lines = Vec::new();
    for change in &changes {
        line(change, &context.zone, colored, &mut lines);
    }
    Ok(out::write(&lines)?)
}

fn archive(text: &str) -> Result<ArchiveName, Failure> {
    let name = text.strip_suffix(".didx").unwrap_or(text);
    let parsed = ArchiveName::from_user(text).ok();
    parsed.filter(|_| name.ends_with(".pxar")).ok_or_else(|| {
        Failure::new("Only .pxar files are supported")
            .hint("archives of directories can be compared, images cannot; a split one is named like one in one piece")
    })
}

async fn side(
    shelf: &Shelf<'_>,
    snapshot: Snapshot,
    archive: &ArchiveName,
    key: &Option<Arc<Key>>,
) -> Result<Side<RemoteArchive>> {
    let named = GroupOrSnapshot::Snapshot(snapshot);
    let (restore, place) = shelf.open(&named, key.clone()).await?;
    check_key(&restore, key.as_deref())?;
    let parts = Parts::find(restore.manifest(), archive).ok_or_else(|| {
        let missing = missing_archive(archive, restore.manifest());
        let what = format!("{} does not contain '{archive}'", place.snapshot);
        Failure { what, ..missing }
    })?;
    let index = restore.index(parts.metadata()).await.map_err(explain)?;
    let payload = match &parts {
        Parts::Whole(_) => None,
        Parts::Split { payload, .. } => Some(restore.index(payload).await.map_err(explain)?),
    };
    let tree = client::open_tree(&restore, archive)
        .await
        .map_err(explain)?;
    Ok(Side {
        tree,
        index,
        payload,
    })
}

/// A change as JSON; `changed` lists what the stars of the text show.
fn item(change: &Change) -> Value {
    let (operation, marks) = match change.operation {
        Operation::Added => ("added", Marks::default()),
        Operation::Deleted => ("deleted", Marks::default()),
        Operation::Modified(marks) => ("modified", marks),
    };
    let changed: Vec<_> = [
        ("type", marks.kind),
        ("uid", marks.uid),
        ("gid", marks.gid),
        ("mode", marks.mode),
        ("size", marks.size),
        ("mtime", marks.mtime),
        ("content", marks.content),
    ]
    .into_iter()
    .filter_map(|(name, is_changed)| is_changed.then_some(name))
    .collect();
    let metadata = &change.entry.metadata;
    let mut item = json!({
        "operation": operation,
        "changed": changed,
        "type": change.entry.letter().to_string(),
        "uid": metadata.uid,
        "gid": metadata.gid,
        "mode": metadata.permissions(),
        "mtime": metadata.mtime.secs,
    });
    put_path(&mut item, &change.path);
    if let EntryKind::File { size } = change.entry.kind {
        item["size"] = size.into();
    }
    item
}

impl Color {
    fn is_on(self, context: &Context) -> bool {
        let environment = &context.environment;
        match self {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => {
                std::io::stdout().is_terminal()
                    && environment.raw("NO_COLOR").is_none()
                    && environment.text("TERM") != Some("dumb")
            }
        }
    }
}

const GREEN: &str = "\x1b[32m";
const RED: &str = "\x1b[31m";
const YELLOW: &str = "\x1b[33m";
const PLAIN: &str = "\x1b[0m";

/// Columns parted by a blank: operation, type, owner, group, mode, size, time, name; a changed one has a star.
fn line(change: &Change, zone: &TimeZone, colored: bool, out: &mut Vec<u8>) {
    let paint = |text: String, color: Option<&str>| match color.filter(|_| colored) {
        Some(color) => format!("{color}{text}{PLAIN}"),
        None => text,
    };
    let (operation, color, marks) = match change.operation {
        Operation::Added => ("A", GREEN, Marks::default()),
        Operation::Deleted => ("D", RED, Marks::default()),
        Operation::Modified(marks) => ("M", YELLOW, marks),
    };
    let entry = &change.entry;
    let metadata = &entry.metadata;
    let size = match entry.kind {
        EntryKind::File { size } => decimal(size),
        _ => String::new(),
    };
    let cell = |mark: bool, text: String, width: usize| {
        let star = if mark { "*" } else { " " };
        let starred = match text.is_empty() {
            true => text,
            false => format!("{star}{text}"),
        };
        paint(format!("{starred:>width$}"), mark.then_some(YELLOW))
    };
    let mode = format!("{:o}", metadata.permissions());
    let columns = [
        paint(operation.to_owned(), Some(color)),
        cell(marks.kind, entry.letter().to_string(), 2),
        cell(marks.uid, metadata.uid.to_string(), 6),
        cell(marks.gid, metadata.gid.to_string(), 6),
        cell(marks.mode, mode, 6),
        cell(marks.size, size, 10),
        cell(marks.mtime, time(metadata.mtime.secs, zone), 20),
        cell(marks.content, last_name(&change.path), 0),
    ];
    out.extend_from_slice(columns.join(" ").as_bytes());
    out.push(b'\n');
}

/// The last component; what would steer a terminal is escaped.
fn last_name(path: &[u8]) -> String {
    let name = path.rsplit(|b| *b == b'/').next().unwrap_or_default();
    shown::name(name).into_owned()
}

fn time(secs: i64, zone: &TimeZone) -> String {
    match Timestamp::from_second(secs) {
        Ok(time) => time
            .to_zoned(zone.clone())
            .strftime("%Y-%m-%d %H:%M:%S")
            .to_string(),
        Err(_) => secs.to_string(),
    }
}

/// `3 MB`, `1.5 KB`: units of a thousand, one decimal.
fn decimal(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["KB", "MB", "GB", "TB", "PB", "EB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64 / 1000.0;
    let mut units = UNITS.iter();
    let mut unit = units.next().copied().unwrap_or_default();
    for larger in units {
        if value < 999.95 {
            break;
        }
        value /= 1000.0;
        unit = larger;
    }
    let text = format!("{value:.1}");
    format!("{} {unit}", text.strip_suffix(".0").unwrap_or(&text))
}

#[cfg(test)]
mod tests {
    use pxar::{Entry, Metadata, Mtime};

    use super::*;

    fn change(path: &str, operation: Operation, kind: EntryKind, mode: u64) -> Change {
        let mtime = Mtime {
            secs: 1_767_578_400,
            nanos: 0,
        };
        let metadata = Metadata {
            mode,
            mtime,
            ..Metadata::default()
        };
        let entry = Entry {
            name: Vec::new(),
            metadata,
            kind,
        };
        Change {
            path: path.as_bytes().to_vec(),
            operation,
            entry,
        }
    }

    #[test]
    fn lines_are_the_originals() {
        let both = Operation::Modified(Marks {
            size: true,
            mtime: true,
            ..Marks::default()
        });
        let content = Operation::Modified(Marks {
            content: true,
            ..Marks::default()
        });
        let file = |size| EntryKind::File { size };
        for (change, expected) in [
            (
                change("/etc/a.conf", both, file(11), 0o100_644),
                "M  f      0      0    644      *11 B *2026-01-05 02:00:00  a.conf\n",
            ),
            (
                change("/big.bin", Operation::Deleted, file(3_000_000), 0o100_644),
                "D  f      0      0    644       3 MB  2026-01-05 02:00:00  big.bin\n",
            ),
            (
                change("/d", Operation::Added, EntryKind::Directory, 0o041_777),
                "A  d      0      0   1777             2026-01-05 02:00:00  d\n",
            ),
            (
                change("/x\n", content, file(0), 0o100_600),
                "M  f      0      0    600        0 B  2026-01-05 02:00:00 *x\\n\n",
            ),
        ] {
            let mut out = Vec::new();
            line(&change, &TimeZone::UTC, false, &mut out);
            assert_eq!(String::from_utf8_lossy(&out), expected);
        }
    }

    #[test]
    fn colours() {
        let marks = Marks {
            mode: true,
            ..Marks::default()
        };
        let change = change("/a", Operation::Modified(marks), EntryKind::Fifo, 0o010_600);
        let mut out = Vec::new();
        line(&change, &TimeZone::UTC, true, &mut out);
        assert_eq!(
            String::from_utf8_lossy(&out),
            "\x1b[33mM\x1b[0m  p      0      0 \x1b[33m  *600\x1b[0m             2026-01-05 02:00:00  a\n"
        );
    }

    #[test]
    fn decimal_sizes() {
        for (bytes, expected) in [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1 KB"),
            (1550, "1.6 KB"),
            (999_949, "999.9 KB"),
            (999_950, "1 MB"),
            (3_000_000, "3 MB"),
            (u64::MAX, "18.4 EB"),
        ] {
            assert_eq!(decimal(bytes), expected);
        }
    }

    #[test]
    fn archives_that_can_be_compared() {
        for (text, good) in [
            ("root.pxar", true),
            ("root.pxar.didx", true),
            ("root.mpxar.didx", false),
            ("disk.img", false),
            ("catalog.pcat1", false),
        ] {
            assert_eq!(archive(text).is_ok(), good, "{text}");
        }
    }
}
