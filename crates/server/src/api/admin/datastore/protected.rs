//! `/admin/datastore/{store}/protected`: whether a snapshot may be removed.

use crate::api::admin::datastore as parent;
use crate::context::Access;
use crate::fault::Fault;
use crate::reply::Answer;
use crate::route::Call;

/// `GET`
pub fn read(call: &Call) -> Result<Answer, Fault> {
    let (_, _, dir) = parent::on_snapshot(call, Access::Read)?;
    Answer::data(&dir.protected())
}

/// `PUT`
pub fn write(call: &Call) -> Result<Answer, Fault> {
    let (_, request, dir) = parent::on_snapshot(call, Access::Write)?;
    dir.set_protected(request.protected.unwrap_or_default())?;
    Ok(Answer::null())
}
