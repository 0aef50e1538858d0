//! From typed words to one normal form: command names, then options and positionals.
//!
//! Words are bytes: a path need not be UTF-8, an option's name must be. All faults of a line
//! are gathered, so that the user sees them at once.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use clap::{Arg, Command};

use super::{Alias, Normal, Stop, value};
use crate::fault::{Fault, ParameterFault, Problem};
use crate::help::{self, Kind, kind, own_arguments, parameter_name};
use crate::near;

/// Reads `words`, the line without the program's name, by the original's grammar.
///
/// `root` is not built yet (`CommandFactory::command()`). Asking for help (`help ... [--verbose BOOL]`, or `--help` or `-h` anywhere) stops with the
/// help's text, asking a program that has one for its version (`--version` or `-V` in the first place) with that.
pub fn normalise(
    program: &str,
    root: &Command,
    aliases: &[Alias<'_>],
    words: impl IntoIterator<Item = OsString>,
) -> Result<Normal, Stop> {
    let mut words: Vec<OsString> = words.into_iter().collect();
    if let (Some(version), Some(word)) = (root.get_version(), words.first())
        && (word == "--version" || word == "-V")
    {
        return Err(Stop::Help(format!("{program} {version}\n")));
    }
    let asked = words.first().is_some_and(|word| word == "help");
    let mut verbose = None;
    if asked {
        words.remove(0);
        verbose = take_verbose(&mut words);
    }
    if let Some((_, full)) = words
        .first()
        .and_then(|word| aliases.iter().find(|(name, _)| word == name))
    {
        words.splice(..1, full.iter().map(OsString::from));
    }
    let (path, at, used) = match descend(program, root, &words) {
        Ok(found) => found,
        Err(Stop::Usage { problem, .. }) if asked => return Err(Stop::Notice(problem.to_string())),
        Err(stop) => return Err(stop),
    };
    let rest = &words[used..];
    if asked {
        return Err(Stop::Help(page("", &path, at, verbose)));
    }
    let until_asked = rest.iter().take_while(|word| !is_help(word));
    if rest.iter().any(|word| is_help(word)) && !until_asked.clone().any(|word| word == "--") {
        return Err(Stop::Help(page(program, &path, at, None)));
    }
    let shown = typed(program, &words[..used]);
    if at.has_subcommands() {
        let names = help::children(at)
            .iter()
            .map(|child| child.get_name().to_string())
            .collect();
        let usage = format!("Usage:\n\n{}", help::lines(&shown, at));
        return Err(Stop::Usage {
            problem: Problem::NoCommand(names),
            usage,
        });
    }
    match Reader::read(at, rest) {
        Ok(tail) => {
            let mut line = vec![OsString::from(program)];
            line.extend(path.iter().map(OsString::from));
            line.extend(tail);
            Ok(Normal { line, path, shown })
        }
        Err(problem) => Err(Stop::Usage {
            problem,
            usage: help::usage(&shown, at),
        }),
    }
}

/// The command as it was typed, perhaps abbreviated, for usage texts (cli.md 1.4).
fn typed(program: &str, words: &[OsString]) -> String {
    words.iter().fold(program.to_owned(), |shown, word| {
        shown + " " + &word.to_string_lossy()
    })
}

fn is_help(word: &OsStr) -> bool {
    word == "--help" || word == "-help" || word == "-h"
}

/// Takes the option of `help` out of its words.
fn take_verbose(words: &mut Vec<OsString>) -> Option<bool> {
    let names = [&b"--verbose"[..], b"-verbose"];
    let found = |word: &OsString| names.iter().any(|name| word.as_bytes().starts_with(name));
    let at = words.iter().position(found)?;
    let word = words.remove(at);
    if let Some(equals) = word.as_bytes().iter().position(|byte| *byte == b'=') {
        return as_boolean(OsStr::from_bytes(&word.as_bytes()[equals + 1..]));
    }
    let value = words.get(at).and_then(|next| as_boolean(next));
    if value.is_some() {
        words.remove(at);
    }
    Some(value.unwrap_or(true))
}

/// What help tells of a command, below the program's name if it is not empty. A group lists its commands, and tells everything of each when
/// verbose; one command's page is short when not.
fn page(program: &str, path: &[String], at: &Command, verbose: Option<bool>) -> String {
    if !at.has_subcommands() {
        let program = Some(program).filter(|name| !name.is_empty());
        let names = program.into_iter().chain(path.iter().map(String::as_str));
        let shown = names.collect::<Vec<_>>().join(" ");
        return match verbose {
            Some(false) => format!("Usage: {}\n", help::line(&shown, at)),
            _ => help::page(&shown, at),
        };
    }
    if verbose == Some(true) {
        return help::pages(&path.join(" "), at).join("\n");
    }
    let mut text = format!("Usage:\n\n{}", help::lines(&path.join(" "), at));
    let examples = help::examples(at);
    if !examples.is_empty() {
        text += &format!("\n{examples}");
    }
    text
}

/// Follows command names from the left: the full path, the command, the number of words used.
/// Ends at a leaf, at the end of the words, or at a request for help.
fn descend<'a>(
    program: &str,
    root: &'a Command,
    words: &[OsString],
) -> Result<(Vec<String>, &'a Command, usize), Stop> {
    let mut path = Vec::new();
    let mut at = root;
    while at.has_subcommands() {
        let Some(word) = words.get(path.len()).filter(|word| !is_help(word)) else {
            break;
        };
        let Some(next) = pick(at, word) else {
            let word = word.to_string_lossy().into_owned();
            let near = near_commands(&path, at, &word);
            let problem = Problem::NoSuchCommand { word, near };
            let shown = typed(program, &words[..path.len()]);
            return Err(Stop::Usage {
                problem,
                usage: format!("\nUsage:\n\n{}", help::lines(&shown, at)),
            });
        };
        path.push(next.get_name().to_string());
        at = next;
    }
    let used = path.len();
    Ok((path, at, used))
}

