//! `GET /nodes/{node}/disks/list`: disks as the kernel has them. They are partitioned, formatted and mounted with the machine's own tools.

use api::rest::host::{DiskItem, DiskQuery, PartitionItem};

use crate::fault::Fault;
use crate::machine::{Drive, Partition, Sources, drives};
use crate::reply::Answer;
use crate::route::Call;

/// `GET`
pub fn list(call: &Call) -> Result<Answer, Fault> {
    let query: DiskQuery = call.params.read()?;
    let wanted = |drive: &Drive| {
        query
            .usage_type
            .as_ref()
            .is_none_or(|usage| drive.used == usage)
    };
    let all = drives(&Sources::default()).into_iter().filter(wanted);
    let items: Vec<DiskItem> = all
        .map(|drive| item(drive, query.include_partitions))
        .collect();
    Answer::data(&items)
}

fn item(drive: Drive, with_partitions: bool) -> DiskItem {
    let gpt = drive.gpt;
    let partitions = drive
        .partitions
        .into_iter()
        .map(|part| partition(part, gpt));
    DiskItem {
        devpath: Some(format!("/dev/{}", drive.name)),
        disk_type: drive.kind.to_owned(),
        gpt,
        model: drive.model,
        partitions: with_partitions.then(|| partitions.collect()),
        serial: drive.serial,
        size: drive.size,
        // No disk is asked how it feels.
        status: "unknown".to_owned(),
        used: drive.used.to_owned(),
        vendor: drive.vendor,
        wwn: drive.wwn,
        name: drive.name,
    }
}

fn partition(part: Partition, gpt: bool) -> PartitionItem {
    PartitionItem {
        devpath: Some(format!("/dev/{}", part.name)),
        filesystem: part.filesystem,
        gpt,
        mounted: part.mounted,
        size: Some(part.size),
        used: part.used.to_owned(),
        uuid: part.uuid,
        name: part.name,
    }
}
