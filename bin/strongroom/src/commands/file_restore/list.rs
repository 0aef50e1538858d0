//! `file-restore list`: the archives of a snapshot, or one directory of an archive.

use std::cmp::Ordering;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt as _;
use std::time::Duration;

use anyhow::Result;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use client::{RemoteArchive, Restore};
use console::args::integer;
use console::json::{self, Format};
use console::out::{self, OutError};
use console::output::{Items, OutputArgs};
use console::report::Failure;
use console::table::Column;
use format::catalog::{Catalog, EntryKind};
use format::{ArchiveName, Snapshot};
use pxar::{Accessor, ReadAt as _};
use serde_json::{Value, json};

use super::{SnapshotArgs, Wanted, check_archive};
use crate::commands::snapshot::snapshot_path;
use crate::context::Context;
use crate::failure::explain;

/// Bytes of the catalog fetched at a time; chunks are kept anyway.
const READ_BYTES: usize = 64 << 10;

/// List the archives of a snapshot, or a directory of an archive.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The snapshot (type/id/time).
    #[arg(value_parser = snapshot_path)]
    snapshot: Snapshot,

    /// `/` for the archives, or an archive's stored name and a path in it, like
    /// `/root.pxar.didx/etc`.
    path: OsString,

    #[command(flatten)]
    of: SnapshotArgs,

    /// Give up after so many seconds.
    #[arg(long, value_name = "<integer> (1 - N)", value_parser = integer(1, i64::MAX))]
    timeout: Option<i64>,

    #[command(flatten)]
    output: OutputArgs,
}

/// With JSON, errors are data too and the program succeeds: callers read them there.
pub async fn run(args: Args, context: &Context) -> Result<()> {
    let output = context.output(&args.output)?;
    let listed = match args
        .timeout
        .map(|seconds| Duration::from_secs(seconds.unsigned_abs()))
    {
        Some(limit) => match tokio::time::timeout(limit, list(&args, context)).await {
            Ok(listed) => listed,
            Err(_) => Err(TimedOut.into()),
        },
        None => list(&args, context).await,
    };
    let mut listed = match (listed, output.format) {
        (Ok(listed), Format::Text) => listed,
        (Ok(listed), format) => return Ok(listed.print(format)?),
        (Err(error), Format::Text) => return Err(error),
        (Err(error), format) => {
            let told = json::render(&as_data(&error), format).unwrap_or_default();
            return Ok(out::json(&told)?);
        }
    };
    listed.items.sort_by(Item::before);
    let columns = [
        Column::text("type"),
        Column::name("text").header("name"),
        Column::number("mtime").header("last modified"),
        Column::number("size"),
    ];
    Ok(output.rows(&columns, listed.records())?)
}

#[derive(Debug, thiserror::Error)]
#[error("list not finished in time")]
struct TimedOut;

/// `{"code":400,"message":"..."}`; the code only if it is the server's, or time ran out.
fn as_data(error: &anyhow::Error) -> Value {
    let mut data = json!({"message": error.to_string()});
    let refused = error.chain().find_map(status);
    let code = match error.is::<TimedOut>() {
        true => Some(503),
        false => refused,
    };
    if let Some(code) = code {
        data["code"] = code.into();
    }
    data
}

