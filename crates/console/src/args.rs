//! The original's command-line grammar in front of clap (cli.md 1.1).
//!
//! clap describes the tree and the types; this module reads what the user typed, by the
//! original's rules, and hands clap one form that means the same (`a b --x=v --flag -- pos`).
//! It knows no command: all is introspection, so every binary uses it unchanged. A `bool`
//! field is an option that is false by default, `Option<bool>` or `bool` with
//! `ArgAction::Set` one with a value. Printing and exit codes are `report`'s.

use std::ffi::OsString;
use std::path::Path;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{ArgMatches, Command, CommandFactory, FromArgMatches};

use crate::fault::{Fault, ParameterFault, Problem};
use crate::help;

mod grammar;
mod value;

pub use crate::help::Explicit;
pub use grammar::normalise;
pub(crate) use grammar::{as_boolean, pick};
pub use value::{ValueError, boolean, integer, matching};

/// A single word and the command path it stands for: `("forget", &["snapshot", "forget"])`.
pub type Alias<'a> = (&'a str, &'a [&'a str]);

/// The command line leads to no command.
#[derive(Debug, PartialEq, Eq)]
pub enum Stop {
    /// Help was asked for: text for standard output, exit status 0.
    Help(String),
    /// `help` of something unknown: text for standard error, exit status 0.
    Notice(String),
    /// Wrong usage: the problem, then the usage text, for standard error; exit status 255.
    Usage { problem: Problem, usage: String },
}

/// Reads a command line, program name first, into the program's own argument type.
///
/// ```
/// #[derive(clap::Parser, Debug)]
/// enum Tool { /// Lists things.
///     List { /// Only these.
///         group: Option<String>, #[arg(long)] quiet: bool } }
///
/// let line = ["/usr/bin/tool", "li", "-quiet", "yes", "host/x"].map(Into::into);
/// let Tool::List { group, quiet } = console::args::parse(&[], line).unwrap();
/// assert_eq!((group.as_deref(), quiet), (Some("host/x"), true));
/// ```
pub fn parse<A: CommandFactory + FromArgMatches>(
    aliases: &[Alias<'_>],
    line: impl IntoIterator<Item = OsString>,
) -> Result<A, Stop> {
    parse_by(A::command(), aliases, line)
}

/// As [`parse`], with a tree whose texts may be others than those of the type.
pub fn parse_by<A: FromArgMatches>(
    tree: Command,
    aliases: &[Alias<'_>],
    line: impl IntoIterator<Item = OsString>,
) -> Result<A, Stop> {
    let read = parse_tree(tree, aliases, line)?;
    A::from_arg_matches(&read.matches).map_err(|error| read.refused(error))
}

/// A command line that was read by a tree of commands.
#[derive(Clone, Debug)]
pub struct Read {
    /// The full command names.
    pub path: Vec<String>,
    /// What clap found, from the top of the tree.
    pub matches: ArgMatches,
    shown: String,
    tree: Command,
}

impl Read {
    /// What the command itself was given.
    pub fn leaf(&self) -> &ArgMatches {
        let mut at = &self.matches;
        while let Some((_, next)) = at.subcommand() {
            at = next;
        }
        at
    }

    /// A refusal of what was read, in the original's words.
    pub fn refused(&self, error: clap::Error) -> Stop {
        refused(error, &self.shown, &self.tree, &self.path)
    }
}

/// Reads a command line by a tree that was put together at run time.
pub fn parse_tree(
    tree: Command,
    aliases: &[Alias<'_>],
    line: impl IntoIterator<Item = OsString>,
) -> Result<Read, Stop> {
    let mut line = line.into_iter();
    let program = program_name(line.next(), &tree);
    let tree = tree.disable_help_subcommand(true);
    let Normal { line, path, shown } = normalise(&program, &tree, aliases, line)?;
    let matches = tree
        .clone()
        .try_get_matches_from(&line)
        .map_err(|error| refused(error, &shown, &tree, &path))?;
    Ok(Read {
        path,
        matches,
        shown,
        tree,
    })
}

/// The name a program was called by: the last component of its first argument.
fn program_name(first: Option<OsString>, command: &Command) -> String {
    first
        .as_ref()
        .and_then(|path| Path::new(path).file_name())
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_else(|| command.get_name().to_string())
}

/// A command line in the one form that clap reads as the original would.
#[derive(Debug, PartialEq, Eq)]
pub struct Normal {
    /// Program, full command names, options as `--x=v`, `--`, positionals.
    pub line: Vec<OsString>,
    /// The full command names alone.
    pub path: Vec<String>,
    /// Program and command names as they were typed.
    pub shown: String,
}

/// Finds the command that `path` names.
fn leaf<'a>(root: &'a Command, path: &[String]) -> &'a Command {
    path.iter()
        .fold(root, |at, name| at.find_subcommand(name).unwrap_or(at))
}

/// Puts clap's refusal of a value into the original's words.
fn refused(error: clap::Error, shown: &str, root: &Command, path: &[String]) -> Stop {
    let command = leaf(root, path);
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        Some(ContextValue::Strings(texts)) => texts.first().cloned(),
        _ => None,
    };
    let name = text(ContextKind::InvalidArg).map(|argument| {
        let mut built = command.clone();
        built.build();
        let known = built
            .get_arguments()
            .find(|arg| arg.to_string() == argument)
            .map(help::parameter_name);
        known.unwrap_or_else(|| argument.trim_start_matches(['-', '<', '[']).to_string())
    });
    let value = text(ContextKind::InvalidValue).unwrap_or_default();
    let given = Some(value.clone()).filter(|value| !value.is_empty());
    let fault = match error.kind() {
        ErrorKind::InvalidValue if value.is_empty() => Some(Fault::MissingValue),
        ErrorKind::InvalidValue => Some(Fault::NotListed(value)),
        ErrorKind::ValueValidation => {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            let said = cause.unwrap_or_else(|| error.to_string());
            Some(Fault::of_value(&value, said))
        }
        ErrorKind::ArgumentConflict => None,
        ErrorKind::MissingRequiredArgument => Some(Fault::Missing),
        ErrorKind::InvalidUtf8 => Some(Fault::NotText),
        _ => None,
    };
    let problem = match (name, fault) {
        (Some(name), Some(fault)) => {
            Problem::Parameters(vec![ParameterFault { name, fault, given }])
        }
        _ => {
            let shown = error.render().to_string();
            let sentence = shown.lines().next().unwrap_or_default();
            Problem::Conflict(sentence.trim_start_matches("error: ").to_string())
        }
    };
    let usage = help::usage(shown, command);
    Stop::Usage { problem, usage }
}
