//! `user delete-token`

use anyhow::Result;
use api::kinds;
use config::edit;

use crate::context::{Context, ServerArgs};
use crate::values;

/// Delete a user's API token.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// User ID.
    #[arg(value_parser = values::of(kinds::USERID))]
    userid: String,

    /// Name of the token, without the user.
    #[arg(value_parser = values::of(kinds::TOKEN_NAME))]
    token_name: String,

    /// Refuse if the file has another SHA-256 digest.
    #[arg(long, value_parser = values::of(kinds::DIGEST))]
    digest: Option<String>,

    #[command(flatten)]
    server: ServerArgs,
}

pub fn run(args: Args, context: &Context) -> Result<()> {
    let config = args.server.config(context)?;
    Ok(edit::delete_token(
        &config,
        &args.userid.parse()?,
        &args.token_name.parse()?,
        &args.digest,
    )?)
}
