//! The tree in an archive of a snapshot, whether it is in one piece or split.

use format::{ArchiveName, Parts};
use pxar::Accessor;

use crate::error::Error;
use crate::pump;
use crate::read_at::RemoteArchive;
use crate::restore::Restore;

/// Opens the tree that `name` stands for; chunks are fetched when they are touched. What is returned blocks when it is used, so it
/// belongs into [`crate::run_blocking`].
pub async fn open_tree(
    restore: &Restore,
    name: &ArchiveName,
) -> Result<Accessor<RemoteArchive>, Error> {
    let parts = Parts::find(restore.manifest(), name)
        // Tells that the manifest does not have it.
        .unwrap_or_else(|| Parts::Whole(name.clone()));
    let tree = match &parts {
        Parts::Whole(archive) => {
            let archive = restore.read_at(archive).await?;
            pump::run_blocking(move || Ok(Accessor::open(archive)?)).await
        }
        Parts::Split { metadata, payload } => {
            let halves = (
                restore.read_at(metadata).await?,
                restore.read_at(payload).await?,
            );
            pump::run_blocking(move || Ok(Accessor::open_split(halves.0, halves.1)?)).await
        }
    };
    tree.map_err(|error| error.in_restore(parts.metadata()))
}
