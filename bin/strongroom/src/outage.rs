//! A server that goes away while a command works with it: how long is waited, and what is told.

use std::sync::Arc;
use std::time::Duration;

use client::{Outage, Patience};
use console::args::integer;
use remote::Client;

/// How long a command waits.
#[derive(clap::Args, Debug)]
pub struct PatienceArgs {
    /// How many seconds to wait for a server that goes away after the login. A backup then starts
    /// again, and does not send again what the server has.
    #[arg(long, value_name = "<integer> (0 - 86400)", value_parser = integer(0, 86_400), default_value_t = 180)]
    wait_for_server: i64,
}

impl PatienceArgs {
    pub fn with(&self, client: Arc<Client>) -> Arc<Patience> {
        let limit = Duration::from_secs(self.wait_for_server.unsigned_abs());
        Arc::new(Patience::new(client, limit, tell))
    }
}

/// Tells of a server that went away and came back, since reads only take long.
fn tell(outage: &Outage<'_>) {
    match outage {
        Outage::Begins { error, limit } => {
            let limit = limit.as_secs();
            tracing::warn!("{}; waiting up to {limit} s for the server", chain(*error));
        }
        Outage::Over(after) => {
            tracing::info!("the server answers again after {} s", after.as_secs());
        }
        Outage::GivenUp { error, after } => {
            let after = after.as_secs();
            tracing::error!(
                "the server has been out of reach for {after} s, requests fail until it answers: {}",
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
