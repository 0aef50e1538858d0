//! `/admin/datastore/{store}/download` and `download-decoded`: a file of a snapshot, as it is stored or as it was backed up.

use api::schema::{ParamErrors, ValueError};
use format::ArchiveName;
use store::StoreError;

use crate::api::admin::datastore as parent;
use crate::content;
use crate::context::Access;
use crate::fault::Fault;
use crate::ranges;
use crate::reply::Answer;
use crate::route::Call;

/// Content type of everything that is downloaded.
pub const BYTES: &str = "application/octet-stream";

/// `GET download`
pub fn raw(call: &Call) -> Result<Answer, Fault> {
    let (_, request, dir) = parent::on_snapshot(call, Access::Read)?;
    let name = file_name(request.file_name)?;
    let file = dir.open_file(&name).map_err(|e| match e {
        // A missing file is told with the system's words, as the original tells it.
        StoreError::NoFile { .. } => Fault::FileOpen(std::io::Error::from_raw_os_error(2)),
        other => other.into(),
    })?;
    let size = file.metadata().map_err(Fault::FileOpen)?.len();
    ranges::answer(BYTES, &call.headers, size, |from| {
        content::raw(file, from).map_err(Fault::Read)
    })
}

/// `GET download-decoded`
pub fn decoded(call: &Call) -> Result<Answer, Fault> {
    let (store, request, dir) = parent::on_snapshot(call, Access::Read)?;
    let name = file_name(request.file_name)?;
    Ok(Answer::stream(
        BYTES,
        content::decoded(&call.ctx, call.caller()?, &store, &dir, &name)?,
    ))
}

fn file_name(given: Option<String>) -> Result<ArchiveName, Fault> {
    let given = given.ok_or_else(|| ParamErrors::one("file-name", ValueError::Missing))?;
    archive_name("file-name", &given)
}

/// A stored name; one that nothing can be stored under is a wrong parameter.
pub fn archive_name(param: &str, given: &str) -> Result<ArchiveName, Fault> {
    given.parse().map_err(|e: format::NameError| {
        ParamErrors::one(param, ValueError::Format(e.to_string())).into()
    })
}
