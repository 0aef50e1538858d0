//! `man`: the whole command line as manual pages, made from the tree that also parses.

use std::path::PathBuf;

use anyhow::Result;
use console::report::Failure;

/// Write manual pages, one for each command, to a directory.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  strongroom-manager man /usr/local/share/man/man8")]
pub struct Args {
    /// The directory, which must exist.
    directory: PathBuf,
}

pub fn run(args: Args, tree: clap::Command) -> Result<()> {
    Ok(
        console::manual::write(tree, &args.directory).map_err(|error| {
            let place = args.directory.display();
            Failure::new(format!("cannot write manual pages to {place}"))
                .cause(error)
                .hint("the directory must exist and be writable")
        })?,
    )
}
