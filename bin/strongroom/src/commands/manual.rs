//! `man`: the whole command line as manual pages, made from the tree that also parses.

use std::path::{Path, PathBuf};

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
    if !args.directory.is_dir() {
        return Err(failed(std::io::ErrorKind::NotADirectory.into()).into());
    }
    Ok(pages(root, &args.directory).map_err(failed)?)
}

fn pages(root: clap::Command, directory: &Path) -> std::io::Result<()> {
    clap_mangen::generate_to(root.disable_help_subcommand(true), directory)
}
