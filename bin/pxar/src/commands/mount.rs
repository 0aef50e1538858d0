//! `mount`: an archive file as a read-only file system, until it is unmounted (cli.md 4.1, pxar.md 6.2).

use std::path::PathBuf;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use anyhow::Result;
use console::report::Failure;
use mount::mounting::check_directory;
use mount::{Complain, MountError, TreeView, ViewError};
use pxar::Accessor;

use crate::log::{Level, Log};
use crate::mounting;
use crate::places::{self, ArchiveFile};
use crate::sys::Signals;

/// How long open files may stay open after a signal.
const GRACE: Duration = Duration::from_secs(5);

/// Mount an archive, read-only, until it is unmounted.
///
/// The command stays in the foreground. It ends when the archive is unmounted (`umount`, or
/// `fusermount3 -u` for an ordinary user), or by SIGINT or SIGTERM.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  pxar mount home.pxar /mnt/home
  pxar mount home.mpxar /mnt/home --payload-input home.ppxar")]
pub struct Args {
    /// The archive file, or the metadata half (`.mpxar`) of a split one.
    archive: PathBuf,

    /// The empty directory to mount on.
    mountpoint: PathBuf,

    /// Tell when the archive is mounted and why it ends.
    #[arg(long)]
    verbose: bool,

    /// The payload half (`.ppxar`) of a split archive.
    #[arg(long)]
    payload_input: Option<PathBuf>,
}

/// What ends a mount.
enum End {
    Unmounted(std::io::Result<()>),
    Signal(&'static str),
}

pub fn run(args: Args, log: &Log) -> Result<()> {
    let target = check_directory(&args.mountpoint).map_err(advise)?;
    let tree = open(&args)?;
    let told = if args.verbose {
        Level::Info
    } else {
        Level::Debug
    };
    let failed = |error| Failure::new("cannot listen for signals").cause(error);
    let signals = Signals::withhold().map_err(failed)?;
    let mounted = mount::mount_tree(TreeView::new(tree), &target, complain(log));
    let mounted = Arc::new(mounted.map_err(advise)?);
    log.line(told, &format!("mounted on {target:?}"));

    let (tell, hear) = mpsc::channel();
    let also_tell = tell.clone();
    std::thread::spawn(move || also_tell.send(End::Signal(signals.wait())));
    let waiting = Arc::clone(&mounted);
    std::thread::spawn(move || tell.send(End::Unmounted(waiting.wait())));
    match hear.recv() {
        Ok(End::Signal(name)) => {
            log.line(told, &format!("got shutdown request ({name})"));
            mounted.unmount().map_err(advise)?;
            if !mounted.wait_for(GRACE) {
                let text = "files are still open; they cannot be read any more";
                log.line(Level::Warn, text);
            }
        }
        Ok(End::Unmounted(Err(error))) => {
            return Err(Failure::new("the mount ended").cause(error).into());
        }
        Ok(End::Unmounted(Ok(()))) | Err(mpsc::RecvError) => log.line(told, "unmounted"),
    }
    Ok(())
}

fn open(args: &Args) -> Result<Accessor<ArchiveFile>> {
    let archive = ArchiveFile::open(&args.archive)?;
    let tree = match &args.payload_input {
        Some(payload) => Accessor::open_split(archive, ArchiveFile::open(payload)?),
        None => {
            places::check_halves(&args.archive, None)?;
            Accessor::open(archive)
        }
    };
    Ok(tree.map_err(|error| {
        Failure::new(format!("cannot open the archive {:?}", args.archive)).cause(error)
    })?)
}

/// Whoever reads is only told that a read failed; here it is told why.
fn complain(log: &Log) -> Complain {
    let log = log.clone();
    Arc::new(move |error| {
        let mut text = error.to_string();
        let mut cause = std::error::Error::source(error);
        while let Some(each) = cause {
            text += &format!(": {each}");
            cause = each.source();
        }
        let level = match error {
            ViewError::NameTooLong(_) => Level::Warn,
            _ => Level::Error,
        };
        log.line(level, &text);
    })
}

fn advise(error: MountError) -> anyhow::Error {
    mounting::advise(error, "`pxar extract` and `pxar list`")
}
