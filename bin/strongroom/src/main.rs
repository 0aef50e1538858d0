//! The client: backs up to and restores from a backup server, with the original's commands,
//! options, environment and output (`proxmox-backup-client`).
//!
//! Only here and in the modules below are arguments, environment and home read. A verb is a
//! file in `commands/`; each takes its arguments and the [`context::Context`], calls `client`
//! or `remote`, and prints. One report and one exit status end the program.

use std::process::ExitCode;

use console::report;
use console::screen::Screen;
use tracing_subscriber::filter::LevelFilter;

mod sys;

mod called;
mod environment;

mod caches;
mod places;
mod repository;
mod written;

mod context;

mod background;
mod connection;
mod failure;
mod interrupt;
mod keys;
mod paper;
mod rate;
mod records;

mod nearest;

mod snapshots;
mod task_log;

mod outage;

mod reading;

mod commands;

mod program;

use context::Context;
use program::Program;

/// musl's allocator gives memory back at once and makes threads wait for each other; chunks are megabytes, and several threads have them.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let screen = Screen::new();
    // First of all: it notes which descriptors were handed to us.
    let context = Context::of_process(screen.clone());
    if called::is_pxar(&context.program) {
        let around = pxar_cli::Surroundings {
            level: context.environment.text("PXAR_LOG"),
            line: context.environment.text("COMP_LINE"),
            point: context.environment.text("COMP_POINT"),
        };
        return pxar_cli::run(std::env::args_os(), around);
    }
    let program = Program::named(&context.program);
    start_log(&context);
    places::allow_many_open_files();
    match std::env::args_os().nth(1) {
        Some(word) if word == "printdoc" => return print_synopsis(program, &context),
        Some(word) if word == "bashcomplete" => return complete(program, &context),
        _ => {}
    }
    let advice = |hint: &str| context.advice(hint);
    let mut command = match program.parse(&context.program, std::env::args_os()) {
        Ok(command) => command,
        Err(stop) => return report::stopped(&screen, &stop),
    };
    match command.split() {
        Ok(None) => {}
        Ok(Some(status)) => return status,
        Err(failure) => return report::failed_as(&screen, &failure, &advice),
    }
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(failure) => return report::failed(&screen, &failure),
    };
    match runtime.block_on(command.run(&context)) {
        Ok(()) => {
            connection::count_use(&context);
            ExitCode::SUCCESS
        }
        Err(error) if error.is::<console::json::UnknownFormat>() => {
            screen.line(&error.to_string());
            ExitCode::SUCCESS
        }
        Err(error) => report::failed_as(&screen, &*failure::last_advice(error), &advice),
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, report::Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| report::Failure::new("cannot start the program's threads").cause(error))
}

/// The whole command line as one text (cli.md 1.3).
fn print_synopsis(program: Program, context: &Context) -> ExitCode {
    let text = console::describe::synopsis(&context.program, &program.tree(&context.program));
    match console::out::print(&text) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => report::failed(&context.screen, &error),
    }
}

/// What the shell asks at every Tab; words that it adds to ours are of no interest.
fn complete(program: Program, context: &Context) -> ExitCode {
    if let Ok(runtime) = runtime() {
        let root = program.tree(&context.program);
        let found = commands::bashcomplete::run(&root, program.aliases(), context);
        runtime.block_on(found);
        runtime.shutdown_background();
    }
    ExitCode::SUCCESS
}

/// Bare messages on standard error, from the level in `PBS_LOG` on.
fn start_log(context: &Context) {
    let wanted = context
        .environment
        .text("PBS_LOG")
        .map(str::parse::<LevelFilter>);
    let level = match &wanted {
        // Its messages would stand in the middle of the line that is typed.
        _ if context.completes => LevelFilter::OFF,
        Some(Ok(level)) => *level,
        Some(Err(_)) | None => LevelFilter::INFO,
    };
    let screen = context.screen.clone();
    tracing_subscriber::fmt()
        .with_writer(move || screen.clone())
        .with_max_level(level)
        .with_ansi(false)
        .log_internal_errors(false)
        .with_level(false)
        .with_target(false)
        .without_time()
        .init();
    if let Some(Err(error)) = wanted
        && !context.completes
    {
        context.screen.line(&format!(
            "env variable PBS_LOG found, but parsing failed: {error:?}"
        ));
    }
}
