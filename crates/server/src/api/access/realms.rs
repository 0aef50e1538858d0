//! `/access/domains`: the realms, for the login form, and taking over users of a directory.

use api::rest::access::RealmSync;
use config::edit::EditError;

use crate::fault::Fault;
use crate::reply::Answer;
use crate::route::Call;

/// `GET`
pub fn list(call: &Call) -> Result<Answer, Fault> {
    let domains = call.ctx.configuration().domains()?;
    Ok(Answer::data(&domains.value.0)?.beside("digest", domains.digest.to_string()))
}

/// `POST {realm}/sync`: the realm is looked up, so that who has mistyped it is told that.
pub fn sync(call: &Call) -> Result<Answer, Fault> {
    let request: RealmSync = call.params.read()?;
    let domains = call.ctx.configuration().domains()?;
    match domains.value.kind(&request.realm) {
        Some("ldap" | "ad") => Err(Fault::NotYet(
            "take over users of LDAP and Active Directory realms",
        )),
        Some(_) => Err(EditError::RealmNoSync(request.realm).into()),
        None => Err(EditError::RealmMissing(request.realm).into()),
    }
}
