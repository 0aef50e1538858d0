//! A small file: read whole and sealed as one blob.

use std::io::Read as _;
use std::path::Path;

use format::{BLOB_RAW_MAX, CHUNK_ENCODED_MAX};

use crate::error::Error;
use crate::options::Protection;
use crate::seal::Worker;

/// The blob of a file, and how long the file was.
pub(crate) fn sealed_file(path: &Path, protection: &Protection) -> Result<(u64, Vec<u8>), Error> {
    let data = read_small(path)?;
    let mut encoded = Vec::new();
    Worker::new(protection)?.seal(&data, &mut encoded)?;
    if encoded.len() > CHUNK_ENCODED_MAX {
        return Err(too_large(path, CHUNK_ENCODED_MAX));
    }
    Ok((data.len() as u64, encoded))
}

fn read_small(path: &Path) -> Result<Vec<u8>, Error> {
    let failed = |source| Error::File {
        action: "read",
        path: path.to_owned(),
        source,
    };
    let file = std::fs::File::open(path).map_err(failed)?;
    let mut data = Vec::new();
    file.take(BLOB_RAW_MAX as u64 + 1)
        .read_to_end(&mut data)
        .map_err(failed)?;
    if data.len() > BLOB_RAW_MAX {
        return Err(too_large(path, BLOB_RAW_MAX));
    }
    Ok(data)
}

fn too_large(path: &Path, max: usize) -> Error {
    Error::FileTooLarge {
        path: path.to_owned(),
        max_bytes: max as u64,
    }
}
