//! `login`: get a ticket and keep it for the next commands.

use anyhow::Result;

use crate::connection::connect;
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
    }
    Ok(())
}
