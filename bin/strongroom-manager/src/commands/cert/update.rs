//! `cert update`

use anyhow::Result;
use config::ConfigError;
use config::identity::ensure_certificate;
use console::report::Failure;

use crate::context::{Context, ServerArgs, hostname, now};

/// Update node certificates and generate all needed files/directories.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Force generation of new SSL certificate.
    #[arg(long)]
    force: Option<bool>,

    #[command(flatten)]
    server: ServerArgs,
}

pub fn run(args: Args, context: &Context) -> Result<()> {
    let force = args.force.unwrap_or(false);
    match ensure_certificate(&args.server.config(context)?, &hostname(), now(), force) {
        Err(half @ ConfigError::Half { .. }) => {
            let failure = Failure::new(half.to_string());
            Err(failure
                .hint(
                    "`cert update --force true` makes both new, and the one that is there is lost",
                )
                .into())
        }
        made => Ok(made.map(drop)?),
    }
}
