//! `completion`: the script that teaches a shell our words. The words themselves come from
//! `bashcomplete` at every Tab, so a script never grows old.

use anyhow::Result;
use clap::ValueEnum;
use console::out;

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

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
}

pub fn run(args: Args, program: &str) -> Result<()> {
    let script = match args.shell {
        Shell::Bash => include_str!("completion/bash.sh"),
        Shell::Zsh => include_str!("completion/zsh.sh"),
        Shell::Fish => include_str!("completion/fish.sh"),
    };
    Ok(out::print(&script.replace("PROGRAM", program))?)
}
