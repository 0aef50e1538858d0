//! Task ids (protocol.md 7.1): which node and process runs what for whom since when.
//!
//! A task id is also the name of its log file, so a parsed one holds no `/` and prints back to the same file name.

use std::fmt;
use std::str::FromStr;

use format::AuthId;
use serde::{Deserialize, Serialize};

use crate::pattern;

/// Shortest text that can be a task id.
pub const TEXT_CHARS_MIN: usize = 36;
/// Longest text that is looked at; a file name is at most 255 bytes on common file systems.
pub const TEXT_BYTES_MAX: usize = 1024;

/// A task id, taken apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Upid {
    /// Host name, first label.
    pub node: String,
    /// Process id.
    pub pid: u32,
    /// Start of the process in clock ticks since boot.
    pub pstart: u64,
    /// Number of the task within the process.
    pub task: u64,
    /// Start of the task, seconds since the epoch.
    pub start: i64,
    /// Kind of work, such as `backup`.
    pub worker_type: String,
    /// What is worked on, unescaped; escaping turns `/` into `-`.
    pub worker_id: Option<String>,
    /// Who started it.
    pub auth_id: AuthId,
}

/// Why a text is no task id.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
#[error("unable to parse UPID '{text}': {part} is missing or malformed")]
pub struct UpidError {
    /// The text, cut to a readable length.
    pub text: String,
    /// The first wrong part.
    pub part: &'static str,
}

impl Upid {
    /// Name of the directory below `tasks/` that holds the log: last byte of the process start.
    pub fn log_dir(&self) -> String {
        format!("{:02X}", self.pstart & 0xFF)
    }
}

/// Escapes a worker id: `/` becomes `-`, all but ASCII letters, digits, `_` and `.` becomes `\x..`, as does a leading dot.
pub fn escape_id(id: &str) -> String {
    let mut out = String::with_capacity(id.len());
    for (place, byte) in id.bytes().enumerate() {
        match byte {
            b'/' => out.push('-'),
            b'.' if place == 0 => out.push_str("\\x2e"),
            b'_' | b'.' => out.push(char::from(byte)),
            plain if plain.is_ascii_alphanumeric() => out.push(char::from(plain)),
            other => out.push_str(&format!("\\x{other:02x}")),
        }
    }
    out
}

/// Undoes [`escape_id`]; `None` if an escape is cut off or the result is not UTF-8.
pub fn unescape_id(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        match first {
            b'-' => out.push(b'/'),
            b'\\' => {
                let hex = tail.strip_prefix(b"x")?.get(..2)?;
                if !hex.iter().all(u8::is_ascii_hexdigit) {
                    return None;
                }
                out.push(u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok()?);
                rest = &tail[3..];
            }
            plain => out.push(*plain),
        }
    }
    String::from_utf8(out).ok()
}

impl fmt::Display for Upid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = self.worker_id.as_deref().map(escape_id).unwrap_or_default();
        write!(
            f,
            "UPID:{}:{:08X}:{:08X}:{:08X}:{:08X}:{}:{}:{}:",
            self.node,
            self.pid,
            self.pstart,
            self.task,
            self.start,
            self.worker_type,
            id,
            self.auth_id
        )
    }
}

impl FromStr for Upid {
    type Err = UpidError;

    fn from_str(text: &str) -> Result<Upid, UpidError> {
        parse(text).map_err(|part| UpidError {
            text: text.chars().take(120).collect(),
            part,
        })
    }
}

fn parse(text: &str) -> Result<Upid, &'static str> {
    if text.len() > TEXT_BYTES_MAX {
        return Err("a length of at most 1024 bytes");
    }
    let body = text
        .strip_prefix("UPID:")
        .ok_or("the prefix UPID:")?
        .strip_suffix(':')
        .ok_or("the colon at the end")?;
    let mut parts = body.split(':');
    let mut next = |what: &'static str| parts.next().ok_or(what);
    let node = next("the node")?;
    if !pattern::hostname(node) {
        return Err("the node");
    }
    let pid = hex(next("the pid")?, 8, 8).ok_or("the pid")?;
    let pstart = hex(next("the process start")?, 8, 9).ok_or("the process start")?;
    let task = hex(next("the task number")?, 8, 16).ok_or("the task number")?;
    let start = hex(next("the start time")?, 8, 8).ok_or("the start time")?;
    let worker_type = next("the worker type")?;
    if worker_type.is_empty() || !is_file_word(worker_type) {
        return Err("the worker type");
    }
    let id = next("the worker id")?;
    if !is_file_word(id) {
        return Err("the worker id");
    }
    let worker_id = if id.is_empty() {
        None
    } else {
        Some(unescape_id(id).ok_or("the worker id")?)
    };
    let auth_id = next("the auth id")?.parse().map_err(|_| "the auth id")?;
    if parts.next().is_some() {
        return Err("the end");
    }
    Ok(Upid {
        node: node.to_owned(),
        pid: u32::try_from(pid).map_err(|_| "the pid")?,
        pstart,
        task,
        start: i64::try_from(start).map_err(|_| "the start time")?,
        worker_type: worker_type.to_owned(),
        worker_id,
        auth_id,
    })
}

/// A word that can stand in a file name: no white space, no slash, no control character.
fn is_file_word(word: &str) -> bool {
    !word.contains(|c: char| c.is_whitespace() || c.is_control() || c == '/')
}

fn hex(text: &str, chars_min: usize, chars_max: usize) -> Option<u64> {
    let fits = (chars_min..=chars_max).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    fits.then(|| u64::from_str_radix(text, 16).ok()).flatten()
}

impl TryFrom<String> for Upid {
    type Error = UpidError;
    fn try_from(text: String) -> Result<Upid, UpidError> {
        text.parse()
    }
}

impl From<Upid> for String {
    fn from(upid: Upid) -> String {
        upid.to_string()
    }
}
