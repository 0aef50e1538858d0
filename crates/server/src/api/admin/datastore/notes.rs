//! `/admin/datastore/{store}/notes` and `group-notes`: what people wrote about a snapshot or a group.

use crate::api::admin::datastore as parent;
use crate::context::Access;
use crate::fault::Fault;
use crate::reply::Answer;
use crate::route::Call;

/// `GET notes`
pub fn read(call: &Call) -> Result<Answer, Fault> {
    let (_, _, dir) = parent::on_snapshot(call, Access::Read)?;
    Answer::data(&dir.notes()?)
}

/// `PUT notes`
pub fn write(call: &Call) -> Result<Answer, Fault> {
    let (_, request, dir) = parent::on_snapshot(call, Access::Write)?;
    dir.set_notes(&request.notes.unwrap_or_default())?;
    Ok(Answer::null())
}

/// `GET group-notes`
pub fn read_group(call: &Call) -> Result<Answer, Fault> {
    let (store, request, group) = parent::on_group(call, Access::Read)?;
    Answer::data(&store.group_notes(&request.place.ns, &group)?)
}

/// `PUT group-notes`
pub fn write_group(call: &Call) -> Result<Answer, Fault> {
    let (store, request, group) = parent::on_group(call, Access::Write)?;
    store.set_group_notes(
        &request.place.ns,
        &group,
        &request.notes.unwrap_or_default(),
    )?;
    Ok(Answer::null())
}
