//! `user remove`

use anyhow::Result;
use api::kinds;
use config::edit;

use crate::context::{Context, ServerArgs};
use crate::values;

/// Remove a user from the configuration file.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// User ID.
    #[arg(value_parser = values::of(kinds::USERID))]
    userid: String,

    /// Refuse if the file has another SHA-256 digest.
    #[arg(long, value_parser = values::of(kinds::DIGEST))]
    digest: Option<String>,

    #[command(flatten)]
    server: ServerArgs,
}

pub fn run(args: Args, context: &Context) -> Result<()> {
    Ok(edit::remove_user(
        &args.server.config(context)?,
        &args.userid.parse()?,
        &args.digest,
    )?)
}
