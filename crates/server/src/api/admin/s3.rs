//! `/admin/s3`: trying object stores and counting requests to them (server.md 3.4, 5.5), which is for a later build.

use api::schema::{ParamErrors, ValueError};
use config::edit;
use config::files::S3Endpoint;
use serde::Deserialize;

use crate::fault::Fault;
use crate::reply::Answer;
use crate::route::Call;

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Asked {
    bucket: String,
    s3_endpoint_id: String,
}

/// `PUT {s3-endpoint-id}/check` and `PUT {s3-endpoint-id}/reset-counters`
pub fn work(call: &Call) -> Result<Answer, Fault> {
    let Asked {
        bucket,
        s3_endpoint_id,
    } = call.params.read()?;
    if !api::pattern::s3_bucket(&bucket) {
        return Err(ParamErrors::one("bucket", ValueError::Pattern).into());
    }
    edit::find_entry::<S3Endpoint>(call.ctx.configuration().dir(), &s3_endpoint_id)?;
    Err(Fault::NotYet("speak with object stores"))
}
