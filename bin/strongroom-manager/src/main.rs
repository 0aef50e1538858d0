//! The administrator's tool of a local server, running or not: users, rights, datastores, the certificate, verification, with the
//! original's commands, options and output (`proxmox-backup-manager`).
//!
//! Only here and in the modules below are arguments, environment and home read. A verb is a file in `commands/`. Changes go to the
//! configuration files under their locks; a running server reads changed files by itself.

use std::process::ExitCode;

use clap::FromArgMatches as _;
use console::json::UnknownFormat;
use console::naming::rename;
use console::refusal;
use console::report::{self, Failure};
use console::screen::Screen;

mod context;
mod interrupt;
mod members;
mod row;
mod values;

mod appliance;
mod columns;
mod rows;
mod task;

mod show;
mod site;

mod follow;

mod run;

mod commands;

mod tree;

mod complete;

#[cfg(test)]
mod table;

use commands::Command;
use context::Context;

/// musl's allocator gives memory back at once and makes threads wait for each other; chunks are megabytes, and several threads have them.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let screen = Screen::new();
    let context = Context::of_process();
    let tree = || rename(tree::tree(), "strongroom-manager", &context.program);
    match std::env::args_os().nth(1) {
        Some(word) if word == "bashcomplete" => {
            complete::print(&context);
            return ExitCode::SUCCESS;
        }
        Some(word) if word == "printdoc" => {
            let text = console::describe::synopsis(&context.program, &tree());
            return match console::out::print(&text) {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => report::failed(&screen, &error),
            };
        }
        _ => {}
    }
    let read = match console::args::parse_tree(tree(), &[], std::env::args_os()) {
        Ok(read) => read,
        Err(stop) => return report::stopped(&screen, &stop),
    };
    let words = read.path.join(" ");
    let by_row = rows::find(&words).filter(|_| !tree::is_by_hand(&words));
    let outcome = match (by_row, appliance::find(&words)) {
        (Some(row), _) => run::row(row, read.leaf(), &context),
        (None, Some(gone)) => gone.refuse(),
        (None, None) => match Command::from_arg_matches(&read.matches) {
            Ok(command) => command.run(tree::tree(), &context),
            Err(error) => return report::stopped(&screen, &read.refused(error)),
        },
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        // The original prints this and ends with success; scripts may count on it.
        Err(error) if error.is::<UnknownFormat>() => {
            screen.line(&error.to_string());
            ExitCode::SUCCESS
        }
        Err(error) => report::failed(&screen, &*with_next_step(error, &context)),
    }
}

/// Whatever opens or writes the server's files may be refused by the system.
fn with_next_step(error: anyhow::Error, context: &Context) -> anyhow::Error {
    match refusal::next_step(&*error, context.is_root()) {
        Some(step) => Failure::new(error.to_string())
            .cause(error)
            .hint(step)
            .into(),
        None => error,
    }
}
