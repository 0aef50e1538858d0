//! `POST /admin/datastore/{store}/upload-backup-log`: the client's log, once, into a snapshot of the caller's own.

use crate::api::admin::datastore as parent;
use crate::context::Access;
use crate::fault::Fault;
use crate::reply::Answer;
use crate::route::Call;

/// `POST`
pub fn store(call: &Call) -> Result<Answer, Fault> {
    let (_, _, dir) = parent::on_snapshot(call, Access::Write)?;
    dir.store_log(&call.payload)?;
    Ok(Answer::null())
}
