//! `file-restore ...`: files out of archives, by path (cli.md 4.3). Called by the name `proxmox-file-restore` these are the whole program.
//!
//! Archives of directories are read; images are not: the message names the commands that show them.

use anyhow::Result;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::{Parser, ValueEnum};
use client::Restore;
use console::report::Failure;
use format::{ArchiveName, GroupOrSnapshot, Parts, Snapshot};

use crate::connection::connect;
use crate::context::Context;
use crate::failure::check_key;
use crate::keys::{self, KeyArgs, Offer};
use crate::nearest::missing_archive;
use crate::outage::PatienceArgs;
use crate::repository::{NamespaceArgs, RepositoryArgs};
use crate::snapshots::Shelf;

mod extract;
mod list;
mod machines;

/// Restores single files and directories out of archives.
#[derive(Parser, Debug)]
#[command(name = "proxmox-file-restore", version, disable_version_flag = true)]
pub enum Command {
    Extract(Box<extract::Args>),
    List(Box<list::Args>),
    Status(machines::StatusArgs),
    Stop(machines::StopArgs),
}

impl Command {
    pub async fn run(self, context: &Context) -> Result<()> {
        match self {
            Command::Extract(args) => extract::run(*args, context).await,
            Command::List(args) => list::run(*args, context).await,
            Command::Status(args) => machines::status(&args, context),
            Command::Stop(args) => machines::stop(&args),
        }
    }
}

/// Options of every command that opens a snapshot.
#[derive(clap::Args, Debug)]
struct SnapshotArgs {
    #[command(flatten)]
    repository: RepositoryArgs,
    #[command(flatten)]
    namespace: NamespaceArgs,
    #[command(flatten)]
    key: KeyArgs,
    #[command(flatten)]
    patience: PatienceArgs,

    /// The path is given in base64.
    #[arg(long)]
    base64: bool,

    /// What shows the content of images; there is only the one, and this program does without.
    #[arg(long, value_enum)]
    driver: Option<Driver>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Driver {
    #[value(name = "Qemu")]
    Qemu,
}

impl SnapshotArgs {
    async fn open(&self, snapshot: Snapshot, context: &Context) -> Result<Restore> {
        let namespace = self.namespace.resolve(&context.environment)?;
        let repository = self.repository.resolve(&context.environment)?;
        let choice = keys::choose(Offer::for_reading(&self.key, context)?)?;
        let key = choice.load_quietly(context)?.map(|loaded| loaded.key);
        let at = connect(context, repository, None).await?;
        let shelf = Shelf {
            store: &at.repository.store,
            namespace: &namespace,
            patience: &self.patience.with(at.client),
        };
        let named = GroupOrSnapshot::Snapshot(snapshot);
        let (restore, _) = shelf.open(&named, key.clone()).await?;
        check_key(&restore, key.as_deref())?;
        Ok(restore)
    }
}

/// The archive that a path names must be there, whole or split.
fn check_archive(restore: &Restore, archive: &ArchiveName) -> Result<(), Failure> {
    match Parts::find(restore.manifest(), archive) {
        Some(_) => Ok(()),
        None => Err(missing_archive(archive, restore.manifest())),
    }
}

/// What a path on the command line leads to.
#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    /// The list of archives.
    Archives,
    /// A path in an archive, `/` or `/a/b`.
    Inside { archive: ArchiveName, path: Vec<u8> },
}

impl Wanted {
    fn parse(text: &[u8], base64: bool) -> Result<Wanted, Failure> {
        let decoded = match base64 {
            true => STANDARD.decode(text).map_err(|error| {
                Failure::new("the path is not base64")
                    .cause(error)
                    .hint("leave out --base64 for a plain path")
            })?,
            false => text.to_vec(),
        };
        let path = decoded.strip_prefix(b"/").unwrap_or(&decoded);
        if path.is_empty() {
            return Ok(Wanted::Archives);
        }
        let end = path
            .iter()
            .position(|byte| *byte == b'/')
            .unwrap_or(path.len());
        let name = String::from_utf8_lossy(&path[..end]);
        let is_known = [".pxar.didx", ".mpxar.didx", ".ppxar.didx", ".img.fidx"]
            .iter()
            .any(|ending| name.ends_with(ending));
        let archive = name.parse::<ArchiveName>().ok().filter(|_| is_known);
        let archive = archive.ok_or_else(|| {
            Failure::new(format!("'{name}' is not supported for file-restore"))
                .hint("a path begins with an archive's stored name, like /root.pxar.didx")
        })?;
        if archive.kind() == format::ArchiveKind::Fixed {
            return Err(of_image(&archive));
        }
        let rest = &path[end..];
        let path = if rest.is_empty() { b"/" } else { rest };
        Ok(Wanted::Inside {
            archive,
            path: path.to_vec(),
        })
    }
}

fn of_image(archive: &ArchiveName) -> Failure {
    Failure::new(format!(
        "{archive} is an image; its file systems are not read by file-restore"
    ))
    .hint("`strongroom map` makes it a block device, `strongroom nbd` serves it to qemu-nbd and others")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        let inside = |archive: &str, path: &str| {
            Some(Wanted::Inside {
                archive: archive.parse().unwrap(),
                path: path.as_bytes().to_vec(),
            })
        };
        for (text, base64, expected) in [
            ("/", false, Some(Wanted::Archives)),
            ("", false, Some(Wanted::Archives)),
            ("Lw==", true, Some(Wanted::Archives)),
            ("/a.pxar.didx", false, inside("a.pxar.didx", "/")),
            ("a.mpxar.didx/x/y", false, inside("a.mpxar.didx", "/x/y")),
            ("L2EucHhhci5kaWR4L3g=", true, inside("a.pxar.didx", "/x")),
            ("/a.pxar/x", false, None),
            ("/a.conf.blob", false, None),
            ("/disk.img.fidx/part", false, None),
            ("/a.pxar.didx", true, None),
        ] {
            let wanted = Wanted::parse(text.as_bytes(), base64).ok();
            assert_eq!(wanted, expected, "{text}");
        }
        let image = Wanted::parse(b"/disk.img.fidx", false).unwrap_err();
        let hint = image.hint.unwrap();
        assert!(hint.contains("map") && hint.contains("nbd"));
    }
}
