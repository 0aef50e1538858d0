//! Runs the binary in an empty home.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

pub struct Home(tempfile::TempDir);

/// What a run printed and how it ended.
#[derive(Debug)]
pub struct Run {
    pub stdout: String,
    pub stderr: String,
    pub status: Option<i32>,
}

impl Home {
    pub fn new() -> Home {
        Home(tempfile::tempdir().expect("temporary folder"))
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn run(&self, line: &str) -> Run {
        self.run_with(line, &[])
    }

    /// Runs `line`, split at blanks, with an environment of nothing but `variables`.
    pub fn run_with(&self, line: &str, variables: &[(&str, &str)]) -> Run {
        Run::of(self.command(line, variables).stdin(Stdio::null()))
    }

    /// Like [`Home::run_with`], with `input` on standard input.
    pub fn run_with_input(&self, line: &str, variables: &[(&str, &str)], input: &str) -> Run {
        let file = self.path().join(".input");
        std::fs::write(&file, input).expect("input");
        let input = std::fs::File::open(&file).expect("input");
        Run::of(self.command(line, variables).stdin(input))
    }

    fn command(&self, line: &str, variables: &[(&str, &str)]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_strongroom"));
        command
            .args(line.split_whitespace())
            .env_clear()
            .envs([
                ("HOME", self.path().as_os_str()),
                ("LC_ALL", "C.UTF-8".as_ref()),
                ("TZ", "UTC".as_ref()),
            ])
            .envs(variables.iter().copied())
            .current_dir(self.path());
        command
    }
}

impl Run {
    fn of(command: &mut Command) -> Run {
        let output = command.output().expect("the program can be started");
        Run {
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            status: output.status.code(),
        }
    }
}

/// A file of the original's, if there are fixtures.
pub fn fixture(name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("STRONGROOM_FIXTURES").map_or_else(
        || {
            PathBuf::from(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/../../../shared/fixtures"
            ))
        },
        PathBuf::from,
    );
    if !root.is_dir() {
        eprintln!("skipped: no fixtures at {}", root.display());
        return None;
    }
    Some(root.join(name))
}
