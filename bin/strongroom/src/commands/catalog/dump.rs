//! `catalog dump`: every entry in a line, on standard error as the original does (cli.md 3.7).

use std::fmt::Write as _;
use std::io::{BufRead, Read, Seek};

use anyhow::Result;
use console::human;
use console::json::Format;
use console::output::{Items, OutputArgs};
use console::report::Failure;
use console::screen::Screen;
use console::shown;
use format::catalog::{Catalog, EntryKind};
use format::{ArchiveName, GroupOrSnapshot, Manifest};
use jiff::tz::TimeZone;
use pxar::metadata::mode::BLOCK;
use pxar::read_at::RangeReader;
use pxar::{Decoder, ReadAt, Step};
use serde_json::json;

use crate::commands::put_path;
use crate::commands::snapshot::group_or_snapshot_path;
use crate::connection::connect;
use crate::context::Context;
use crate::failure::{check_key, explain};
use crate::keys::{self, KeyArgs, KeyFileArgs, Offer};
use crate::outage::PatienceArgs;
use crate::repository::{NamespaceArgs, RepositoryArgs};
use crate::snapshots::Shelf;

/// Entries beyond this are not listed: the catalog is damaged, or not for human eyes.
const ENTRIES_MAX: u64 = 1 << 32;
/// Bytes taken from an archive at a time.
const READ_LEN: usize = 256 << 10;
/// Lines are written together up to this length.
const BATCH_BYTES: usize = 64 << 10;

/// List the names inside the archives of a snapshot.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  strongroom catalog dump host/web1")]
pub struct Args {
    /// The snapshot (type/id/time), or a group (type/id) for its newest snapshot.
    #[arg(value_parser = group_or_snapshot_path)]
    snapshot: GroupOrSnapshot,

    #[command(flatten)]
    repository: RepositoryArgs,
    #[command(flatten)]
    namespace: NamespaceArgs,
    #[command(flatten)]
    key: KeyFileArgs,
    #[command(flatten)]
    patience: PatienceArgs,
    #[command(flatten)]
    output: OutputArgs,
}

pub async fn run(args: Args, context: &Context) -> Result<()> {
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
    let (restore, place) = shelf.open(&args.snapshot, key.clone()).await?;
    check_key(&restore, key.as_deref())?;
    let mut sink = Sink::open(args.output.chosen(), context)?;
    let name = ArchiveName::catalog();
    if restore.manifest().file(&name).is_some() {
        let archive = restore.read_at(&name).await.map_err(explain)?;
        return client::run_blocking(move || {
            Ok(dump(archive.cursor(), &mut sink).and_then(|()| sink.end()))
        })
        .await
        .map_err(explain)?;
    }
    let halves = metadata_halves(restore.manifest());
    if halves.is_empty() {
        return Err(Failure::new(format!("{} has no catalog", place.snapshot))
            .hint("only snapshots with an archive of a directory have names to list")
            .into());
    }
    for name in halves {
        let archive = restore.read_at(&name).await.map_err(explain)?;
        sink = client::run_blocking(move || {
            let archive = RangeReader::new(&archive, 0..archive.size(), READ_LEN);
            Ok(dump_tree(&name, Decoder::new(archive), &mut sink).map(|()| sink))
        })
        .await
        .map_err(explain)??;
    }
    sink.end()
}

/// The split archives of a snapshot, by name.
fn metadata_halves(manifest: &Manifest) -> Vec<ArchiveName> {
    let names = manifest.files.iter().map(|file| file.filename.clone());
    let mut halves: Vec<_> = names
        .filter(|name| name.label().ends_with(".mpxar"))
        .collect();
    halves.sort();
    halves
}

/// The names in a split archive, which has no catalog: its metadata half is read instead.
fn dump_tree<R: BufRead>(name: &ArchiveName, mut tree: Decoder<R>, sink: &mut Sink) -> Result<()> {
    while let Some(step) = tree.advance()? {
        if step == Step::Leave || tree.path() == b"/" {
            continue;
        }
        let path = [name.as_str().as_bytes(), tree.path()].concat();
        let entry = tree.entry();
        let file = match entry.kind {
            pxar::EntryKind::File { size } => Some((size, entry.metadata.mtime.secs)),
            _ => None,
        };
        sink.add(letter(entry), &path, file)?;
    }
    Ok(())
}

