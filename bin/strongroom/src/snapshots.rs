//! Which snapshot is meant when only its group is named: the newest that is finished; and opening it, so that it stays open while its
//! server goes away for a while.

use std::sync::Arc;

use anyhow::Result;
use client::{Patience, Place, Restore};
use console::report::Failure;
use crypto::Key;
use format::{ArchiveName, BackupTime, Group, GroupOrSnapshot, Namespace, Snapshot, StoreName};
use serde_json::Value;

use crate::connection::in_namespace;
use crate::nearest::Around;

/// Where a snapshot is looked for.
pub struct Shelf<'a> {
    pub store: &'a StoreName,
    pub namespace: &'a Namespace,
    pub patience: &'a Arc<Patience>,
}

impl Shelf<'_> {
    /// The snapshot, or the newest one of the group, with its manifest checked.
    pub async fn open(
        &self,
        named: &GroupOrSnapshot,
        key: Option<Arc<Key>>,
    ) -> Result<(Restore, Place)> {
        let place = Place {
            store: self.store.clone(),
            namespace: self.namespace.clone(),
            snapshot: self.resolve(named).await?,
        };
        match Restore::lasting(self.patience, &place, key).await {
            Ok(restore) => Ok((restore, place)),
            Err(error) => Err(self.around().snapshot(&place.snapshot, error).await),
        }
    }

    /// The snapshot itself, or the newest finished one of the group.
    async fn resolve(&self, named: &GroupOrSnapshot) -> Result<Snapshot> {
        let group = match named {
            GroupOrSnapshot::Snapshot(snapshot) => return Ok(snapshot.clone()),
            GroupOrSnapshot::Group(group) => group,
        };
        let path = &format!("/admin/datastore/{}/snapshots", self.store);
        let query = &in_namespace(self.namespace)
            .text("backup-type", group.ty)
            .text("backup-id", &group.id);
        let asking = self
            .patience
            .ask(|client| async move { Ok(client.get(path, query).await?) });
        let snapshots: Vec<Value> = match asking.await {
            Ok(snapshots) => snapshots,
            Err(error) => return Err(self.around().place(error).await),
        };
        let Some(newest) = newest(group, &snapshots) else {
            let what = format!("backup group {group} does not contain any snapshots.");
            let near = self.around().near_group(group).await;
            let unfinished =
                "only unfinished backups are there; `strongroom snapshot list` shows them";
            return Err(Failure::new(what)
                .hint(near.unwrap_or_else(|| unfinished.into()))
                .into());
        };
        Ok(newest)
    }

    fn around(&self) -> Around<'_> {
        Around {
            client: self.patience.client(),
            store: self.store,
            namespace: self.namespace,
        }
    }
}

fn newest(group: &Group, snapshots: &[Value]) -> Option<Snapshot> {
    let finished = snapshots.iter().filter_map(|record| {
        let snapshot = group.at(BackupTime::new(record["backup-time"].as_i64()?).ok()?);
        let files = record["files"].as_array()?;
        let has_manifest = files
            .iter()
            .any(|file| file["filename"] == ArchiveName::MANIFEST);
        if !has_manifest {
            tracing::info!("skipped not finished snapshot {snapshot}");
        }
        has_manifest.then_some(snapshot)
    });
    finished.max_by_key(|snapshot| snapshot.time)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_newest_finished_one() {
        let record =
            |time: i64, file: &str| json!({"backup-time": time, "files": [{"filename": file}]});
        let group: Group = "host/x".parse().unwrap();
        let found =
            |records: &[Value]| newest(&group, records).map(|snapshot| snapshot.time.epoch());
        assert_eq!(found(&[]), None);
        assert_eq!(found(&[record(5, "a.pxar.didx")]), None);
        let records = [
            record(5, "index.json.blob"),
            record(9, "index.json.blob"),
            record(12, "a.pxar.didx"),
        ];
        assert_eq!(found(&records), Some(9));
    }
}
