//! A connection that the server closes while its client may still be sending: what comes is read away for a moment. Else the system would answer
//! the client's bytes with a reset, and he would lose the answer that told him why.

use std::future::Future as _;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

/// How long, and how much, is read away.
const TIME: Duration = Duration::from_secs(1);
const BYTES_MAX: usize = 4 << 20;

/// See the module.
#[derive(Debug)]
pub struct Lingering<S> {
    stream: S,
    closing: Closing,
}

#[derive(Debug)]
enum Closing {
    Open,
    /// Our side is closed; until then, and so many bytes were read.
    Reading(Pin<Box<Sleep>>, usize),
    Done,
}

impl<S> Lingering<S> {
    pub fn new(stream: S) -> Lingering<S> {
        Lingering {
            stream,
            closing: Closing::Open,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Lingering<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Lingering<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if matches!(this.closing, Closing::Open) {
            ready!(Pin::new(&mut this.stream).poll_shutdown(cx))?;
            this.closing = Closing::Reading(Box::pin(tokio::time::sleep(TIME)), 0);
        }
        while let Closing::Reading(until, count) = &mut this.closing {
            let mut space = [0; 4096];
            let mut read = ReadBuf::new(&mut space);
            let over = until.as_mut().poll(cx).is_ready() || *count > BYTES_MAX;
            // However the client ends it, it is the end.
            if over || ready!(Pin::new(&mut this.stream).poll_read(cx, &mut read)).is_err() {
                this.closing = Closing::Done;
                break;
            }
            match read.filled().len() {
                0 => this.closing = Closing::Done,
                length => *count += length,
            }
        }
        Poll::Ready(Ok(()))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    #[tokio::test]
    async fn what_still_comes_is_read_away_but_not_for_ever() {
        for (sends, closes) in [(200_000, true), (0, true), (100, false)] {
            let (server, mut client) = tokio::io::duplex(1024);
            let mut server = Lingering::new(server);
            let client = tokio::spawn(async move {
                client.write_all(&vec![7; sends]).await.expect("taken");
                if !closes {
                    // It stays as long as the server lets it.
                    let mut all = Vec::new();
                    client.read_to_end(&mut all).await.expect("end");
                    tokio::time::sleep(4 * TIME).await;
                }
            });
            let began = std::time::Instant::now();
            server.shutdown().await.expect("closed");
            assert!(began.elapsed() < 2 * TIME, "{sends}");
            client.abort();
        }
    }
}
