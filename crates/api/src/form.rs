//! `application/x-www-form-urlencoded`: queries and form bodies, read and written.
//!
//! Reading is lenient as the original is (`+` is a blank, a lone `%` stays); what the pairs mean is for `schema`.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode, utf8_percent_encode};
use serde::Serialize;
use serde_json::Value;

/// Everything but the unreserved characters of RFC 3986.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// The text after percent-decoding is not UTF-8.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("form data is not UTF-8")]
pub struct NotUtf8;

/// Splits `a=b&c=d`; a key without `=` has the empty value, empty parts are skipped.
pub fn decode(text: &[u8]) -> Result<Vec<(String, String)>, NotUtf8> {
    text.split(|byte| *byte == b'&')
        .filter(|part| !part.is_empty())
        .map(|part| {
            let split = part.iter().position(|byte| *byte == b'=');
            let (key, value) = split.map_or((part, &[][..]), |at| (&part[..at], &part[at + 1..]));
            Ok((unescape(key)?, unescape(value)?))
        })
        .collect()
}

fn unescape(part: &[u8]) -> Result<String, NotUtf8> {
    let blanks: Vec<u8> = part
        .iter()
        .map(|byte| if *byte == b'+' { b' ' } else { *byte })
        .collect();
    percent_decode(&blanks)
        .decode_utf8()
        .map(|text| text.into_owned())
        .map_err(|_| NotUtf8)
}

/// Percent-encodes one word for use in a path or a query.
pub fn escape(word: &str) -> String {
    utf8_percent_encode(word, ESCAPED).to_string()
}

/// Writes a request struct as a query: lists become repeated keys, `null` members vanish.
///
/// # Errors
/// The struct does not serialise to a flat JSON object; that is a mistake in its definition.
pub fn encode<T: Serialize>(request: &T) -> Result<String, serde_json::Error> {
    let value = serde_json::to_value(request)?;
    let mut pairs = Vec::new();
    for (key, member) in value.as_object().into_iter().flatten() {
        match member {
            Value::Array(items) => pairs.extend(items.iter().map(|item| pair(key, item))),
            Value::Null => {}
            single => pairs.push(pair(key, single)),
        }
    }
    Ok(pairs.join("&"))
}

fn pair(key: &str, value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    format!("{}={}", escape(key), escape(&text))
}
