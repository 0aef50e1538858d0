//! `/config/access/{ldap,ad,openid,pam,pbs}`: realms, one by one and together. Passwords to search a directory with come in and never
//! go out. The secret of an OpenID client (`client-key`) is a property like others and does go out, as the original's description says: to whoever
//! has `Realm.Allocate` on `/access/domains`, of one realm also to `Sys.Audit` there.

use config::edit::{self, EditError};
use config::files::{BuiltIn, RealmEntry};
use format::Realm;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::fault::Fault;
use crate::reply::Answer;
use crate::route::Call;

/// A realm in the URL.
#[derive(Deserialize)]
struct Named {
    realm: Realm,
    digest: Option<String>,
}

/// `GET`
pub fn list<R: RealmEntry>(call: &Call) -> Result<Answer, Fault> {
    let (realms, digest) = edit::entries::<R>(call.ctx.configuration().dir())?;
    Ok(Answer::data(&realms)?.beside("digest", digest.to_string()))
}

/// `POST`
pub fn create<R: RealmEntry>(call: &Call) -> Result<Answer, Fault> {
    let members: Map<String, Value> = call.params.read()?;
    edit::create_realm::<R>(call.ctx.configuration().dir(), members)?;
    Ok(Answer::null())
}

/// `GET {realm}`
pub fn read<R: RealmEntry>(call: &Call) -> Result<Answer, Fault> {
    let Named { realm, .. } = call.params.read()?;
    let (realm, digest) = edit::find_entry::<R>(call.ctx.configuration().dir(), realm.as_str())?;
    Ok(Answer::data(&realm)?.beside("digest", digest.to_string()))
}

/// `PUT {realm}`: gives the realm as it is then.
pub fn update<R: RealmEntry>(call: &Call) -> Result<Answer, Fault> {
    let members: Map<String, Value> = call.params.read()?;
    let realm = edit::update_realm::<R>(call.ctx.configuration().dir(), members)?;
    Answer::data(&realm)
}

/// `DELETE {realm}`
pub fn delete<R: RealmEntry>(call: &Call) -> Result<Answer, Fault> {
    let Named { realm, digest } = call.params.read()?;
    match edit::remove_realm::<R>(call.ctx.configuration().dir(), &realm, &digest) {
        Err(EditError::NoSuchEntry(..)) => Err(Fault::NoRealm(realm)),
        removed => {
            removed?;
            Ok(Answer::null())
        }
    }
}

/// `GET pam`
pub fn read_pam(call: &Call) -> Result<Answer, Fault> {
    read_built_in(call, BuiltIn::Pam)
}

/// `PUT pam`
pub fn update_pam(call: &Call) -> Result<Answer, Fault> {
    update_built_in(call, BuiltIn::Pam)
}

/// `GET pbs`
pub fn read_pbs(call: &Call) -> Result<Answer, Fault> {
    read_built_in(call, BuiltIn::Pbs)
}

/// `PUT pbs`
pub fn update_pbs(call: &Call) -> Result<Answer, Fault> {
    update_built_in(call, BuiltIn::Pbs)
}

fn read_built_in(call: &Call, which: BuiltIn) -> Result<Answer, Fault> {
    let (item, digest) = edit::find_built_in(call.ctx.configuration().dir(), which)?;
    Ok(Answer::data(&item)?.beside("digest", digest.to_string()))
}

fn update_built_in(call: &Call, which: BuiltIn) -> Result<Answer, Fault> {
    let change = call.params.read()?;
    let dir = call.ctx.configuration().dir();
    edit::update_built_in(dir, which, change)?;
    Answer::data(&edit::find_built_in(dir, which)?.0)
}
