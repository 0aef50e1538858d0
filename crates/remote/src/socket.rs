//! A TCP stream as TLS wants it: reads taken from the kernel in large pieces, and both directions held to a rate if there is one.
//!
//! rustls reads 4 KiB at a time; a system call for each would cost more than the decryption. Writes go through unchanged, as
//! rustls hands over several records at once.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

use crate::rate::Bucket;

/// Bytes asked of the kernel at once.
pub(crate) const READ_LEN: usize = 256 * 1024;

/// Buckets of both directions.
#[derive(Debug, Clone, Default)]
pub(crate) struct Limits {
    pub read: Option<Arc<Bucket>>,
    pub write: Option<Arc<Bucket>>,
}

pub(crate) struct Socket<T> {
    inner: T,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    read: Brake,
    write: Brake,
}

impl<T> Socket<T> {
    pub fn new(inner: T, limits: Limits) -> Socket<T> {
        Socket {
            inner,
            buffer: vec![0; READ_LEN].into_boxed_slice(),
            start: 0,
            end: 0,
            read: Brake::new(limits.read),
            write: Brake::new(limits.write),
        }
    }
}

/// Holds a direction back after it took more than its bucket had.
struct Brake {
    bucket: Option<Arc<Bucket>>,
    pause: Option<Pin<Box<Sleep>>>,
}

impl Brake {
    fn new(bucket: Option<Arc<Bucket>>) -> Brake {
        Brake {
            bucket,
            pause: None,
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(pause) = &mut self.pause {
            ready!(pause.as_mut().poll(cx));
            self.pause = None;
        }
        Poll::Ready(())
    }

    fn moved(&mut self, bytes: usize) {
        if let Some(bucket) = &self.bucket {
            let wait = bucket.take(bytes, Instant::now());
            if !wait.is_zero() {
                self.pause = Some(Box::pin(tokio::time::sleep(wait)));
            }
        }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Socket<T> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.start == this.end {
            ready!(this.read.poll(cx));
            let mut room = ReadBuf::new(&mut this.buffer);
            ready!(Pin::new(&mut this.inner).poll_read(cx, &mut room))?;
            this.start = 0;
            this.end = room.filled().len();
            this.read.moved(this.end);
        }
        let len = out.remaining().min(this.end - this.start);
        out.put_slice(&this.buffer[this.start..this.start + len]);
        this.start += len;
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Socket<T> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        ready!(this.write.poll(cx));
        let written = ready!(Pin::new(&mut this.inner).poll_write(cx, bytes))?;
        this.write.moved(written);
        Poll::Ready(Ok(written))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        ready!(this.write.poll(cx));
        let written = ready!(Pin::new(&mut this.inner).poll_write_vectored(cx, slices))?;
        this.write.moved(written);
        Poll::Ready(Ok(written))
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rate::Rate;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    #[tokio::test]
    async fn bytes_arrive_whole_and_in_time() {
        let (near, mut far) = tokio::io::duplex(1 << 20);
        let rate = Rate {
            bytes_per_second: 1 << 40,
            burst_bytes: 1 << 40,
        };
        let bucket = || Some(Arc::new(Bucket::new(rate, Instant::now())));
        let limits = Limits {
            read: bucket(),
            write: bucket(),
        };
        let mut socket = Socket::new(near, limits);
        let data: Vec<u8> = (0..700_000u32).map(|i| (i % 251) as u8).collect();
        far.write_all(&data).await.unwrap();
        let mut back = vec![0; data.len()];
        for piece in back.chunks_mut(4096) {
            socket.read_exact(piece).await.unwrap();
        }
        assert!(back == data);
        socket.write_all(&data).await.unwrap();
        far.read_exact(&mut back).await.unwrap();
        assert!(back == data);
        drop(far);
        assert_eq!(socket.read(&mut back).await.unwrap(), 0);
    }
}
