//! `POST dynamic_index`, `POST fixed_index`: opens a writer for one archive and gives its id.

use std::sync::Arc;

use api::backup::{ARCHIVE, Archive, FIXED_OPEN, FixedOpen};
use api::schema::{ParamErrors, ValueError};
use format::Digest;
use store::WriterKind;

use crate::fault::Fault;
use crate::protocol::backup::Backup;
use crate::protocol::exchange::{Answer, Call};

pub async fn dynamic(backup: Arc<Backup>, mut call: Call) -> Result<Answer, Fault> {
    let Archive { archive_name } = call.params(&ARCHIVE).await?;
    let open = move |backup: &Backup| {
        let wid = backup.session.open_dynamic(&archive_name)?;
        backup.log_created(WriterKind::Dynamic, wid, &archive_name);
        Answer::data(&wid)
    };
    backup.run(open).await
}

pub async fn fixed(backup: Arc<Backup>, mut call: Call) -> Result<Answer, Fault> {
    let FixedOpen {
        archive_name,
        reuse_csum,
        size,
    } = call.params(&FIXED_OPEN).await?;
    let reuse = reuse_csum.map(|text| text.parse::<Digest>()).transpose();
    let reuse = reuse.map_err(|_| ParamErrors::one("reuse-csum", ValueError::Pattern))?;
    let open = move |backup: &Backup| {
        let wid = backup
            .session
            .open_fixed(&archive_name, size, reuse.as_ref())?;
        backup.log_created(WriterKind::Fixed, wid, &archive_name);
        Answer::data(&wid)
    };
    backup.run(open).await
}

impl Backup {
    fn log_created(&self, kind: WriterKind, wid: u32, name: &str) {
        self.log(&format!(
            "created new {kind} index {wid} ({:?})",
            format!("{}/{name}", self.session.relative_path())
        ));
    }
}
