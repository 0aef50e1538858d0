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
    last: Mutex<Last>,
}

#[derive(Debug, Default)]
struct Last {
    /// Nothing before they could be read once.
    welcome: Option<Welcome>,
    /// It is told that they cannot be read now.
    is_told: bool,
}

impl StartPage {
    /// What it says now. If the settings cannot be read, what they said last: who has to agree to something before the login must not come in
    /// without it because of a slip in another line.
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
        let read = blocking.run_within(patience, read).await;
        let mut last = self.last();
        match read {
            Ok(Ok(welcome)) => {
                last.is_told = false;
                last.welcome = Some(welcome);
            }
            Ok(Err(_)) => last.tell(),
            Err(error) => {
                tracing::debug!("the start page is shown with the settings read last: {error}");
            }
        }
        last.welcome.clone().unwrap_or_else(Welcome::unknown)
    }

    fn last(&self) -> std::sync::MutexGuard<'_, Last> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Last {
    /// What follows, once. Why it is so stands in the log already, from whoever looks at changed files.
    fn tell(&mut self) {
        let shown = match &self.welcome {
            None => "a note says that it may be missing",
            Some(welcome) if welcome.asks_for_consent() => "the one read last is shown",
            Some(_) => "none is shown, as before",
        };
        if !self.is_told {
            tracing::warn!(
                "whether there is a text to agree to before the login cannot be read, {shown} until node.cfg is mended"
            );
        }
        self.is_told = true;
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

    /// A text to agree to was left out without a word when any line of the file was wrong.
    #[tokio::test]
    async fn a_text_to_agree_to_is_never_left_out_silently() {
        let page = StartPage::default();
        let blocking = Blocking::new(1);
        let long = Duration::from_secs(3600);
        let too_long = || {
            let text = format!("default-lang: de\nconsent-text: {}\n", "x".repeat(65_537));
            let node = config::files::Node::parse(&text)?;
            Ok(Welcome::of(&node))
        };
        let first = page.within(long, &blocking, too_long).await;
        assert_eq!(first, Welcome::unknown());
        assert!(first.asks_for_consent());
        assert!(page.last().is_told);
        let known = page.within(long, &blocking, || Ok(welcome("one"))).await;
        assert_eq!(known, welcome("one"));
        assert!(!page.last().is_told);
        let kept = page.within(long, &blocking, too_long).await;
        assert_eq!(kept, known);
        let none = page
            .within(long, &blocking, || Ok(Welcome::default()))
            .await;
        assert!(none.is_empty());
    }
}
