//! `login`: get a ticket and keep it for the next commands.

use std::io::IsTerminal as _;

use anyhow::Result;

use crate::connection::{self, connect};
use crate::context::Context;
use crate::repository::RepositoryArgs;

/// Log in and keep the ticket for the next two hours. An API token needs no login.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  strongroom login --repository ann@pbs@vault:tank")]
pub struct Args {
    #[command(flatten)]
    repository: RepositoryArgs,
}

pub async fn run(args: Args, context: &Context) -> Result<()> {
    let repository = args.repository.resolve(&context.environment)?;
    if !repository.auth_id().is_token() {
        connect(context, repository, None).await?;
        // On a terminal this was told already; elsewhere only who asked for a login must know.
        if !std::io::stdout().is_terminal()
            && let Err(error) = connection::tickets(context)
        {
            tracing::warn!(
                "the login is not kept, so the next command will want a password: {error}; set XDG_RUNTIME_DIR to a folder of yours with mode 0700"
            );
        }
    }
    Ok(())
}
