//! What all names share: one error, hexadecimal text, and the traits of a type that is a checked string.
//!
//! A name type holds a string that has passed its check once; after that only the type travels. `checked_string!` gives it
//! `FromStr`, `Display`, serde as text and access to the string; `serde_as_text!` gives serde to types that are no plain string.

use std::fmt::Write;

/// A text that is not a name of the wanted kind: which kind, the text (shortened), and the rule it breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a valid {kind}: {rule}")]
pub struct NameError {
    pub kind: &'static str,
    pub text: String,
    pub rule: &'static str,
}

impl NameError {
    pub(crate) fn new(kind: &'static str, text: &str, rule: &'static str) -> NameError {
        const SHOWN_MAX: usize = 128;
        NameError {
            kind,
            text: text.chars().take(SHOWN_MAX).collect(),
            rule,
        }
    }
}

pub(crate) fn hex_lower(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        write!(text, "{byte:02x}").expect("writing to a string cannot fail");
    }
    text
}

/// The value of one lower-case hexadecimal digit.
pub(crate) fn hex_digit_lower(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

/// `Serialize` and `Deserialize` through `Display` and `FromStr`.
macro_rules! serde_as_text {
    ($type:ty) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

/// The traits of a newtype over `String` whose text is checked by `$check: fn(&str) -> Result<(), NameError>`.
macro_rules! checked_string {
    ($type:ident, $check:expr) => {
        impl $type {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $type {
            type Err = crate::text::NameError;

            fn from_str(text: &str) -> Result<$type, crate::text::NameError> {
                $check(text)?;
                Ok($type(text.to_owned()))
            }
        }

        impl TryFrom<String> for $type {
            type Error = crate::text::NameError;

            fn try_from(text: String) -> Result<$type, crate::text::NameError> {
                $check(&text)?;
                Ok($type(text))
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl AsRef<str> for $type {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl From<$type> for String {
            fn from(name: $type) -> String {
                name.0
            }
        }

        serde_as_text!($type);
    };
}
