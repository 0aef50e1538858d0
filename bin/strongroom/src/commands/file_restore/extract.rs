//! `file-restore extract`: one file or directory of an archive to a folder, or as a stream to standard output or a file.

use std::ffi::OsString;
use std::io::{self, ErrorKind, Write};
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
use pack::{Packing, Pieces};
use pxar::{Accessor, EntryKind, Metadata, Node};
use tree::{EntryError, ExtractOptions, ExtractWatch, Remark};

use super::{SnapshotArgs, Wanted, check_archive};
use crate::called::Program;
use crate::commands::restore::exists;
use crate::commands::snapshot::snapshot_path;
use crate::context::Context;
use crate::failure::{explain, explain_beside};
use crate::interrupt::or_ended;
use crate::places;
use crate::written::{Became, Written};

const FILE_MODE: u32 = 0o644;

/// Restore a file or a directory of an archive.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The snapshot (type/id/time).
    #[arg(value_parser = snapshot_path)]
    snapshot: Snapshot,

    /// An archive's stored name and a path in it, like `/root.pxar.didx/etc/hosts`.
    path: OsString,

    /// The folder that the file or directory is put into, by default the current one; `-` for
    /// standard output; with --format zip or tar, or --zstd, a new file; called
    /// as proxmox-file-restore the program takes any name but `-` for a folder.
    target: Option<PathBuf>,

    #[command(flatten)]
    of: SnapshotArgs,

    /// What is written to standard output or a new file: a file as it is (plain), a directory as
    /// zip or tar.
    #[arg(long, value_enum)]
    format: Option<Format>,

    /// Compress what is written to standard output or a new file.
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
    let goal = args.goal(Program::named(&context.program))?;
    let restore = args.of.open(args.snapshot.clone(), context).await?;
    check_archive(&restore, &archive)?;
    let written = Written::default();
    let left = goal.left();
    let became = {
        let (goal, written) = (goal.clone(), written.clone());
        let left = left.as_str();
        move || goal.became(&written, left)
    };
    let screen = context.screen.clone();
    let work = async {
        let tree = client::open_tree(&restore, &archive)
            .await
            .map_err(explain)?;
        let work = move || Ok(extract(tree, &path, (&args, &goal), screen, &written));
        restore.run_blocking(work).await.map_err(explain)?
    };
    or_ended(became, work, restore.give_up()).await
}

/// Where it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Goal {
    Output,
    /// A stream, as to standard output, into a new file.
    File(PathBuf),
    /// Members under their own names.
    Folder(PathBuf),
}

impl Goal {
    /// What may be left of it if its end is not waited for.
    fn left(&self) -> String {
        let Goal::File(target) = self else {
            return String::new();
        };
        let begin = places::unfinished(target);
        format!(
            "the unfinished file was not waited for: remove it if it is there; its name begins with {begin:?}"
        )
    }

    fn became<'h>(&self, written: &Written, left: &'h str) -> Became<'h> {
        match self {
            Goal::Output => written.became("what was written is not whole"),
            Goal::File(_) => written.hidden("the unfinished file was removed", left),
            Goal::Folder(_) => Became::This("what was restored before is still there"),
        }
    }
}

impl Args {
    /// A target that is no folder, with an option that asks for a stream, is a file: a folder called `x.zip` is nobody's wish. By
    /// the original's name it is a folder all the same, as callers of that one know it.
    fn goal(&self, program: Program) -> Result<Goal, Failure> {
        let is_stream = self.zstd || self.format.is_some_and(|format| format != Format::Plain);
        let target = match self.target.as_deref() {
            None => Path::new("."),
            Some(target) if target == Path::new("-") => return Ok(Goal::Output),
            Some(target) => target,
        };
        let is_folder = program == Program::FileRestore
            || target.is_dir()
            || target.as_os_str().as_bytes().ends_with(b"/");
        match (is_stream, is_folder) {
            (true, false) if target.symlink_metadata().is_ok() => Err(exists(target)),
            (true, false) => Ok(Goal::File(target.to_owned())),
            (true, true) => {
                tracing::warn!(
                    "--format and --zstd are only for `-`, standard output: what is restored is put into the folder {target:?}"
                );
                Ok(Goal::Folder(target.to_owned()))
            }
            (false, _) => Ok(Goal::Folder(target.to_owned())),
        }
    }
}

fn extract(
    tree: Accessor<RemoteArchive>,
    path: &[u8],
    (args, goal): (&Args, &Goal),
    screen: Screen,
    written: &Written,
) -> Result<()> {
    let found = tree.lookup(path)?.ok_or_else(|| {
        let path = String::from_utf8_lossy(path);
        Failure::new(format!(
            "no such file or directory in the archive: {path:?}"
        ))
        .hint("`strongroom file-restore list` shows what there is")
    })?;
    match goal {
        Goal::Output => {
            let node = tree.follow_hardlink(&found)?;
            let pieces = stream(Arc::new(tree), path, node, args.format, args.zstd)?;
            let out = written.through(out::Stream::open()?);
            copy(pieces, out, "to standard output")?;
            written.is_whole();
            Ok(())
        }
        Goal::File(target) => {
            let node = tree.follow_hardlink(&found)?;
            let pieces = stream(Arc::new(tree), path, node, args.format, args.zstd)?;
            to_file(pieces, target, written)
        }
        Goal::Folder(target) => {
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
                subtree::SubtreeError::Extract(error) => explain_beside(error.into()),
                other => other.into(),
            })
        }
    }
}

