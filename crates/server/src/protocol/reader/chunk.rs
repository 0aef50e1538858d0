//! `GET chunk`: one chunk as it is stored, from the disk into a buffer and from there to the client.

use std::sync::Arc;

use api::reader::{CHUNK, Chunk};
use bytes::Bytes;

use crate::fault::Fault;
use crate::protocol::exchange::{Answer, Call};
use crate::protocol::reader::Reader;

/// Chunks are rarely longer than this: the average of the official client's chunker, and the header.
const LIKELY_BYTES: usize = (4 << 20) + 64;

pub async fn send(reader: Arc<Reader>, call: Call) -> Result<Answer, Fault> {
    let Chunk { digest } = call.query(&CHUNK)?;
    if !reader.readable().contains(&digest) {
        return Err(Fault::ChunkNotAllowed(digest));
    }
    let mut buffer = reader.memory.take_any(LIKELY_BYTES).await;
    let from = Arc::clone(&reader);
    let load = move || {
        if from.common.debug {
            from.common.task.log(&format!("download chunk {digest}"));
        }
        from.store.chunks().load(&digest, buffer.bytes_mut())?;
        buffer.settle();
        Ok(Answer::Bytes(Bytes::from_owner(buffer)))
    };
    reader.common.run(load).await
}
