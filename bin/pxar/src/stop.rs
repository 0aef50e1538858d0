//! The end before the end: SIGINT, SIGTERM and SIGHUP while an archive is written or unpacked.
//!
//! What is under way is given up in good order: reading and writing fail from then on, and whoever does it takes away the file that is
//! half there. A second signal ends the program at once, if it does not come together with the first.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use anyhow::Result;
use console::report::Failure;

use crate::sys::{self, Signals};

/// How long a stream that brings nothing keeps us from looking whether to stop.
const LOOK: Duration = Duration::from_millis(100);
/// One wish for the end may come as several signals: `timeout` sends one to the program and one to its group.
const SAME_MAX: Duration = Duration::from_secs(1);

/// Whether to stop, and which signal asked for it.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<OnceLock<&'static str>>);

impl Stop {
    /// Listens from now on. To be called before any thread is started.
    pub fn listen() -> Result<Stop> {
        let failed = |error| Failure::new("cannot listen for signals").cause(error);
        let signals = Signals::withhold().map_err(failed)?;
        let stop = Stop::default();
        let heard = stop.clone();
        let listening = std::thread::Builder::new().name("signals".to_owned());
        let started = listening.spawn(move || {
            let name = signals.wait();
            let first = Instant::now();
            let _ = heard.0.set(name);
            while first.elapsed() < SAME_MAX {
                signals.wait();
            }
            let text =
                format!("Error: stopped by {name}\nhint: the last file may be there by half\n");
            let _ = io::stderr().write_all(text.as_bytes());
            std::process::exit(255);
        });
        started.map_err(failed)?;
        Ok(stop)
    }

    pub fn is_asked(&self) -> bool {
        self.0.get().is_some()
    }

    fn check(&self) -> io::Result<()> {
        match self.is_asked() {
            true => Err(io::Error::other("stopped")),
            false => Ok(()),
        }
    }

    /// The result of what was stopped: an error is a consequence. `hint` tells what became of it.
    pub fn explain<T>(&self, done: Result<T>, hint: &str) -> Result<T> {
        match (done, self.0.get()) {
            (Err(_), Some(name)) => {
                Err(Failure::new(format!("stopped by {name}")).hint(hint).into())
            }
            (done, _) => done,
        }
    }
}

/// A file, pipe or device that gives and takes nothing more once it is to stop.
#[derive(Debug)]
pub struct Stoppable {
    file: File,
    /// Reading may take for ever.
    waits: bool,
    stop: Stop,
}

impl Stoppable {
    pub fn file(file: File, stop: &Stop) -> Stoppable {
        Stoppable {
            file,
            waits: false,
            stop: stop.clone(),
        }
    }

    pub fn stream(file: File, stop: &Stop) -> Stoppable {
        Stoppable {
            waits: true,
            ..Stoppable::file(file, stop)
        }
    }
}

impl Read for Stoppable {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.stop.check()?;
        while self.waits && !sys::is_readable(&self.file, LOOK)? {
            self.stop.check()?;
        }
        self.file.read(out)
    }
}

impl Seek for Stoppable {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

impl Write for Stoppable {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stop.check()?;
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::OwnedFd;

    #[test]
    fn a_pipe_that_brings_nothing_is_left() {
        let (reader, mut writer) = io::pipe().unwrap();
        let stop = Stop::default();
        let mut stream = Stoppable::stream(File::from(OwnedFd::from(reader)), &stop);
        writer.write_all(b"a").unwrap();
        assert_eq!(stream.read(&mut [0; 8]).unwrap(), 1);
        let asking = stop.clone();
        let asked = std::thread::spawn(move || asking.0.set("SIGINT"));
        assert!(stream.read(&mut [0; 8]).is_err());
        asked.join().unwrap().unwrap();
        let done = stop.explain::<()>(Err(anyhow::anyhow!("x")), "y");
        assert_eq!(done.unwrap_err().to_string(), "stopped by SIGINT");
        assert!(stop.explain(Ok(()), "y").is_ok());
    }

    #[test]
    fn the_end_of_a_pipe_is_heard() {
        let (reader, writer) = io::pipe().unwrap();
        drop(writer);
        let mut stream = Stoppable::stream(File::from(OwnedFd::from(reader)), &Stop::default());
        assert_eq!(stream.read(&mut [0; 8]).unwrap(), 0);
    }
}
