//! `completion`: the script that teaches a shell our words.

use anyhow::Result;
use console::out;
use console::scripts::{Shell, script};

/// Print a script that completes this program's commands, options and files.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  source <(pxar completion bash)
  pxar completion fish > ~/.config/fish/completions/pxar.fish")]
pub struct Args {
    /// The shell.
    shell: Shell,
}

pub fn run(args: Args, program: &str) -> Result<()> {
    Ok(out::print(&script(args.shell, program))?)
}
