//! Value parsers with the original's ranges and error texts (cli.md 1.2), for
//! `#[arg(value_parser = ...)]`.

use std::num::ParseIntError;

/// A value has the wrong form; the text is the original's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    #[error("Unable to parse boolean option.")]
    NotBoolean,
    #[error(transparent)]
    NotInteger(#[from] ParseIntError),
    #[error("value must have a minimum value of {minimum} (got {got})")]
    TooSmall { minimum: i64, got: i64 },
    #[error("value must have a maximum value of {maximum} (got {got})")]
    TooLarge { maximum: i64, got: i64 },
    #[error("value must be at least {0} characters long")]
    TooShort(usize),
    #[error("value may only be {0} characters long")]
    TooLong(usize),
    #[error("value does not match the regex pattern")]
    NoMatch,
}

/// `1 on yes true` or `0 off no false`, any letter case.
///
/// ```
/// assert_eq!(console::args::boolean("Yes"), Ok(true));
/// assert!(console::args::boolean("2").is_err());
/// ```
pub fn boolean(text: &str) -> Result<bool, ValueError> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "on" | "yes" | "true" => Ok(true),
        "0" | "off" | "no" | "false" => Ok(false),
        _ => Err(ValueError::NotBoolean),
    }
}

impl std::str::FromStr for crate::help::Explicit {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        boolean(text).map(crate::help::Explicit)
    }
}

/// A decimal integer from `minimum` to `maximum`, both included.
pub fn integer(
    minimum: i64,
    maximum: i64,
) -> impl Fn(&str) -> Result<i64, ValueError> + Clone + Send + Sync + 'static {
    move |text| {
        let got = text.parse()?;
        if got < minimum {
            return Err(ValueError::TooSmall { minimum, got });
        }
        if got > maximum {
            return Err(ValueError::TooLarge { maximum, got });
        }
        Ok(got)
    }
}

/// Text of `length` Unicode characters that `accepts` takes.
pub fn matching(
    length: std::ops::RangeInclusive<usize>,
    accepts: fn(&str) -> bool,
) -> impl Fn(&str) -> Result<String, ValueError> + Clone + Send + Sync + 'static {
    move |text| {
        let count = text.chars().count();
        if count < *length.start() {
            return Err(ValueError::TooShort(*length.start()));
        }
        if count > *length.end() {
            return Err(ValueError::TooLong(*length.end()));
        }
        if accepts(text) {
            Ok(text.to_string())
        } else {
            Err(ValueError::NoMatch)
        }
    }
}
