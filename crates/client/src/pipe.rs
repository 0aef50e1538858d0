//! An image that comes out of a named pipe: read once, from beginning to end, its size known only then.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::FileTypeExt as _;
use std::path::Path;

use format::index::FIXED_CHUNK;

use crate::cut::Cut;
use crate::error::Error;
use crate::pool::{Pool, Stopped};

/// Whether `path` leads to a pipe.
pub(crate) fn is_pipe(path: &Path) -> Result<bool, Error> {
    match std::fs::metadata(path) {
        Ok(found) => Ok(found.file_type().is_fifo()),
        Err(source) => Err(failed("open", path, source)),
    }
}

/// Delivers the pieces in order, the last one perhaps shorter; returns their number. Waits for a writer, and for each of his bytes.
/// Buffers of `pieces` hold a piece at least.
pub(crate) fn read_pipe(
    path: &Path,
    pieces: &Pool,
    mut deliver: impl FnMut(Cut) -> Result<(), Stopped>,
) -> Result<u64, Error> {
    let mut file = File::open(path).map_err(|source| failed("open", path, source))?;
    let whole = FIXED_CHUNK as usize;
    let mut number = 0;
    loop {
        let mut buffer = pieces.take()?;
        let len =
            fill(&mut file, &mut buffer[..whole]).map_err(|source| failed("read", path, source))?;
        if len > 0 {
            deliver(Cut {
                number,
                buffer,
                len,
            })?;
            number += 1;
        }
        if len < whole {
            break;
        }
    }
    if number == 0 {
        return Err(Error::EmptyImage {
            path: path.to_owned(),
        });
    }
    Ok(number)
}

/// Reads until `into` is full or nothing more comes.
fn fill(from: &mut impl Read, into: &mut [u8]) -> std::io::Result<usize> {
    let mut used = 0;
    while used < into.len() {
        match from.read(&mut into[used..]) {
            Ok(0) => break,
            Ok(len) => used += len,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(used)
}

fn failed(action: &'static str, path: &Path, source: std::io::Error) -> Error {
    Error::File {
        action,
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_in_order_and_the_rest() {
        let dir = tempfile::tempdir().unwrap();
        let whole = FIXED_CHUNK as usize;
        let pool = Pool::filled(2, whole + 1000);
        for len in [0, 1, whole - 1, whole, whole + 1, 2 * whole] {
            // Like a pipe, a file gives its bytes in order.
            let path = dir.path().join(len.to_string());
            let content: Vec<u8> = (0..len).map(|at| (at / 999) as u8).collect();
            std::fs::write(&path, &content).unwrap();
            assert!(!is_pipe(&path).unwrap());
            let mut found = Vec::new();
            let mut numbers = Vec::new();
            let count = read_pipe(&path, &pool, |cut| {
                found.extend_from_slice(&cut.buffer[..cut.len]);
                numbers.push(cut.number);
                Ok(())
            });
            assert!(found == content, "{len}");
            let expected = len.div_ceil(whole) as u64;
            assert_eq!(numbers, (0..expected).collect::<Vec<_>>(), "{len}");
            match count {
                Ok(count) => assert_eq!(count, expected, "{len}"),
                Err(error) => assert!(matches!(error, Error::EmptyImage { .. }) && len == 0),
            }
        }
    }
}
