//! `debug recover index`: data from an index file and a folder of chunks, without a server.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Result;
use client::recover::{Lost, RecoverError, Tolerance, recover};
use console::out;
use console::report::Failure;
use format::Index;

use super::inspect;
use crate::context::Context;

/// Largest index file that is read, in bytes.
const INDEX_BYTES_MAX: usize = 1 << 30;

/// Put together what an index describes, from a folder of chunks.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The index file.
    file: PathBuf,

    /// The folder of chunks, like `.chunks` of a datastore.
    chunks: PathBuf,

    /// File with the key that the chunks are encrypted with.
    #[arg(long)]
    keyfile: Option<PathBuf>,

    /// New file for the data, by default the index file's name without its ending, in the
    /// current folder; `-` for standard output.
    #[arg(long)]
    output_path: Option<PathBuf>,

    /// Do not look at the checksums of chunks; their digests are compared all the same.
    #[arg(long)]
    skip_crc: bool,

    /// Write zeros for chunks that are missing.
    #[arg(long)]
    ignore_missing_chunks: bool,

    /// Write zeros for chunks that are damaged.
    #[arg(long)]
    ignore_corrupt_chunks: bool,
}

pub fn run(args: Args, context: &Context) -> Result<()> {
    let bytes = inspect::read(&args.file, INDEX_BYTES_MAX)?;
    let index = Index::detect(bytes).map_err(|error| {
        Failure::new(format!("{:?} is not an index", args.file))
            .cause(error)
            .hint("index files end in .fidx or .didx")
    })?;
    let key = inspect::key(args.keyfile, context)?;
    let tolerance = Tolerance {
        skip_crc: args.skip_crc,
        missing: args.ignore_missing_chunks,
        corrupt: args.ignore_corrupt_chunks,
    };
    let target = match args.output_path {
        Some(path) => path,
        None => default_target(&args.file)?,
    };
    let mut out: Box<dyn Write> = match target == Path::new("-") {
        true => Box::new(out::Stream::open()?),
        false => Box::new(BufWriter::new(create(&target)?)),
    };
    let screen = context.screen.clone();
    let mut told = |lost: Lost| {
        let cause = std::error::Error::source(&lost.why)
            .map(|cause| format!(": {cause}"))
            .unwrap_or_default();
        screen.line(&format!(
            "WARN: chunk {:?} - {}{cause}",
            lost.path, lost.why
        ));
        screen.line(&format!(
            "WARN: replacing output file {}..{} with '\\0'",
            lost.range.start, lost.range.end
        ));
    };
    let done = recover(&index, &args.chunks, key, tolerance, &mut *out, &mut told);
    drop(out);
    if done.is_err() && target != Path::new("-") {
        // It was new: half of the data must not be taken for all, nor stand in the way of the next try.
        if let Err(error) = std::fs::remove_file(&target) {
            screen.line(&format!(
                "WARN: {target:?} is not complete and cannot be removed: {error}"
            ));
        }
    }
    done.map(drop).map_err(explain)
}

fn explain(error: RecoverError) -> anyhow::Error {
    let hint = match &error {
        RecoverError::NoKey { .. } => "give the key with --keyfile",
        RecoverError::WrongKey { .. } => {
            "give the key that the backup was made with; `strongroom debug inspect file --decode - index.json.blob` in the snapshot's folder shows its \
             fingerprint, `strongroom key show FILE` that of a key"
        }
        RecoverError::Chunk { source, .. } => match source {
            client::recover::LostChunk::Missing => {
                "is it the right folder? with --ignore-missing-chunks zeros are written instead"
            }
            _ => "with --ignore-corrupt-chunks zeros are written instead",
        },
        RecoverError::Read { .. } | RecoverError::Output(_) => return error.into(),
    };
    Failure::new(error.to_string())
        .cause(error)
        .hint(hint)
        .into()
}

/// `disk.img` for `/some/where/disk.img.fidx`.
fn default_target(index: &Path) -> Result<PathBuf, Failure> {
    let stem = index.file_stem().filter(|_| index.extension().is_some());
    stem.map(PathBuf::from).ok_or_else(|| {
        Failure::new(format!("no name for the data follows from {index:?}"))
            .hint("give one with --output-path")
    })
}

fn create(target: &Path) -> Result<File, Failure> {
    let created = OpenOptions::new().write(true).create_new(true).open(target);
    created.map_err(|error| {
        Failure::new(format!("unable to create output file {target:?} - {error}"))
            .cause(error)
            .hint("give another name with --output-path")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_outputs() {
        for (index, expected) in [
            ("/a/b/disk.img.fidx", Some("disk.img")),
            ("root.pxar.didx", Some("root.pxar")),
            ("noending", None),
        ] {
            let target = default_target(Path::new(index)).ok();
            assert_eq!(target, expected.map(PathBuf::from), "{index}");
        }
    }
}
