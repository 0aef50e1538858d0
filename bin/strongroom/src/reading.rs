//! A snapshot opened for commands that read one archive of it as long as they run: `mount`, `map`
//! and `nbd`.

use std::io;
use std::path::PathBuf;

use anyhow::Result;
use api::Repository;
use client::{Place, RemoteArchive, Restore};
use console::report::Failure;
use format::{ArchiveKind, ArchiveName, GroupOrSnapshot};

use crate::commands::group_or_snapshot_path;
use crate::connection::connect;
use crate::context::Context;
use crate::failure::{check_key, explain};
use crate::interrupt::Ears;
use crate::keys::{self, KeyArgs, KeyFileArgs, Offer};
use crate::nearest::missing_archive;
use crate::outage::{PatienceArgs, chain};
use crate::repository::{NamespaceArgs, RepositoryArgs};
use crate::snapshots::Shelf;
use crate::sys;

/// Which archive of which snapshot, and with which key.
#[derive(clap::Args, Debug)]
pub struct ArchiveArgs {
    /// The snapshot (type/id/time), or a group (type/id) for its newest snapshot.
    #[arg(value_parser = group_or_snapshot_path)]
    snapshot: GroupOrSnapshot,

    /// The archive, like `root.pxar` or `disk.img`.
    archive_name: String,
}

/// Where the snapshot is, and with which key it is read.
#[derive(clap::Args, Debug)]
pub struct AccessArgs {
    #[command(flatten)]
    repository: RepositoryArgs,
    #[command(flatten)]
    namespace: NamespaceArgs,

    /// File with the encryption key.
    #[arg(long)]
    keyfile: Option<PathBuf>,

    #[command(flatten)]
    patience: PatienceArgs,
}

/// A snapshot with one archive of it.
pub struct Opened {
    pub restore: Restore,
    pub place: Place,
    pub archive: ArchiveName,
    repository: Repository,
}

impl ArchiveArgs {
    /// The archive's full name.
    pub fn name(&self) -> Result<ArchiveName, Failure> {
        crate::commands::archive_name(&self.archive_name)
    }

    /// Connects and checks the manifest.
    pub async fn open(&self, access: &AccessArgs, context: &Context) -> Result<Opened> {
        sys::give_back_large_buffers();
        let archive = self.name()?;
        let namespace = access.namespace.resolve(&context.environment)?;
        let repository = access.repository.resolve(&context.environment)?;
        let key = KeyArgs {
            file: KeyFileArgs {
                keyfile: access.keyfile.clone(),
                keyfd: None,
            },
            crypt_mode: None,
        };
        let key = keys::choose(Offer::for_reading(&key, context)?)?.load(context)?;
        if let Some(loaded) = &key {
            let fingerprint = loaded.info.fingerprint.short();
            tracing::info!("Encryption key fingerprint: '{fingerprint}'");
        }
        let key = key.map(|loaded| loaded.key);
        let at = connect(context, repository, None).await?;
        let shelf = Shelf {
            store: &at.repository.store,
            namespace: &namespace,
            patience: &access.patience.with(at.client),
        };
        let (restore, place) = shelf.open(&self.snapshot, key.clone()).await?;
        check_key(&restore, key.as_deref())?;
        if client::Parts::find(restore.manifest(), &archive).is_none() {
            return Err(missing_archive(&archive, restore.manifest()).into());
        }
        Ok(Opened {
            restore,
            place,
            archive,
            repository: at.repository,
        })
    }
}

impl Opened {
    /// The image, to be read where it is touched.
    pub async fn image(&self) -> Result<RemoteArchive> {
        self.restore.read_at(&self.archive).await.map_err(explain)
    }

    /// `REPOSITORY:SNAPSHOT/ARCHIVE`, with the namespace before the snapshot if it is not the root.
    pub fn full_name(&self) -> String {
        let (namespace, snapshot) = (&self.place.namespace, &self.place.snapshot);
        let folder = match namespace.is_root() {
            true => snapshot.to_string(),
            false => format!("{namespace}/{snapshot}"),
        };
        format!("{}:{folder}/{}", self.repository, self.archive.label())
    }
}

pub fn is_image(archive: &ArchiveName) -> bool {
    archive.kind() == ArchiveKind::Fixed
}

/// Tells why a read failed, since whoever reads is only told that it did. That the server is out of reach was told once, which is
/// enough for thousands of reads.
pub fn complain(error: &(dyn std::error::Error + 'static)) {
    if is_out_of_reach(error) {
        tracing::debug!("{}", chain(error));
    } else {
        tracing::error!("{}", chain(error));
    }
}

/// Archives are read through `io::Error`, which keeps ours inside and tells its causes only.
fn is_out_of_reach(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        let inside = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        let ours = inside.and_then(|inside| inside.downcast_ref::<client::Error>());
        if matches!(ours, Some(client::Error::OutOfReach { .. })) {
            return true;
        }
        next = error.source();
    }
    false
}

/// What ends a command that serves.
pub enum End {
    /// What it serves came to an end.
    Itself,
    Signal(&'static str),
}

/// Waits until `work`, which blocks, has ended, or a signal asks for the end. Who listens began before there was anything to end.
pub async fn served(ears: &mut Ears, work: impl FnOnce() + Send + 'static) -> Result<End> {
    let work = client::run_blocking(move || {
        work();
        Ok(())
    });
    tokio::select! {
        end = work => end.map(|()| End::Itself).map_err(explain),
        name = ears.heard() => Ok(End::Signal(name)),
    }
}
