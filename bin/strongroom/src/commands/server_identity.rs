//! `server-identity`: the id by which a hypervisor knows that two names are one server.

use anyhow::Result;
use console::output::OutputArgs;
use remote::Query;
use serde_json::Value;

use crate::connection::connect;
use crate::context::Context;
use crate::repository::RepositoryArgs;

/// Show the id of the server, which stays the same whatever its name and certificate.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  strongroom server-identity")]
pub struct Args {
    #[command(flatten)]
    repository: RepositoryArgs,
    #[command(flatten)]
    output: OutputArgs,
}

pub async fn run(args: Args, context: &Context) -> Result<()> {
    let output = context.output(&args.output)?;
    let repository = args.repository.resolve(&context.environment)?;
    let at = connect(context, repository, None).await?;
    let answer: Value = at
        .client
        .get("/nodes/localhost/identity", &Query::new())
        .await?;
    let text = || {
        let id = answer["pbs-instance-id"].as_str().unwrap_or_default();
        format!("pbs-instance-id: {id}\n")
    };
    Ok(output.value(&answer, text)?)
}
