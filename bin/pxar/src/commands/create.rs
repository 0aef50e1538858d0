//! `create`: a directory to a new archive file (cli.md 4.1, pxar.md 4.7).

use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use anyhow::Result;
use console::args::integer;
use console::report::Failure;
use pxar::{EntryKind, MatchKind, Metadata, WriteSink};
use tree::{CreateOptions, CreateWatch, DeviceSet, Notice};

use crate::log::{Level, Log};
use crate::places;
use crate::stop::{Stop, Stoppable};

/// Store a directory with everything in it as a new archive.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  pxar create home.pxar /home --exclude '*.tmp'
  pxar create home.mpxar /home --payload-output home.ppxar")]
pub struct Args {
    /// The archive file; it must not exist yet.
    archive: PathBuf,

    /// The directory to store.
    source: PathBuf,

    /// Pattern of paths to leave out, relative to the source; `!` takes back in.
    #[arg(long)]
    exclude: Vec<String>,

    /// Enter the mount points of other file systems too.
    #[arg(long)]
    all_file_systems: bool,

    /// Directory entries held in memory at once; more are an error.
    #[arg(long, value_name = "<integer> (0 - N)", value_parser = integer(0, i64::MAX), default_value = "1048576")]
    entries_max: i64,

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

    /// Make a split archive: file data goes to this new file (`.ppxar`), names and metadata to
    /// the archive (`.mpxar`).
    #[arg(long)]
    payload_output: Option<PathBuf>,
}

pub fn run(args: Args, log: &Log) -> Result<()> {
    let options = CreateOptions {
        excludes: places::patterns(&args.exclude, MatchKind::Exclude, "exclude")?,
        devices: if args.all_file_systems {
            DeviceSet::All
        } else {
            DeviceSet::OnlySource
        },
        entries_max: args.entries_max.unsigned_abs(),
        with_acls: !args.no_acls,
        with_xattrs: !args.no_xattrs,
        with_fcaps: !args.no_fcaps,
        with_device_nodes: !args.no_device_nodes,
        with_fifos: !args.no_fifos,
        with_sockets: !args.no_sockets,
        ..CreateOptions::default()
    };
    let source = tree::open_source(&args.source, false)?;
    let stop = Stop::listen()?;
    let watch = &mut Watch { log, stop: &stop };
    let file = places::create(&args.archive)?;
    let made = match &args.payload_output {
        None => store(source, file, &options, watch),
        Some(path) => places::create(path).and_then(|payload| {
            let made = store_split(source, (file, payload), &options, watch);
            if made.is_err() {
                let _ = std::fs::remove_file(path);
            }
            made
        }),
    };
    if made.is_err() {
        // Half an archive is of no use; the first error is what counts.
        let _ = std::fs::remove_file(&args.archive);
    }
    stop.explain(made, "the unfinished archive was removed")
}

fn store(
    source: OwnedFd,
    file: File,
    options: &CreateOptions,
    watch: &mut Watch<'_>,
) -> Result<()> {
    let sink = watch.sink(file);
    let (sink, _) = tree::create(source, sink, options, None, watch)?;
    end(sink)
}

/// Metadata to the first file, data to the second.
fn store_split(
    source: OwnedFd,
    files: (File, File),
    options: &CreateOptions,
    watch: &mut Watch<'_>,
) -> Result<()> {
    let (metadata, payload) = (watch.sink(files.0), watch.sink(files.1));
    let (metadata, payload, _) =
        tree::create_split(source, metadata, payload, options, None, watch)?;
    end(payload)?;
    end(metadata)
}

fn end(sink: WriteSink<Stoppable>) -> Result<()> {
    sink.finish()
        .map_err(|error| Failure::new("cannot write the end of the archive").cause(error))?;
    Ok(())
}

struct Watch<'a> {
    log: &'a Log,
    stop: &'a Stop,
}

impl Watch<'_> {
    fn sink(&self, file: File) -> WriteSink<Stoppable> {
        WriteSink::new(Stoppable::file(file, self.stop))
    }
}

impl CreateWatch for Watch<'_> {
    fn entry(&mut self, path: &Path, _: &Metadata, _: &EntryKind) {
        if self.log.is_on(Level::Debug) {
            self.log.line(Level::Debug, &format!("{path:?}"));
        }
    }

    fn stopped(&self) -> bool {
        self.stop.is_asked()
    }

    fn notice(&mut self, notice: &Notice) {
        let level = if notice.is_loss() {
            Level::Warn
        } else {
            Level::Info
        };
        self.log.line(level, &notice.to_string());
    }
}
