//! `completion`

use anyhow::Result;
use console::out;
use console::scripts::{Shell, script};

/// Print a script that completes this program's commands, options and names of the configuration.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  source <(strongroom-manager completion bash)
  strongroom-manager completion zsh > /usr/local/share/zsh/site-functions/_strongroom-manager
  strongroom-manager completion fish > /etc/fish/completions/strongroom-manager.fish")]
pub struct Args {
    /// The shell.
    shell: Shell,
}

pub fn run(args: Args, program: &str) -> Result<()> {
    Ok(out::print(&script(args.shell, program))?)
}
