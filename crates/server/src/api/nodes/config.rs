//! `/nodes/{node}/config`: settings of the whole server.

use config::edit;
use serde_json::{Map, Value};

use crate::fault::Fault;
use crate::reply::Answer;
use crate::route::Call;

/// `GET`
pub fn read(call: &Call) -> Result<Answer, Fault> {
    let (node, digest) = edit::node_config(call.ctx.configuration().dir())?;
    let mut members = node.settings;
    if let Some(description) = node.description {
        members.insert("description".to_owned(), description.into());
    }
    Ok(Answer::data(&members)?.beside("digest", digest.to_string()))
}

/// `PUT`
pub fn update(call: &Call) -> Result<Answer, Fault> {
    let members: Map<String, Value> = call.params.read()?;
    edit::update_node_config(call.ctx.configuration().dir(), members)?;
    Ok(Answer::null())
}
