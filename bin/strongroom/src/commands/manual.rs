//! `man`: the whole command line as manual pages, made from the tree that also parses.

use std::path::PathBuf;

use anyhow::Result;
use console::report::Failure;

/// Write manual pages, one for each command, to a directory.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  strongroom man /usr/local/share/man/man1")]
pub struct Args {
    /// The directory, which must exist.
    directory: PathBuf,
}

pub fn run(args: Args, root: clap::Command) -> Result<()> {
    let failed = |error: std::io::Error| {
        let place = args.directory.display();
        Failure::new(format!("cannot write manual pages to {place}"))
            .cause(error)
            .hint("the directory must exist and be writable")
    };
    Ok(console::manual::write(root, &args.directory).map_err(failed)?)
}
