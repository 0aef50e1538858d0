//! `debug inspect chunk`: checksum, kind and size of a chunk, and who refers to it.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::ArgAction;
use console::output::OutputArgs;
use console::report::Failure;
use format::{Blob, CHUNK_ENCODED_MAX, CHUNK_RAW_MAX, CryptMode, Digest, Index};
use serde_json::{Value, json};

use crate::context::Context;

/// Largest index file that is looked into, in bytes: about 25 million chunks.
const INDEX_BYTES_MAX: usize = 1 << 30;
/// Folders inside each other that are searched.
const DEPTH_MAX: usize = 64;

/// Show what a chunk is, and what refers to it.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The chunk's file.
    chunk: PathBuf,

    /// File for the decoded content; `-` for standard output.
    #[arg(long)]
    decode: Option<PathBuf>,

    /// The digest that the content should have.
    #[arg(long)]
    digest: Option<Digest>,

    /// File with the key that the chunk is encrypted with.
    #[arg(long)]
    keyfile: Option<PathBuf>,

    /// List the indexes below this folder that refer to the chunk.
    #[arg(long)]
    reference_filter: Option<PathBuf>,

    /// Without --digest the file's name is the digest.
    #[arg(long, action = ArgAction::Set, default_value = "true")]
    use_filename_as_digest: bool,

    #[command(flatten)]
    output: OutputArgs,
}

pub fn run(args: Args, context: &Context) -> Result<()> {
    let output = context.output(&args.output)?;
    let digest = match args.digest {
        Some(digest) => Some(digest),
        None if args.use_filename_as_digest => Some(name_as_digest(&args.chunk)?),
        None => None,
    };
    let bytes = super::read(&args.chunk, CHUNK_ENCODED_MAX)?;
    let blob = Blob::parse(&bytes)
        .map_err(|error| Failure::new(format!("{:?} is not a chunk", args.chunk)).cause(error))?;
    if let Some(target) = &args.decode {
        let key = super::key(args.keyfile, context)?;
        super::decode(&bytes, CHUNK_RAW_MAX, digest.as_ref(), key, target)?;
    }
    let referenced = match (&args.reference_filter, digest) {
        (None, _) => None,
        (Some(folder), Some(digest)) => Some(references(folder, &digest)?),
        (Some(_), None) => {
            return Err(Failure::new("--reference-filter needs the chunk's digest")
                .hint("add --digest")
                .into());
        }
    };
    let data = describe(&blob, referenced);
    Ok(output.value(&data, || text(&data))?)
}

fn name_as_digest(chunk: &Path) -> Result<Digest, Failure> {
    let name = chunk.file_name().and_then(OsStr::to_str);
    name.and_then(|name| name.parse().ok()).ok_or_else(|| {
        Failure::new(format!("the name of {chunk:?} is not a digest"))
            .hint("give --digest, or --use-filename-as-digest false")
    })
}

fn describe(blob: &Blob<'_>, referenced: Option<Vec<String>>) -> Value {
    let verdict = if blob.check_crc().is_ok() {
        "OK"
    } else {
        "BAD"
    };
    let kind = blob.kind();
    let encryption = match kind.is_encrypted() {
        true => CryptMode::Encrypt,
        false => CryptMode::None,
    };
    let mut data = json!({
        "crc": format!("{}({verdict})", blob.stored_crc()),
        "encryption": encryption.as_str(),
        "is-compressed": kind.is_compressed(),
        "size": blob.as_bytes().len(),
    });
    if let Some(referenced) = referenced {
        data["referenced-by"] = referenced.into();
    }
    data
}

fn text(data: &Value) -> String {
    let mut text = format!(
        "CRC: {}\nencryption: {}\nis-compressed: {}\nsize: {}\n",
        data["crc"], data["encryption"], data["is-compressed"], data["size"]
    );
    let referenced = data["referenced-by"].as_array().into_iter().flatten();
    for (number, path) in referenced.enumerate() {
        if number == 0 {
            text += "referenced by:\n";
        }
        text += &format!("  {path}\n");
    }
    text
}

/// The index files below `folder` that name the chunk, in the order of their paths.
fn references(folder: &Path, digest: &Digest) -> Result<Vec<String>, Failure> {
    let mut found = Vec::new();
    let mut todo = vec![(0, folder.to_owned())];
    while let Some((depth, folder)) = todo.pop() {
        let unread = |error: std::io::Error| {
            Failure::new(format!("cannot search {folder:?} - {error}")).cause(error)
        };
        for entry in fs::read_dir(&folder).map_err(unread)? {
            let entry = entry.map_err(unread)?;
            let kind = entry.file_type().map_err(unread)?;
            let path = entry.path();
            // Chunks are not indexes, and there are many.
            if kind.is_dir() && entry.file_name() != ".chunks" && depth < DEPTH_MAX {
                todo.push((depth + 1, path));
            } else if kind.is_file() && names(&path, digest)? {
                found.push(path.to_string_lossy().into_owned());
            }
        }
    }
    found.sort();
    Ok(found)
}

fn names(path: &Path, digest: &Digest) -> Result<bool, Failure> {
    let ending = path.extension().and_then(OsStr::to_str);
    if !matches!(ending, Some("didx" | "fidx")) {
        return Ok(false);
    }
    let bytes = super::read(path, INDEX_BYTES_MAX)?;
    let index = Index::detect(bytes)
        .map_err(|error| Failure::new(format!("cannot read the index {path:?}")).cause(error))?;
    let is_named = |index: &Index| index.iter().any(|(_, each)| each == *digest);
    Ok(is_named(&index))
}
