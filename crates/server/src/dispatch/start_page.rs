//! What the start page says of the settings. Whoever opens the app does not wait for others for long: without a turn in time he sees what was known
//! last, since the text that he has to agree to must not be missing then.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use config::ConfigError;

use crate::app::Welcome;
use crate::blocking::Blocking;
use crate::context::Context;

/// The settings as they were read last.
#[derive(Debug, Default)]
pub struct StartPage {
    last: Mutex<Welcome>,
}

impl StartPage {
    /// What it says now. If the settings cannot be read, nothing: the app is where one looks for what is wrong with them.
    pub async fn now(&self, ctx: &Arc<Context>) -> Welcome {
        let patience = ctx.settings().limits.look_patience;
        let of = Arc::clone(ctx);
        let read = move || {
            let node = of.configuration().node()?;
            Ok(Welcome::of(&node.value))
        };
        self.within(patience, ctx.blocking(), read).await
    }

    async fn within<F>(&self, patience: Duration, blocking: &Blocking, read: F) -> Welcome
    where
        F: FnOnce() -> Result<Welcome, ConfigError> + Send + 'static,
    {
        match blocking.run_within(patience, read).await {
            Ok(Ok(welcome)) => {
                self.last().clone_from(&welcome);
                welcome
            }
            Ok(Err(error)) => {
                tracing::debug!("the start page is shown without its settings: {error}");
                Welcome::default()
            }
            Err(error) => {
                tracing::debug!("the start page is shown with the settings read last: {error}");
                self.last().clone()
            }
        }
    }

    fn last(&self) -> std::sync::MutexGuard<'_, Welcome> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn welcome(text: &str) -> Welcome {
        let text = format!("consent-text: {text}\n");
        Welcome::of(&config::files::Node::parse(&text).expect("settings"))
    }

    /// It waited as long as others held all turns.
    #[tokio::test]
    async fn without_a_turn_it_says_what_was_known_last() {
        let page = StartPage::default();
        let blocking = Blocking::new(1);
        // Longer than any test, so it is the turn that decides.
        let long = Duration::from_secs(3600);
        let first = page.within(long, &blocking, || Ok(welcome("one"))).await;
        assert_eq!(first, welcome("one"));

        let (release, held) = std::sync::mpsc::channel::<()>();
        let (begins, begun) = tokio::sync::oneshot::channel();
        let busy = blocking.clone();
        let hanging = tokio::spawn(async move {
            let wait = move || {
                begins.send(()).expect("heard");
                let _ = held.recv();
            };
            busy.run(wait).await
        });
        begun.await.expect("the turn is taken");
        let short = Duration::from_millis(5);
        let late = page.within(short, &blocking, || Ok(welcome("two"))).await;
        assert_eq!(late, welcome("one"));

        drop(release);
        hanging.await.expect("joined").expect("ran");
        let next = page.within(long, &blocking, || Ok(welcome("two"))).await;
        assert_eq!(next, welcome("two"));
    }
}
