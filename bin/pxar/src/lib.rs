//! The `pxar` program as a function, so that a binary of another name can be it too.
//!
//! Only whoever calls [`run`] reads arguments and environment. A verb is a file in `commands/`; it calls `tree`, `mount` or `pxar` and
//! prints. Every failure ends with status 255.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use clap::CommandFactory as _;
use console::naming::{rename, replaced};
use console::screen::Screen;
use console::{describe, out, report};

mod disk;
pub mod files;
mod sys;

mod log;
mod stop;

mod places;

pub mod mounting;

mod commands;

pub use disk::{disk_hint, on_disk, target_hint};

use commands::Command;
use log::Log;

/// What the environment says, as far as this program listens.
#[derive(Clone, Copy, Debug, Default)]
pub struct Surroundings<'a> {
    /// `PXAR_LOG`
    pub level: Option<&'a str>,
    /// `COMP_LINE`: the line that a shell wants completed.
    pub line: Option<&'a str>,
    /// `COMP_POINT`: where the cursor is in it.
    pub point: Option<&'a str>,
}

/// Does what the command line says, the program's name first.
pub fn run(line: impl IntoIterator<Item = OsString>, around: Surroundings<'_>) -> ExitCode {
    let line: Vec<OsString> = line.into_iter().collect();
    let name = line.first().and_then(|path| Path::new(path).file_name());
    let program = name.map_or("pxar".into(), |name| name.to_string_lossy());
    let screen = Screen::new();
    let tree = || rename(Command::command(), "pxar", &program);
    match line.get(1) {
        Some(word) if word == "bashcomplete" => {
            // If the shell has gone nobody can be told.
            let _ = out::print(&complete(around));
            return ExitCode::SUCCESS;
        }
        Some(word) if word == "printdoc" => {
            return match out::print(&describe::synopsis(&program, &tree())) {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => report::failed(&screen, &error),
            };
        }
        _ => {}
    }
    let log = Log::new(screen.clone(), around.level);
    let command = match console::args::parse_by::<Command>(tree(), &[], line.iter().cloned()) {
        Ok(command) => command,
        Err(stop) => return report::stopped(&screen, &stop),
    };
    places::allow_many_open_files();
    match command.run(&program, &log) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let advice = |hint: &str| replaced(hint, "pxar", &program);
            report::failed_as(&screen, &*on_disk(error), &advice)
        }
    }
}

fn complete(around: Surroundings<'_>) -> String {
    let point = around.point.and_then(|text| text.parse().ok());
    let typed = around.line.unwrap_or_default().chars();
    let typed: String = typed.take(point.unwrap_or(usize::MAX)).collect();
    commands::candidates(&typed)
}
