//! `extract`: an archive to a directory (cli.md 4.1, pxar.md 5).

use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::Result;
use console::report::Failure;
use pxar::{EntryKind, MatchKind, Metadata};
use tree::{EntryError, ExtractError, ExtractOptions, ExtractStats, ExtractWatch, Remark};

use crate::disk::target_hint;
use crate::files;
use crate::log::{Level, Log};
use crate::places;
use crate::stop::Stop;

const PRELUDE_MODE: u32 = 0o644;
/// As many as the kernel follows.
const LINKS_MAX: usize = 40;

/// Unpack an archive.
///
/// Owner, permissions and times of the archive's root are restored to the target directory
/// itself. Without root's rights files stay with the user who unpacks; one message tells so.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  pxar extract home.pxar /tmp/home
  pxar extract home.pxar out --pattern 'docs/**/*.txt'
  pxar extract home.mpxar out --payload-input home.ppxar")]
pub struct Args {
    /// The archive file; `-` reads standard input.
    archive: PathBuf,

    /// Directory to unpack to; it is made if it does not exist.
    #[arg(default_value = ".")]
    target: PathBuf,

    /// Pattern of paths to unpack; `!` leaves out. Without any, everything is unpacked.
    #[arg(long)]
    pattern: Vec<String>,

    /// File with one pattern per line (at most 16 MiB and 1000000 patterns); they come before
    /// those of `--pattern`.
    #[arg(long)]
    files_from: Option<PathBuf>,

    /// Unpack into directories that exist.
    #[arg(long)]
    allow_existing_dirs: bool,

    /// Replace existing files, symlinks, hard links, device nodes, fifos and sockets.
    #[arg(long)]
    overwrite: bool,

    /// Replace existing files.
    #[arg(long)]
    overwrite_files: bool,

    /// Replace what stands where a symlink goes.
    #[arg(long)]
    overwrite_symlinks: bool,

    /// Replace what stands where a hard link goes.
    #[arg(long)]
    overwrite_hardlinks: bool,

    /// Leave out access control lists.
    #[arg(long)]
    no_acls: bool,

    /// Leave out extended attributes.
    #[arg(long)]
    no_xattrs: bool,

    /// Leave out file capabilities.
    #[arg(long)]
    no_fcaps: bool,

    /// Leave out device nodes.
    #[arg(long)]
    no_device_nodes: bool,

    /// Leave out fifos.
    #[arg(long)]
    no_fifos: bool,

    /// Leave out sockets.
    #[arg(long)]
    no_sockets: bool,

    /// The payload half (`.ppxar`) of a split archive, whose metadata half is the archive.
    #[arg(long)]
    payload_input: Option<PathBuf>,

    /// Also write what a split archive says before its root (the patterns that left things out)
    /// to this file.
    #[arg(long)]
    prelude_target: Option<PathBuf>,

    /// Stop at the first error; otherwise errors are told and the rest is unpacked.
    #[arg(long)]
    strict: bool,
}

pub fn run(args: Args, log: &Log) -> Result<()> {
    let mut patterns = match &args.files_from {
        Some(path) => places::patterns_in(path)?,
        None => Vec::new(),
    };
    patterns.extend(places::patterns(
        &args.pattern,
        MatchKind::Include,
        "pattern",
    )?);
    let options = ExtractOptions {
        patterns: patterns.into_iter().collect(),
        allow_existing_dirs: args.allow_existing_dirs,
        overwrite_files: args.overwrite || args.overwrite_files,
        overwrite_symlinks: args.overwrite || args.overwrite_symlinks,
        overwrite_hardlinks: args.overwrite || args.overwrite_hardlinks,
        overwrite_nodes: args.overwrite,
        ignore_acls: args.no_acls,
        ignore_xattrs: args.no_xattrs,
        ignore_fcaps: args.no_fcaps,
        no_device_nodes: args.no_device_nodes,
        no_fifos: args.no_fifos,
        no_sockets: args.no_sockets,
        strict: args.strict,
        ..ExtractOptions::default()
    };
    let stop = Stop::listen()?;
    let mut watch = Watch {
        log,
        stop: &stop,
        in_the_way: false,
    };
    let unpacked = unpack(&args, &options, &mut watch);
    let stats = stop.explain(unpacked, STOPPED)?;
    match stats.errors {
        0 => Ok(()),
        _ if watch.in_the_way => Err(Failure::new("there were errors").hint(IN_THE_WAY).into()),
        _ => Err(Failure::new("there were errors").into()),
    }
}

