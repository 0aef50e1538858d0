//! `/config/notifications/targets`: targets of all types, and a test of one.

use config::edit::notifications as edit;

use super::Named;
use crate::fault::Fault;
use crate::reply::Answer;
use crate::route::Call;

/// `GET`
pub fn list(call: &Call) -> Result<Answer, Fault> {
    let (targets, digest) = edit::targets(call.ctx.configuration().dir())?;
    Ok(Answer::data(&targets)?.beside("digest", digest.to_string()))
}

/// `POST {name}/test`
pub fn test(call: &Call) -> Result<Answer, Fault> {
    let Named { name } = call.params.read()?;
    edit::find_target(call.ctx.configuration().dir(), &name)?;
    Err(Fault::NotYet("send notifications"))
}
