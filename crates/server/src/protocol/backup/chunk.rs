//! `POST dynamic_chunk`, `POST fixed_chunk`: a chunk arrives, is checked and stored, and is known to the session from then on.
//! The store compares content and digest: the second of the places where integrity is looked at.

use std::sync::Arc;

use api::backup::{CHUNK, Chunk};
use store::{SessionError, WriterKind};

use crate::fault::Fault;
use crate::protocol::backup::{Backup, writer};
use crate::protocol::exchange::{Answer, Call};
use crate::transfer::intake::IntakeError;

pub async fn upload(
    backup: Arc<Backup>,
    mut call: Call,
    kind: WriterKind,
) -> Result<Answer, Fault> {
    let Chunk {
        digest,
        encoded_size,
        size,
        wid,
    } = call.query(&CHUNK)?;
    let announced = usize::try_from(encoded_size).unwrap_or(usize::MAX);
    let received = backup
        .intake
        .collect(&mut call.body, announced)
        .await
        .map_err(|e| match e {
            IntakeError::TooLong { .. } => Fault::Session(SessionError::ChunkLarger),
            other => Fault::Protocol(Box::new(other)),
        })?;
    if received.length < announced {
        return Err(SessionError::ChunkLength.into());
    }
    let session = Arc::clone(&backup);
    let insert = move |encoded: &mut [u8]| -> Result<(), Fault> {
        let inserted = session
            .session
            .insert_chunk(writer(wid), kind, &digest, size, encoded)?;
        session.tell_of_journal();
        let counters = session.common.ctx.counters();
        counters.received(encoded.len());
        counters.chunk(inserted.is_duplicate());
        session.detail(|| format!("upload_chunk done: {size} bytes, {digest}"));
        Ok(())
    };
    let workshop = &backup.common.ctx.transfer().workshop;
    workshop
        .run(backup.store.name(), received, insert)
        .await
        .map_err(|e| Fault::Protocol(Box::new(e)))??;
    Answer::data(&digest)
}
