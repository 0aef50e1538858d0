//! Keeps the rules of traffic control as their file has them: it is looked at every second. A file that cannot be read changes nothing, and is
//! told once.

use std::sync::{Arc, Weak};
use std::time::Duration;

use config::edit;
use config::files::TrafficRule;
use config::{FileSpec, Stamp};

use crate::context::Context;
use crate::fault::{Fault, with_causes};

const INTERVAL: Duration = Duration::from_secs(1);

/// Runs until the server is gone.
pub async fn follow(ctx: Weak<Context>) {
    let mut seen = None;
    loop {
        let Some(ctx) = ctx.upgrade() else { return };
        let inner = Arc::clone(&ctx);
        match ctx.blocking().run(move || look(&inner, seen)).await {
            Ok((stamp, Ok(()))) => seen = Some(stamp),
            Ok((stamp, Err(fault))) => {
                seen = Some(stamp);
                tracing::warn!(
                    "the rules of traffic control have changed and cannot be used, the old ones stay: {}",
                    with_causes(&fault)
                );
            }
            Err(error) => tracing::warn!("cannot look at the rules of traffic control: {error}"),
        }
        drop(ctx);
        tokio::time::sleep(INTERVAL).await;
    }
}

/// Puts the rules in force if the file is another one than `seen`.
fn look(ctx: &Context, seen: Option<Stamp>) -> (Stamp, Result<(), Fault>) {
    let dir = ctx.configuration().dir();
    // The stamp first: if the file is replaced in between, the next look sees it.
    let stamp = match dir.stamp(FileSpec::TRAFFIC_CONTROL) {
        Ok(stamp) => stamp,
        Err(error) => return (seen.unwrap_or_default(), Err(error.into())),
    };
    if seen == Some(stamp) {
        return (stamp, Ok(()));
    }
    let loaded = edit::entries::<TrafficRule>(dir).map(|(rules, _)| ctx.traffic().load(&rules));
    (stamp, loaded.map_err(Fault::from))
}
