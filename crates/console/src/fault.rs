//! What can be wrong with a command line, in the original's words (cli.md 1.1, 1.2).
//!
//! Texts are what scripts and people already know; the variants are what our tests compare.

use std::fmt;

/// One parameter's trouble.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("duplicate parameter.")]
    Duplicate,
    #[error("schema does not allow additional properties.")]
    Unknown,
    #[error("parameter is missing and it is not optional.")]
    Missing,
    #[error("missing argument")]
    MissingArgument,
    #[error("missing parameter value.")]
    MissingValue,
    #[error("missing boolean value.")]
    MissingBoolean,
    #[error("Unable to parse boolean option.")]
    NotBoolean,
    #[error("value '{0}' is not defined in the enumeration.")]
    NotListed(String),
    #[error("value is not valid UTF-8")]
    NotText,
    /// The value's own parser said so.
    #[error("{0}")]
    Value(String),
}

/// A parameter (kebab-case, no dashes in front) and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParameterFault {
    pub name: String,
    pub fault: Fault,
    /// The text that was refused, where there is one.
    pub given: Option<String>,
}

/// Why a command line was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// Nothing, or only the name of a group; holds the words that may follow.
    #[error("no command specified.\nPossible commands: {}", .0.join(", "))]
    NoCommand(Vec<String>),
    /// No command of that name, or several that begin so.
    #[error("no such command '{word}'")]
    NoSuchCommand {
        word: String,
        /// Commands that may have been meant, as they are typed behind the program's name.
        near: Vec<String>,
    },
    /// Words left over after the last positional.
    #[error("got additional arguments: {0:?}")]
    Additional(Vec<String>),
    #[error("{}", Faults(.0))]
    Parameters(Vec<ParameterFault>),
    /// Two arguments that exclude or need each other; clap's own sentence.
    #[error("{0}")]
    Conflict(String),
}

impl Problem {
    /// What the original does not say and its lines leave no room for: the texts that were
    /// refused, or where to read on.
    pub fn hint(&self) -> String {
        let faults = match self {
            Problem::Parameters(faults) => faults,
            Problem::NoSuchCommand { near, .. } if !near.is_empty() => {
                return format!("did you mean `{}`?", near.join("` or `"));
            }
            _ => return "`--help` behind a command tells how it is used".into(),
        };
        let given = faults.iter().filter_map(|each| {
            let text = each.given.as_ref()?;
            Some(format!("{text:?} was given for '{}'", each.name))
        });
        let given: Vec<_> = given.collect();
        match given.is_empty() {
            true => "the parameters are explained above".into(),
            false => format!("{}; what it takes is explained above", given.join(", ")),
        }
    }
}

struct Faults<'a>(&'a [ParameterFault]);

impl fmt::Display for Faults<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let [one] = self.0 {
            return write!(
                out,
                "parameter verification failed - '{}': {}",
                one.name, one.fault
            );
        }
        write!(out, "parameter verification failed:")?;
        self.0
            .iter()
            .try_for_each(|each| write!(out, "\n- '{}': {}", each.name, each.fault))
    }
}
