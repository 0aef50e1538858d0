//! A table of commands in a form that a program reads, compared with a tree, both ways. It stands for a specification; the tests of each program
//! have one:
//!
//! ```text
//! set NAME              parameters that several commands have
//! command WORDS : SETS  a command, the sets that it has, then its own parameters
//! <x>  [<x>]  {<x>}  [{<x>}]   a positional: needed, optional, a list, an optional list
//! --x   --x!   --x*            an option: optional, needed, may be given more than once
//! TYPE = DEFAULT               as help shows them
//! +command WORDS ...           ours alone; what it takes is not compared
//! +--x                         an option that is ours alone
//! ```

use std::collections::{BTreeMap, BTreeSet};

use super::{Leaf, Parameter};

/// Command to the lines of its parameters, and the names of ours that are not compared.
#[derive(Default)]
struct Table {
    commands: BTreeMap<String, Vec<String>>,
    ours: Vec<String>,
}

fn read(text: &str) -> Table {
    let mut sets: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut table = Table::default();
    let mut open: Option<(bool, String)> = None;
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        if let Some(words) = line.strip_prefix("+command ") {
            let words = words.strip_suffix(" ...").expect("ends with dots");
            table.ours.push(words.to_string());
        } else if let Some(name) = line.strip_prefix("set ") {
            open = Some((true, name.to_string()));
            sets.insert(name.to_string(), Vec::new());
        } else if let Some(line) = line.strip_prefix("command ") {
            let (words, used) = line.split_once(" :").expect("a colon behind the command");
            let own = used.split_whitespace().flat_map(|set| {
                sets.get(set)
                    .unwrap_or_else(|| panic!("no set {set} above {words}"))
                    .clone()
            });
            table.commands.insert(words.to_string(), own.collect());
            open = Some((false, words.to_string()));
        } else if let Some(parameter) = line.strip_prefix("  ") {
            let (is_set, name) = open.as_ref().expect("a parameter below a command or set");
            let lines = match is_set {
                true => sets.get_mut(name),
                false => table.commands.get_mut(name),
            };
            let parameter = parameter.trim_start_matches('+');
            lines.expect("just inserted").push(parameter.to_string());
        } else {
            assert!(line.is_empty(), "what is this: {line}");
        }
    }
    table
}

/// A parameter as the table writes it.
fn written(parameter: &Parameter) -> String {
    let Parameter {
        name,
        positional,
        list,
        required,
        value,
        default,
    } = parameter;
    let name = match (positional, list, required) {
        (true, true, true) => format!("{{<{name}>}}"),
        (true, true, false) => format!("[{{<{name}>}}]"),
        (true, false, true) => format!("<{name}>"),
        (true, false, false) => format!("[<{name}>]"),
        (false, true, _) => format!("--{name}*"),
        (false, false, true) => format!("--{name}!"),
        (false, false, false) => format!("--{name}"),
    };
    match default {
        Some(default) => format!("{name} {value} = {default}"),
        None => format!("{name} {value}"),
    }
}

/// Positionals in their order, then the options, sorted.
fn ordered(lines: impl IntoIterator<Item = String>) -> Vec<String> {
    let (mut options, mut all): (Vec<_>, Vec<_>) =
        lines.into_iter().partition(|line| line.starts_with("--"));
    options.sort();
    all.extend(options);
    all
}

/// How exact a table is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Says {
    /// Everything as help shows it.
    Everything,
    /// Listed words stand in any order. A default that is not said may be any but `true`, which changes the grammar; `false` says nothing.
    WhatMatters,
}

impl Says {
    /// Whether a line of the table is about this parameter, and right.
    fn same(self, line: &str, found: &str) -> bool {
        if self == Says::Everything {
            return line == found;
        }
        let (line, default) = parts(line);
        let (found, found_default) = parts(found);
        let fits = match default {
            Some(default) => found_default == Some(default),
            None => found_default != Some("true"),
        };
        line == found && fits
    }
}

/// A line without its default and with its words in order, and the default if it says something.
fn parts(line: &str) -> (String, Option<&str>) {
    let (line, default) = match line.split_once(" = ") {
        Some((line, default)) => (line, Some(default).filter(|default| *default != "false")),
        None => (line, None),
    };
    let (name, kind) = line.split_once(' ').unwrap_or((line, ""));
    let mut words: Vec<&str> = kind.split('|').collect();
    words.sort_unstable();
    (format!("{name} {}", words.join("|")), default)
}

/// What the table says and the tree does not have, and the other way round; empty if they agree. Commands that `pending` knows may be missing.
///
/// # Panics
/// If the table cannot be read: it is part of a test.
pub fn differences(
    says: Says,
    table: &str,
    leaves: &[Leaf],
    pending: impl Fn(&str) -> bool,
) -> String {
    let table = read(table);
    let is_ours = |words: &str| {
        let below = |ours: &String| words == ours || words.starts_with(&format!("{ours} "));
        table.ours.iter().any(below)
    };
    let found: BTreeMap<String, Vec<String>> = leaves
        .iter()
        .map(|leaf| {
            let lines = leaf.parameters.iter().map(written);
            (leaf.path.join(" "), ordered(lines))
        })
        .filter(|(words, _)| !is_ours(words))
        .collect();
    let known: BTreeSet<&String> = table.commands.keys().collect();
    let mut differ = String::new();
    for words in found.keys().filter(|words| !known.contains(words)) {
        differ += &format!("{words}: is not in the table\n");
    }
    for (words, lines) in &table.commands {
        match found.get(words) {
            None if pending(words) => {}
            None => differ += &format!("{words}: there is no such command\n"),
            Some(found) => differ += &compared(says, words, &ordered(lines.iter().cloned()), found),
        }
    }
    differ
}

fn compared(says: Says, words: &str, expected: &[String], found: &[String]) -> String {
    let mut differ = String::new();
    for line in expected {
        if !found.iter().any(|found| says.same(line, found)) {
            differ += &format!("{words}: missing {line}\n");
        }
    }
    for found in found {
        if !expected.iter().any(|line| says.same(line, found)) {
            differ += &format!("{words}: has also {found}\n");
        }
    }
    let positionals = |lines: &[String]| -> Vec<String> {
        let all = lines.iter().filter(|line| !line.starts_with("--"));
        all.map(|line| parts(line).0).collect()
    };
    if positionals(expected) != positionals(found) {
        differ += &format!("{words}: order {:?}\n", positionals(found));
    }
    differ
}
