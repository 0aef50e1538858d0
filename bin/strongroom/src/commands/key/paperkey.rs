//! `key paperkey`: a key on paper, for the day when the disk is gone.

use std::fs::File;
use std::path::PathBuf;

use anyhow::Result;
use clap::ValueEnum;
use console::out;
use console::report::Failure;
use format::KeyFile;

use super::{existing, unreadable};
use crate::context::Context;
use crate::keys::read_key;
use crate::paper::{self, Content};

/// A private master key in any of its forms.
const PEM_BEGINS: [&str; 3] = [
    "-----BEGIN ENCRYPTED PRIVATE KEY-----",
    "-----BEGIN PRIVATE KEY-----",
    "-----BEGIN RSA PRIVATE KEY-----",
];

/// Print an encryption key or a private master key for keeping on paper, with QR codes.
///
/// The key is printed as it is: one without passphrase opens its backups to whoever finds the
/// paper.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  strongroom key paperkey key.json --subject \"web1\" > key.html
  strongroom key paperkey key.json --output-format text")]
pub struct Args {
    /// The key's file; without it the default key.
    path: Option<PathBuf>,

    /// A line that says what the key is for.
    #[arg(long)]
    subject: Option<String>,

    /// A page for a web browser, or plain text.
    #[arg(long, default_value = "html")]
    output_format: PaperFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum PaperFormat {
    Text,
    Html,
}

pub fn run(args: Args, context: &Context) -> Result<()> {
    let path = existing(args.path, context)?;
    let bytes = File::open(&path)
        .and_then(read_key)
        .map_err(|error| unreadable(&path, error))?;
    let wrong = |cause: Box<dyn std::error::Error + Send + Sync>| {
        Failure::new(format!("'{}' does not hold a key", path.display()))
            .cause(cause)
            .hint("give a key file or the private master key in PEM form")
    };
    let content = std::str::from_utf8(&bytes).map_err(|error| wrong(error.into()))?;
    let is_pem = PEM_BEGINS
        .iter()
        .any(|begin| content.trim_start().starts_with(begin));
    let lines: Vec<String> = match is_pem {
        true => content.trim().lines().map(str::to_owned).collect(),
        false => {
            let file = KeyFile::from_json(&bytes).map_err(|error| wrong(error.into()))?;
            file.to_json_pretty().lines().map(str::to_owned).collect()
        }
    };
    let content = match is_pem {
        true => Content::Pem(&lines),
        false => Content::Key(&lines),
    };
    let subject = args.subject.as_deref();
    let printed = match args.output_format {
        PaperFormat::Text => paper::text(content, subject),
        PaperFormat::Html => paper::html(content, subject),
    };
    let printed = printed.map_err(|error| {
        Failure::new(format!("cannot print the key from '{}'", path.display())).cause(error)
    })?;
    Ok(out::print(&printed)?)
}
