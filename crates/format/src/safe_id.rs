//! Names that are safe as one component of a path: `[A-Za-z0-9_][A-Za-z0-9._-]*` (protocol.md 0).
//!
//! Never empty, never with a slash, never starting with a dot or a dash: neither `..` nor an option.

use crate::text::NameError;

pub(crate) const RULE: &str =
    "letters, digits, '_', '.' and '-', the first one a letter, a digit or '_'";

/// A safe name of any length.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SafeId(String);

checked_string!(SafeId, |text| check("id", text));

/// The name of a datastore: a safe name of 3 to 32 characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StoreName(String);

checked_string!(StoreName, |text: &str| {
    check("datastore name", text)?;
    check_len("datastore name", text, 3..=32, "3 to 32 characters")
});

pub(crate) fn check(kind: &'static str, text: &str) -> Result<(), NameError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    let starts_well = text
        .bytes()
        .next()
        .is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if starts_well && text.bytes().all(allowed) {
        Ok(())
    } else {
        Err(NameError::new(kind, text, RULE))
    }
}

/// Lengths are counted in characters, as the original counts them.
pub(crate) fn check_len(
    kind: &'static str,
    text: &str,
    allowed: std::ops::RangeInclusive<usize>,
    rule: &'static str,
) -> Result<(), NameError> {
    if allowed.contains(&text.chars().count()) {
        Ok(())
    } else {
        Err(NameError::new(kind, text, rule))
    }
}
