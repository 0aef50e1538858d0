//! `/access/openid`: logins that another server vouches for (server.md 8.4). Their realms are configured here; the exchange itself is not built.

use api::rest::access::{OpenidAuthUrl, OpenidLogin};
use config::edit;
use config::files::OpenidRealm;

use crate::fault::Fault;
use crate::reply::Answer;
use crate::route::Call;

const LOGIN: Fault = Fault::NotYet("log in users of OpenID realms");

/// `POST auth-url`
pub fn auth_url(call: &Call) -> Result<Answer, Fault> {
    let request: OpenidAuthUrl = call.params.read()?;
    let dir = call.ctx.configuration().dir();
    edit::find_entry::<OpenidRealm>(dir, request.realm.as_str())?;
    Err(LOGIN)
}

/// `POST login`
pub fn login(call: &Call) -> Result<Answer, Fault> {
    let _: OpenidLogin = call.params.read()?;
    Err(LOGIN)
}
