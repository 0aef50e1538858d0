//! Signals during long work: the first one asks the task to stop at its next good place, so that its log and the list tell how it ended; a second
//! one ends the process at once.

use std::io;
use std::sync::Arc;

use server::tasks::Task;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// What the process ends with at the second signal: the code of every error.
const FORCED: i32 = 255;

/// From now on SIGINT, SIGTERM and SIGHUP stop this task.
pub fn stops(task: Arc<Task>) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let mut signals = {
        let _entered = runtime.enter();
        Signals {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        }
    };
    let wait = async move {
        signals.next().await;
        task.abort();
        signals.next().await;
        std::process::exit(FORCED);
    };
    std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || runtime.block_on(wait))
        .map(drop)
}

struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl Signals {
    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hangup.recv() => {}
        }
    }
}