fn to_file(pieces: Pieces, target: &Path, written: &Written) -> Result<()> {
    let to = format!("to {target:?}");
    let made = places::create_by(target, FILE_MODE, |file| copy(pieces, file, &to));
    made.map_err(|error| match error.downcast::<io::Error>() {
        Ok(error) if error.kind() == ErrorKind::AlreadyExists => exists(target).into(),
        Ok(error) => Failure::new(format!("unable to create target file {target:?}"))
            .cause(error)
            .into(),
        Err(other) => other,
    })?;
    written.is_whole();
    Ok(())
}

fn copy(pieces: Pieces, mut out: impl Write, to: &str) -> Result<()> {
    for piece in pieces {
        let piece = piece.map_err(|error| Failure::new("cannot read the archive").cause(error))?;
        out.write_all(&piece)
            .map_err(|error| Failure::new(format!("cannot write {to}")).cause(error))?;
    }
    Ok(())
}

fn stream(
    tree: Arc<Accessor<RemoteArchive>>,
    path: &[u8],
    node: Node,
    format: Option<Format>,
    zstd: bool,
) -> Result<Pieces> {
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
            let scratch = || Ok(Box::new(tempfile::tempfile()?) as Box<dyn pack::Scratch>);
            let packing = Packing { format, zstd };
            pack::directory(tree, path, node, packing, Box::new(scratch))?
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
    Ok(pieces)
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

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    /// `extract ... z.zip --format zip` made a folder of that name, and no archive.
    #[test]
    fn a_format_asks_for_a_file() {
        let temp = tempfile::tempdir().unwrap();
        let path = |name: &str| temp.path().join(name);
        std::fs::create_dir(path("folder")).unwrap();
        std::fs::write(path("old.zip"), "").unwrap();
        std::os::unix::fs::symlink("nowhere", path("link")).unwrap();
        let goal_of = |program: Program, options: &str| {
            let line = format!("x host/a/2026-01-05T02:00:00Z /a.pxar.didx {options}");
            let line = line.replace('@', temp.path().to_str().unwrap());
            Line::try_parse_from(line.split_whitespace())
                .unwrap_or_else(|error| panic!("{error}"))
                .args
                .goal(program)
        };
        let goal = |options: &str| goal_of(Program::Client, options);
        let file = |name: &str| Some(Goal::File(path(name)));
        let folder = |name: &str| Some(Goal::Folder(path(name)));
        for (options, expected) in [
            ("", Some(Goal::Folder(".".into()))),
            ("--format zip", Some(Goal::Folder(".".into()))),
            ("- --format tar --zstd", Some(Goal::Output)),
            ("-", Some(Goal::Output)),
            ("@/z.zip --format zip", file("z.zip")),
            ("@/z.tar.zst --format tar --zstd", file("z.tar.zst")),
            ("@/f.zst --zstd", file("f.zst")),
            ("@/a.pxar --format pxar", file("a.pxar")),
            ("@/z.zip", folder("z.zip")),
            ("@/new --format plain", folder("new")),
            ("@/new/ --format zip", folder("new/")),
            ("@/folder --format zip", folder("folder")),
            ("@/old.zip --format zip", None),
            ("@/link --format zip", None),
        ] {
            assert_eq!(goal(options).ok(), expected, "{options}");
        }
        for (options, expected) in [
            ("@/z.zip --format zip", folder("z.zip")),
            ("@/f.zst --zstd", folder("f.zst")),
            ("- --format zip", Some(Goal::Output)),
        ] {
            let found = goal_of(Program::FileRestore, options);
            assert_eq!(found.ok(), expected, "{options}");
        }
        let refused = goal("@/old.zip --format zip").unwrap_err().to_string();
        assert!(
            refused.ends_with("old.zip\" - File exists (os error 17)"),
            "{refused}"
        );
    }

    /// A signal that came while the disk was waited for left the file, and it was said to be removed.
    #[test]
    fn a_file_that_is_whole_is_told_to_be() {
        let temp = tempfile::tempdir().unwrap();
        let target = temp.path().join("z.zip");
        let goal = Goal::File(target.clone());
        let left = goal.left();
        assert!(left.contains("/.z.zip.\""), "{left}");
        let pieces = |last: io::Result<Vec<u8>>| -> Pieces {
            Box::new([Ok(b"PK".to_vec()), last].into_iter())
        };
        let written = Written::default();
        assert!(to_file(pieces(Err(io::Error::other("gone"))), &target, &written).is_err());
        let removed = goal.became(&written, &left);
        assert!(matches!(removed, Became::Removed { .. }) && !target.exists());
        to_file(pieces(Ok(b"..".to_vec())), &target, &written).unwrap();
        assert_eq!(goal.became(&written, &left), Became::Whole);
        assert_eq!(std::fs::read(&target).unwrap(), b"PK..");
    }
}
