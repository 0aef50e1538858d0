//! Help and usage in the original's layout (cli.md 1.4), drawn from a clap command tree.
//!
//! One renderer serves `help`, `--help` and the text below a usage error, so that all three
//! agree. Type texts come from the value parser (`<boolean>`, `<integer>`), from the possible
//! values (`a|b|c`), or from a value name that stands in angle brackets, which wins
//! (`<integer> (64 - 4096)`).

use std::any::TypeId;

use clap::{Arg, ArgAction, Command};
use unicode_width::UnicodeWidthStr;

const WIDTH: usize = 80;
const INDENT: usize = 13;
const NAME_COLUMN: usize = 10;

/// A boolean of an option that alone would say nothing, because without it the answer is "true" or "as it was": it needs its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Explicit(pub bool);

/// How an argument takes its value; all of the grammar that introspection must know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A clap flag: boolean, false by default, written as a bare word for clap.
    Flag,
    /// A boolean with a value; `bare` tells whether the option alone means true.
    Boolean {
        bare: bool,
    },
    Value,
}

pub(crate) fn kind(arg: &Arg) -> Kind {
    match arg.get_action() {
        ArgAction::SetTrue | ArgAction::SetFalse => Kind::Flag,
        _ if arg.get_value_parser().type_id() == TypeId::of::<bool>() => {
            let default_true = arg.get_default_values().iter().any(|value| value == "true");
            Kind::Boolean {
                bare: !default_true,
            }
        }
        _ if arg.get_value_parser().type_id() == TypeId::of::<Explicit>() => {
            Kind::Boolean { bare: false }
        }
        _ => Kind::Value,
    }
}

/// The parameter's name as the API and the user call it: kebab-case, no dashes in front.
pub(crate) fn parameter_name(arg: &Arg) -> String {
    match arg.get_long() {
        Some(long) => long.to_string(),
        None => arg.get_id().as_str().replace('_', "-"),
    }
}

pub(crate) fn is_list(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::Append | ArgAction::Count)
        || arg
            .get_num_args()
            .is_some_and(|range| range.max_values() > 1)
}

/// The tree's options and positionals without what clap adds by itself.
pub(crate) fn own_arguments(command: &Command) -> impl Iterator<Item = &Arg> {
    command.get_arguments().filter(|arg| {
        !matches!(
            arg.get_action(),
            ArgAction::Help | ArgAction::HelpShort | ArgAction::HelpLong | ArgAction::Version
        )
    })
}

/// Commands below `command`, by name, without clap's own `help`.
pub(crate) fn children(command: &Command) -> Vec<&Command> {
    let mut found: Vec<_> = command
        .get_subcommands()
        .filter(|child| !child.is_hide_set() && child.get_name() != "help")
        .collect();
    found.sort_by_key(|child| child.get_name().to_string());
    found
}

/// `backup {<backupspec>} [OPTIONS]`; `path` is printed in front as given.
pub fn line(path: &str, command: &Command) -> String {
    let mut text = path.to_string();
    for arg in own_arguments(command).filter(|arg| arg.is_positional()) {
        let name = format!("<{}>", parameter_name(arg));
        let name = if is_list(arg) {
            format!("{{{name}}}")
        } else {
            name
        };
        text += &if arg.is_required_set() {
            format!(" {name}")
        } else {
            format!(" [{name}]")
        };
    }
    let mut required: Vec<_> = options(command)
        .into_iter()
        .filter(|arg| arg.is_required_set())
        .collect();
    required.sort_by_key(|arg| parameter_name(arg));
    for arg in required {
        text += &format!(" --{} {}", parameter_name(arg), type_text(arg));
    }
    if options(command).iter().any(|arg| !arg.is_required_set()) {
        text += " [OPTIONS]";
    }
    text.trim_start().to_string()
}

/// One [`line()`] for every leaf below `command`, depth first, each begun with `prefix`.
pub fn lines(prefix: &str, command: &Command) -> String {
    let mut text = String::new();
    for child in children(command) {
        let path = format!("{prefix} {}", child.get_name())
            .trim_start()
            .to_string();
        if child.has_subcommands() {
            text += &lines(&path, child);
        } else {
            text += &line(&path, child);
            text.push('\n');
        }
    }
    text
}

/// One [`page()`] for every leaf below `command`, depth first.
pub fn pages(prefix: &str, command: &Command) -> Vec<String> {
    let mut found = Vec::new();
    for child in children(command) {
        let path = format!("{prefix} {}", child.get_name());
        match child.has_subcommands() {
            true => found.extend(pages(path.trim_start(), child)),
            false => found.push(page(path.trim_start(), child)),
        }
    }
    found
}