/// Commands of this level whose names are near, and those of that name further down.
fn near_commands(path: &[String], at: &Command, word: &str) -> Vec<String> {
    let children = help::children(at);
    let near = near::names(word, children.iter().map(|child| child.get_name()));
    let below = path.iter().map(String::as_str);
    let mut found: Vec<String> = near
        .into_iter()
        .map(|name| below.clone().chain([name]).collect::<Vec<_>>().join(" "))
        .collect();
    let mut deep = Vec::new();
    for child in children {
        named(child, word, child.get_name(), &mut deep);
    }
    let deep = deep.into_iter().map(|names| {
        let whole: Vec<&str> = below.clone().chain([names.as_str()]).collect();
        whole.join(" ")
    });
    found.extend(deep);
    found.truncate(near::NAMES_MAX);
    found
}

/// Gathers the commands of exactly this name below one of `path`.
fn named(at: &Command, word: &str, path: &str, found: &mut Vec<String>) {
    for child in help::children(at) {
        let path = format!("{path} {}", child.get_name());
        if child.get_name() == word {
            found.push(path);
        } else {
            named(child, word, &path, found);
        }
    }
}

/// The command of that name, or the only one that begins so. Additions, which stand under a heading of their own
/// (`next_help_heading`), are known by their whole names only: they must not take a beginning from another command.
pub(crate) fn pick<'a>(at: &'a Command, word: &OsStr) -> Option<&'a Command> {
    let word = word.to_str().filter(|word| !word.is_empty())?;
    if let Some(exact) = at.get_subcommands().find(|child| child.get_name() == word) {
        return Some(exact);
    }
    let mut candidates = help::children(at)
        .into_iter()
        .filter(|child| child.get_name().starts_with(word))
        .filter(|child| child.get_next_help_heading().is_none());
    let first = candidates.next()?;
    candidates.next().is_none().then_some(first)
}

/// Reads what follows a leaf.
struct Reader<'a> {
    command: &'a Command,
    options: Vec<(&'a Arg, OsString)>,
    words: Vec<OsString>,
    /// Options that the command does not name, for the list that takes them.
    others: Vec<OsString>,
    faults: Vec<ParameterFault>,
}

impl<'a> Reader<'a> {
    fn read(command: &'a Command, rest: &[OsString]) -> Result<Vec<OsString>, Problem> {
        let mut reader = Reader {
            command,
            options: Vec::new(),
            words: Vec::new(),
            others: Vec::new(),
            faults: Vec::new(),
        };
        let mut rest = rest.iter();
        while let Some(word) = rest.next() {
            match word.as_bytes() {
                b"--" => {
                    reader.words.extend(rest.by_ref().cloned());
                }
                [b'-', _, ..] => reader.option(word, &mut rest),
                _ => reader.words.push(word.clone()),
            }
        }
        reader.words.append(&mut reader.others);
        reader.finish()
    }

    fn fault(&mut self, name: impl Into<String>, fault: Fault) {
        self.faults.push(ParameterFault {
            name: name.into(),
            fault,
            given: None,
        });
    }

