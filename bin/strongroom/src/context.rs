//! What every command gets: the environment as it was at the start, the user's folders, the
//! screen, the time zone. Nothing here changes while a command runs, but for the note of the
//! repository that it uses.

use std::ffi::OsString;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use api::Repository;
use console::json::UnknownFormat;
use console::output::{Output, OutputArgs};
use console::screen::Screen;
use jiff::tz::TimeZone;

use crate::called;
use crate::environment::Environment;
use crate::places::Places;

#[derive(Clone, Debug)]
pub struct Context {
    pub environment: Environment,
    pub places: Places,
    pub screen: Screen,
    pub zone: TimeZone,
    /// The name that the program was called by.
    pub program: String,
    /// The shell asks what may follow: nobody is there to answer questions or read messages.
    pub completes: bool,
    pub used: Used,
}

/// The repository that a command is connected to; what becomes of it is known at the end.
#[derive(Clone, Debug, Default)]
pub struct Used(Arc<Mutex<Option<Repository>>>);

impl Used {
    pub fn note(&self, repository: &Repository) {
        *self.lock() = Some(repository.clone());
    }

    /// Takes the note; who has been refused does so too, where that is no failure of the command.
    pub fn take(&self) -> Option<Repository> {
        self.lock().take()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Repository>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Context {
    pub fn of_process(screen: Screen) -> Context {
        let environment = Environment::of_process();
        let places = Places::new(&environment);
        let mut line = std::env::args_os();
        Context {
            environment,
            places,
            screen,
            zone: TimeZone::system(),
            program: program_name(line.next()),
            completes: line.next().is_some_and(|word| word == "bashcomplete"),
            used: Used::default(),
        }
    }

    /// How results are printed. An unknown word in the environment ends the program with a
    /// message and success, as the original's does (see `main`).
    pub fn output(&self, args: &OutputArgs) -> Result<Output, UnknownFormat> {
        args.resolve(|name| self.environment.raw(name).map(ToOwned::to_owned))
    }

    /// A hint with commands as they can be called.
    pub fn advice(&self, hint: &str) -> String {
        called::advice(&self.program, hint)
    }

    /// `%c` in local time.
    pub fn ctime(&self, epoch_s: i64) -> String {
        console::human::ctime(epoch_s, &self.zone)
    }
}

fn program_name(first: Option<OsString>) -> String {
    first
        .as_ref()
        .and_then(|path| Path::new(path).file_name())
        .map_or_else(|| "strongroom".into(), |name| name.to_string_lossy().into())
}

/// Seconds since 1970, now.
pub fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}
