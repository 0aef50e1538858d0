//! The command lines of the programs that this one is, see [`crate::called`].
//!
//! A link named like one of them speaks that program's grammar; by any other name the program is the client, which has the commands
//! of the others below `debug` and `file-restore`.

use std::ffi::OsString;

use clap::CommandFactory as _;
use console::args::{self, Alias, Stop};
use console::naming::rename;

pub use crate::called::Program;
use crate::called::{CLIENT, ORIGINAL};
use crate::commands::{self, Command, debug, file_restore};

impl Program {
    /// The commands, as help tells of them to who has called the program `name`.
    pub fn tree(self, name: &str) -> clap::Command {
        let (tree, own) = match self {
            Program::Client => return rename(Command::command(), CLIENT, name),
            Program::Debug => (debug::Command::command(), "strongroom debug"),
            Program::FileRestore => (file_restore::Command::command(), "strongroom file-restore"),
        };
        // What else is named in their texts is the client.
        rename(rename(tree, own, name), CLIENT, ORIGINAL)
    }

    pub fn aliases(self) -> &'static [Alias<'static>] {
        match self {
            Program::Client => commands::ALIASES,
            Program::Debug | Program::FileRestore => &[],
        }
    }

    /// Reads a command line, program name first.
    pub fn parse(
        self,
        name: &str,
        line: impl IntoIterator<Item = OsString>,
    ) -> Result<Command, Stop> {
        let (tree, aliases) = (self.tree(name), self.aliases());
        match self {
            Program::Client => args::parse_by(tree, aliases, line),
            Program::Debug => args::parse_by(tree, aliases, line).map(Command::Debug),
            Program::FileRestore => args::parse_by(tree, aliases, line).map(Command::FileRestore),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_grammars() {
        for (name, line, expected) in [
            ("proxmox-backup-client", "status --output-format json", true),
            ("strongroom", "debug inspect file x", true),
            ("strongroom", "inspect file x", false),
            ("proxmox-backup-debug", "inspect file x", true),
            ("proxmox-backup-debug", "status", false),
            (
                "proxmox-file-restore",
                "list host/x/2020-01-01T00:00:00Z /",
                true,
            ),
            ("proxmox-file-restore", "status", true),
            ("proxmox-file-restore", "backup a.pxar:/", false),
            ("something-else", "list", true),
        ] {
            let words = [name].into_iter().chain(line.split(' '));
            let parsed = Program::named(name).parse(name, words.map(OsString::from));
            assert_eq!(parsed.is_ok(), expected, "{name} {line}");
        }
    }

    /// Examples told a program that was not there by that name.
    #[test]
    fn help_says_the_name_that_was_typed() {
        for (name, expected) in [
            ("strongroom", "  strongroom list\n"),
            ("proxmox-backup-client", "  proxmox-backup-client list\n"),
            (
                "proxmox-backup-debug",
                "  proxmox-backup-debug api get /admin/datastore\n",
            ),
            ("proxmox-file-restore", "proxmox-file-restore list"),
        ] {
            let text = console::describe::synopsis(name, &Program::named(name).tree(name));
            assert!(text.contains(expected), "{name}: {text}");
            let is_own = name == "strongroom";
            assert!(is_own || !text.contains("  strongroom "), "{name}: {text}");
        }
    }
}
