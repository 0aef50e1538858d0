//! `pxar`: makes, lists, unpacks and mounts archives on this machine, with the original's commands, options and output.
//!
//! All but the reading of arguments and environment is in the library beside this file.

use std::env::{args_os, var};
use std::process::ExitCode;

fn main() -> ExitCode {
    let text = |name| var(name).ok();
    let (level, line, point) = (text("PXAR_LOG"), text("COMP_LINE"), text("COMP_POINT"));
    let around = pxar_cli::Surroundings {
        level: level.as_deref(),
        line: line.as_deref(),
        point: point.as_deref(),
    };
    pxar_cli::run(args_os(), around)
}
