//! `POST blob`: a small file of the snapshot arrives and is stored as it is.

use std::sync::Arc;

use api::backup::{BLOB, Blob};
use store::SessionError;

use crate::fault::Fault;
use crate::protocol::backup::Backup;
use crate::protocol::exchange::{Answer, Call};
use crate::transfer::intake::{self, IntakeError};

/// A body longer than announced is counted up to here, for the text of the refusal.
const COUNTED_BYTES_MAX: u64 = format::CHUNK_ENCODED_MAX as u64;

pub async fn store(backup: Arc<Backup>, mut call: Call) -> Result<Answer, Fault> {
    let Blob {
        encoded_size: announced,
        file_name,
    } = call.query(&BLOB)?;
    let received = match backup
        .intake
        .collect(
            &mut call.body,
            usize::try_from(announced).unwrap_or(usize::MAX),
        )
        .await
    {
        Ok(received) => received,
        Err(IntakeError::TooLong { received }) => {
            let rest = intake::drain(&mut call.body, COUNTED_BYTES_MAX)
                .await
                .map_err(|e| Fault::BodyBroken(e.to_string()))?;
            return Err(SessionError::BlobLength {
                announced,
                len: received as u64 + rest,
            }
            .into());
        }
        Err(other) => return Err(Fault::Protocol(Box::new(other))),
    };
    let session = Arc::clone(&backup);
    let add = move |encoded: &mut [u8]| -> Result<(), Fault> {
        let path = session.session.add_blob(&file_name, announced, encoded)?;
        session.common.ctx.counters().received(encoded.len());
        session.log(&format!(
            "add blob {path:?} ({len} bytes, comp: {len})",
            len = encoded.len()
        ));
        Ok(())
    };
    let workshop = &backup.common.ctx.transfer().workshop;
    workshop
        .run(backup.store.name(), received, add)
        .await
        .map_err(|e| Fault::Protocol(Box::new(e)))??;
    Ok(Answer::null())
}
