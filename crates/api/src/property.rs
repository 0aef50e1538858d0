//! Property strings: several fields in one text, `key=value,key=value` (server.md 1.1).
//!
//! Here is only the cutting and joining; which keys exist and what their values must be is for `schema`.

use std::borrow::Cow;

/// Why a text is no property string.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
pub enum PropertyError {
    /// A quoted value does not end.
    #[error("unterminated quote in property string")]
    Unterminated,
    /// A backslash before something else than `"`, `\` or `n`.
    #[error("invalid escape sequence in property string")]
    Escape,
    /// After a closing quote stands something else than a comma.
    #[error("unexpected text after a quoted value in property string")]
    AfterQuote,
    /// A bare value, but no key is the default one.
    #[error("value without key, but schema does not define a default key")]
    NoDefaultKey,
}

/// One element: the key, `None` for a bare value, and the value without quotes.
pub type Element<'a> = (Option<&'a str>, Cow<'a, str>);

/// Cuts a property string into its elements.
pub fn split(text: &str) -> Result<Vec<Element<'_>>, PropertyError> {
    let mut elements = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (key, value_start) = match rest.find(['=', ',', '"']) {
            Some(at) if rest.as_bytes()[at] == b'=' => (Some(&rest[..at]), &rest[at + 1..]),
            _ => (None, rest),
        };
        let (value, tail) = if let Some(quoted) = value_start.strip_prefix('"') {
            unquote(quoted)?
        } else {
            let (value, tail) = value_start
                .split_once(',')
                .map_or((value_start, None), |(value, tail)| (value, Some(tail)));
            (Cow::Borrowed(value), tail)
        };
        elements.push((key, value));
        rest = tail.unwrap_or("");
    }
    Ok(elements)
}

type Quoted<'a> = (Cow<'a, str>, Option<&'a str>);

/// Reads up to the closing quote; the tail is what follows the comma after it.
fn unquote(text: &str) -> Result<Quoted<'_>, PropertyError> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => {
                let tail = &text[at + 1..];
                return match tail.strip_prefix(',') {
                    Some(next) => Ok((Cow::Owned(value), Some(next))),
                    None if tail.is_empty() => Ok((Cow::Owned(value), None)),
                    None => Err(PropertyError::AfterQuote),
                };
            }
            '\\' => value.push(match chars.next() {
                Some((_, 'n')) => '\n',
                Some((_, plain @ ('"' | '\\'))) => plain,
                _ => return Err(PropertyError::Escape),
            }),
            plain => value.push(plain),
        }
    }
    Err(PropertyError::Unterminated)
}

/// Appends one element; the key of a default value is `None`.
pub fn push(out: &mut String, key: Option<&str>, value: &str) {
    if !out.is_empty() {
        out.push(',');
    }
    if let Some(key) = key {
        out.push_str(key);
        out.push('=');
    }
    // A bare value that holds `=` would be read as a key, an empty one as nothing.
    let ambiguous = key.is_none() && (value.is_empty() || value.contains('='));
    if ambiguous || value.contains([',', ';', ' ', '"', '\\', '\n']) {
        let escaped = value
            .replace('\\', "\\\\")
            .replace('"', "\\\"")
            .replace('\n', "\\n");
        out.push('"');
        out.push_str(&escaped);
        out.push('"');
    } else {
        out.push_str(value);
    }
}

/// Cuts a list inside a string at commas, semicolons and white space; empty elements are dropped.
pub fn split_list(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c == ',' || c == ';' || c.is_ascii_whitespace())
        .filter(|element| !element.is_empty())
}
