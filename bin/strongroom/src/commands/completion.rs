//! `completion`: the script that teaches a shell our words. The words themselves come from
//! `bashcomplete` at every Tab, so a script never grows old.

use anyhow::Result;
use console::out;
use console::scripts::{Shell, script};

/// Print a script that completes this program's commands, options, snapshots and files.
///
/// It asks the server with a saved login or PBS_PASSWORD, never with a question.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  source <(strongroom completion bash)
  strongroom completion zsh > /usr/local/share/zsh/site-functions/_strongroom
  strongroom completion fish > ~/.config/fish/completions/strongroom.fish")]
pub struct Args {
    /// The shell.
    shell: Shell,
}

pub fn run(args: Args, program: &str) -> Result<()> {
    Ok(out::print(&script(args.shell, program))?)
}
