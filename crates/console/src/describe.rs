//! The command tree as plain data: what every command takes, in which order, of which type and
//! with which default.
//!
//! Tests compare it with the specification's table; completion and manuals read the same clap
//! tree. Types and names are those that help shows.

pub mod table;

use clap::Command;

use crate::help;

/// A command that does something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// Full names from the top, without the program's.
    pub path: Vec<String>,
    /// Positionals in their order, then options by name.
    pub parameters: Vec<Parameter>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Kebab-case, without dashes in front.
    pub name: String,
    pub positional: bool,
    /// May be given more than once, or takes all remaining words.
    pub list: bool,
    pub required: bool,
    /// `<string>`, `<boolean>`, `<integer> (1 - N)`, `a|b|c`.
    pub value: String,
    pub default: Option<String>,
}

/// Every visible leaf below `root`, by name and depth first.
pub fn leaves(root: &Command) -> Vec<Leaf> {
    let mut found = Vec::new();
    gather(root, &mut Vec::new(), &mut found);
    found
}

/// Every command's page below its name, as reStructuredText.
pub fn synopsis(program: &str, root: &Command) -> String {
    let mut text = String::new();
    for leaf in leaves(root) {
        let found = leaf
            .path
            .iter()
            .try_fold(root, |at, name| at.find_subcommand(name));
        let Some(command) = found else { continue };
        let title = format!("{program} {}", leaf.path.join(" "));
        let page = help::page(&title, command);
        text += &format!("{title}\n{}\n\n::\n\n", "-".repeat(title.len()));
        for line in page.trim_end().lines() {
            text += format!("  {line}").trim_end();
            text.push('\n');
        }
        text.push('\n');
    }
    text
}

fn gather(at: &Command, path: &mut Vec<String>, found: &mut Vec<Leaf>) {
    for child in help::children(at) {
        path.push(child.get_name().to_string());
        match child.has_subcommands() {
            true => gather(child, path, found),
            false => found.push(Leaf {
                path: path.clone(),
                parameters: parameters(child),
            }),
        }
        path.pop();
    }
}

fn parameters(leaf: &Command) -> Vec<Parameter> {
    let mut all: Vec<Parameter> = help::own_arguments(leaf)
        .filter(|arg| !arg.is_hide_set())
        .map(|arg| Parameter {
            name: help::parameter_name(arg),
            positional: arg.is_positional(),
            list: help::is_list(arg),
            required: arg.is_required_set(),
            value: help::type_text(arg),
            default: help::default_text(arg),
        })
        .collect();
    // Stable: positionals stay in their order.
    all.sort_by(|a, b| match (a.positional, b.positional) {
        (true, true) => std::cmp::Ordering::Equal,
        (false, false) => a.name.cmp(&b.name),
        (a, b) => b.cmp(&a),
    });
    all
}
