//! `GET download`: one file of the snapshot. Chunks of an index that goes out may be read from then on.

use std::sync::Arc;

use api::reader::{DOWNLOAD, Download};
use format::{ArchiveKind, ArchiveName};
use store::SessionError;

use crate::fault::Fault;
use crate::protocol::exchange::{Answer, Call};
use crate::protocol::reader::Reader;

pub async fn send(reader: Arc<Reader>, call: Call) -> Result<Answer, Fault> {
    let Download { file_name } = call.query(&DOWNLOAD)?;
    let name: ArchiveName = match file_name.parse() {
        Ok(name) => name,
        Err(_) => return Err(SessionError::UnknownArchiveType { name: file_name }.into()),
    };
    let from = Arc::clone(&reader);
    let open = move || {
        let index = match name.kind() {
            ArchiveKind::Blob => None,
            ArchiveKind::Fixed | ArchiveKind::Dynamic => Some(from.snapshot.open_index(&name)?),
        };
        let file = from.snapshot.open_file(&name)?;
        from.common.task.log(&format!(
            "download {:?}",
            from.snapshot.path().join(name.to_string())
        ));
        if let Some(index) = index {
            from.common
                .task
                .log(&format!("register chunks in '{name}' as downloadable."));
            from.readable()
                .extend(index.iter().map(|(_, digest)| digest));
        }
        Ok(Answer::File(file))
    };
    reader.common.run(open).await
}
