//! `cert update`

use anyhow::Result;
use config::identity::ensure_certificate;

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
    ensure_certificate(
        &args.server.config(context)?,
        &hostname(),
        now(),
        args.force.unwrap_or(false),
    )?;
    Ok(())
}
