//! The tree of commands: those that are written by hand, and one for each row, with the parameters of its route as options.

use api::schema::{Kind, Param};
use clap::{Arg, ArgAction, Args as _, Command, CommandFactory as _, value_parser};
use console::args::Explicit;
use console::output::OutputArgs;
use server::route::Route;

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
    let by_rows = rows::present().filter(|row| !is_by_hand(row));
    by_rows.fold(commands::Command::command(), |root, row| {
        let words: Vec<&'static str> = row.words.split(' ').collect();
        match server::local::route(&row.verb, row.path) {
            Some(route) => insert(root, &words, row, route),
            None => root,
        }
    })
}

/// Whether a command of these words is written by hand.
pub fn is_by_hand(row: &Row) -> bool {
    let root = commands::Command::command();
    let mut words = row.words.split(' ');
    words
        .try_fold(&root, |at, word| at.find_subcommand(word))
        .is_some()
}

fn insert(at: Command, words: &[&'static str], row: &Row, route: &Route) -> Command {
    match words {
        [] => at,
        [last] => at.subcommand(leaf(last, row, route)),
        [group, below @ ..] => {
            let at = match at.find_subcommand(group) {
                Some(_) => at,
                None => at.subcommand(empty(group)),
            };
            at.mut_subcommand(group, |child| insert(child, below, row, route))
        }
    }
}

fn empty(group: &'static str) -> Command {
    let about = GROUPS.iter().find(|(name, _)| *name == group);
    Command::new(group)
        .about(about.map_or("", |(_, about)| about))
        .subcommand_required(true)
}

fn leaf(name: &'static str, row: &Row, route: &Route) -> Command {
    let mut command = Command::new(name).about(row.about);
    for place in row.positional {
        if let Some(param) = route.params.find(place) {
            command = command.arg(value(Arg::new(param.name), param).required(true));
        }
    }
    for param in options(row, route) {
        let arg = Arg::new(param.name).long(param.name);
        command = command.arg(value(arg, param).required(!param.optional));
    }
    if row.output {
        command = OutputArgs::augment_args(command);
    }
    TaskServerArgs::augment_args(command)
}

/// The parameters that a command takes by name.
pub fn options(row: &Row, route: &Route) -> impl Iterator<Item = &'static Param> {
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
        .filter(move |param| !hidden.contains(&param.name));
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
