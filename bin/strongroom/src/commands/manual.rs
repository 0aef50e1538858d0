//! The whole command line as documents: manual pages for `man`, and one text for `printdoc`.
//!
//! Both are made from the tree that also parses, so they cannot say anything else.

use std::path::{Path, PathBuf};

use anyhow::Result;
use console::report::Failure;
use console::{describe, help};

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

/// Every command's page below its name, as reStructuredText.
pub fn synopsis(program: &str, root: &clap::Command) -> String {
    let mut text = String::new();
    for leaf in describe::leaves(root) {
        let found = leaf
            .path
            .iter()
            .try_fold(root, |at, name| at.find_subcommand(name));
        let Some(command) = found else { continue };
        let title = format!("{program} {}", leaf.path.join(" "));
        let page = help::page(&title, command);
        text += &format!("{title}\n{}\n\n::\n\n", "-".repeat(title.len()));
        for line in page.trim_end().lines() {
            text += format!("  {line}").trim_end();
            text.push('\n');
        }
        text.push('\n');
    }
    text
}
