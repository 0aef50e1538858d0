//! `/nodes/{node}/identity`: an id by which clients tell servers apart (protocol.md 6.7, since 4.1.10).

use std::io::{Error, ErrorKind};

use config::{ConfigError, FileSpec};
use format::Digest;
use serde_json::json;

use crate::fault::Fault;
use crate::reply::Answer;
use crate::route::Call;

/// Hex digits of the id.
const DIGITS: usize = 32;

/// `GET`: follows from the public key of the tickets, which is made once and stays when the certificate is renewed.
pub fn read(call: &Call) -> Result<Answer, Fault> {
    let (dir, spec) = (call.ctx.configuration().dir(), FileSpec::AUTH_PUBLIC_KEY);
    let missing = || ConfigError::io("read", dir.path_of(spec))(Error::from(ErrorKind::NotFound));
    let key = dir.read_bytes(spec)?.ok_or_else(missing)?;
    let id: String = Digest::of(&key).to_string().chars().take(DIGITS).collect();
    Answer::data(&json!({ "pbs-instance-id": id }))
}
