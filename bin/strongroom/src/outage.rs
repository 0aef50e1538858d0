//! A server that goes away while something is read from it: how long is waited, and what is told.

use std::sync::Arc;
use std::time::Duration;

use client::{Outage, Reconnect};
use console::args::integer;
use remote::Client;

/// How long reads wait.
#[derive(clap::Args, Debug)]
pub struct PatienceArgs {
    /// How many seconds reads wait for a server that cannot be reached; then they fail, until it
    /// answers again.
    #[arg(long, value_name = "<integer> (0 - 86400)", value_parser = integer(0, 86_400), default_value_t = 180)]
    wait_for_server: i64,
}

impl PatienceArgs {
    pub fn reconnect(&self, client: Arc<Client>) -> Reconnect {
        Reconnect {
            client,
            patience: Duration::from_secs(self.wait_for_server.unsigned_abs()),
            tell: Box::new(tell),
        }
    }
}

/// Tells of a server that went away and came back, since reads only take long.
fn tell(outage: &Outage<'_>) {
    match outage {
        Outage::Begins { error, patience } => {
            let patience = patience.as_secs();
            tracing::warn!("{}; reads wait up to {patience} s for it", chain(*error));
        }
        Outage::Over(after) => {
            tracing::info!("the server answers again after {} s", after.as_secs());
        }
        Outage::GivenUp { error, after } => {
            let after = after.as_secs();
            tracing::error!(
                "the server has been out of reach for {after} s, reads fail until it answers: {}",
                chain(*error)
            );
        }
    }
}

/// An error with its causes, in one line.
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text += ": ";
        text += &error.to_string();
        cause = error.source();
    }
    text
}
