//! How long work speaks while it runs, and how it is told to stop.
//!
//! Verify and sweep report through this trait and look at `stopped` at least once per chunk. Where the lines go is the caller's matter.

/// Someone who looks on. All methods may be called from several threads at once.
pub trait Watch: Sync {
    /// A line for the task's log.
    fn log(&self, text: &str);

    /// A line that tells of something wrong which did not end the work.
    fn warn(&self, text: &str);

    /// How far the work is, in steps of its own choosing.
    fn progress(&self, done: u64, total: u64) {
        let _ = (done, total);
    }

    /// Once true, the work ends at the next opportunity and says so in its report.
    fn stopped(&self) -> bool;
}

/// Looks away, and never stops the work.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unwatched;

impl Watch for Unwatched {
    fn log(&self, _text: &str) {}

    fn warn(&self, _text: &str) {}

    fn stopped(&self) -> bool {
        false
    }
}
