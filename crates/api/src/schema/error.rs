//! Errors of parameters, with the exact texts of protocol.md 1.5.

use std::fmt;
use std::num::{ParseFloatError, ParseIntError};

/// What is wrong with one value.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
pub enum ValueError {
    /// None of the eight words.
    #[error("Unable to parse boolean option.")]
    Boolean,
    /// No decimal integer.
    #[error("{0}")]
    Integer(#[from] ParseIntError),
    /// No decimal fraction.
    #[error("{0}")]
    Number(#[from] ParseFloatError),
    /// Below the smallest value.
    #[error("value must have a minimum value of {bound} (got {got})")]
    Minimum {
        /// The bound.
        bound: String,
        /// The value.
        got: String,
    },
    /// Above the largest value.
    #[error("value must have a maximum value of {bound} (got {got})")]
    Maximum {
        /// The bound.
        bound: String,
        /// The value.
        got: String,
    },
    /// Fewer characters than this.
    #[error("value must be at least {0} characters long")]
    TooShort(usize),
    /// More characters than this.
    #[error("value may only be {0} characters long")]
    TooLong(usize),
    /// The pattern does not match.
    #[error("value does not match the regex pattern")]
    Pattern,
    /// None of the listed words.
    #[error("value '{0}' is not defined in the enumeration.")]
    NotInEnumeration(String),
    /// The message of a grammar.
    #[error("{0}")]
    Format(String),
    /// JSON of another type; the word is `integer`, `string`, `boolean`, `number` or `array`.
    #[error("Expected {0} value.")]
    Expected(&'static str),
    /// A key that the schema does not have.
    #[error("schema does not allow additional properties.")]
    Unknown,
    /// A scalar given twice.
    #[error("duplicate parameter.")]
    Duplicate,
    /// A mandatory parameter that is missing in text.
    #[error("parameter is missing and it is not optional.")]
    Missing,
    /// A mandatory parameter that is missing in JSON.
    #[error("property is missing and it is not optional")]
    MissingProperty,
    /// A message about the whole request or about a value that is right in itself, such as a name that exists already.
    #[error("{0}")]
    Other(String),
}

/// One wrong parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParamError {
    /// Its name; empty for a message about the whole.
    pub name: String,
    /// What is wrong.
    pub error: ValueError,
}

/// All wrong parameters of a request, at least one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ParamErrors(Vec<ParamError>);

impl ParamErrors {
    /// One wrong parameter.
    pub fn one(name: &str, error: ValueError) -> ParamErrors {
        ParamErrors(vec![ParamError {
            name: name.to_owned(),
            error,
        }])
    }

    /// A message about the request as a whole.
    pub fn text(text: String) -> ParamErrors {
        ParamErrors::one("", ValueError::Other(text))
    }

    /// Each parameter with its error, in order: the `errors` member of the `extjs` answer.
    pub fn iter(&self) -> impl Iterator<Item = &ParamError> {
        self.0.iter()
    }

    pub(super) fn push(&mut self, name: &str, error: ValueError) {
        self.0.push(ParamError {
            name: name.to_owned(),
            error,
        });
    }

    pub(super) fn or<T>(self, value: T) -> Result<T, ParamErrors> {
        if self.0.is_empty() {
            Ok(value)
        } else {
            Err(self)
        }
    }
}

impl std::error::Error for ParamErrors {}

impl fmt::Display for ParamErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_slice() {
            [ParamError { name, error }] if name.is_empty() => write!(f, "{error}"),
            [ParamError { name, error }] => {
                write!(f, "parameter verification failed - '{name}': {error}")
            }
            several => {
                write!(f, "parameter verification failed:")?;
                several
                    .iter()
                    .try_for_each(|ParamError { name, error }| write!(f, "\n- '{name}': {error}"))
            }
        }
    }
}
