//! `map`: an image as a block device, through a mounted file and a loop device (cli.md 3.8).

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Result;
use console::report::Failure;
use mount::Mounted;
use mount::loop_device::{self, LoopError};
use mount::mappings::{MappingError, Mappings};

use super::mount::{advise, go_to_background, unmount};
use crate::background::Starter;
use crate::context::Context;
use crate::failure::explain;
use crate::interrupt::Ears;
use crate::reading::{AccessArgs, ArchiveArgs, End, complain, is_image, served};

/// Shared with the original, so that each sees what the other mapped.
pub const FOLDER: &str = "/run/pbs-loopdev";

/// Map a disk image to a loop device, read-only. Needs root.
///
/// The command goes to the background as soon as the device is there, and tells where its
/// messages go from then on: the system's log, or a file in XDG_RUNTIME_DIR. `unmap` ends it.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  strongroom map vm/100 drive-scsi0.img
  strongroom unmap /dev/loop0")]
pub struct Args {
    #[command(flatten)]
    archive: ArchiveArgs,

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

pub async fn run(args: Args, context: &Context) -> Result<()> {
    if !is_image(&args.archive.name()?) {
        return Err(
            Failure::new("use the 'mount' command to mount pxar archives")
                .hint("`map` is for archives that end in .img")
                .into(),
        );
    }
    if !rustix::process::geteuid().is_root() {
        return Err(Failure::new("only root can map an image to a loop device")
            .hint("`strongroom nbd` serves an image to any user's programs, such as qemu-img")
            .into());
    }
    let opened = args.archive.open(&args.access, context).await?;
    let name = opened.full_name();
    let image = opened.image().await?;
    let place = Mappings::new(FOLDER.into())
        .reserve(&name)
        .map_err(|error| match error {
            MappingError::Mapped(_) => Failure::new(error.to_string())
                .hint("`strongroom unmap` lists what is mapped, and `strongroom unmap NAME` ends a mapping"),
            other => Failure::new("cannot map the image").cause(other),
        })?;
    let mut ears = Ears::open()?;
    let file = place.file().to_owned();
    let mapping = client::run_blocking(move || Ok(map(image, &file)));
    let (mounted, number) = mapping.await.map_err(explain)??;
    let mounted = Arc::new(mounted);
    let device = loop_device::path(number);
    tracing::info!("Image '{name}' mapped on {}", device.display());
    if let Some(starter) = args.starter {
        starter.release(context)?;
    }
    wait(&mut ears, &mounted, number, place.file()).await?;
    // Takes away the file, so that the name is free again.
    drop(place);
    tracing::info!("Image unmapped");
    Ok(())
}

fn map(image: client::RemoteArchive, file: &Path) -> Result<(Mounted, u32)> {
    let mounted = mount::mount_image(image, file, Arc::new(|error| complain(error)));
    let mounted = mounted.map_err(advise)?;
    let number = loop_device::attach(file).map_err(|error| match error {
        LoopError::NoControl(_) => Failure::new(error.to_string())
            .cause(error)
            .hint("`modprobe loop` loads the driver; `strongroom nbd` serves an image without loop devices"),
        other => Failure::new(other.to_string())
            .cause(other)
            .hint("`losetup -a` lists the loop devices in use; `strongroom nbd` needs none"),
    })?;
    Ok((mounted, number))
}

/// Until it was unmapped, or a signal ends it; a second one also while the device is in use.
async fn wait(ears: &mut Ears, mounted: &Arc<Mounted>, number: u32, file: &Path) -> Result<()> {
    let mut asked = false;
    loop {
        let waiting = Arc::clone(mounted);
        let end = served(ears, move || {
            let _ = waiting.wait();
        });
        let End::Signal(name) = end.await? else {
            return Ok(());
        };
        tracing::info!("got shutdown request ({name})");
        // Somebody may have detached it, and the device may be another file's by now.
        if loop_device::backing_file(number).is_some_and(|path| path == file)
            && let Err(error @ LoopError::InUse { .. }) = loop_device::detach(number)
            && !asked
        {
            tracing::warn!("{error}; unmount that first, or ask again to end anyway");
            asked = true;
            continue;
        }
        return unmount(mounted);
    }
}