    fn option(&mut self, word: &OsStr, rest: &mut std::slice::Iter<'_, OsString>) {
        let bytes = word.as_bytes();
        let bytes = bytes
            .strip_prefix(b"--")
            .or(bytes.strip_prefix(b"-"))
            .unwrap_or(bytes);
        let (name, joined) = match bytes.iter().position(|byte| *byte == b'=') {
            Some(at) => (
                &bytes[..at],
                Some(OsString::from_vec(bytes[at + 1..].to_vec())),
            ),
            None => (bytes, None),
        };
        let name = String::from_utf8_lossy(name).into_owned();
        let Some(arg) = own_arguments(self.command).find(|arg| parameter_name(arg) == name) else {
            if own_arguments(self.command).any(takes_any_option) {
                let value = match rest.as_slice().first().filter(|next| !is_option(next)) {
                    _ if joined.is_some() => joined,
                    Some(_) => rest.next().cloned(),
                    None => Some("true".into()),
                };
                let mut other = OsString::from(format!("--{name}="));
                other.push(value.unwrap_or_default());
                return self.others.push(other);
            }
            // Its value goes with it, or the user would be told about two faults for one.
            if joined.is_none() && rest.as_slice().first().is_some_and(|next| !is_option(next)) {
                rest.next();
            }
            return self.fault(name, Fault::Unknown);
        };
        let kind = kind(arg);
        let next = rest.as_slice().first();
        let value = match (joined, kind) {
            (Some(value), _) => value,
            (None, Kind::Flag | Kind::Boolean { .. }) => {
                match next.and_then(|next| as_boolean(next)) {
                    Some(_) => rest.next().cloned().unwrap_or_default(),
                    None if kind == (Kind::Boolean { bare: false }) => {
                        return self.fault(name, Fault::MissingBoolean);
                    }
                    None => OsString::from("true"),
                }
            }
            (None, Kind::Value) => match next.filter(|next| !is_option(next)) {
                Some(_) => rest.next().cloned().unwrap_or_default(),
                None => return self.fault(name, Fault::MissingValue),
            },
        };
        if kind != Kind::Value && as_boolean(&value).is_none() {
            let given = Some(value.to_string_lossy().into_owned());
            let fault = Fault::NotBoolean;
            return self.faults.push(ParameterFault { name, fault, given });
        }
        if !help::is_list(arg)
            && self
                .options
                .iter()
                .any(|(other, _)| other.get_id() == arg.get_id())
        {
            return self.fault(name, Fault::Duplicate);
        }
        self.options.push((arg, value));
    }

    /// Gives the words to the positionals in order and checks that nothing is missing or left.
    fn finish(mut self) -> Result<Vec<OsString>, Problem> {
        let mut words = std::mem::take(&mut self.words).into_iter();
        let mut given: Vec<OsString> = Vec::new();
        for arg in own_arguments(self.command).filter(|arg| arg.is_positional()) {
            let name = parameter_name(arg);
            let by_name: Vec<_> = self
                .options
                .extract_if(.., |(other, _)| other.get_id() == arg.get_id())
                .map(|(_, value)| value)
                .collect();
            let mut slot: Vec<_> = if help::is_list(arg) {
                words.by_ref().collect()
            } else {
                words.next().into_iter().collect()
            };
            if slot.is_empty() && arg.is_required_set() {
                self.fault(name, Fault::MissingArgument);
            } else if !slot.is_empty() && !by_name.is_empty() && !help::is_list(arg) {
                self.fault(name, Fault::Duplicate);
            } else {
                slot.extend(by_name);
                // clap reads `bool` positionals by its own, narrower words.
                if kind(arg) != Kind::Value {
                    for value in &mut slot {
                        match as_boolean(value) {
                            Some(truth) => *value = truth.to_string().into(),
                            None => self.faults.push(ParameterFault {
                                name: name.clone(),
                                fault: Fault::NotBoolean,
                                given: Some(value.to_string_lossy().into_owned()),
                            }),
                        }
                    }
                }
                given.extend(slot);
            }
        }
        let missing: Vec<_> = own_arguments(self.command)
            .filter(|arg| !arg.is_positional() && arg.is_required_set())
            .filter(|arg| {
                !self
                    .options
                    .iter()
                    .any(|(other, _)| other.get_id() == arg.get_id())
            })
            .map(parameter_name)
            .filter(|name| !self.faults.iter().any(|fault| fault.name == *name))
            .collect();
        for name in missing {
            self.fault(name, Fault::Missing);
        }
        if !self.faults.is_empty() {
            return Err(Problem::Parameters(self.faults));
        }
        let left: Vec<_> = words
            .map(|word| word.to_string_lossy().into_owned())
            .collect();
        if !left.is_empty() {
            return Err(Problem::Additional(left));
        }
        let mut line: Vec<_> = self
            .options
            .iter()
            .filter_map(|(arg, value)| spelled(arg, value))
            .collect();
        if !given.is_empty() {
            line.push("--".into());
            line.extend(given);
        }
        Ok(line)
    }
}

/// `--name=value`, or a bare `--name` for a clap flag that is true.
fn spelled(arg: &Arg, value: &OsStr) -> Option<OsString> {
    let mut text = OsString::from(format!("--{}", parameter_name(arg)));
    match kind(arg) {
        Kind::Flag => as_boolean(value)?.then_some(text),
        Kind::Boolean { .. } => {
            text.push(format!("={}", as_boolean(value)?));
            Some(text)
        }
        Kind::Value => {
            text.push("=");
            text.push(value);
            Some(text)
        }
    }
}

/// A list of positionals that also takes, as `--name=value`, every option that its command does not name.
fn takes_any_option(arg: &Arg) -> bool {
    arg.is_positional() && help::is_list(arg) && arg.is_allow_hyphen_values_set()
}

fn is_option(word: &OsStr) -> bool {
    matches!(word.as_bytes(), [b'-', _, ..])
}

pub(crate) fn as_boolean(word: &OsStr) -> Option<bool> {
    word.to_str().and_then(|text| value::boolean(text).ok())
}