/// The letter that a catalog would have.
fn letter(entry: &pxar::Entry) -> char {
    match &entry.kind {
        pxar::EntryKind::Directory => 'd',
        pxar::EntryKind::File { .. } => 'f',
        pxar::EntryKind::Symlink { .. } => 'l',
        pxar::EntryKind::Hardlink { .. } => 'h',
        pxar::EntryKind::Device { .. } if entry.metadata.file_type() == BLOCK => 'b',
        pxar::EntryKind::Device { .. } => 'c',
        pxar::EntryKind::Fifo => 'p',
        pxar::EntryKind::Socket => 's',
    }
}

/// Walks through the whole catalog, also if nothing is to be shown, since that finds damage.
fn dump(source: impl Read + Seek, sink: &mut Sink) -> Result<()> {
    let mut catalog = Catalog::open(source)?;
    let root = catalog.root();
    let mut walk = catalog.walk(root, ENTRIES_MAX)?;
    while let Some((path, entry)) = walk.next()? {
        let file = match entry.kind {
            EntryKind::File { size, mtime } => Some((size, mtime)),
            _ => None,
        };
        sink.add(entry.kind.letter(), path, file)?;
    }
    Ok(())
}

/// Where the names go: as lines to standard error, or nowhere if it is to be quiet; or into a list on standard output.
enum Sink {
    Lines {
        screen: Option<Screen>,
        zone: TimeZone,
        batch: String,
    },
    Items(Items),
}

impl Sink {
    fn open(format: Format, context: &Context) -> Result<Sink> {
        if let Some(items) = Items::open(format)? {
            return Ok(Sink::Items(items));
        }
        let is_shown = tracing::enabled!(tracing::Level::INFO);
        Ok(Sink::Lines {
            screen: is_shown.then(|| context.screen.clone()),
            zone: context.zone.clone(),
            batch: String::new(),
        })
    }

    /// Letter of the kind, path, and of a file size and time.
    fn add(&mut self, letter: char, path: &[u8], file: Option<(u64, i64)>) -> Result<()> {
        match self {
            Sink::Items(items) => {
                let mut item = json!({"type": letter.to_string()});
                put_path(&mut item, path);
                if let Some((size, mtime)) = file {
                    item["size"] = size.into();
                    item["mtime"] = mtime.into();
                }
                items.add(&item)?;
            }
            Sink::Lines { zone, batch, .. } => {
                put_line(batch, letter, path, file, zone);
                if batch.len() > BATCH_BYTES {
                    self.print();
                }
            }
        }
        Ok(())
    }

    fn print(&mut self) {
        let Sink::Lines { screen, batch, .. } = self else {
            return;
        };
        if let Some(screen) = screen {
            screen.print(batch);
        }
        batch.clear();
    }

    fn end(mut self) -> Result<()> {
        self.print();
        match self {
            Sink::Items(items) => Ok(items.end()?),
            Sink::Lines { .. } => Ok(()),
        }
    }
}

/// `f "./root.pxar.didx/a" 2 2021-01-01T11:20:27Z`. The time is local although it says `Z`.
fn put_line(
    out: &mut String,
    letter: char,
    path: &[u8],
    file: Option<(u64, i64)>,
    zone: &TimeZone,
) {
    let path = shown::quoted(&[b"./", path].concat());
    let _ = write!(out, "{letter} {path}");
    if let Some((size, mtime)) = file {
        let _ = write!(out, " {size} {}", human::local_time(mtime, zone));
    }
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        let east = TimeZone::fixed(jiff::tz::offset(2));
        let file = Some((2, 1_609_500_027));
        for (letter, path, file, zone, expected) in [
            (
                'f',
                &b"a.pxar.didx/x"[..],
                file,
                TimeZone::UTC,
                "f \"./a.pxar.didx/x\" 2 2021-01-01T11:20:27Z\n",
            ),
            (
                'f',
                b"a.pxar.didx/x",
                file,
                east,
                "f \"./a.pxar.didx/x\" 2 2021-01-01T13:20:27Z\n",
            ),
            (
                'p',
                b"a/\"\\\n\xff",
                None,
                TimeZone::UTC,
                "p \"./a/\\\"\\\\\\n\\xFF\"\n",
            ),
        ] {
            let mut out = String::new();
            put_line(&mut out, letter, path, file, &zone);
            assert_eq!(out, expected);
        }
    }
}
