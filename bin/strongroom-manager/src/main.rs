//! The administrator's tool of a local server, running or not: users, rights, datastores, the certificate, verification, with the
//! original's commands, options and output (`proxmox-backup-manager`).
//!
//! Only here and in the modules below are arguments, environment and home read. A verb is a file in `commands/`. Changes go to the
//! configuration files under their locks; a running server reads changed files by itself.

use std::process::ExitCode;

use console::json::UnknownFormat;
use console::report;
use console::screen::Screen;

mod columns;
mod context;
mod interrupt;
mod members;
mod values;

mod stores;

mod task;
mod through_server;

mod commands;

use commands::Command;
use context::Context;

/// musl's allocator gives memory back at once and makes threads wait for each other; chunks are megabytes, and several threads have them.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let screen = Screen::new();
    let context = Context::of_process();
    let command = match console::args::parse::<Command>(&[], std::env::args_os()) {
        Ok(command) => command,
        Err(stop) => return report::stopped(&screen, &stop),
    };
    match command.run(&context) {
        Ok(()) => ExitCode::SUCCESS,
        // The original prints this and ends with success; scripts may count on it.
        Err(error) if error.is::<UnknownFormat>() => {
            screen.line(&error.to_string());
            ExitCode::SUCCESS
        }
        Err(error) => report::failed(&screen, &*error),
    }
}
