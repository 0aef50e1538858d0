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
    /// A name of another form than this rule has it.
    #[error("value does not match the regex pattern")]
    Pattern(String),
    #[error("value must be at least {0} characters long")]
    TooShort(usize),
    #[error("value may only be {0} characters long")]
    TooLong(usize),
    /// The value's own parser said so.
    #[error("{0}")]
    Value(String),
}

impl Fault {
    /// What a value's own parser said of `value`. Types of names say `"…" is not a valid KIND: RULE`, which becomes the original's
    /// text.
    pub(crate) fn of_value(value: &str, said: String) -> Fault {
        let rule = said
            .strip_prefix(&format!("{value:?} is not a valid "))
            .and_then(|rest| rest.split_once(": "));
        let Some((_, rule)) = rule else {
            return Fault::Value(said);
        };
        match (lengths(rule), value.chars().count()) {
            (Some((min, _)), len) if len < min => Fault::TooShort(min),
            (Some((_, max)), len) if len > max => Fault::TooLong(max),
            _ => Fault::Pattern(rule.to_owned()),
        }
    }
}

/// Of a rule such as `3 to 32 characters`.
fn lengths(rule: &str) -> Option<(usize, usize)> {
    let (min, max) = rule.strip_suffix(" characters")?.split_once(" to ")?;
    Some((min.parse().ok()?, max.parse().ok()?))
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
            let rule = match &each.fault {
                Fault::Pattern(rule) => format!(", it should be: {rule}"),
                _ => String::new(),
            };
            Some(format!(
                "{} was given for '{}'{rule}",
                shown(text),
                each.name
            ))
        });
        let given: Vec<_> = given.collect();
        match given.is_empty() {
            true => "the parameters are explained above".into(),
            false => format!("{}; what it takes is explained above", given.join(", ")),
        }
    }
}

/// Characters of a refused text that a hint repeats: whole files are given too.
const SHOWN_MAX: usize = 200;

fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN_MAX) {
        None => format!("{text:?}"),
        Some((end, _)) => format!("{:?}...", &text[..end]),
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

#[cfg(test)]
mod tests {
    use super::{Fault, ParameterFault, Problem};

    #[test]
    fn names_are_refused_in_the_words_of_the_original() {
        let long = "x".repeat(33);
        let rows = [
            (
                "a b",
                "\"a b\" is not a valid backup id: letters".to_owned(),
                Fault::Pattern("letters".into()),
            ),
            (
                "ta",
                "\"ta\" is not a valid datastore name: 3 to 32 characters".to_owned(),
                Fault::TooShort(3),
            ),
            (
                &long,
                format!("{long:?} is not a valid datastore name: 3 to 32 characters"),
                Fault::TooLong(32),
            ),
            (
                "x",
                "invalid digit found in string".to_owned(),
                Fault::Value("invalid digit found in string".into()),
            ),
        ];
        for (value, said, expected) in rows {
            assert_eq!(Fault::of_value(value, said), expected);
        }
    }

    /// A text of 66 KB that was too long came back as a hint of 66 KB.
    #[test]
    fn a_hint_repeats_the_beginning_of_a_long_text() {
        let hint = |given: String| {
            let fault = ParameterFault {
                name: "comment".to_owned(),
                fault: Fault::TooLong(1),
                given: Some(given),
            };
            Problem::Parameters(vec![fault]).hint()
        };
        let tail = " was given for 'comment'; what it takes is explained above";
        for (given, expected) in [
            ("é".repeat(200), format!("\"{}\"", "é".repeat(200))),
            ("é".repeat(201), format!("\"{}\"...", "é".repeat(200))),
        ] {
            assert_eq!(hint(given), format!("{expected}{tail}"));
        }
    }
}
