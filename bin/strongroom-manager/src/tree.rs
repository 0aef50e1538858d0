//! The tree of commands: those that are written by hand, and one for each row, with the parameters of its route as options.

use api::schema::{Kind, Param, Schema};
use clap::{Arg, ArgAction, Args as _, Command, CommandFactory as _, value_parser};
use console::args::Explicit;
use console::output::OutputArgs;
use server::route::Route;

use crate::appliance::{self, Gone};
use crate::commands;
use crate::context::TaskServerArgs;
use crate::row::Row;
use crate::rows;
use crate::values;

/// What groups are for, in help.
const GROUPS: &[(&str, &str)] = &[
    ("acl", "Access control entries."),
    ("acme", "Accounts, plugins and certificates of ACME."),
    ("ad", "Realms of Active Directory."),
    ("datastore", "Datastores and their settings."),
    ("disk", "Disks of this machine."),
    ("dns", "Name servers of this machine."),
    ("garbage-collection", "Garbage collection of datastores."),
    ("ldap", "Realms of LDAP servers."),
    ("network", "Network interfaces of this machine."),
    ("node", "Settings of the server."),
    ("notification", "Who is told of what, and how."),
    ("openid", "Realms of OpenID Connect."),
    ("prune-job", "Rules by which old snapshots go, and when."),
    ("remote", "Other servers."),
    ("s3", "Object stores."),
    ("subscription", "The original's subscription."),
    (
        "sync-job",
        "What is copied from or to other servers, and when.",
    ),
    ("traffic-control", "Limits of the network."),
    ("user", "Users and their API tokens."),
    ("verify-job", "What is read again and compared, and when."),
];

/// All commands.
pub fn tree() -> Command {
    let by_rows = rows::present().filter(|row| !is_by_hand(row.words));
    let root = by_rows.fold(commands::Command::command(), |root, row| {
        let route = server::local::route(&row.verb, row.path);
        insert(root, row.words, |name| {
            route.map(|route| of_row(name, row, route))
        })
    });
    let gone = appliance::ALL.iter();
    gone.filter(|gone| rows::find(gone.words).is_none())
        .fold(root, |root, gone| {
            insert(root, gone.words, |name| Some(of_gone(name, gone)))
        })
}

/// Whether a command of these words is written by hand.
pub fn is_by_hand(words: &str) -> bool {
    let root = commands::Command::command();
    let mut words = words.split(' ');
    words
        .try_fold(&root, |at, word| at.find_subcommand(word))
        .is_some()
}

/// Puts a command below the groups that its words name.
fn insert(
    at: Command,
    words: &'static str,
    leaf: impl FnOnce(&'static str) -> Option<Command>,
) -> Command {
    let Some((group, below)) = words.split_once(' ') else {
        return match leaf(words) {
            Some(leaf) => at.subcommand(leaf),
            None => at,
        };
    };
    let at = match at.find_subcommand(group) {
        Some(_) => at,
        None => at.subcommand(empty(group)),
    };
    at.mut_subcommand(group, |child| insert(child, below, leaf))
}

fn empty(group: &'static str) -> Command {
    let about = GROUPS.iter().find(|(name, _)| *name == group);
    Command::new(group)
        .about(about.map_or("", |(_, about)| about))
        .subcommand_required(true)
}

fn of_row(name: &'static str, row: &Row, route: &Route) -> Command {
    let options: Vec<&'static Param> = options(row, route).collect();
    let about = Command::new(name).about(row.about);
    leaf(about, row.positional, &route.params, &options, row.output)
}

fn of_gone(name: &'static str, gone: &'static Gone) -> Command {
    let by_name = |param: &&Param| !gone.positional.contains(&param.name);
    let options: Vec<&'static Param> = gone.params.params().filter(by_name).collect();
    let about = Command::new(name).about(gone.about);
    leaf(about, gone.positional, &gone.params, &options, gone.output)
}

fn leaf(
    mut command: Command,
    positional: &[&'static str],
    schema: &Schema,
    options: &[&'static Param],
    output: bool,
) -> Command {
    let about = command.get_about().cloned().unwrap_or_default();
    for param in positional.iter().filter_map(|place| schema.find(place)) {
        command = command.arg(value(Arg::new(param.name), param).required(true));
    }
    for param in options {
        let arg = Arg::new(param.name).long(param.name);
        command = command.arg(value(arg, param).required(!param.optional));
    }
    if output {
        command = OutputArgs::augment_args(command);
    }
    // Shared options bring a sentence about themselves, which must not take the place of the command's own.
    TaskServerArgs::augment_args(command).about(about)
}

/// The parameters that a command takes by name.
fn options(row: &Row, route: &Route) -> impl Iterator<Item = &'static Param> {
    let hidden: Vec<&str> = row
        .positional
        .iter()
        .chain(row.without)
        .copied()
        .chain(row.fixed.iter().map(|(name, _)| *name))
        .collect();
    let own = route
        .params
        .params()
        .filter(move |param| !hidden.contains(&param.name))
        .map(|param| row.of_other(param).unwrap_or(param));
    own.chain(row.guard.iter().flat_map(|(_, options)| options.iter()))
}

/// How an argument takes its value and what help says of it.
fn value(arg: Arg, param: &'static Param) -> Arg {
    let arg = arg.help(param.about);
    let shows_default = |arg: Arg| match param.default {
        Some(default) => arg.default_value(default),
        None => arg,
    };
    match param.kind {
        Kind::Boolean if param.default.is_some() => {
            shows_default(arg.action(ArgAction::Set).value_parser(value_parser!(bool)))
        }
        Kind::Boolean => arg.action(ArgAction::Set).value_parser(value_parser!(bool)),
        Kind::Array(item) => typed(arg.action(ArgAction::Append), *item),
        kind => shows_default(typed(arg.action(ArgAction::Set), kind)),
    }
}

fn typed(arg: Arg, kind: Kind) -> Arg {
    let bound = |number: i64, none: i64| {
        if number == none {
            "N".to_owned()
        } else {
            number.to_string()
        }
    };
    match kind {
        Kind::Enum(words) => arg.value_parser(words.to_vec()),
        Kind::Integer {
            min: i64::MIN,
            max: i64::MAX,
        } => arg.value_name("<integer>").value_parser(values::of(kind)),
        Kind::Integer { min, max } => arg
            .value_name(format!(
                "<integer> ({} - {})",
                bound(min, i64::MIN),
                bound(max, i64::MAX)
            ))
            .value_parser(values::of(kind)),
        Kind::Number { .. } => arg.value_name("<number>").value_parser(values::of(kind)),
        Kind::Boolean => arg.value_parser(value_parser!(Explicit)),
        kind => arg.value_parser(values::of(kind)),
    }
}
