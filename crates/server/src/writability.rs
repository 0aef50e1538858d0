//! Looks every other second whether something can be written in the server's folders, and tells what is new. Nobody else waits for it: it may write, and a
//! disk may not answer.

use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::context::Context;
use crate::presence::Presence;

const INTERVAL: Duration = Duration::from_secs(2);

/// Runs until the server is gone.
pub async fn run(ctx: Weak<Context>, presence: Arc<Presence>) {
    while let Some(ctx) = ctx.upgrade() {
        let (shortage, presence) = (ctx.tasks().shortage().clone(), Arc::clone(&presence));
        let look = move || {
            if shortage.look() {
                announce_again(&presence);
            }
        };
        // What broke is in the log already; the next look is as good.
        let _ = ctx.blocking().run(look).await;
        // The server may end meanwhile.
        drop(ctx);
        tokio::time::sleep(INTERVAL).await;
    }
}

/// What began with a full disk could not tell other programs where it listens.
fn announce_again(presence: &Presence) {
    if let Err(error) = presence.announce() {
        tracing::warn!("cannot tell other programs where the server listens: {error}");
    }
}
