//! Whether a backup that broke off starts again, and when. Each start must find more on the server than the one before it had left; a few that do not
//! end it, so that neither a server that drops everybody nor one that notes nothing is asked for ever. Data that grow faster than they are sent find
//! more each time: a number of starts ends that.
//!
//! Nothing here asks a disk: it may be what does not answer.

use std::path::PathBuf;
use std::time::Duration;

use super::stored::Finishing;
use crate::error::Error;
use crate::options::BackupOptions;
use crate::patience::comes_of_outage;
use crate::pump::Run;
use crate::watch::{BackupWatch, Notice};

/// Starts that found nothing new, one after the other.
const IN_VAIN_MAX: u32 = 3;
/// All starts of one backup.
const STARTS_MAX: u32 = 20;
/// The pause before the third start; each further one is twice as long.
const PAUSE_FIRST: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// What an attempt leaves to those who decide about the next one.
#[derive(Debug, Default)]
pub(super) struct Trace {
    /// What the server was asked to finish.
    pub finishing: Option<Finishing>,
    /// An image that turned out to be a pipe: what was read of it does not come again.
    pub pipe: Option<PathBuf>,
}

/// The starts of one backup.
#[derive(Debug, Default)]
pub(super) struct Starts {
    pub count: u32,
    in_vain: u32,
    /// Most chunks that were left by those before, since they last became fewer.
    most_left: u64,
}

impl Starts {
    /// Counts a start that found so many chunks of those before it.
    pub fn count(&mut self, left: u64) {
        self.count += 1;
        if left > self.most_left {
            self.in_vain = 0;
        } else {
            self.in_vain += 1;
        }
        // Fewer are left where they were collected, and from there it gets on again.
        self.most_left = left;
    }

    fn may_go_on(&self) -> bool {
        self.in_vain < IN_VAIN_MAX && self.count < STARTS_MAX
    }

    /// How long is waited before the next one: the first time not at all.
    fn pause(&self) -> Duration {
        match self.count {
            0 | 1 => Duration::ZERO,
            count => PAUSE_MAX.min(PAUSE_FIRST * 2_u32.saturating_pow((count - 2).min(10))),
        }
    }

    /// Passes an error on, unless it is an outage after which all can be done once more.
    pub async fn again(
        &self,
        error: Error,
        options: &BackupOptions,
        trace: &Trace,
        watch: &dyn BackupWatch,
    ) -> Result<(), Error> {
        let patience = options.patience.as_ref();
        let waits = patience.is_some_and(|patience| !patience.limit().is_zero());
        if !waits || !comes_of_outage(&error) || !self.may_go_on() {
            return Err(error);
        }
        if let Some(pipe) = &trace.pipe {
            watch.notice(&Notice::NotAgain(pipe.clone()));
            return Err(error);
        }
        watch.notice(&Notice::Broken(error));
        tokio::time::sleep(self.pause()).await;
        Ok(())
    }
}

/// Waits for the threads of an attempt that broke, which a disk may hold in a call that nothing ends: their buffers and those of the next
/// attempt would be twice the memory.
pub(super) async fn ended(run: &Run, watch: &dyn BackupWatch) {
    /// A wait that somebody may wonder about.
    const LONG: Duration = Duration::from_secs(10);
    if tokio::time::timeout(LONG, run.ended()).await.is_err() {
        watch.notice(&Notice::StillReading);
        run.ended().await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::mpsc::{Sender, channel};
    use std::sync::{Arc, Mutex};

    use tokio::time::Instant;

    use super::*;

    /// Lets the disk answer once it is told that it is waited for, and notes after how long that was.
    struct Waiting {
        since: Instant,
        is_held: Arc<AtomicBool>,
        free: Sender<()>,
        told: Mutex<Vec<Duration>>,
    }

    impl BackupWatch for Waiting {
        fn notice(&self, notice: &Notice) {
            assert!(matches!(notice, Notice::StillReading), "{notice}");
            assert!(self.is_held.load(Ordering::SeqCst));
            self.told.lock().unwrap().push(self.since.elapsed());
            self.free.send(()).unwrap();
        }
    }

    /// A thread that a disk holds is waited for as long as it takes, and after a while the user is told so, once.
    #[tokio::test(start_paused = true)]
    async fn a_held_thread_is_waited_for_and_told() {
        let run = Run::new();
        let is_held = Arc::new(AtomicBool::new(true));
        let (free, freed) = channel();
        let watch = Waiting {
            since: Instant::now(),
            is_held: Arc::clone(&is_held),
            free,
            told: Mutex::default(),
        };
        drop(run.spawn("disk", move || {
            freed.recv().map_err(|_| Error::Worker)?;
            is_held.store(false, Ordering::SeqCst);
            Ok(())
        }));
        run.stop();
        ended(&run, &watch).await;
        assert!(!watch.is_held.load(Ordering::SeqCst), "it is still held");
        let told = watch.told.lock().unwrap().clone();
        assert_eq!(told.len(), 1, "{told:?}");
        // The clock of the runtime counts whole milliseconds.
        let ten = Duration::from_secs(10);
        let late = told[0].checked_sub(ten).expect("not before");
        assert!(late < Duration::from_millis(5), "{late:?} late");
        // Whose threads are gone waits for nothing.
        let before = Instant::now();
        ended(&run, &watch).await;
        assert_eq!(before.elapsed(), Duration::ZERO);
        assert_eq!(watch.told.lock().unwrap().len(), 1);
    }

    #[test]
    fn starts_in_vain_end_it() {
        for (name, found, expected) in [
            ("the first", &[0][..], true),
            ("nothing is noted", &[0, 0], true),
            ("by the original", &[0, 0, 0], false),
            ("it gets on", &[0, 1, 2, 3, 4, 5, 6], true),
            ("it gets on slowly", &[0, 1, 1, 1, 2, 2, 2], true),
            ("and not any more", &[0, 1, 2, 2, 1, 1], false),
            (
                "all was collected, and it gets on",
                &[0, 9, 0, 1, 2, 2, 3],
                true,
            ),
        ] {
            let mut starts = Starts::default();
            for (number, left) in found.iter().enumerate() {
                assert!(starts.count == 0 || starts.may_go_on(), "{name} {number}");
                starts.count(*left);
            }
            assert_eq!(starts.may_go_on(), expected, "{name}");
        }
    }

    /// Data that grew, behind a proxy that drops everybody after a minute, were begun anew for ever, and at once.
    #[test]
    fn starts_have_an_end_and_pauses() {
        let mut starts = Starts::default();
        let mut pauses = Vec::new();
        while starts.may_go_on() {
            starts.count(u64::from(starts.count) + 1);
            pauses.push(starts.pause().as_secs());
        }
        assert_eq!(starts.count, STARTS_MAX);
        assert_eq!(pauses[..9], [0, 1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(pauses.last(), Some(&60));
    }
}
