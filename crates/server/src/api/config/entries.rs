//! What the routes of section files have in common: list, one, create, change, remove (server.md 3.3). Who needs more wraps these.

use config::Entry;
use config::edit;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::fault::Fault;
use crate::reply::Answer;
use crate::route::Call;

/// An entry as the URL names it, and what its removal may say.
#[derive(Deserialize)]
pub struct Named {
    #[serde(alias = "name")]
    pub id: String,
    pub digest: Option<String>,
}

/// `GET`: all of them.
pub fn list<E: Entry>(call: &Call) -> Result<Answer, Fault> {
    list_if::<E>(call, |_| Ok(true))
}

/// `GET`: some of them.
pub fn list_if<E: Entry>(
    call: &Call,
    mut is_listed: impl FnMut(&E) -> Result<bool, Fault>,
) -> Result<Answer, Fault> {
    let (entries, digest) = edit::entries::<E>(call.ctx.configuration().dir())?;
    let mut items: Vec<Value> = Vec::new();
    for entry in entries {
        if is_listed(&entry)? {
            items.push(entry.shown()?);
        }
    }
    Ok(Answer::data(&items)?.beside("digest", digest.to_string()))
}

/// `GET {id}`
pub fn read<E: Entry>(call: &Call) -> Result<Answer, Fault> {
    let Named { id, .. } = call.params.read()?;
    let (entry, digest) = edit::find_entry::<E>(call.ctx.configuration().dir(), &id)?;
    Ok(Answer::data(&entry.shown()?)?.beside("digest", digest.to_string()))
}

/// `POST`
pub fn create<E: Entry>(call: &Call) -> Result<Answer, Fault> {
    let members: Map<String, Value> = call.params.read()?;
    edit::create_entry::<E>(call.ctx.configuration().dir(), members)?;
    Ok(Answer::null())
}

/// `PUT {id}`
pub fn update<E: Entry>(call: &Call) -> Result<Answer, Fault> {
    let members: Map<String, Value> = call.params.read()?;
    let allowed = |_: &E, _: &E| Ok::<(), Fault>(());
    edit::update_entry(call.ctx.configuration().dir(), members, allowed)?;
    Ok(Answer::null())
}

/// `DELETE {id}`
pub fn delete<E: Entry>(call: &Call) -> Result<Answer, Fault> {
    let Named { id, digest } = call.params.read()?;
    edit::remove_entry::<E>(call.ctx.configuration().dir(), &id, &digest)?;
    Ok(Answer::null())
}
