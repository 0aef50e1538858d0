//! Answers on an HTTP/2 stream: bytes that are there, or a file read piece by piece. Bytes are handed on without a copy, as fast as
//! the client's windows allow, and never more than one piece of a file is held. A client that went away is no error worth a word.

use std::fs::File;
use std::future::poll_fn;
use std::io::{self, Read as _};

use bytes::Bytes;
use h2::{Reason, SendStream};

use crate::blocking::Blocking;

/// Piece of a file that is read at once.
const PIECE_BYTES: u64 = 256 << 10;

/// Sends all of `data` as the rest of the answer.
pub async fn bytes(stream: &mut SendStream<Bytes>, data: Bytes) -> Result<(), h2::Error> {
    some(stream, data, true).await
}

/// Sends the rest of a file. If reading fails the stream is reset, so that the client does not take the beginning for the whole.
pub async fn file(
    stream: &mut SendStream<Bytes>,
    file: File,
    blocking: &Blocking,
) -> Result<(), h2::Error> {
    let mut file = Some(file);
    while let Some(source) = file.take() {
        match blocking.run(move || read_piece(source)).await {
            Ok(Ok((data, rest))) => {
                some(stream, data, rest.is_none()).await?;
                file = rest;
            }
            Ok(Err(e)) => {
                tracing::error!("reading a file for a download failed: {e}");
                stream.send_reset(Reason::INTERNAL_ERROR);
            }
            Err(_) => stream.send_reset(Reason::INTERNAL_ERROR),
        }
    }
    Ok(())
}

/// The next piece, and the file unless this was its end.
fn read_piece(mut file: File) -> io::Result<(Bytes, Option<File>)> {
    let mut piece = Vec::with_capacity(PIECE_BYTES as usize);
    (&mut file).take(PIECE_BYTES).read_to_end(&mut piece)?;
    let rest = (piece.len() as u64 == PIECE_BYTES).then_some(file);
    Ok((Bytes::from(piece), rest))
}

async fn some(stream: &mut SendStream<Bytes>, mut data: Bytes, end: bool) -> Result<(), h2::Error> {
    if data.is_empty() {
        return if end {
            stream.send_data(data, true)
        } else {
            Ok(())
        };
    }
    while !data.is_empty() {
        stream.reserve_capacity(data.len());
        while stream.capacity() == 0 {
            match poll_fn(|cx| stream.poll_capacity(cx)).await {
                Some(granted) => drop(granted?),
                None => return Err(Reason::CANCEL.into()),
            }
        }
        let granted = stream.capacity().min(data.len());
        let piece = data.split_to(granted);
        let last = end && data.is_empty();
        stream.send_data(piece, last)?;
    }
    Ok(())
}
