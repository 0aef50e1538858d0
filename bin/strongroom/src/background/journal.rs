//! Where messages go once nobody reads standard error any more: the system's log, where there is one; else a file in the user's runtime
//! folder, which is only made when there is something to say.
//!
//! Writing never fails the program: who reads a mount gets its errors anyway.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};

use jiff::Zoned;

/// The system's log listens here, journald and syslog daemons alike.
const SOCKET: &str = "/dev/log";
/// Facility "user", severity "notice".
const PRIORITY: u32 = 8 + 5;
/// Longer lines are cut; a datagram has a limit.
const LINE_BYTES_MAX: usize = 2048;
/// A log file does not grow beyond this.
const FILE_BYTES_MAX: usize = 1 << 20;

/// A place for lines.
#[derive(Debug)]
pub enum Journal {
    System(SystemLog),
    File(LogFile),
    Nowhere,
}

#[derive(Debug)]
pub struct SystemLog {
    path: PathBuf,
    socket: UnixDatagram,
    name: String,
}

#[derive(Debug)]
pub struct LogFile {
    path: PathBuf,
    opened: Option<File>,
    left: usize,
}

impl Journal {
    /// `program` is the name that lines bear; `file` is used where the system has no log.
    pub fn open(program: &str, file: Option<PathBuf>) -> Journal {
        let name = format!("{program}[{}]", std::process::id());
        match SystemLog::open(Path::new(SOCKET), name) {
            Ok(log) => Journal::System(log),
            Err(_) => file.map_or(Journal::Nowhere, |path| {
                Journal::File(LogFile {
                    path,
                    opened: None,
                    left: FILE_BYTES_MAX,
                })
            }),
        }
    }

    /// For the user, before it is too late to tell.
    pub fn describe(&self) -> String {
        match self {
            Journal::System(log) => {
                let name = &log.name;
                format!("messages go to the system's log from now on, as {name}")
            }
            Journal::File(file) => {
                format!("messages go to {} from now on", file.path.display())
            }
            Journal::Nowhere => "messages are lost from now on: there is no system log, and XDG_RUNTIME_DIR names no private folder; --verbose true stays in the foreground".into(),
        }
    }

    fn line(&mut self, line: &str) -> io::Result<()> {
        let mut end = line.len().min(LINE_BYTES_MAX);
        while !line.is_char_boundary(end) {
            end -= 1;
        }
        let line = &line[..end];
        match self {
            Journal::System(log) => log.line(line)?,
            Journal::File(file) => file.line(line)?,
            Journal::Nowhere => {}
        }
        Ok(())
    }
}

fn connect(path: &Path) -> io::Result<UnixDatagram> {
    let socket = UnixDatagram::unbound()?;
    // A log that does not take more must not hold up whoever reads.
    socket.set_nonblocking(true)?;
    socket.connect(path)?;
    Ok(socket)
}

impl SystemLog {
    fn open(path: &Path, name: String) -> io::Result<SystemLog> {
        let socket = connect(path)?;
        let path = path.to_owned();
        Ok(SystemLog { path, socket, name })
    }

    fn line(&mut self, line: &str) -> io::Result<()> {
        let (name, time) = (&self.name, Zoned::now().strftime("%b %e %H:%M:%S"));
        let text = format!("<{PRIORITY}>{time} {name}: {line}");
        match self.socket.send(text.as_bytes()) {
            Ok(_) => Ok(()),
            Err(full) if full.kind() == io::ErrorKind::WouldBlock => Err(full),
            // The log was started anew since: its socket is another one at the same place. A mount lives longer than that.
            Err(_) => {
                self.socket = connect(&self.path)?;
                self.socket.send(text.as_bytes()).map(drop)
            }
        }
    }
}

impl LogFile {
    fn line(&mut self, line: &str) -> io::Result<()> {
        if self.left == 0 {
            return Ok(());
        }
        let time = Zoned::now().strftime("%Y-%m-%dT%H:%M:%S%:z").to_string();
        let mut text = format!("{time}: {line}\n");
        if text.len() >= self.left {
            text = format!("{time}: the log is full, further messages are left out\n");
            self.left = 0;
        }
        self.left = self.left.saturating_sub(text.len());
        if self.opened.is_none() {
            if let Some(folder) = self.path.parent() {
                fs::create_dir_all(folder)?;
            }
            let mut options = File::options();
            let options = options.create(true).append(true).mode(0o600);
            self.opened = Some(options.open(&self.path)?);
        }
        match &mut self.opened {
            Some(file) => file.write_all(text.as_bytes()),
            None => Ok(()),
        }
    }
}

/// Takes whole lines.
impl Write for Journal {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        for line in String::from_utf8_lossy(text).lines() {
            if !line.trim().is_empty() {
                let _ = self.line(line);
            }
        }
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_systems_log() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let log = UnixDatagram::bind(&path).unwrap();
        let mut journal = Journal::System(SystemLog::open(&path, "strongroom[7]".into()).unwrap());
        assert!(journal.describe().ends_with("as strongroom[7]"));
        let long = "é".repeat(LINE_BYTES_MAX);
        journal
            .write_all(format!("one\n\ntwo\n{long}\n").as_bytes())
            .unwrap();
        let heard = |log: &UnixDatagram| {
            let mut buffer = [0; 2 * LINE_BYTES_MAX];
            let len = log.recv(&mut buffer).unwrap();
            String::from_utf8(buffer[..len].to_vec()).unwrap()
        };
        for expected in ["one", "two"] {
            let line = heard(&log);
            assert!(line.starts_with("<13>"), "{line}");
            assert!(
                line.ends_with(&format!(" strongroom[7]: {expected}")),
                "{line}"
            );
        }
        assert!(heard(&log).ends_with('é'));
        // A log daemon that went away ends nothing.
        drop(log);
        journal.write_all(b"three\n").unwrap();
        std::fs::remove_file(&path).unwrap();
        journal.write_all(b"four\n").unwrap();
        // Nothing was told to the one that came after it.
        let log = UnixDatagram::bind(&path).unwrap();
        log.set_nonblocking(true).unwrap();
        journal.write_all(b"five\n").unwrap();
        assert!(heard(&log).ends_with(" strongroom[7]: five"));
    }

    #[test]
    fn a_file_is_made_when_it_is_needed_and_does_not_grow_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("below/mount.log");
        let mut journal = Journal::File(LogFile {
            path: path.clone(),
            opened: None,
            left: 200,
        });
        assert!(!path.exists());
        for number in 0..20 {
            journal
                .write_all(format!("line {number}\n").as_bytes())
                .unwrap();
        }
        let text = fs::read_to_string(&path).unwrap();
        let lines: Vec<_> = text.lines().collect();
        assert!(lines[0].ends_with(": line 0"), "{text}");
        assert!(lines.last().unwrap().ends_with("left out"), "{text}");
        assert!(lines.len() < 10);
    }
}
