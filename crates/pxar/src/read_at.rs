//! Bytes that can be read at any place: a local file, memory, or chunks fetched from a server.
//!
//! [`ReadAt`] is the border across which an archive is opened at random. Implementations for memory stand here; the one over a
//! server's chunks is the client's, the one over files is made with [`std::os::unix::fs::FileExt`] by whoever opens the file.

use std::io::{self, BufRead, Read, Seek, SeekFrom};
use std::ops::Range;

/// A fixed sequence of bytes, readable at any offset and from several threads.
pub trait ReadAt {
    /// Reads at most `buf.len()` bytes that start at `offset` and returns how many came. 0 only if `buf` is empty or `offset`
    /// is at or behind the end. A short read says nothing about the end.
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Number of bytes; never changes.
    fn size(&self) -> u64;

    /// Fills `buf` completely or fails with [`io::ErrorKind::UnexpectedEof`].
    fn read_exact_at(&self, mut buf: &mut [u8], mut offset: u64) -> io::Result<()> {
        while !buf.is_empty() {
            match self.read_at(buf, offset) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(n) => {
                    buf = buf
                        .get_mut(n..)
                        .ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))?;
                    offset += n as u64;
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }
}

impl ReadAt for [u8] {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let rest = usize::try_from(offset)
            .ok()
            .and_then(|o| self.get(o..))
            .unwrap_or_default();
        let n = rest.len().min(buf.len());
        buf[..n].copy_from_slice(&rest[..n]);
        Ok(n)
    }

    fn size(&self) -> u64 {
        self.len() as u64
    }
}

impl ReadAt for Vec<u8> {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.as_slice().read_at(buf, offset)
    }

    fn size(&self) -> u64 {
        self.len() as u64
    }
}

impl<T: ReadAt + ?Sized> ReadAt for &T {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        (**self).read_at(buf, offset)
    }

    fn size(&self) -> u64 {
        (**self).size()
    }
}

impl<T: ReadAt + ?Sized> ReadAt for std::sync::Arc<T> {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        (**self).read_at(buf, offset)
    }

    fn size(&self) -> u64 {
        (**self).size()
    }
}

/// Reads a range of a [`ReadAt`] from front to back through a buffer, and seeks in it without reading.
pub struct RangeReader<R> {
    source: R,
    range: Range<u64>,
    /// Place of the first byte behind the buffered ones.
    position: u64,
    buffer: Vec<u8>,
    used: usize,
    buffer_len: usize,
}

impl<R: ReadAt> RangeReader<R> {
    /// The range is cut at the end of the source. `buffer_len` bytes are read at a time.
    pub fn new(source: R, range: Range<u64>, buffer_len: usize) -> RangeReader<R> {
        let end = range.end.min(source.size());
        let range = range.start.min(end)..end;
        RangeReader {
            source,
            position: range.start,
            range,
            buffer: Vec::new(),
            used: 0,
            buffer_len: buffer_len.max(1),
        }
    }
}

impl<R: ReadAt> Read for RangeReader<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let n = available.len().min(buf.len());
        buf[..n].copy_from_slice(&available[..n]);
        self.consume(n);
        Ok(n)
    }
}

impl<R: ReadAt> BufRead for RangeReader<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.used == self.buffer.len() {
            let rest = self.range.end - self.position;
            let want =
                usize::try_from(rest).map_or(self.buffer_len, |rest| rest.min(self.buffer_len));
            self.used = 0;
            self.buffer.resize(want, 0);
            match self.source.read_at(&mut self.buffer, self.position) {
                Ok(n) => self.buffer.truncate(n),
                Err(e) => {
                    self.buffer.clear();
                    return Err(e);
                }
            }
            self.position += self.buffer.len() as u64;
        }
        Ok(&self.buffer[self.used..])
    }

    fn consume(&mut self, amount: usize) {
        self.used = (self.used + amount).min(self.buffer.len());
    }
}

impl<R: ReadAt> Seek for RangeReader<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let here = self.position - (self.buffer.len() - self.used) as u64;
        let target = match to {
            SeekFrom::Start(n) => self.range.start.checked_add(n),
            SeekFrom::Current(n) => here.checked_add_signed(n),
            SeekFrom::End(n) => self.range.end.checked_add_signed(n),
        };
        let target = target
            .filter(|t| self.range.contains(t) || *t == self.range.end)
            .ok_or_else(|| {
                io::Error::new(io::ErrorKind::UnexpectedEof, "seek outside of the range")
            })?;
        let buffered = self.position - self.buffer.len() as u64..=self.position;
        if buffered.contains(&target) {
            self.used = (target - buffered.start()) as usize;
        } else {
            self.buffer.clear();
            self.used = 0;
            self.position = target;
        }
        Ok(target - self.range.start)
    }
}
