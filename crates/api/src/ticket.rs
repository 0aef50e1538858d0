//! The text of login tickets and of tokens against cross-site requests: parts, printing, the bytes that are signed
//! (protocol.md 2.2, 2.4).
//!
//! Keys and signatures are made and checked elsewhere; here a signature is only bytes.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

/// Control characters and `:`; bytes outside ASCII are always encoded.
const ESCAPED: &AsciiSet = &CONTROLS.add(b':');

/// Longest ticket text that is looked at.
pub const TEXT_BYTES_MAX: usize = 16 * 1024;

/// Prefix of a login ticket.
pub const PREFIX: &str = "PBS";
/// Prefix of a ticket for the terminal.
pub const PREFIX_TERMINAL: &str = "PBSTERM";
/// Start of the data of a ticket whose second factor is missing.
pub const PARTIAL_MARK: &str = "!tfa!";

/// `{prefix}:{data}:{time}::{signature}`
#[derive(Clone, PartialEq, Eq)]
pub struct Ticket {
    /// [`PREFIX`] for logins.
    pub prefix: String,
    /// The user id of a full ticket.
    pub data: String,
    /// Creation time, seconds since the epoch.
    pub time: i64,
    /// Empty until signed.
    pub signature: Vec<u8>,
}

/// Why a text is no ticket.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum TicketError {
    /// Longer than [`TEXT_BYTES_MAX`].
    #[error("ticket is too long")]
    TooLong,
    /// A part or a separator is missing.
    #[error("ticket has not the form prefix:data:time::signature")]
    Form,
    /// Prefix or data are not UTF-8 after percent-decoding.
    #[error("ticket data is not UTF-8")]
    Utf8,
    /// The time is no hexadecimal number.
    #[error("ticket time is not a hexadecimal number")]
    Time,
    /// The signature is not base64.
    #[error("ticket signature is not base64")]
    Signature,
}

impl Ticket {
    /// A login ticket without signature yet.
    pub fn new(prefix: &str, data: &str, time: i64) -> Ticket {
        Ticket {
            prefix: prefix.to_owned(),
            data: data.to_owned(),
            time,
            signature: Vec::new(),
        }
    }

    /// The bytes to be signed: `prefix:data:time`, and `:aad` appended raw when there is additional data.
    pub fn message(&self, aad: Option<&str>) -> String {
        let mut text = format!(
            "{}:{}:{}",
            escape(&self.prefix),
            escape(&self.data),
            hex_time(self.time)
        );
        if let Some(aad) = aad {
            text.push(':');
            text.push_str(aad);
        }
        text
    }

    /// True if `now` lies within the accepted ages.
    pub fn is_fresh(&self, now: i64, age_max_s: i64, ahead_max_s: i64) -> bool {
        let age = now.saturating_sub(self.time);
        -ahead_max_s <= age && age <= age_max_s
    }
}

/// `%08X`, the form of every time in tickets, tokens and task ids.
pub fn hex_time(time: i64) -> String {
    format!("{time:08X}")
}

/// The message under a token against cross-site requests: `{time}:{userid}:`.
pub fn csrf_message(time: i64, userid: &str) -> String {
    format!("{}:{userid}:", hex_time(time))
}

/// Splits a token against cross-site requests into its time and its code.
pub fn parse_csrf(text: &str) -> Option<(i64, Vec<u8>)> {
    let (time, code) = text.split_once(':')?;
    Some((parse_time(time)?, STANDARD_NO_PAD.decode(code).ok()?))
}

/// Prints a token against cross-site requests.
pub fn print_csrf(time: i64, code: &[u8]) -> String {
    format!("{}:{}", hex_time(time), STANDARD_NO_PAD.encode(code))
}

fn parse_time(text: &str) -> Option<i64> {
    let hex = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    hex.then(|| i64::from_str_radix(text, 16).ok()).flatten()
}

fn escape(part: &str) -> String {
    utf8_percent_encode(part, ESCAPED).to_string()
}

fn unescape(part: &str) -> Result<String, TicketError> {
    percent_decode_str(part)
        .decode_utf8()
        .map(|text| text.into_owned())
        .map_err(|_| TicketError::Utf8)
}

impl fmt::Display for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}::{}",
            self.message(None),
            STANDARD_NO_PAD.encode(&self.signature)
        )
    }
}

/// Tickets are secrets: the signature is not shown.
impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ticket")
            .field("prefix", &self.prefix)
            .field("data", &self.data)
            .field("time", &self.time)
            .finish_non_exhaustive()
    }
}

impl FromStr for Ticket {
    type Err = TicketError;

    fn from_str(text: &str) -> Result<Ticket, TicketError> {
        if text.len() > TEXT_BYTES_MAX {
            return Err(TicketError::TooLong);
        }
        let mut parts = text.splitn(4, ':');
        let mut next = || parts.next().ok_or(TicketError::Form);
        let (prefix, data, time) = (next()?, next()?, next()?);
        let signature = next()?.strip_prefix(':').ok_or(TicketError::Form)?;
        Ok(Ticket {
            prefix: unescape(prefix)?,
            data: unescape(data)?,
            time: parse_time(time).ok_or(TicketError::Time)?,
            signature: STANDARD_NO_PAD
                .decode(signature)
                .map_err(|_| TicketError::Signature)?,
        })
    }
}
