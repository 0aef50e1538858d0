//! Whether a backup is finished whose connection broke while the server was asked to finish it: then nothing is left to be done.

use format::{Manifest, Snapshot};
use remote::{BackupTarget, Client};

use crate::error::Error;
use crate::patience::is_outage;
use crate::previous::open_manifest;
use crate::watch::ArchiveStats;

/// What was to be finished.
#[derive(Debug, Clone)]
pub(super) struct Finishing {
    pub snapshot: Snapshot,
    pub manifest: Manifest,
    pub archives: Vec<ArchiveStats>,
    pub warnings: u64,
}

/// Looks for the very snapshot. Whatever keeps it from being read, but an outage, means that it is not there.
pub(super) async fn is_stored(
    client: &Client,
    target: &BackupTarget,
    finishing: &Finishing,
) -> Result<bool, Error> {
    match find(client, target, finishing).await {
        Err(error) if is_outage(&error) => Err(error),
        Err(_) => Ok(false),
        // The server adds to what is not protected.
        Ok(found) => Ok(found.snapshot == finishing.snapshot
            && found.files == finishing.manifest.files
            && found.signature == finishing.manifest.signature),
    }
}

async fn find(
    client: &Client,
    target: &BackupTarget,
    finishing: &Finishing,
) -> Result<Manifest, Error> {
    let (store, ns) = (&target.store, &target.namespace);
    let reader = client.start_reader(store, ns, &finishing.snapshot).await?;
    let blob = reader.download(&format::ArchiveName::manifest()).await?;
    Ok(open_manifest(&blob)?.0)
}
