//! `GET uploaded`: the chunks that unfinished backups of this group by this user have left, as far as they are still there. They are known to the
//! session from then on, so the client need not send them again. Not in the original's protocol, and not in its list of names.

use std::sync::Arc;

use api::backup::NOTHING;
use bytes::Bytes;
use serde_json::{Map, Value};

use crate::fault::Fault;
use crate::protocol::backup::Backup;
use crate::protocol::exchange::{Answer, Call};

pub async fn list(backup: Arc<Backup>, mut call: Call) -> Result<Answer, Fault> {
    let _: Map<String, Value> = call.params(&NOTHING).await?;
    // Each list is a file of its own until it is sent.
    let turn = Arc::clone(&backup.listing).acquire_owned().await;
    let turn = turn.expect("nobody closes it");
    let list = move |backup: &Backup| {
        let found = backup.session.uploaded_before()?;
        backup.tell_of_journal();
        backup.log(&format!(
            "register {} chunks with {} bytes that an unfinished backup has uploaded; {} more are gone.",
            found.chunks, found.bytes, found.gone
        ));
        Ok(match found.offers {
            Some(offers) => Answer::Held(offers, turn),
            None => Answer::Bytes(Bytes::new()),
        })
    };
    backup.run(list).await
}
