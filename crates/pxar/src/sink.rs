//! Where archive bytes go.
//!
//! File data must not be copied on its way from `read(2)` into the chunk buffer, so a sink lends out its own memory
//! ([`Sink::fill`]) instead of taking slices only. [`WriteSink`] makes a sink of any writer.

use std::io::{self, Write};

/// Takes archive bytes in order.
pub trait Sink {
    /// Appends all of `bytes`.
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Appends up to `len` bytes that `read` puts straight into the sink's own memory: calls `read` with slices that are not
    /// empty and together not longer than `len`, until it returns 0 or `len` bytes came. Returns how many came; less than `len`
    /// means that `read` had no more. An error of `read` is passed on, and what came before it stays appended.
    fn fill(
        &mut self,
        len: u64,
        read: &mut dyn FnMut(&mut [u8]) -> io::Result<usize>,
    ) -> io::Result<u64>;
}

impl<S: Sink + ?Sized> Sink for &mut S {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        (**self).write_all(bytes)
    }

    fn fill(
        &mut self,
        len: u64,
        read: &mut dyn FnMut(&mut [u8]) -> io::Result<usize>,
    ) -> io::Result<u64> {
        (**self).fill(len, read)
    }
}

/// Memory as a sink, for small archives.
impl Sink for Vec<u8> {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.extend_from_slice(bytes);
        Ok(())
    }

    fn fill(
        &mut self,
        len: u64,
        read: &mut dyn FnMut(&mut [u8]) -> io::Result<usize>,
    ) -> io::Result<u64> {
        /// Memory reserved ahead of the reader; a claimed length alone reserves nothing more.
        const STEP: u64 = 1 << 20;
        let mut done = 0;
        while done < len {
            let start = self.len();
            self.resize(start + (len - done).min(STEP) as usize, 0);
            let came = read(&mut self[start..]);
            self.truncate(start + *came.as_ref().unwrap_or(&0));
            match came? {
                0 => break,
                n => done += n as u64,
            }
        }
        Ok(done)
    }
}

/// Makes a sink of a writer, with one buffer that is reused. [`WriteSink::finish`] must be called at the end: dropping loses
/// what is still buffered, as it could not report an error.
pub struct WriteSink<W: Write> {
    writer: W,
    buffer: Box<[u8]>,
    used: usize,
}

impl<W: Write> WriteSink<W> {
    const BUFFER_LEN: usize = 1 << 20;

    pub fn new(writer: W) -> WriteSink<W> {
        WriteSink {
            writer,
            buffer: vec![0; Self::BUFFER_LEN].into_boxed_slice(),
            used: 0,
        }
    }

    /// Writes out what is buffered, flushes and gives the writer back.
    pub fn finish(mut self) -> io::Result<W> {
        self.drain()?;
        self.writer.flush()?;
        Ok(self.writer)
    }

    fn drain(&mut self) -> io::Result<()> {
        self.writer.write_all(&self.buffer[..self.used])?;
        self.used = 0;
        Ok(())
    }
}

impl<W: Write> Sink for WriteSink<W> {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        if bytes.len() > self.buffer.len() - self.used {
            self.drain()?;
            if bytes.len() >= self.buffer.len() {
                return self.writer.write_all(bytes);
            }
        }
        self.buffer[self.used..self.used + bytes.len()].copy_from_slice(bytes);
        self.used += bytes.len();
        Ok(())
    }

    fn fill(
        &mut self,
        len: u64,
        read: &mut dyn FnMut(&mut [u8]) -> io::Result<usize>,
    ) -> io::Result<u64> {
        let mut done = 0;
        while done < len {
            if self.used == self.buffer.len() {
                self.drain()?;
            }
            let room = &mut self.buffer[self.used..];
            let want = usize::try_from(len - done).map_or(room.len(), |rest| rest.min(room.len()));
            match read(&mut room[..want])? {
                0 => break,
                n => {
                    self.used += n;
                    done += n as u64;
                }
            }
        }
        Ok(done)
    }
}
