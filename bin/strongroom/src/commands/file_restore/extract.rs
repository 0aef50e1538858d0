//! `file-restore extract`: one file or directory of an archive to a folder, or as a stream to standard output.

use std::ffi::OsString;
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;
use clap::ValueEnum;
use client::{RemoteArchive, subtree};
use console::out;
use console::report::Failure;
use console::screen::Screen;
use format::Snapshot;
use pack::Packing;
use pxar::{Accessor, EntryKind, Metadata, Node};
use tree::{EntryError, ExtractOptions, ExtractWatch, Remark};

use super::{SnapshotArgs, Wanted, check_archive};
use crate::commands::snapshot::snapshot_path;
use crate::context::Context;
use crate::failure::explain;
use crate::interrupt::or_ended;

/// Restore a file or a directory of an archive.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The snapshot (type/id/time).
    #[arg(value_parser = snapshot_path)]
    snapshot: Snapshot,

    /// An archive's stored name and a path in it, like `/root.pxar.didx/etc/hosts`.
    path: OsString,

    /// The folder that the file or directory is put into, by default the current one; `-` for
    /// standard output.
    target: Option<PathBuf>,

    #[command(flatten)]
    of: SnapshotArgs,

    /// What is written to standard output: a file as it is (plain), a directory as zip or tar.
    #[arg(long, value_enum)]
    format: Option<Format>,

    /// Compress what is written to standard output.
    #[arg(long)]
    zstd: bool,

    /// Tell the name of each file that is restored.
    #[arg(long)]
    verbose: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Plain,
    Pxar,
    Zip,
    Tar,
}

pub async fn run(args: Args, context: &Context) -> Result<()> {
    let wanted = Wanted::parse(args.path.as_bytes(), args.of.base64)?;
    let Wanted::Inside { archive, path } = wanted else {
        return Err(Failure::new("'/' is not supported for file-restore")
            .hint("name an archive, like /root.pxar.didx")
            .into());
    };
    let restore = args.of.open(args.snapshot.clone(), context).await?;
    check_archive(&restore, &archive)?;
    let hint = match args.target.as_deref() {
        Some(target) if target == Path::new("-") => "what was written is not whole",
        _ => "what was restored before is still there",
    };
    let screen = context.screen.clone();
    let work = async {
        let tree = client::open_tree(&restore, &archive)
            .await
            .map_err(explain)?;
        let work = move || Ok(extract(tree, &path, &args, screen));
        restore.run_blocking(work).await.map_err(explain)?
    };
    or_ended(hint, work, restore.give_up()).await
}

fn extract(tree: Accessor<RemoteArchive>, path: &[u8], args: &Args, screen: Screen) -> Result<()> {
    let found = tree.lookup(path)?.ok_or_else(|| {
        let path = String::from_utf8_lossy(path);
        Failure::new(format!(
            "no such file or directory in the archive: {path:?}"
        ))
        .hint("`list` shows what there is")
    })?;
    match args.target.as_deref() {
        Some(target) if target == Path::new("-") => {
            let node = tree.follow_hardlink(&found)?;
            stream(Arc::new(tree), path, node, args.format, args.zstd)
        }
        target => {
            let target = target.unwrap_or(Path::new("."));
            let options = ExtractOptions {
                allow_existing_dirs: true,
                strict: true,
                ..ExtractOptions::default()
            };
            let mut watch = Watch {
                screen,
                verbose: args.verbose,
            };
            let done = subtree::extract_member(&tree, path, &found, target, &options, &mut watch);
            done.map(drop).map_err(|error| match error {
                subtree::SubtreeError::Extract(error) => explain(error.into()),
                other => other.into(),
            })
        }
    }
}

fn stream(
    tree: Arc<Accessor<RemoteArchive>>,
    path: &[u8],
    node: Node,
    format: Option<Format>,
    zstd: bool,
) -> Result<()> {
    let pieces = match (&node.entry.kind, format) {
        (EntryKind::File { .. }, None | Some(Format::Plain)) => {
            let data = pack::file(tree, node, 0);
            if zstd { pack::compressed(data)? } else { data }
        }
        (EntryKind::File { .. }, Some(_)) => {
            return Err(Failure::new("cannot extract single files as archive")
                .hint("leave out --format")
                .into());
        }
        (EntryKind::Directory, None | Some(Format::Zip | Format::Tar)) => {
            let format = match format {
                Some(Format::Tar) => pack::Format::Tar,
                _ => pack::Format::Zip,
            };
            pack::directory(tree, path, node, Packing { format, zstd })?
        }
        (EntryKind::Directory, Some(_)) => {
            return Err(
                Failure::new("a directory of an archive is written as zip or tar")
                    .hint("give --format zip or --format tar")
                    .into(),
            );
        }
        _ => {
            let path = String::from_utf8_lossy(path);
            let what = format!("{path:?} is neither a file nor a directory");
            return Err(Failure::new(what).hint("restore it to a folder").into());
        }
    };
    let mut out = out::Stream::open()?;
    for piece in pieces {
        let piece = piece.map_err(|error| Failure::new("cannot read the archive").cause(error))?;
        out.write_all(&piece)
            .map_err(|error| Failure::new("cannot write to standard output").cause(error))?;
    }
    Ok(())
}

struct Watch {
    screen: Screen,
    verbose: bool,
}

impl ExtractWatch for Watch {
    fn entry(&mut self, path: &Path, _: &Metadata, _: &EntryKind) {
        if self.verbose && !path.as_os_str().is_empty() {
            self.screen.line(&format!("{path:?}"));
        }
    }

    fn remark(&mut self, remark: &Remark) {
        tracing::warn!("{remark}");
    }

    fn error(&mut self, error: &EntryError) {
        tracing::warn!("warning: {error}: {}", error.source);
    }
}
