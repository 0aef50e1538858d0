//! Which snapshot is meant when only its group is named: the newest that is finished.

use anyhow::Result;
use console::report::Failure;
use format::{ArchiveName, BackupTime, Group, GroupOrSnapshot, Namespace, Snapshot};
use serde_json::Value;

use crate::connection::{Connection, in_namespace};

/// The snapshot itself, or the newest finished one of the group.
pub async fn resolve(
    at: &Connection,
    namespace: &Namespace,
    named: &GroupOrSnapshot,
) -> Result<Snapshot> {
    let group = match named {
        GroupOrSnapshot::Snapshot(snapshot) => return Ok(snapshot.clone()),
        GroupOrSnapshot::Group(group) => group,
    };
    let query = in_namespace(namespace)
        .text("backup-type", group.ty)
        .text("backup-id", &group.id);
    let snapshots: Vec<Value> = at.client.get(&at.path("snapshots"), &query).await?;
    newest(group, &snapshots).ok_or_else(|| {
        Failure::new(format!(
            "backup group {group} does not contain any snapshots."
        ))
        .hint("`snapshot list` shows what there is; is it in another namespace (--ns)?")
        .into()
    })
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
