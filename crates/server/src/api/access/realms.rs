//! `/access/domains`: the realms, for the login form.

use crate::fault::Fault;
use crate::reply::Answer;
use crate::route::Call;

/// `GET`
pub fn list(call: &Call) -> Result<Answer, Fault> {
    let domains = call.ctx.configuration().domains()?;
    Ok(Answer::data(&domains.value.0)?.beside("digest", domains.digest.to_string()))
}
