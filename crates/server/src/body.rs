//! The body of an answer: bytes that are there, or pieces pulled from blocking code. Bytes that are there give a content-length, pieces are
//! sent chunked. Deflate (protocol.md 1.8) turns either into pieces.

use std::io::{self, Write as _};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use flate2::write::ZlibEncoder;
use flate2::{Compress, Compression, FlushCompress, Status};
use http_body::{Frame, SizeHint};
use tokio::sync::mpsc;

use crate::blocking::{Blocking, Pieces, Pull};

/// Body of every answer of this server.
#[derive(Debug)]
pub enum Body {
    Whole(Bytes),
    /// The same, sent chunked.
    Packed(Bytes),
    /// The same of bytes that the server keeps in any case: however many hold them, they cost nothing. They go as they are.
    Shared(Bytes),
    Pull(Pull),
    /// Bytes as they come: nothing is collected on the way, and they are not deflated.
    Live(mpsc::Receiver<Bytes>),
}

impl Body {
    pub fn empty() -> Body {
        Body::Whole(Bytes::new())
    }

    pub fn pieces(blocking: &Blocking, pieces: Pieces) -> Body {
        Body::Pull(Pull::new(blocking.clone(), pieces))
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Body {
        Body::Whole(bytes)
    }
}

impl From<String> for Body {
    fn from(text: String) -> Body {
        Body::Whole(Bytes::from(text))
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match self.get_mut() {
            Body::Whole(bytes) | Body::Packed(bytes) | Body::Shared(bytes) if bytes.is_empty() => {
                Poll::Ready(None)
            }
            Body::Whole(bytes) | Body::Packed(bytes) | Body::Shared(bytes) => {
                Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes)))))
            }
            Body::Pull(pull) => pull
                .poll_next(cx)
                .map(|piece| piece.map(|piece| piece.map(Frame::data))),
            Body::Live(pieces) => pieces
                .poll_recv(cx)
                .map(|piece| piece.map(|piece| Ok(Frame::data(piece)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Body::Whole(bytes) | Body::Packed(bytes) | Body::Shared(bytes) if bytes.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Body::Whole(bytes) | Body::Shared(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Body::Packed(_) | Body::Pull(_) | Body::Live(_) => SizeHint::default(),
        }
    }
}

/// The bytes as one zlib-wrapped deflate stream: what packs them holds some hundred KiB, so it is not kept while somebody reads.
pub fn deflated_whole(bytes: &[u8]) -> io::Result<Bytes> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes)?;
    let mut packed = encoder.finish()?;
    packed.shrink_to_fit();
    Ok(packed.into())
}

/// Pieces of a zlib-wrapped deflate stream over the given pieces.
pub fn deflated(pieces: Pieces) -> Pieces {
    Box::new(Deflate {
        pieces,
        state: Compress::new(Compression::fast(), true),
        ended: false,
    })
}

struct Deflate {
    pieces: Pieces,
    state: Compress,
    ended: bool,
}

impl Deflate {
    fn compress(
        &mut self,
        mut data: &[u8],
        flush: FlushCompress,
        out: &mut Vec<u8>,
    ) -> io::Result<()> {
        loop {
            out.reserve(4096);
            let before = self.state.total_in();
            let status = self
                .state
                .compress_vec(data, out, flush)
                .map_err(io::Error::other)?;
            let taken =
                usize::try_from(self.state.total_in() - before).map_err(io::Error::other)?;
            data = &data[taken..];
            let more_output = out.len() == out.capacity();
            match status {
                Status::StreamEnd => return Ok(()),
                _ if data.is_empty() && !more_output && !matches!(flush, FlushCompress::Finish) => {
                    return Ok(());
                }
                _ => {}
            }
        }
    }
}

impl Iterator for Deflate {
    type Item = io::Result<Bytes>;

    fn next(&mut self) -> Option<io::Result<Bytes>> {
        let mut out = Vec::new();
        while !self.ended && out.is_empty() {
            let done = match self.pieces.next() {
                Some(Ok(piece)) => self.compress(&piece, FlushCompress::None, &mut out),
                Some(Err(e)) => Err(e),
                None => {
                    self.ended = true;
                    self.compress(&[], FlushCompress::Finish, &mut out)
                }
            };
            if let Err(e) = done {
                self.ended = true;
                return Some(Err(e));
            }
        }
        if out.is_empty() {
            None
        } else {
            Some(Ok(Bytes::from(out)))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn deflate_comes_back() {
        for sizes in [vec![], vec![0usize], vec![5, 70_000, 0, 3], vec![1; 300]] {
            let plain: Vec<Bytes> = sizes
                .iter()
                .map(|&n| Bytes::from((0..n).map(|i| (i * i) as u8).collect::<Vec<_>>()))
                .collect();
            let packed: Vec<u8> = deflated(Box::new(plain.clone().into_iter().map(Ok)))
                .flat_map(|p| p.expect("piece"))
                .collect();
            let mut back = Vec::new();
            flate2::read::ZlibDecoder::new(packed.as_slice())
                .read_to_end(&mut back)
                .expect("zlib");
            assert_eq!(back, plain.concat(), "{sizes:?}");
        }
    }
}
