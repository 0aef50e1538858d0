//! `pxar`: makes, lists and unpacks archives on this machine, with the original's commands, options and output.
//!
//! All but the reading of arguments and environment is in the library beside this file.

use std::process::ExitCode;

fn main() -> ExitCode {
    pxar_cli::run(
        std::env::args_os(),
        std::env::var("PXAR_LOG").ok().as_deref(),
    )
}
