//! The command tree against the specification's table (`tests/commands.txt`), both ways.

use std::collections::{BTreeMap, BTreeSet};

use clap::CommandFactory;
use console::describe::{Leaf, Parameter, leaves};

use super::Command;

const TABLE: &str = include_str!("../../tests/commands.txt");

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

#[test]
fn every_command_takes_what_the_specification_says() {
    let table = read(TABLE);
    let is_ours = |words: &str| {
        let below = |ours: &String| words == ours || words.starts_with(&format!("{ours} "));
        table.ours.iter().any(below)
    };
    let all: Vec<Leaf> = leaves(&Command::command());
    let found: BTreeMap<String, Vec<String>> = all
        .iter()
        .map(|leaf| {
            let lines = leaf.parameters.iter().map(written);
            (leaf.path.join(" "), ordered(lines))
        })
        .filter(|(words, _)| !is_ours(words))
        .collect();
    let names =
        |map: &BTreeMap<String, Vec<String>>| -> BTreeSet<String> { map.keys().cloned().collect() };
    assert_eq!(names(&found), names(&table.commands), "the commands");
    let mut differ = String::new();
    for (words, lines) in table.commands {
        let expected = ordered(lines);
        let found = &found[&words];
        for line in expected.iter().filter(|line| !found.contains(line)) {
            differ += &format!("{words}: missing {line}\n");
        }
        for line in found.iter().filter(|line| !expected.contains(line)) {
            differ += &format!("{words}: has also {line}\n");
        }
        let positionals = |lines: &[String]| -> Vec<String> {
            let all = lines.iter().filter(|line| !line.starts_with("--"));
            all.cloned().collect()
        };
        if positionals(&expected) != positionals(found) {
            differ += &format!("{words}: order {:?}\n", positionals(found));
        }
    }
    assert!(differ.is_empty(), "\n{differ}");
}
