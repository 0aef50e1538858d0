//! `GET previous`, `GET previous_backup_time`: what the backup before this one holds. Chunks of an index that goes out are known to the session from
//! then on, so the client need not send them again.

use std::sync::Arc;

use api::backup::{ARCHIVE, Archive, NOTHING};
use serde_json::{Map, Value};

use crate::fault::Fault;
use crate::protocol::backup::Backup;
use crate::protocol::exchange::{Answer, Call};

pub async fn download(backup: Arc<Backup>, call: Call) -> Result<Answer, Fault> {
    let Archive { archive_name: name } = call.query(&ARCHIVE)?;
    let open = move |backup: &Backup| {
        let previous = backup.session.previous_file(&name)?;
        let origin = previous.snapshot;
        if previous.registered.is_some() {
            backup.log(&format!(
                "register chunks in '{name}' from previous backup '{origin}'."
            ));
        }
        backup.log(&format!(
            "download '{name}' from previous backup '{origin}'."
        ));
        Ok(Answer::File(previous.file))
    };
    backup.run(open).await
}

pub async fn time(backup: Arc<Backup>, mut call: Call) -> Result<Answer, Fault> {
    let _: Map<String, Value> = call.params(&NOTHING).await?;
    let time = move |backup: &Backup| {
        Answer::data(
            &backup
                .session
                .previous()
                .map(|snapshot| snapshot.time.epoch()),
        )
    };
    backup.run(time).await
}
