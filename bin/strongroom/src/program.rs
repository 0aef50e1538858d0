//! Which of the original's programs this is: the name that it was called by decides (`argv[0]`).
//!
//! A link named like one of them speaks that program's grammar; by any other name the program is the client, which has the commands
//! of the others below `debug` and `file-restore`.

use std::ffi::OsString;

use clap::CommandFactory as _;
use console::args::{self, Alias, Stop};

use crate::commands::{self, Command, debug, file_restore};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    Client,
    Debug,
    FileRestore,
    Pxar,
}

impl Program {
    /// `name` is a file name without folders.
    pub fn named(name: &str) -> Program {
        match name {
            "proxmox-backup-debug" => Program::Debug,
            "proxmox-file-restore" => Program::FileRestore,
            "pxar" => Program::Pxar,
            _ => Program::Client,
        }
    }

    /// The commands; those of `pxar` are read by its own part.
    pub fn tree(self) -> clap::Command {
        match self {
            Program::Client | Program::Pxar => Command::command(),
            Program::Debug => debug::Command::command(),
            Program::FileRestore => file_restore::Command::command(),
        }
    }

    pub fn aliases(self) -> &'static [Alias<'static>] {
        match self {
            Program::Client => commands::ALIASES,
            Program::Debug | Program::FileRestore | Program::Pxar => &[],
        }
    }

    /// Reads a command line, program name first.
    pub fn parse(self, line: impl IntoIterator<Item = OsString>) -> Result<Command, Stop> {
        match self {
            Program::Client | Program::Pxar => args::parse(self.aliases(), line),
            Program::Debug => args::parse(self.aliases(), line).map(Command::Debug),
            Program::FileRestore => args::parse(self.aliases(), line).map(Command::FileRestore),
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
            let parsed = Program::named(name).parse(words.map(OsString::from));
            assert_eq!(parsed.is_ok(), expected, "{name} {line}");
        }
        assert_eq!(Program::named("pxar"), Program::Pxar);
    }
}
