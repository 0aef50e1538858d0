//! `/config/access/tfa/webauthn`: who the server is to security keys. It is kept for them; this build does not check any.

use config::edit;

use crate::fault::Fault;
use crate::reply::Answer;
use crate::route::Call;

/// `GET`: `null` if nothing is set.
pub fn read(call: &Call) -> Result<Answer, Fault> {
    let Some(webauthn) = call.ctx.configuration().tfa()?.webauthn else {
        return Ok(Answer::null());
    };
    let digest = webauthn.digest();
    Ok(Answer::data(&webauthn)?.beside("digest", digest.to_string()))
}

/// `PUT`
pub fn update(call: &Call) -> Result<Answer, Fault> {
    let change = call.params.read()?;
    edit::update_webauthn(call.ctx.configuration().dir(), change)?;
    Ok(Answer::null())
}