/// The status that a server refused with; errors that pass another one on hide it from the chain.
fn status(cause: &(dyn std::error::Error + 'static)) -> Option<u16> {
    match cause.downcast_ref::<client::Error>() {
        Some(client::Error::Remote(error)) => error.status(),
        _ => cause.downcast_ref::<remote::Error>()?.status(),
    }
}

async fn list(args: &Args, context: &Context) -> Result<Listed> {
    let wanted = Wanted::parse(args.path.as_bytes(), args.of.base64)?;
    let restore = args.of.open(args.snapshot.clone(), context).await?;
    match wanted {
        Wanted::Archives => Ok(archives(&restore)),
        Wanted::Inside { archive, path } => directory(&restore, archive, path).await,
    }
}

fn archives(restore: &Restore) -> Listed {
    let items = restore.manifest().files.iter().filter_map(|file| {
        let name = file.filename.to_string();
        let kind = match () {
            () if name.ends_with(".img.fidx") => 'v',
            () if name.ends_with(".pxar.didx") || name.ends_with(".mpxar.didx") => 'd',
            () => return None,
        };
        Some(Item {
            name: name.into_bytes(),
            letter: kind,
            size: (kind == 'v').then_some(file.size),
            mtime: None,
        })
    });
    Listed {
        folder: Vec::new(),
        items: items.collect(),
    }
}

async fn directory(restore: &Restore, archive: ArchiveName, path: Vec<u8>) -> Result<Listed> {
    check_archive(restore, &archive)?;
    let catalog = ArchiveName::catalog();
    let known = archive.label().ends_with(".pxar")
        && restore.manifest().file(&archive).is_some()
        && restore.manifest().file(&catalog).is_some();
    if known {
        let catalog = restore.read_at(&catalog).await.map_err(explain)?;
        let listed = client::run_blocking(move || Ok(by_catalog(catalog, &archive, &path)));
        return listed.await.map_err(explain)?;
    }
    let tree = client::open_tree(restore, &archive)
        .await
        .map_err(explain)?;
    let listed = client::run_blocking(move || Ok(by_archive(&tree, &archive, &path)));
    listed.await.map_err(explain)?
}

fn by_catalog(source: RemoteArchive, archive: &ArchiveName, path: &[u8]) -> Result<Listed> {
    let size = source.size();
    let mut catalog = Catalog::open(pxar::read_at::RangeReader::new(source, 0..size, READ_BYTES))?;
    let full = [archive.to_string().as_bytes(), path].concat();
    let Some(EntryKind::Directory(directory)) = catalog.lookup(&full)? else {
        return Err(not_found(&full).into());
    };
    let items = catalog.read_dir(directory)?.into_iter().map(|entry| {
        let (size, mtime) = match entry.kind {
            EntryKind::File { size, mtime } => (Some(size), Some(mtime)),
            _ => (None, None),
        };
        Item {
            letter: entry.kind.letter(),
            name: entry.name,
            size,
            mtime,
        }
    });
    Ok(Listed {
        items: items.collect(),
        folder: full,
    })
}

fn by_archive(
    tree: &Accessor<RemoteArchive>,
    archive: &ArchiveName,
    path: &[u8],
) -> Result<Listed> {
    let full = [archive.to_string().as_bytes(), path].concat();
    let node = tree.lookup(path)?.filter(|node| node.entry.is_dir());
    let node = node.ok_or_else(|| not_found(&full))?;
    let directory = tree.open_directory(&node)?;
    let items = tree.read_dir(&directory).map(|node| {
        let entry = node?.entry;
        let (size, mtime) = match entry.kind {
            pxar::EntryKind::File { size } => (Some(size), Some(entry.metadata.mtime.secs)),
            _ => (None, None),
        };
        Ok(Item {
            letter: entry.letter(),
            name: entry.name,
            size,
            mtime,
        })
    });
    Ok(Listed {
        items: items.collect::<Result<_>>()?,
        folder: full,
    })
}

fn not_found(path: &[u8]) -> Failure {
    let path = String::from_utf8_lossy(path);
    Failure::new(format!("\"{path}\" is no directory of the snapshot"))
        .hint("list the directory above it to see what there is")
}

/// A directory as it was found. A record of JSON takes many times the room of an item, and directories can be large.
struct Listed {
    /// Its path with the archive's name in front; nothing for the list of archives.
    folder: Vec<u8>,
    items: Vec<Item>,
}

impl Listed {
    fn records(&self) -> impl Iterator<Item = Value> + Clone {
        self.items.iter().map(|item| item.as_data(&self.folder))
    }

    fn print(&self, format: Format) -> Result<(), OutError> {
        if let Some(mut items) = Items::open(format)? {
            for record in self.records() {
                items.add(&record)?;
            }
            items.end()?;
        }
        Ok(())
    }
}

/// One line of a list.
struct Item {
    name: Vec<u8>,
    letter: char,
    size: Option<u64>,
    mtime: Option<i64>,
}

impl Item {
    /// The order of the table: by type and name, as they are shown.
    fn before(&self, other: &Item) -> Ordering {
        let (ours, theirs) = (&self.name, &other.name);
        let by_name = || String::from_utf8_lossy(ours).cmp(&String::from_utf8_lossy(theirs));
        self.letter.cmp(&other.letter).then_with(by_name)
    }

    /// `folder` is the path of the directory with the archive's name in front; nothing for the list of archives.
    fn as_data(&self, folder: &[u8]) -> Value {
        let mut full = folder.to_vec();
        if full.last() != Some(&b'/') {
            full.push(b'/');
        }
        full.extend_from_slice(&self.name);
        let mut data = json!({
            "filepath": STANDARD.encode(full),
            "leaf": !matches!(self.letter, 'd' | 'v'),
            "text": String::from_utf8_lossy(&self.name),
            "type": self.letter.to_string(),
        });
        if let Some(size) = self.size {
            data["size"] = size.into();
        }
        if let Some(mtime) = self.mtime {
            data["mtime"] = mtime.into();
        }
        data
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_the_originals() {
        let file = Item {
            name: b"app.conf".to_vec(),
            letter: 'f',
            size: Some(8),
            mtime: Some(1_767_225_600),
        };
        let archive = Item {
            name: b"etc.pxar.didx".to_vec(),
            letter: 'd',
            size: None,
            mtime: None,
        };
        for (data, expected) in [
            (
                file.as_data(b"etc.pxar.didx/"),
                r#"{"filepath":"ZXRjLnB4YXIuZGlkeC9hcHAuY29uZg==","leaf":true,"mtime":1767225600,"size":8,"text":"app.conf","type":"f"}"#,
            ),
            (
                archive.as_data(b""),
                r#"{"filepath":"L2V0Yy5weGFyLmRpZHg=","leaf":false,"text":"etc.pxar.didx","type":"d"}"#,
            ),
        ] {
            assert_eq!(json::line(&data), expected);
        }
    }

    /// The table is sorted before its records are made; so that must be the order of what they show.
    #[test]
    fn the_table_is_in_the_order_of_what_it_shows() {
        let item = |letter, name: &[u8]| Item {
            name: name.to_vec(),
            letter,
            size: None,
            mtime: None,
        };
        let names: [&[u8]; 6] = [
            b"b",
            b"a\xff",
            b"a\xc3\xa9",
            b"a",
            b"B",
            b"\xf0\x9f\x94\x92",
        ];
        let mut items: Vec<_> = "fdl"
            .chars()
            .flat_map(|letter| names.map(|name| item(letter, name)))
            .collect();
        let shown = |items: &[Item]| -> Vec<_> {
            let data = items.iter().map(|item| item.as_data(b""));
            let text = |value: &Value| value.as_str().expect("text").to_owned();
            data.map(|data| (text(&data["type"]), text(&data["text"])))
                .collect()
        };
        let mut expected = shown(&items);
        expected.sort();
        items.sort_by(Item::before);
        assert_eq!(shown(&items), expected);
    }

    #[test]
    fn errors_as_data() {
        let refused = || remote::Error::Refused {
            request: "GET /x".into(),
            status: 400,
            text: "snapshot x does not exist.".into(),
        };
        let expected = r#"{"code":400,"message":"snapshot x does not exist."}"#;
        for (error, expected) in [
            (anyhow::Error::from(refused()), expected),
            (client::Error::from(refused()).into(), expected),
            (
                TimedOut.into(),
                r#"{"code":503,"message":"list not finished in time"}"#,
            ),
            (Failure::new("no").into(), r#"{"message":"no"}"#),
        ] {
            assert_eq!(json::line(&as_data(&error)), expected);
        }
    }
}
