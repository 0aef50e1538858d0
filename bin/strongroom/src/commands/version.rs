//! `version`: the version of the interface that client and server speak.

use anyhow::Result;
use api::defaults::{API_RELEASE, API_VERSION};
use console::output::OutputArgs;
use serde_json::{Value, json};

use crate::connection::connect;
use crate::context::Context;
use crate::repository::RepositoryArgs;

/// Show the versions of client and server. The server is left out where no repository is named
/// or it cannot be reached.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  strongroom version")]
pub struct Args {
    #[command(flatten)]
    repository: RepositoryArgs,
    #[command(flatten)]
    output: OutputArgs,
}

pub async fn run(args: Args, context: &Context) -> Result<()> {
    let output = context.output(&args.output)?;
    let mut versions = json!({
        "client": {"release": API_RELEASE, "repoid": env!("CARGO_PKG_VERSION"), "version": API_VERSION},
    });
    if !args.repository.is_absent(&context.environment) {
        match server_version(&args.repository, context).await {
            Ok(version) => versions["server"] = version,
            Err(error) => {
                context.used.take();
                tracing::error!("could not connect to server - {error:#}");
            }
        }
    }
    Ok(output.value(&versions, || text(&versions))?)
}

async fn server_version(args: &RepositoryArgs, context: &Context) -> Result<Value> {
    let at = connect(context, args.resolve(&context.environment)?, None).await?;
    Ok(at.client.get("/version", &remote::Query::new()).await?)
}

fn text(versions: &Value) -> String {
    let mut text = String::new();
    for side in ["client", "server"] {
        let field = |name: &str| versions[side][name].as_str();
        if let (Some(version), Some(release)) = (field("version"), field("release")) {
            text += &format!("{side} version: {version}.{release}\n");
        }
    }
    text
}
