//! `mount`: an archive of a directory as a file system (cli.md 3.8, pxar.md 6.2).

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use console::report::Failure;
use mount::mounting::check_directory;
use mount::{MountError, Mounted, TreeView, ViewError};

use crate::background::{self, Split, Starter};
use crate::context::Context;
use crate::failure::explain;
use crate::interrupt::Ears;
use crate::reading::{AccessArgs, ArchiveArgs, End, complain, is_image, served};

/// How long open files may stay open after a signal.
const GRACE: Duration = Duration::from_secs(5);

/// Mount an archive of a directory, read-only.
///
/// The command goes to the background as soon as the archive is mounted, and tells where its
/// messages go from then on: the system's log, or a file in XDG_RUNTIME_DIR. It ends when the
/// archive is unmounted (`umount`, or `fusermount3 -u` for an ordinary user) or by SIGTERM.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  strongroom mount host/web1 root.pxar /mnt/backup
  umount /mnt/backup")]
pub struct Args {
    #[command(flatten)]
    archive: ArchiveArgs,

    /// The empty directory to mount on.
    target: PathBuf,

    #[command(flatten)]
    access: AccessArgs,

    /// Stay in the foreground and tell what goes wrong.
    #[arg(long)]
    verbose: bool,

    #[arg(skip)]
    starter: Option<Starter>,
}

impl Args {
    /// To be called before any thread is started.
    pub fn split(&mut self) -> Result<Option<ExitCode>, Failure> {
        go_to_background(self.verbose, &mut self.starter)
    }
}

/// Puts a command to the background unless it is to stay; the process that ends has a status.
pub fn go_to_background(
    stays: bool,
    starter: &mut Option<Starter>,
) -> Result<Option<ExitCode>, Failure> {
    if stays {
        return Ok(None);
    }
    match background::split()? {
        Split::First(status) => Ok(Some(status)),
        Split::Second(line) => {
            *starter = Some(line);
            Ok(None)
        }
    }
}

pub async fn run(args: Args, context: &Context) -> Result<()> {
    if is_image(&args.archive.name()?) {
        return Err(Failure::new("use the 'map' command to map drive images")
            .hint("`strongroom nbd` serves an image without root")
            .into());
    }
    let target = check_directory(&args.target).map_err(advise)?;
    let opened = args.archive.open(&args.access, context).await?;
    let tree = client::open_tree(&opened.restore, &opened.archive);
    let tree = tree.await.map_err(explain)?;
    let mut ears = Ears::open()?;
    let complain: mount::Complain = Arc::new(|error| match error {
        ViewError::NameTooLong(_) => tracing::warn!("{error}"),
        _ => complain(error),
    });
    let mounting =
        client::run_blocking(move || Ok(mount::mount_tree(TreeView::new(tree), &target, complain)));
    let mounted = Arc::new(mounting.await.map_err(explain)?.map_err(advise)?);
    if let Some(starter) = args.starter {
        starter.release(context)?;
    }
    let waiting = Arc::clone(&mounted);
    let end = served(&mut ears, move || {
        if let Err(error) = waiting.wait() {
            tracing::error!("the mount ended: {error}");
        }
    });
    if let End::Signal(name) = end.await? {
        tracing::info!("got shutdown request ({name})");
        unmount(&mounted)?;
    }
    Ok(())
}

/// Whoever has a file open has some time left to close it.
pub fn unmount(mounted: &Mounted) -> Result<()> {
    mounted.unmount().map_err(advise)?;
    if !mounted.wait_for(GRACE) {
        tracing::warn!("files are still open; they cannot be read any more");
    }
    Ok(())
}

/// Why nothing could be mounted, and the next step.
pub fn advise(error: MountError) -> anyhow::Error {
    pxar_cli::mounting::advise(error, "`strongroom catalog shell` and `strongroom restore`")
}
