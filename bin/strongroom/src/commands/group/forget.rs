//! `group forget`: remove a group with all its snapshots, after a question (cli.md 1.9, 3.3).

use std::io::{self, BufRead};

use anyhow::Result;
use client::admin::Store;
use console::out;
use console::report::Failure;
use format::{Group, Namespace};

use crate::commands::snapshot::group_path;
use crate::connection::connect;
use crate::context::Context;
use crate::nearest::Around;
use crate::repository::RepositoryArgs;

/// Remove a group with all its snapshots.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  strongroom group forget host/old")]
pub struct Args {
    /// The group (type/id).
    #[arg(value_parser = group_path)]
    group: Group,

    /// The namespace; PBS_NAMESPACE does not count here.
    #[arg(long)]
    ns: Option<Namespace>,

    #[command(flatten)]
    repository: RepositoryArgs,
}

pub async fn run(args: Args, context: &Context) -> Result<()> {
    let namespace = args.ns.unwrap_or_default();
    let group = args.group;
    let repository = args.repository.resolve(&context.environment)?;
    let at = connect(context, repository, None).await?;
    let store = Store::new(&at.client, &at.repository.store);
    let around = Around::of(&at, &namespace);
    let count = match store.snapshots(&namespace, Some(&group)).await {
        Ok(snapshots) => snapshots.len(),
        Err(error) => return Err(around.place(error).await),
    };
    out::print(&format!(
        "Delete group \"{group}\" with {count} snapshot(s)? [y/N]: "
    ))?;
    // Also without a terminal: `echo y |` is how scripts answer.
    if !answer(io::stdin().lock())? {
        return Ok(out::line("Abort.")?);
    }
    let Err(error) = store.forget_group(&namespace, &group).await else {
        return Ok(out::line("Successfully deleted group!")?);
    };
    let near = match count {
        0 => around.near_group(&group).await,
        _ => None,
    };
    Err(match near {
        Some(hint) => Failure::new("Unable to find backup group!")
            .hint(hint)
            .into(),
        None => error.into(),
    })
}

/// Yes or no; an empty line and the end of input are no.
fn answer(input: impl BufRead) -> Result<bool> {
    const LINE_BYTES_MAX: u64 = 1024;
    let mut line = String::new();
    input
        .take(LINE_BYTES_MAX)
        .read_line(&mut line)
        .map_err(|error| Failure::new("cannot read the answer").cause(error))?;
    match line.trim() {
        "y" | "Y" => Ok(true),
        "n" | "N" | "" => Ok(false),
        other => Err(Failure::new(format!("invalid answer {other:?}"))
            .hint("answer y or n")
            .into()),
    }
}

#[cfg(test)]
mod tests {
    use super::answer;

    #[test]
    fn answers() {
        for (line, expected) in [
            ("", Some(false)),
            ("\n", Some(false)),
            ("n\n", Some(false)),
            ("N", Some(false)),
            ("y\n", Some(true)),
            ("Y", Some(true)),
            ("yes\n", None),
        ] {
            assert_eq!(answer(line.as_bytes()).ok(), expected, "{line:?}");
        }
    }
}
