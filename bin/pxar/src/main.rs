//! `pxar`: makes, lists and unpacks archives on this machine, with the original's commands, options and output.
//!
//! Only here are arguments and environment read. A verb is a file in `commands/`; it calls `tree` or `pxar` and prints.
//! Every failure ends with status 255.

use std::process::ExitCode;

use console::report;
use console::screen::Screen;

mod log;
mod places;

mod commands;

use commands::Command;
use log::Log;

fn main() -> ExitCode {
    let screen = Screen::new();
    let log = Log::new(screen.clone(), std::env::var("PXAR_LOG").ok().as_deref());
    let command = match console::args::parse::<Command>(&[], std::env::args_os()) {
        Ok(command) => command,
        Err(stop) => return report::stopped(&screen, &stop),
    };
    places::allow_many_open_files();
    match command.run(&log) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => report::failed(&screen, &*error),
    }
}
