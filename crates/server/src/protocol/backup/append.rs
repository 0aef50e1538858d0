//! `PUT dynamic_index`, `PUT fixed_index`: adds known chunks to an index.

use std::sync::Arc;

use api::backup::{APPEND, Append};
use format::Digest;
use store::{SessionError, WriterKind};

use crate::fault::Fault;
use crate::protocol::backup::{Backup, writer};
use crate::protocol::exchange::{Answer, Call};

pub async fn append(
    backup: Arc<Backup>,
    mut call: Call,
    kind: WriterKind,
) -> Result<Answer, Fault> {
    let Append {
        digest_list,
        offset_list,
        wid,
    } = call.params(&APPEND).await?;
    if digest_list.len() != offset_list.len() {
        return Err(SessionError::OffsetListLength {
            offsets: offset_list.len(),
            digests: digest_list.len(),
        }
        .into());
    }
    let append = move |backup: &Backup| {
        backup.detail(|| format!("{kind}_append {} chunks", digest_list.len()));
        let chunks: Vec<(Digest, u64)> = digest_list.into_iter().zip(offset_list).collect();
        let sizes = backup.session.append(writer(wid), kind, &chunks)?;
        for ((digest, offset), size) in chunks.iter().zip(sizes) {
            backup.detail(|| format!("successfully added chunk {digest} to {kind} index {wid} (offset {offset}, size {size})"));
        }
        Ok(Answer::null())
    };
    backup.run(append).await
}
