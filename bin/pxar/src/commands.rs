//! The command tree; each verb has a file of its own below.

use anyhow::Result;
use clap::{CommandFactory as _, Parser};

use crate::log::Log;

mod bashcomplete;
mod completion;
mod create;
mod extract;
mod list;
mod manual;
mod mount;

pub use bashcomplete::candidates;

/// Makes, lists, unpacks and mounts archives.
#[derive(Parser, Debug)]
#[command(name = "pxar", version, disable_version_flag = true)]
#[command(after_help = "Examples:
  pxar create home.pxar /home
  pxar list home.pxar
  pxar extract home.pxar /tmp/home
  pxar help extract")]
pub enum Command {
    // Hidden, as they are no part of the original's tree and its unique prefixes.
    #[command(hide = true)]
    Completion(completion::Args),
    Create(create::Args),
    Extract(extract::Args),
    List(list::Args),
    #[command(hide = true)]
    Man(manual::Args),
    Mount(mount::Args),
}

impl Command {
    /// `program` is the name that this program was called by.
    pub fn run(self, program: &str, log: &Log) -> Result<()> {
        match self {
            Command::Completion(args) => completion::run(args, program),
            Command::Create(args) => create::run(args, log),
            Command::Extract(args) => extract::run(args, log),
            Command::List(args) => list::run(args, log),
            Command::Man(args) => manual::run(args, Command::command()),
            Command::Mount(args) => mount::run(args, log),
        }
    }
}

#[cfg(test)]
mod tests {
    use console::describe::leaves;
    use console::describe::table::{Says, differences};

    use super::*;

    /// `mount` was missing for long, as nothing compared this program with the specification.
    #[test]
    fn every_command_takes_what_the_specification_says() {
        let expected = include_str!("../tests/commands.txt");
        let found = leaves(&Command::command());
        let differ = differences(Says::Everything, expected, &found, |_| false);
        assert!(differ.is_empty(), "\n{differ}");
    }
}