const STOPPED: &str = "what was unpacked before is still there; to go on, run the command again with --allow-existing-dirs --overwrite";
/// Also what goes on after an end before the end.
const IN_THE_WAY: &str =
    "what is there already was left as it is; --allow-existing-dirs --overwrite replaces it";

fn unpack(args: &Args, options: &ExtractOptions, watch: &mut Watch<'_>) -> Result<ExtractStats> {
    let archive = places::whole(&args.archive, args.payload_input.as_deref(), watch.stop)?;
    if let Some(target) = &args.prelude_target {
        match archive.prelude() {
            Some(prelude) => write_prelude(target, prelude, options.overwrite_files)?,
            None => watch.log.line(
                Level::Info,
                &format!("the archive has no prelude, {target:?} is not written"),
            ),
        }
    }
    tree::extract(archive, &args.target, options, watch).map_err(advised)
}

fn advised(error: ExtractError) -> anyhow::Error {
    let hint = match &error {
        ExtractError::Entry(entry) if is_in_the_way(entry) => Some(IN_THE_WAY),
        other => target_hint(other),
    };
    match hint {
        Some(hint) => Failure::new(error.to_string())
            .cause(error)
            .hint(hint)
            .into(),
        None => error.into(),
    }
}

fn is_in_the_way(error: &EntryError) -> bool {
    error.source.kind() == ErrorKind::AlreadyExists
}

fn write_prelude(target: &Path, prelude: &[u8], overwrite: bool) -> Result<()> {
    let written = match overwrite {
        true => overwritten(target, prelude),
        false => files::create(target, prelude, PRELUDE_MODE),
    };
    written.map_err(|error| {
        Failure::new(format!("cannot write the prelude to {target:?}"))
            .cause(error)
            .into()
    })
}

/// A file is replaced whole and keeps its mode and owner, also one that a symlink leads to; a device or a pipe takes what is written.
fn overwritten(target: &Path, prelude: &[u8]) -> io::Result<()> {
    match target.metadata() {
        Ok(found) if found.is_file() => files::renew(&target.canonicalize()?, prelude),
        Ok(_) => File::options().write(true).open(target)?.write_all(prelude),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            files::replace(&led_to(target), prelude, PRELUDE_MODE)
        }
        Err(error) => Err(error),
    }
}

/// Where symlinks lead that end at nothing.
fn led_to(target: &Path) -> PathBuf {
    let mut at = target.to_owned();
    for _ in 0..LINKS_MAX {
        let Ok(next) = at.read_link() else { break };
        at = at.parent().unwrap_or(Path::new("")).join(next);
    }
    at
}

struct Watch<'a> {
    log: &'a Log,
    stop: &'a Stop,
    /// Whether something that exists was not replaced.
    in_the_way: bool,
}

impl ExtractWatch for Watch<'_> {
    fn entry(&mut self, path: &Path, _: &Metadata, _: &EntryKind) {
        if self.log.is_on(Level::Debug) {
            self.log.line(Level::Debug, &format!("{path:?}"));
        }
    }

    fn stopped(&self) -> bool {
        self.stop.is_asked()
    }

    fn remark(&mut self, remark: &Remark) {
        self.log.line(Level::Warn, &remark.to_string());
    }

    fn error(&mut self, error: &EntryError) {
        self.in_the_way |= is_in_the_way(error);
        let text = format!(
            "error: error at {:?}\ncause: {error}: {}",
            error.path, error.source
        );
        self.log.line(Level::Error, &text);
    }
}
