//! The scripts that teach a shell a program's words. The words themselves come from the program's `bashcomplete` at every Tab, so a script never
//! grows old.

use clap::ValueEnum;

/// The shells that can be taught.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    Bash,
    Zsh,
    Fish,
}

/// The script for a program of this name.
pub fn script(shell: Shell, program: &str) -> String {
    let script = match shell {
        Shell::Bash => include_str!("scripts/bash.sh"),
        Shell::Zsh => include_str!("scripts/zsh.sh"),
        Shell::Fish => include_str!("scripts/fish.sh"),
    };
    script.replace("PROGRAM", program)
}
