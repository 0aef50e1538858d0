//! The `pxar` program as a function, so that a binary of another name can be it too.
//!
//! Only whoever calls [`run`] reads arguments and environment. A verb is a file in `commands/`; it calls `tree` or `pxar` and prints.
//! Every failure ends with status 255.

use std::ffi::OsString;
use std::process::ExitCode;

use console::report;
use console::screen::Screen;

mod log;
mod places;

mod commands;

use commands::Command;
use log::Log;

/// Does what the command line says, the program's name first. `level` is the value of `PXAR_LOG`.
pub fn run(line: impl IntoIterator<Item = OsString>, level: Option<&str>) -> ExitCode {
    let screen = Screen::new();
    let log = Log::new(screen.clone(), level);
    let command = match console::args::parse::<Command>(&[], line) {
        Ok(command) => command,
        Err(stop) => return report::stopped(&screen, &stop),
    };
    places::allow_many_open_files();
    match command.run(&log) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => report::failed(&screen, &*error),
    }
}
