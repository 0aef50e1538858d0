//! Byte sizes as people write them: `10MiB`, `1.5 GB`, `512` (server.md 1.1 "Byte sizes", cli.md 1.7).
//!
//! Printing keeps the unit that was given, so a setting comes back as it was typed, only with a blank before the unit.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Longest accepted text.
pub const TEXT_CHARS_MAX: usize = 64;

/// A unit: a power of 1000 or 1024.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unit {
    power: u8,
    binary: bool,
}

impl Unit {
    /// Plain bytes.
    pub const BYTE: Unit = Unit {
        power: 0,
        binary: false,
    };

    /// Bytes in one of this unit.
    pub fn factor(self) -> f64 {
        let base: f64 = if self.binary { 1024.0 } else { 1000.0 };
        base.powi(i32::from(self.power))
    }

    /// `B`, `KB` … `PB` or `KiB` … `PiB`.
    pub fn name(self) -> &'static str {
        const DECIMAL: [&str; 6] = ["B", "KB", "MB", "GB", "TB", "PB"];
        const BINARY: [&str; 6] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
        if self.binary {
            BINARY[usize::from(self.power)]
        } else {
            DECIMAL[usize::from(self.power)]
        }
    }
}

/// A number of bytes together with the unit it was written in. On the wire and in files it is a string.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ByteSize {
    number: f64,
    unit: Unit,
}

/// A text that is no byte size.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
pub enum ByteSizeError {
    /// Shorter than 1 or longer than [`TEXT_CHARS_MAX`] characters.
    #[error("byte-size parse error for '{0}': length must be 1 to {TEXT_CHARS_MAX} characters")]
    Length(String),
    /// What is left before the unit is not a number.
    #[error("byte-size parse error for '{0}': invalid number")]
    Number(String),
    /// Below zero, infinite or not a number.
    #[error("byte-size parse error for '{0}': must be a finite number that is not negative")]
    Range(String),
}

impl ByteSize {
    /// So many bytes, printed in bytes.
    pub fn bytes(count: u64) -> ByteSize {
        ByteSize {
            number: count as f64,
            unit: Unit::BYTE,
        }
    }

    /// The size in bytes, rounded; saturates at `u64::MAX`.
    pub fn as_u64(self) -> u64 {
        (self.number * self.unit.factor()).round() as u64
    }

    /// The size in bytes.
    pub fn as_f64(self) -> f64 {
        self.number * self.unit.factor()
    }

    /// The largest binary unit that keeps the number at 1 or above: how sizes are shown in tables.
    pub fn binary(count: u64) -> ByteSize {
        let power = ((63 - (count | 1).leading_zeros()) / 10).min(5) as u8;
        let unit = Unit {
            power,
            binary: power > 0,
        };
        ByteSize {
            number: count as f64 / unit.factor(),
            unit,
        }
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rounded = (self.number * 1000.0).round() / 1000.0;
        // Beyond 2^53 thousandths are below the precision of the number, and the product may overflow.
        let number = if rounded.is_finite() {
            rounded
        } else {
            self.number
        };
        write!(f, "{number} {}", self.unit.name())
    }
}

impl FromStr for ByteSize {
    type Err = ByteSizeError;

    fn from_str(text: &str) -> Result<ByteSize, ByteSizeError> {
        if text.is_empty() || text.chars().count() > TEXT_CHARS_MAX {
            return Err(ByteSizeError::Length(text.to_owned()));
        }
        let (rest, unit) = split_unit(text);
        let digits = rest.trim();
        if digits.is_empty()
            || !digits
                .bytes()
                .all(|b| b.is_ascii_digit() || b".eE+-".contains(&b))
        {
            return Err(ByteSizeError::Number(text.to_owned()));
        }
        let number: f64 = digits
            .parse()
            .map_err(|_| ByteSizeError::Number(text.to_owned()))?;
        if !number.is_finite() || number.is_sign_negative() {
            return Err(ByteSizeError::Range(text.to_owned()));
        }
        Ok(ByteSize { number, unit })
    }
}

/// Cuts the unit off the end: an optional `b`, an optional `i`, an optional letter for the power.
fn split_unit(text: &str) -> (&str, Unit) {
    let text = text.strip_suffix(['b', 'B']).unwrap_or(text);
    let (text, binary) = match text.strip_suffix('i') {
        Some(rest) => (rest, true),
        None => (text, false),
    };
    const LETTERS: &str = "kmgtp";
    match text
        .chars()
        .last()
        .and_then(|last| LETTERS.find(last.to_ascii_lowercase()))
    {
        Some(place) => (
            &text[..text.len() - 1],
            Unit {
                power: place as u8 + 1,
                binary,
            },
        ),
        None => (text, Unit { power: 0, binary }),
    }
}

impl TryFrom<String> for ByteSize {
    type Error = ByteSizeError;
    fn try_from(text: String) -> Result<ByteSize, ByteSizeError> {
        text.parse()
    }
}

impl From<ByteSize> for String {
    fn from(size: ByteSize) -> String {
        size.to_string()
    }
}
