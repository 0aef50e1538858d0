//! `debug api usage`

use anyhow::Result;
use console::out;
use console::report::Failure;

use super::description::{Description, VERBS};
use crate::context::Context;
use crate::repository::RepositoryArgs;

/// Print what each verb of a path takes.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  strongroom debug api usage /access/users --verbose")]
pub struct Args {
    /// The path, with or without a slash in front.
    path: String,

    /// Name every parameter.
    #[arg(long)]
    verbose: bool,

    #[command(flatten)]
    repository: RepositoryArgs,
}

pub async fn run(args: Args, context: &Context) -> Result<()> {
    let at = super::open(&args.repository, context).await?;
    let known = Description::of(&at.client).await?;
    let path = args.path.trim_matches('/');
    let Some(operations) = known.find(path) else {
        return Err(Failure::new(format!("no such resource '/{path}'"))
            .hint("`strongroom debug api ls` lists what there is")
            .into());
    };
    for (http, verb, _) in VERBS {
        let Some(operation) = operations.get(http) else {
            continue;
        };
        let options = operation.options();
        let mut line = format!("USAGE: {} api {verb} {}", context.program, args.path);
        for (name, _) in options.iter().filter(|(_, needed)| *needed) {
            line += &format!(" --{name} <value>");
        }
        if options.iter().any(|(_, needed)| !needed) {
            line += " [OPTIONS]";
        }
        out::line(&line)?;
        for (name, needed) in options.iter().filter(|_| args.verbose) {
            let note = if *needed { " (needed)" } else { "" };
            out::line(&format!("  --{name}{note}"))?;
        }
    }
    Ok(())
}
