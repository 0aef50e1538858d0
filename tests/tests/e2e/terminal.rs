//! A program on a terminal, by `script` of util-linux: what it shows is waited for, then the answer is typed.

use std::io::{Read, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

const SHOWN_WITHIN: Duration = Duration::from_secs(60);

pub struct Terminal {
    child: Child,
    keys: ChildStdin,
    told: Receiver<Vec<u8>>,
    shown: String,
}

impl Terminal {
    /// Runs the program of `command` with its words, environment and folder; `None` if this machine has no `script`.
    pub fn start(command: &Command) -> Option<Terminal> {
        let words = std::iter::once(command.get_program()).chain(command.get_args());
        let quoted = words.map(|word| format!("'{}'", word.to_str().expect("utf-8")));
        let line = quoted.collect::<Vec<_>>().join(" ");
        let mut script = Command::new("/usr/bin/script");
        script.args(["-qec", &line, "/dev/null"]).env_clear();
        script.envs(
            command
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        );
        script.current_dir(command.get_current_dir().expect("a folder"));
        script
            .env("TERM", "xterm")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let Ok(mut child) = script.spawn() else {
            eprintln!("skipped: no script(1) to get a terminal from");
            return None;
        };
        let keys = child.stdin.take().expect("piped");
        let mut stdout = child.stdout.take().expect("piped");
        let (tell, told) = channel();
        std::thread::spawn(move || {
            let mut piece = [0; 4096];
            while let Ok(len @ 1..) = stdout.read(&mut piece) {
                if tell.send(piece[..len].to_vec()).is_err() {
                    break;
                }
            }
        });
        Some(Terminal {
            child,
            keys,
            told,
            shown: String::new(),
        })
    }

    /// Waits until `awaited` is shown behind what was awaited before, and types.
    #[track_caller]
    pub fn answer(&mut self, awaited: &str, typed: &str) {
        loop {
            if let Some(at) = self.shown.find(awaited) {
                self.shown.drain(..at + awaited.len());
                break;
            }
            let piece = self.told.recv_timeout(SHOWN_WITHIN);
            let piece = piece.unwrap_or_else(|_| panic!("never shown: {awaited}\n{}", self.shown));
            self.shown += &String::from_utf8_lossy(&piece);
        }
        self.keys.write_all(typed.as_bytes()).expect("typed");
    }

    /// How it ended, and what was shown behind the last answer.
    pub fn end(mut self) -> (Option<i32>, String) {
        drop(self.keys);
        let status = self.child.wait().expect("it ends");
        while let Ok(piece) = self.told.recv_timeout(Duration::from_secs(5)) {
            self.shown += &String::from_utf8_lossy(&piece);
        }
        (status.code(), self.shown)
    }
}
