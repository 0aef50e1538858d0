//! What every command gets: the environment as it was at the start, the user's folders, the
//! screen, the time zone. Nothing here changes while a command runs.

use console::json::UnknownFormat;
use console::output::{Output, OutputArgs};
use console::screen::Screen;
use jiff::tz::TimeZone;

use crate::environment::Environment;
use crate::places::Places;

#[derive(Clone, Debug)]
pub struct Context {
    pub environment: Environment,
    pub places: Places,
    pub screen: Screen,
    pub zone: TimeZone,
    /// Whether a missing password or an unknown certificate may be asked about.
    pub may_ask: bool,
}

impl Context {
    pub fn of_process(screen: Screen) -> Context {
        let environment = Environment::of_process();
        let places = Places::new(&environment);
        Context {
            environment,
            places,
            screen,
            zone: TimeZone::system(),
            may_ask: true,
        }
    }

    /// How results are printed. An unknown word in the environment ends the program with a
    /// message and success, as the original's does (see `main`).
    pub fn output(&self, args: &OutputArgs) -> Result<Output, UnknownFormat> {
        args.resolve(|name| self.environment.raw(name).map(ToOwned::to_owned))
    }

    /// `%c` in local time.
    pub fn ctime(&self, epoch_s: i64) -> String {
        console::human::ctime(epoch_s, &self.zone)
    }
}

/// Seconds since 1970, now.
pub fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}
