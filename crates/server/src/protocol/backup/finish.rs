//! `POST finish`: from its answer on the backup is a snapshot like any other, durable as the datastore's sync level says, and its group is free.

use std::sync::Arc;

use api::backup::NOTHING;
use serde_json::{Map, Value};

use crate::fault::Fault;
use crate::protocol::backup::Backup;
use crate::protocol::exchange::{Answer, Call};

pub async fn finish(backup: Arc<Backup>, mut call: Call) -> Result<Answer, Fault> {
    let _: Map<String, Value> = call.params(&NOTHING).await?;
    let finish = move |backup: &Backup| {
        // The session of one who is gone ends soon after; nothing is finished in between.
        if !backup.common.ctx.is_active(&backup.owner)? {
            return Err(Fault::Gone(backup.owner.clone()));
        }
        let finished = backup.session.finish();
        backup.tell_of_journal();
        finished?;
        let counters = backup.common.ctx.counters();
        counters.forget_newest(backup.store.name());
        backup.log("successfully finished backup");
        Ok(Answer::null())
    };
    backup.run(finish).await
}