/// The whole page of one leaf: usage, what it does, and a block for every parameter.
pub fn page(path: &str, command: &Command) -> String {
    let mut text = format!("Usage: {}\n\n", line(path, command));
    if let Some(about) = command.get_long_about().or(command.get_about()) {
        text += &wrapped(&sentence(&about.to_string()), 0);
        text.push('\n');
    }
    text += &parameters(command);
    text += &examples(command);
    text
}

/// clap's text behind the help, which holds examples, as it was written.
pub fn examples(command: &Command) -> String {
    match command.get_after_help() {
        Some(text) => format!("{}\n", text.to_string().trim_end()),
        None => String::new(),
    }
}

/// What follows `Error: ...` when a leaf was used wrongly: usage and parameters, no prose.
pub fn usage(path: &str, command: &Command) -> String {
    format!("Usage: {}\n\n{}", line(path, command), parameters(command))
}

fn options(command: &Command) -> Vec<&Arg> {
    own_arguments(command)
        .filter(|arg| !arg.is_positional() && !arg.is_hide_set())
        .collect()
}

fn parameters(command: &Command) -> String {
    let mut text = String::new();
    for arg in own_arguments(command).filter(|arg| arg.is_positional()) {
        text += &block(&format!("<{}>", parameter_name(arg)), arg);
        text.push('\n');
    }
    let mut all = options(command);
    all.sort_by_key(|arg| parameter_name(arg));
    for arg in all.iter().filter(|arg| arg.is_required_set()) {
        text += &block(&format!("--{}", parameter_name(arg)), arg);
        text.push('\n');
    }
    let optional: Vec<_> = all.iter().filter(|arg| !arg.is_required_set()).collect();
    if !optional.is_empty() {
        text += "Optional parameters:\n\n";
        // As 4.x: these follow each other directly.
        for arg in optional {
            text += &block(&format!("--{}", parameter_name(arg)), arg);
        }
        text.push('\n');
    }
    text
}

fn block(name: &str, arg: &Arg) -> String {
    let mut text = format!(" {name:NAME_COLUMN$} {}", type_text(arg));
    if let Some(default) = default_text(arg) {
        text += &format!("   (default={default})");
    }
    text.push('\n');
    let about = arg.get_long_help().or(arg.get_help());
    let mut about = about
        .map(|about| sentence(&about.to_string()))
        .unwrap_or_default();
    if is_list(arg) {
        about += " May be given more than once.";
    }
    text + &wrapped(about.trim_start(), INDENT)
}

/// The default that help shows.
pub(crate) fn default_text(arg: &Arg) -> Option<String> {
    match kind(arg) {
        Kind::Flag => Some("false".to_string()),
        _ => arg
            .get_default_values()
            .first()
            .map(|value| value.to_string_lossy().into_owned()),
    }
}

/// `<string>`, `<boolean>`, `a|b|c` and so on.
pub(crate) fn type_text(arg: &Arg) -> String {
    let listed = arg.get_possible_values();
    if let Some([name]) = arg.get_value_names()
        && name.starts_with('<')
    {
        return name.to_string();
    }
    let parsed_as = arg.get_value_parser().type_id();
    let is_one_of = |types: &[TypeId]| types.iter().any(|each| parsed_as == *each);
    if matches!(kind(arg), Kind::Flag | Kind::Boolean { .. }) {
        "<boolean>".into()
    } else if !listed.is_empty() {
        listed
            .iter()
            .map(|value| value.get_name())
            .collect::<Vec<_>>()
            .join("|")
    } else if is_one_of(&[
        TypeId::of::<i64>(),
        TypeId::of::<u64>(),
        TypeId::of::<i32>(),
        TypeId::of::<u32>(),
        TypeId::of::<u16>(),
    ]) {
        "<integer>".into()
    } else if is_one_of(&[TypeId::of::<f64>()]) {
        "<number>".into()
    } else {
        "<string>".into()
    }
}

/// clap's derive takes the last full stop from a one-line doc comment.
fn sentence(text: &str) -> String {
    let text = text.trim();
    let ended = text.is_empty() || text.ends_with(['.', '!', '?', ':', ')']);
    if ended {
        text.to_string()
    } else {
        format!("{text}.")
    }
}

/// Words of `text` in lines of at most [`WIDTH`] columns; an empty line parts paragraphs.
fn wrapped(text: &str, indent: usize) -> String {
    let pad = " ".repeat(indent);
    let mut out = String::new();
    for (number, paragraph) in text.split("\n\n").enumerate() {
        if number > 0 {
            out.push('\n');
        }
        let mut current = String::new();
        for word in paragraph.split_whitespace() {
            if !current.is_empty() && indent + current.width() + 1 + word.width() > WIDTH {
                out += &format!("{pad}{current}\n");
                current.clear();
            }
            if !current.is_empty() {
                current.push(' ');
            }
            current += word;
        }
        if !current.is_empty() {
            out += &format!("{pad}{current}\n");
        }
    }
    out
}
