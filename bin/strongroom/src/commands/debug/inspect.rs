//! `debug inspect ...`: what a stored file is.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;
use clap::Subcommand;
use console::out;
use console::report::Failure;
use crypto::{Key, Opener};
use format::Digest;

use crate::context::Context;
use crate::keys::{Choice, Origin};

mod chunk;
mod device;
mod file;

/// Look into stored files.
#[derive(Subcommand, Debug)]
pub enum Command {
    Chunk(chunk::Args),
    Device(device::Args),
    File(file::Args),
}

impl Command {
    pub fn run(self, context: &Context) -> Result<()> {
        match self {
            Command::Chunk(args) => chunk::run(args, context),
            Command::Device(args) => device::run(args, context),
            Command::File(args) => file::run(args, context),
        }
    }
}

/// The key of a file, if one was named; the default key is not looked for.
pub fn key(file: Option<PathBuf>, context: &Context) -> Result<Option<Arc<Key>>> {
    let choice = Choice {
        mode: format::CryptMode::Encrypt,
        key: file.map(Origin::File),
        master: None,
        falls_back: false,
    };
    Ok(choice.load_quietly(context)?.map(|loaded| loaded.key))
}

/// A whole file of at most `bytes_max` bytes.
pub fn read(path: &Path, bytes_max: usize) -> Result<Vec<u8>, Failure> {
    let read = || -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        File::open(path)?
            .take(bytes_max as u64 + 1)
            .read_to_end(&mut bytes)?;
        if bytes.len() > bytes_max {
            return Err(io::Error::other(format!(
                "it has more than {bytes_max} bytes"
            )));
        }
        Ok(bytes)
    };
    read().map_err(|error| Failure::new(format!("cannot read {path:?} - {error}")).cause(error))
}

/// Writes the content of a blob to a file, which is replaced, or to standard output (`-`).
fn decode(
    blob: &[u8],
    raw_max: usize,
    digest: Option<&Digest>,
    key: Option<Arc<Key>>,
    target: &Path,
) -> Result<()> {
    let mut content = Vec::new();
    Opener::new(key)
        .open(blob, raw_max, digest, &mut content)
        .map_err(|error| {
            let failure = Failure::new("cannot decode the content").cause(error);
            failure.hint("is it encrypted? the key is given with --keyfile")
        })?;
    if target == Path::new("-") {
        return Ok(out::write(&content)?);
    }
    File::create(target)
        .and_then(|mut file| file.write_all(&content))
        .map_err(|error| {
            Failure::new(format!("cannot write {target:?} - {error}"))
                .cause(error)
                .into()
        })
}
