//! `snapshot upload-log`: put a log file beside the archives of a snapshot, once.

use std::path::PathBuf;

use anyhow::Result;
use console::json;
use console::out;
use console::report::Failure;
use crypto::Sealer;
use format::{BLOB_RAW_MAX, CryptMode};
use serde_json::Value;

use super::SnapshotArgs;
use crate::context::Context;
use crate::keys::{KeyArgs, Offer, choose};

/// Upload the log of a backup to its snapshot.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  strongroom snapshot upload-log vm/105/2026-01-06T02:01:40Z task.log")]
pub struct Args {
    #[command(flatten)]
    snapshot: SnapshotArgs,

    /// The log file.
    logfile: PathBuf,

    #[command(flatten)]
    key: KeyArgs,
}

pub async fn run(args: Args, context: &Context) -> Result<()> {
    let text = read(&args.logfile)?;
    let choice = choose(Offer::for_reading(&args.key, context)?)?;
    let key = choice.load(context)?.map(|loaded| loaded.key);
    // Only encryption concerns a log: no manifest lists it, so there is nothing to sign.
    let mode = match choice.mode {
        CryptMode::Encrypt => CryptMode::Encrypt,
        CryptMode::SignOnly | CryptMode::None => CryptMode::None,
    };
    let mut blob = Vec::new();
    Sealer::new(key, mode)?.seal(&text, true, &mut blob)?;
    let (at, query) = args.snapshot.open(context).await?;
    let path = at.path("upload-backup-log");
    let answer: Value = at
        .told(at.client().upload(&path, &query, blob.into()))
        .await?;
    let result = serde_json::json!({ "data": answer });
    Ok(out::json(&format!("Result: {}\n", json::pretty(&result)))?)
}

fn read(path: &PathBuf) -> Result<Vec<u8>> {
    use std::io::Read;
    let failed = |error: std::io::Error| {
        Failure::new(format!(
            "unable to read file '{}' - {error}",
            path.display()
        ))
        .cause(error)
    };
    let mut text = Vec::new();
    let file = std::fs::File::open(path).map_err(failed)?;
    file.take(BLOB_RAW_MAX as u64 + 1)
        .read_to_end(&mut text)
        .map_err(failed)?;
    if text.len() > BLOB_RAW_MAX {
        let failure = Failure::new(format!(
            "log file '{}' is larger than {BLOB_RAW_MAX} bytes",
            path.display()
        ));
        return Err(failure.hint("upload a shortened copy").into());
    }
    Ok(text)
}
