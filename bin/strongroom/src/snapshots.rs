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
use crate::failure::explain;

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
        let opening = Restore::lasting(self.patience, &place, key);
        Ok((opening.await.map_err(explain)?, place))
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
        let snapshots: Vec<Value> = asking.await.map_err(explain)?;
        newest(group, &snapshots).ok_or_else(|| {
            Failure::new(format!(
                "backup group {group} does not contain any snapshots."
            ))
            .hint("`snapshot list` shows what there is; is it in another namespace (--ns)?")
            .into()
        })
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
