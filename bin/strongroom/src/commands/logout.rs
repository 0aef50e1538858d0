//! `logout`: forget the saved ticket.

use anyhow::Result;

use crate::connection::forget_ticket;
use crate::context::Context;
use crate::repository::RepositoryArgs;

/// Forget the login that was kept for this server and user.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  strongroom logout --repository ann@pbs@vault:tank")]
pub struct Args {
    #[command(flatten)]
    repository: RepositoryArgs,
}

pub fn run(args: Args, context: &Context) -> Result<()> {
    let repository = args.repository.resolve(&context.environment)?;
    if !forget_ticket(context, &repository)? {
        tracing::warn!(
            "no login of {} at {} is stored",
            repository.auth_id(),
            repository.host()
        );
    }
    Ok(())
}
