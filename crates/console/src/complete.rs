//! What may follow on a command line that is being typed (cli.md 1.10).
//!
//! Commands, options and listed words come from the clap tree. A value that only the program
//! can know, such as a snapshot, is handed back as a question with all that is typed already.
//! Nothing here fails: a line that makes no sense has no continuation.

use clap::{Arg, Command};

use crate::args::{Alias, as_boolean, pick};
use crate::help::{self, Kind, kind, own_arguments, parameter_name};

const BOOLEANS: [&str; 8] = ["0", "1", "yes", "no", "true", "false", "on", "off"];

/// What may stand where the line ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Completion {
    /// Words that begin with what is typed.
    pub words: Vec<String>,
    /// A value that the program has to look up.
    pub value: Option<Value>,
}

/// The value of a parameter is being typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// The command's full names.
    pub path: Vec<String>,
    /// The parameter's name, kebab-case.
    pub name: String,
    pub typed: String,
    /// Parameters with their values that stand before.
    pub given: Vec<(String, String)>,
}

/// A line as far as the cursor, by the rules of the Bourne shell: the whole words, and the one
/// that is being typed, which may be empty and whose quotes may be open.
///
/// ```
/// let (words, typed) = console::complete::split(r#"prog restore "host/a b" -"#);
/// assert_eq!((words.join("|").as_str(), typed.as_str()), ("prog|restore|host/a b", "-"));
/// ```
pub fn split(line: &str) -> (Vec<String>, String) {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match (quote, letter) {
            (Some(open), letter) if letter == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (None | Some('"'), '\\') => {
                let word = word.get_or_insert_default();
                word.extend(letters.next());
            }
            (None, blank) if blank.is_whitespace() => words.extend(word.take()),
            (_, letter) => word.get_or_insert_default().push(letter),
        }
    }
    (words, word.unwrap_or_default())
}

/// What may stand in the place of `typed`, behind `words` (without the program's name).
pub fn complete(
    root: &Command,
    aliases: &[Alias<'_>],
    words: &[String],
    typed: &str,
) -> Completion {
    let mut words = words.to_vec();
    let helping = words.first().is_some_and(|word| word == "help");
    if helping {
        words.remove(0);
    }
    let alias = words
        .first()
        .and_then(|word| aliases.iter().find(|(name, _)| word == name));
    if let Some((_, full)) = alias {
        words.splice(..1, full.iter().map(ToString::to_string));
    }
    let mut at = root;
    let mut path = Vec::new();
    while at.has_subcommands() {
        let Some(word) = words.get(path.len()) else {
            let extra = (path.is_empty() && !helping).then_some("help");
            let names = help::children(at).into_iter().map(Command::get_name);
            return listed(names.chain(extra), typed);
        };
        let Some(next) = pick(at, word.as_ref()) else {
            return Completion::default();
        };
        path.push(next.get_name().to_string());
        at = next;
    }
    if helping {
        return Completion::default();
    }
    let rest = &words[path.len()..];
    Line::read(at, path, rest).ending(typed)
}

/// The words of a leaf as far as they are typed.
struct Line<'a> {
    leaf: &'a Command,
    path: Vec<String>,
    given: Vec<(String, String)>,
    used: Vec<String>,
    positionals: usize,
    only_words: bool,
    /// The last word is this option, and no value follows yet.
    open: Option<&'a Arg>,
}

impl<'a> Line<'a> {
    fn read(leaf: &'a Command, path: Vec<String>, words: &[String]) -> Line<'a> {
        let mut line = Line {
            leaf,
            path,
            given: Vec::new(),
            used: Vec::new(),
            positionals: 0,
            only_words: false,
            open: None,
        };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match word.strip_prefix('-') {
                Some("-") => line.only_words = true,
                Some(option) if !option.is_empty() && !line.only_words => {
                    line.option(option.trim_start_matches('-'), &mut words);
                }
                _ => line.word(word),
            }
        }
        line
    }

    fn option(&mut self, text: &str, rest: &mut std::slice::Iter<'_, String>) {
        let (name, joined) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value.to_string())),
            None => (text, None),
        };
        self.used.push(name.to_string());
        let Some(arg) = self.named(name) else { return };
        let next = rest.as_slice().first();
        let value = match (joined, kind(arg), next) {
            (Some(value), _, _) => Some(value),
            (None, _, None) => {
                self.open = Some(arg);
                None
            }
            (None, Kind::Value, Some(_)) => rest.next().cloned(),
            (None, _, Some(next)) if as_boolean(next.as_ref()).is_some() => rest.next().cloned(),
            (None, _, Some(_)) => Some("true".into()),
        };
        self.given
            .extend(value.map(|value| (name.to_string(), value)));
    }

    fn word(&mut self, word: &str) {
        if let Some(arg) = self.next_positional() {
            self.given.push((parameter_name(arg), word.to_string()));
        }
        self.positionals += 1;
    }

    fn named(&self, name: &str) -> Option<&'a Arg> {
        own_arguments(self.leaf).find(|arg| parameter_name(arg) == name)
    }

    fn next_positional(&self) -> Option<&'a Arg> {
        let mut all = own_arguments(self.leaf).filter(|arg| arg.is_positional());
        let last = own_arguments(self.leaf)
            .filter(|arg| arg.is_positional())
            .last()
            .filter(|arg| help::is_list(arg));
        all.nth(self.positionals).or(last)
    }

    fn ending(self, typed: &str) -> Completion {
        if let Some(arg) = self.open
            && kind(arg) == Kind::Value
        {
            return self.value(arg, typed);
        }
        if let Some(option) = typed.strip_prefix('-')
            && !self.only_words
        {
            let option = option.trim_start_matches('-');
            return match option.split_once('=') {
                Some((name, typed)) => match self.named(name) {
                    Some(arg) => self.value(arg, typed),
                    None => Completion::default(),
                },
                None => self.options(option),
            };
        }
        let mut found = match self.next_positional() {
            Some(arg) => self.value(arg, typed),
            None if typed.is_empty() => self.options(""),
            None => Completion::default(),
        };
        // An option that was true by itself may still get its word.
        if self.open.is_some() {
            found.words.extend(listed(BOOLEANS, typed).words);
        }
        found
    }

    fn options(&self, typed: &str) -> Completion {
        let mut names: Vec<_> = own_arguments(self.leaf)
            .filter(|arg| !arg.is_positional() && !arg.is_hide_set())
            .filter(|arg| help::is_list(arg) || !self.used.contains(&parameter_name(arg)))
            .map(|arg| format!("--{}", parameter_name(arg)))
            .collect();
        names.sort();
        listed(names, &format!("--{typed}"))
    }

    fn value(&self, arg: &Arg, typed: &str) -> Completion {
        if kind(arg) != Kind::Value {
            return listed(BOOLEANS, typed);
        }
        let possible = arg.get_possible_values();
        if !possible.is_empty() {
            return listed(possible.iter().map(|value| value.get_name()), typed);
        }
        let value = Value {
            path: self.path.clone(),
            name: parameter_name(arg),
            typed: typed.to_string(),
            given: self.given.clone(),
        };
        Completion {
            words: Vec::new(),
            value: Some(value),
        }
    }
}

fn listed(words: impl IntoIterator<Item: AsRef<str>>, typed: &str) -> Completion {
    let fitting = words
        .into_iter()
        .filter(|word| word.as_ref().starts_with(typed));
    Completion {
        words: fitting.map(|word| word.as_ref().to_string()).collect(),
        value: None,
    }
}
