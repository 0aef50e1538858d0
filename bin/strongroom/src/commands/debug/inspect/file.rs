//! `debug inspect file`: size, kind, time and chunks of a blob or an index.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Result;
use console::output::OutputArgs;
use console::report::Failure;
use format::{BLOB_RAW_MAX, Blob, CryptMode, Index, IndexError};
use serde_json::{Value, json};

use crate::context::Context;

/// Largest file that is looked into, in bytes.
const FILE_BYTES_MAX: usize = 1 << 30;

/// Show what a blob or an index is.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The file: it ends in .blob, .fidx or .didx.
    file: PathBuf,

    /// File for a blob's decoded content; `-` for standard output.
    #[arg(long)]
    decode: Option<PathBuf>,

    /// File with the key that the blob is encrypted with.
    #[arg(long)]
    keyfile: Option<PathBuf>,

    #[command(flatten)]
    output: OutputArgs,
}

pub fn run(args: Args, context: &Context) -> Result<()> {
    let output = context.output(&args.output)?;
    let bytes = super::read(&args.file, FILE_BYTES_MAX)?;
    if let Ok(blob) = Blob::parse(&bytes) {
        if let Some(target) = &args.decode {
            let key = super::key(args.keyfile, context)?;
            super::decode(&bytes, BLOB_RAW_MAX, None, key, target)?;
        }
        let data = blob_data(&blob);
        return Ok(output.value(&data, || blob_text(&data))?);
    }
    let size = bytes.len();
    let index = Index::detect(bytes).map_err(|error| explain(&args.file, error))?;
    if args.decode.is_some() {
        return Err(Failure::new("--decode is for blobs")
            .hint("`strongroom debug recover index` puts together what an index describes")
            .into());
    }
    let data = index_data(&index, size, context);
    Ok(output.value(&data, || index_text(&data))?)
}

fn explain(file: &Path, error: IndexError) -> Failure {
    match error {
        IndexError::UnknownMagic { .. } | IndexError::TooShort { .. } => {
            Failure::new("Only .blob, .fidx and .didx files may be inspected")
                .hint(format!("{file:?} begins like none of them"))
        }
        other => Failure::new(format!("cannot read the index {file:?}")).cause(other),
    }
}

fn blob_data(blob: &Blob<'_>) -> Value {
    let encryption = match blob.kind().is_encrypted() {
        true => CryptMode::Encrypt,
        false => CryptMode::None,
    };
    json!({"encryption": encryption.as_str(), "size": blob.as_bytes().len()})
}

fn blob_text(data: &Value) -> String {
    let encryption = data["encryption"].as_str().unwrap_or_default();
    format!("size: {}\nencryption: {encryption}\n", data["size"])
}

/// The size is that of the image, or, for an index of pieces that differ in size, that of the file `file_bytes`.
fn index_data(index: &Index, file_bytes: usize, context: &Context) -> Value {
    let size = match index {
        Index::Fixed(index) => index.size(),
        Index::Dynamic(_) => file_bytes as u64,
    };
    let digests: BTreeSet<_> = index.iter().map(|(_, digest)| digest).collect();
    let digests: Vec<_> = digests.iter().map(ToString::to_string).collect();
    json!({
        "chunk-digests": digests,
        "ctime": context.ctime(index.ctime()),
        "size": size,
    })
}

fn index_text(data: &Value) -> String {
    let ctime = data["ctime"].as_str().unwrap_or_default();
    let mut text = format!("size: {}\ncreation time: {ctime}\nchunks:\n", data["size"]);
    for digest in data["chunk-digests"].as_array().into_iter().flatten() {
        text += &format!("  {digest}\n");
    }
    text
}
