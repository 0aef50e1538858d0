//! One archive's chunks to the server: several uploads at a time, entries appended in order behind them.
//!
//! How many uploads run at once is bounded by the buffers of sealed chunks: each holds one until the server has confirmed it.

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::future::{Either, pending};
use futures_util::stream::FuturesUnordered;
use remote::{BackupSession, Writer};

use crate::assembly::{Assembly, Totals};
use crate::claims::Claim;
use crate::error::Error;
use crate::pump::Inlet;
use crate::seal::Piece;
use crate::watch::Counters;

/// Pieces that may wait for the uploading task.
pub(crate) const PIECES_WAITING: usize = 64;

/// What was brought to the server.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Uploaded {
    pub totals: Totals,
    pub counters: Counters,
    pub chunks_new: u64,
    pub chunks_injected: u64,
    pub injected: u64,
}

/// Uploads and appends until nobody sends pieces any more. The index is left open: whether the stream was complete is for the caller to
/// know.
pub(crate) async fn upload(
    session: &BackupSession,
    writer: Writer,
    mut pieces: Inlet<Piece>,
    mut report: impl FnMut(Counters),
) -> Result<Uploaded, Error> {
    let mut assembly = Assembly::new(writer.kind);
    let mut counters = Counters::default();
    let mut chunks_new = 0;
    let (mut chunks_injected, mut injected) = (0, 0);
    let mut uploads = FuturesUnordered::new();
    let mut append = None;
    let mut more = true;
    loop {
        if append.is_none() {
            let batch = assembly.take_batch(!more && uploads.is_empty());
            append =
                batch.map(|batch| Box::pin(async move { session.append(writer, &batch).await }));
        }
        if !more && uploads.is_empty() && append.is_none() {
            break;
        }
        let appending = match &mut append {
            Some(append) => Either::Left(append),
            None => Either::Right(pending()),
        };
        tokio::select! {
            piece = pieces.recv(), if more && !assembly.is_full() => match piece {
                None => more = false,
                Some(piece) => {
                    counters.read += piece.size;
                    if piece.injected {
                        chunks_injected += 1;
                        injected += piece.size;
                    }
                    assembly.arrived(piece.number, piece.digest, piece.size, piece.claim);
                    match piece.sealed {
                        Some(sealed) => {
                            chunks_new += 1;
                            uploads.push(async move {
                                let sent = sealed.len() as u64;
                                let body = Bytes::from_owner(sealed);
                                session.upload_chunk(writer, &piece.digest, piece.size, body).await?;
                                Ok::<_, Error>((piece.number, piece.size, sent))
                            });
                        }
                        None => {
                            debug_assert_ne!(piece.claim, Claim::Mine, "who claims brings the chunk");
                            counters.reused += piece.size;
                            if piece.claim == Claim::Left {
                                counters.resumed += piece.size;
                            }
                        }
                    }
                    report(counters);
                }
            },
            Some(done) = uploads.next(), if !uploads.is_empty() => {
                let (number, size, sent) = done?;
                assembly.confirmed(number);
                counters.uploaded += size;
                counters.sent += sent;
                report(counters);
            }
            result = appending => {
                append = None;
                result?;
            }
        }
    }
    if !assembly.is_done() {
        // Pieces are missing, so a worker has failed and told why.
        return Err(Error::Worker);
    }
    Ok(Uploaded {
        totals: assembly.totals(),
        counters,
        chunks_new,
        chunks_injected,
        injected,
    })
}
