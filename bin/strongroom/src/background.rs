//! Going to the background: a command that goes on serving lets the program that the user
//! started end as soon as it is at work.
//!
//! The split comes before any thread is started, and before connecting, so that questions can
//! still be asked on the terminal. The first process waits until the second is at work or has
//! failed, and ends with what it said (the original ends with 0 even then).

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::process::ExitCode;

use console::report::{self, Failure};
use rustix::process::{Pid, WaitOptions, WaitStatus};

use crate::context::Context;
use crate::sys::{self, Side};

mod journal;

use journal::Journal;

/// What the second process has of the first one: a line to say that it is at work.
#[derive(Debug)]
pub struct Starter(File);

/// Which process goes on here.
pub enum Split {
    /// The one that the user started, which has nothing left to do.
    First(ExitCode),
    Second(Starter),
}

/// Makes the second process. In the first one this returns when all is decided.
pub fn split() -> Result<Split, Failure> {
    let failed = |error: io::Error| {
        Failure::new("cannot go to the background")
            .cause(error)
            .hint("--verbose true stays in the foreground")
    };
    let (reader, writer) = io::pipe().map_err(failed)?;
    match sys::fork().map_err(failed)? {
        Side::Child => {
            drop(reader);
            let line: std::os::fd::OwnedFd = writer.into();
            Ok(Split::Second(Starter(line.into())))
        }
        Side::Parent(child) => {
            drop(writer);
            let mut word = [0];
            match (&reader).read_exact(&mut word) {
                Ok(()) => Ok(Split::First(ExitCode::SUCCESS)),
                // It ended without a word to us, but with a report.
                Err(_) => end_of(child).map(Split::First),
            }
        }
    }
}

fn end_of(child: Pid) -> Result<ExitCode, Failure> {
    let status = rustix::process::waitpid(Some(child), WaitOptions::empty());
    let status = status.ok().flatten().map(|(_, status)| status);
    match status.and_then(WaitStatus::exit_status) {
        Some(0) => Ok(ExitCode::SUCCESS),
        Some(code) => Ok(ExitCode::from(
            u8::try_from(code).unwrap_or(report::FAILURE),
        )),
        None => {
            let signal = status.and_then(WaitStatus::terminating_signal);
            let how = signal.map_or_else(String::new, |signal| format!(" by signal {signal}"));
            Err(Failure::new(format!(
                "the process in the background was ended{how} before it was at work"
            )))
        }
    }
}

impl Starter {
    /// Lets the first process end with success. From here on nobody reads what is printed, the
    /// terminal's end is not ours, and nothing is kept open of whoever started us. What is said
    /// later goes to a journal; the user is told to which.
    pub fn release(mut self, context: &Context) -> Result<(), Failure> {
        let failed = |error: io::Error| {
            Failure::new("cannot go to the background")
                .cause(error)
                .hint("--verbose true stays in the foreground")
        };
        let detach = || -> io::Result<()> {
            let null = File::options().read(true).write(true).open("/dev/null")?;
            // An error means that this process leads its group already.
            let _ = rustix::process::setsid();
            rustix::process::chdir("/")?;
            rustix::stdio::dup2_stdin(&null)?;
            rustix::stdio::dup2_stdout(&null)?;
            rustix::stdio::dup2_stderr(&null)?;
            Ok(())
        };
        let name = format!("{}-{}.log", context.program, std::process::id());
        let journal = Journal::open(&context.program, context.places.runtime(&name).ok());
        tracing::info!("{}", journal.describe());
        detach().map_err(failed)?;
        context.environment.close_descriptors();
        context.screen.move_to(journal);
        // Whoever does not listen any more has ended already.
        let _ = self.0.write_all(b"\n");
        Ok(())
    }
}
