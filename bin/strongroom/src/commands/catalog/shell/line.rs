//! One line of the shell: split as a shell splits words, read by the program's own grammar, answered by the engine.

use std::ffi::OsString;
use std::io::{BufWriter, Write as _};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::PathBuf;

use anyhow::Result;
use clap::Parser;
use client::RemoteArchive;
use client::browse::Browser;
use console::args::{self, Stop};
use console::out::{self, OutError};
use console::report::Failure;
use jiff::tz::TimeZone;
use pxar::PatternList;

/// What is to be done with a line.
pub enum Answer {
    /// Everything: standard output has what there was to say.
    Done,
    Restore {
        target: PathBuf,
        patterns: PatternList,
    },
    /// Help, or wrong usage.
    Stop(Stop),
    Leave,
}

/// Commands of the shell. Paths are of the archive; quote what has blanks.
#[derive(Parser, Debug)]
#[command(name = "catalog shell")]
enum Command {
    /// Show the current directory.
    Pwd,
    /// Change the current directory.
    Cd {
        /// The directory; the root without it.
        path: Option<OsString>,
    },
    /// List a directory.
    Ls {
        /// The directory; the current one without it.
        path: Option<OsString>,
    },
    /// Show the metadata of an entry.
    Stat {
        /// The entry.
        path: OsString,
    },
    /// Select an entry, with all below it, for restore-selected.
    Select {
        /// The entry.
        path: OsString,
    },
    /// Take an entry out of the selection.
    Deselect {
        /// The entry, or the pattern as `find` was given it.
        path: OsString,
    },
    /// Take everything out of the selection.
    ClearSelected,
    /// List what restore-selected would restore.
    ListSelected {
        /// List paths and patterns as they were selected.
        #[arg(long)]
        patterns: bool,
    },
    /// Find entries in the whole archive.
    Find {
        /// Pattern of a path; `*` stays within a name, `**` does not.
        pattern: OsString,

        /// Select what matches, if anything does.
        #[arg(long)]
        select: bool,
    },
    /// Restore what is selected.
    RestoreSelected {
        /// Directory on this machine; it is made if it does not exist.
        target: PathBuf,
    },
    /// Restore the whole archive, or what matches.
    Restore {
        /// Directory on this machine; it is made if it does not exist.
        target: PathBuf,

        /// Pattern of paths to restore.
        #[arg(long)]
        pattern: Option<OsString>,
    },
    /// Leave the shell.
    Exit,
}

/// Names of all commands, for completion.
pub const COMMANDS: [&str; 13] = [
    "cd",
    "clear-selected",
    "deselect",
    "exit",
    "find",
    "help",
    "list-selected",
    "ls",
    "pwd",
    "restore",
    "restore-selected",
    "select",
    "stat",
];

/// Does what a line says, up to a restore, which is the caller's. What it says is written as it is found: a `find` may go through
/// millions of entries.
pub fn answer(
    line: &[u8],
    browser: &mut Browser<RemoteArchive>,
    zone: &TimeZone,
) -> Result<Answer> {
    let words = split(line).ok_or_else(|| {
        Failure::new("a quote is not closed, or the line ends with a backslash")
            .hint("quote words with blanks as in a shell: 'a b' or a\\ b")
    })?;
    if words.is_empty() {
        return Ok(Answer::Done);
    }
    // The place of the program's name, which usage texts would begin with.
    let command = match parse(words) {
        Ok(command) => command,
        Err(stop) => return Ok(Answer::Stop(stop)),
    };
    let mut out = BufWriter::new(out::Stream::open().map_err(OutError::from)?);
    match command {
        Command::Exit => return Ok(Answer::Leave),
        Command::Restore { target, pattern } => {
            let pattern = pattern.as_deref().map(|pattern| pattern.as_bytes());
            let patterns = Browser::<RemoteArchive>::matching(pattern)?;
            return Ok(Answer::Restore { target, patterns });
        }
        Command::RestoreSelected { target } => {
            let patterns = browser.selected()?;
            return Ok(Answer::Restore { target, patterns });
        }
        Command::Pwd => browser.pwd(&mut out),
        Command::Cd { path } => browser.cd(path.as_deref().map(|path| path.as_bytes())),
        Command::Ls { path } => browser.ls(path.as_deref().map(|path| path.as_bytes()), &mut out),
        Command::Stat { path } => browser.stat(path.as_bytes(), zone, &mut out),
        Command::Select { path } => browser.select(path.as_bytes(), &mut out),
        Command::Deselect { path } => browser.deselect(path.as_bytes(), &mut out),
        Command::ClearSelected => browser.clear_selected(&mut out),
        Command::ListSelected { patterns } => browser.list_selected(patterns, &mut out),
        Command::Find { pattern, select } => browser.find(pattern.as_bytes(), select, &mut out),
    }?;
    out.flush().map_err(OutError::from)?;
    Ok(Answer::Done)
}

fn parse(words: Vec<OsString>) -> Result<Command, Stop> {
    args::parse(&[], [OsString::new()].into_iter().chain(words))
}

/// Words by the rules of a shell; `None` if a quote stays open.
fn split(line: &[u8]) -> Option<Vec<OsString>> {
    let mut words = shlex::bytes::Shlex::new(line);
    let split: Vec<_> = words.by_ref().map(OsString::from_vec).collect();
    (!words.had_error).then_some(split)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn lines_are_split_like_a_shell_s() {
        for (line, expected) in [
            (&b""[..], Some(&[][..])),
            (b"  ", Some(&[])),
            (b"ls 'a b' c\\ d", Some(&["ls", "a b", "c d"])),
            (b"ls \"a", None),
        ] {
            let words = split(line);
            let words: Option<Vec<_>> = words.as_ref().map(|words| {
                let words = words.iter();
                words.map(|word| word.to_str().expect("text")).collect()
            });
            assert_eq!(words.as_deref(), expected);
        }
        assert_eq!(split(b"ls \xff").expect("bytes")[1].as_bytes(), b"\xff");
    }

    #[test]
    fn the_grammar_is_the_program_s() {
        let parsed = |line: &str| parse(line.split(' ').map(OsString::from).collect());
        assert!(matches!(
            parsed("li -patterns"),
            Ok(Command::ListSelected { patterns: true })
        ));
        assert!(matches!(
            parsed("find --select yes *"),
            Ok(Command::Find { select: true, .. })
        ));
        assert!(matches!(
            parsed("restore x"),
            Ok(Command::Restore { pattern: None, .. })
        ));
        assert!(matches!(parsed("cd"), Ok(Command::Cd { path: None })));
        assert!(matches!(parsed("help"), Err(Stop::Help(_))));
        assert!(matches!(parsed("s x"), Err(Stop::Usage { .. })));
        assert!(matches!(parsed("stat"), Err(Stop::Usage { .. })));
    }

    #[test]
    fn every_command_is_completed() {
        let command = Command::command();
        let mut names: Vec<_> = command
            .get_subcommands()
            .map(|each| each.get_name())
            .collect();
        names.push("help");
        names.sort_unstable();
        assert_eq!(names, COMMANDS);
    }
}
