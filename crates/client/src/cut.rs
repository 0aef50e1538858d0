//! A stream becomes pieces of its content's own choosing.
//!
//! Data is read straight into the current piece's buffer and scanned there while it is in the cache. When a border shows up, the few bytes
//! behind it move to the next buffer, and the piece leaves with its number. The end of the stream is [`Cutter::finish`]; a cutter that
//! is dropped before has not delivered the rest. Borders may also be suggested from outside, which `payload` does.

use std::collections::VecDeque;
use std::io::{self, Write};

use format::{Chunker, ChunkerError};
use pxar::Sink;

use crate::pool::{Buffer, Pool, Stopped};

mod payload;

pub(crate) use payload::PayloadCutter;

/// The first `len` bytes of a buffer, `number`-th of its stream.
pub(crate) struct Cut {
    pub number: u64,
    pub buffer: Buffer,
    pub len: usize,
}

pub(crate) struct Cutter<F> {
    chunker: Chunker,
    pool: Pool,
    buffer: Buffer,
    /// Bytes in the buffer.
    used: usize,
    /// Of these, seen by the chunker.
    scanned: usize,
    /// Bytes that are gathered before they are scanned.
    step: usize,
    number: u64,
    /// Where in the stream the buffer's first byte stands.
    start: u64,
    /// Places in the stream where a piece had better end, in order.
    suggested: VecDeque<u64>,
    deliver: F,
}

/// Sizes for an average piece.
pub(crate) struct Sizes {
    pub piece_max: usize,
    pub step: usize,
}

impl Sizes {
    pub fn of(avg: usize) -> Result<Sizes, ChunkerError> {
        let chunker = Chunker::new(avg)?;
        Ok(Sizes {
            piece_max: chunker.max(),
            // Fits the second-level cache; a sixteenth of a piece, so that little moves behind a border.
            step: (avg / 16).clamp(16 << 10, 256 << 10),
        })
    }

    /// As [`Self::of`] for the payload of a split archive: suggested borders that far ahead go before those of the content.
    pub fn of_payload(avg: usize) -> Result<Sizes, ChunkerError> {
        const STEP: usize = 256 << 10;
        Ok(Sizes {
            step: STEP,
            ..Sizes::of(avg)?
        })
    }

    /// Length of the buffers that a cutter works in.
    pub fn buffer_len(&self) -> usize {
        self.piece_max + self.step
    }
}

impl<F: FnMut(Cut) -> Result<(), Stopped>> Cutter<F> {
    /// `pool` has buffers of [`Sizes::buffer_len`], three at least.
    pub fn new(avg: usize, pool: Pool, deliver: F) -> Result<Cutter<F>, crate::error::Error> {
        Cutter::with(avg, Sizes::of(avg), pool, deliver)
    }

    fn of_payload(avg: usize, pool: Pool, deliver: F) -> Result<Cutter<F>, crate::error::Error> {
        Cutter::with(avg, Sizes::of_payload(avg), pool, deliver)
    }

    fn with(
        avg: usize,
        sizes: Result<Sizes, ChunkerError>,
        pool: Pool,
        deliver: F,
    ) -> Result<Cutter<F>, crate::error::Error> {
        let unsupported = |_| crate::error::Error::ChunkSize { size: avg };
        let step = sizes.map_err(unsupported)?.step;
        Ok(Cutter {
            chunker: Chunker::new(avg).map_err(unsupported)?,
            buffer: pool.take()?,
            pool,
            used: 0,
            scanned: 0,
            step,
            number: 0,
            start: 0,
            suggested: VecDeque::new(),
            deliver,
        })
    }

    /// Delivers what is left and says how many pieces there were.
    pub fn finish(mut self) -> Result<u64, Stopped> {
        self.end_piece()?;
        Ok(self.number)
    }

    /// The next byte begins something new.
    fn suggest(&mut self) {
        let here = self.start + self.used as u64;
        if self.suggested.back() != Some(&here) {
            self.suggested.push_back(here);
        }
    }

    /// Delivers what came so far.
    fn end_piece(&mut self) -> Result<(), Stopped> {
        while self.used > self.scanned {
            self.scan(self.used)?;
        }
        if self.used > 0 {
            self.cut(self.used)?;
        }
        self.chunker.reset();
        Ok(())
    }

    /// Where the next bytes go, at most `want` of them. Never empty unless `want` is 0: less than a step is unscanned, and what is
    /// scanned belongs to one piece.
    fn room(&mut self, want: u64) -> &mut [u8] {
        let room = self.step - (self.used - self.scanned);
        let len = usize::try_from(want).map_or(room, |want| want.min(room));
        &mut self.buffer[self.used..][..len]
    }

    fn advance(&mut self, came: usize) -> Result<(), Stopped> {
        self.used += came;
        while self.used - self.scanned >= self.step {
            self.scan(self.scanned + self.step)?;
        }
        Ok(())
    }

    /// Looks for a border up to `end` of the buffer: a suggested one that makes a piece of allowed length, else one of the content.
    /// Cuts at the first, or has scanned so far.
    fn scan(&mut self, end: usize) -> Result<(), Stopped> {
        if let Some(len) = self.suggested_len(end) {
            self.chunker.reset();
            return self.cut(len);
        }
        match self.chunker.scan(&self.buffer[self.scanned..end]) {
            Some(border) => self.cut(self.scanned + border),
            None => {
                self.scanned = end;
                Ok(())
            }
        }
    }

    /// Length of the piece up to the next suggested border, if that is before `end`. At `end` itself one may yet come, so it is
    /// looked at with what follows.
    fn suggested_len(&mut self, end: usize) -> Option<usize> {
        while let Some(place) = self.suggested.front() {
            let len = place.checked_sub(self.start).map(|len| len as usize);
            match len {
                Some(len) if len >= self.scanned && len >= self.chunker.min() => {
                    let is_near = len < end && len <= self.chunker.max();
                    return is_near.then_some(len);
                }
                _ => drop(self.suggested.pop_front()),
            }
        }
        None
    }

    fn cut(&mut self, len: usize) -> Result<(), Stopped> {
        let mut next = self.pool.take()?;
        let behind = self.used - len;
        next[..behind].copy_from_slice(&self.buffer[len..self.used]);
        let buffer = std::mem::replace(&mut self.buffer, next);
        self.used = behind;
        self.scanned = 0;
        self.start += len as u64;
        let number = self.number;
        self.number += 1;
        (self.deliver)(Cut {
            number,
            buffer,
            len,
        })
    }
}

impl<F: FnMut(Cut) -> Result<(), Stopped>> Sink for Cutter<F> {
    fn write_all(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let room = self.room(bytes.len() as u64);
            let (now, later) = bytes.split_at(room.len());
            room.copy_from_slice(now);
            self.advance(now.len())?;
            bytes = later;
        }
        Ok(())
    }

    fn fill(
        &mut self,
        len: u64,
        read: &mut dyn FnMut(&mut [u8]) -> io::Result<usize>,
    ) -> io::Result<u64> {
        let mut done = 0;
        while done < len {
            let came = read(self.room(len - done))?;
            if came == 0 {
                break;
            }
            done += came as u64;
            self.advance(came)?;
        }
        Ok(done)
    }
}

/// For the catalog.
impl<F: FnMut(Cut) -> Result<(), Stopped>> Write for Cutter<F> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Sink::write_all(self, bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::cell::RefCell;

    const AVG: usize = 64 << 10;

    pub(crate) fn noise(len: usize) -> Vec<u8> {
        let mut state = 0x9e37_79b9_7f4a_7c15u64;
        let mut bytes = Vec::with_capacity(len + 8);
        while bytes.len() < len {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            bytes.extend_from_slice(&state.to_le_bytes());
        }
        bytes.truncate(len);
        bytes
    }

    /// Borders as the chunker gives them for the whole stream at once.
    fn expected(data: &[u8]) -> Vec<usize> {
        let mut chunker = Chunker::new(AVG).unwrap();
        let (mut lens, mut rest) = (Vec::new(), data);
        while let Some(len) = chunker.scan(rest) {
            lens.push(len);
            rest = &rest[len..];
        }
        if !rest.is_empty() {
            lens.push(rest.len());
        }
        lens
    }

    fn cut(feed: impl FnOnce(&mut dyn Sink)) -> (Vec<usize>, Vec<u8>) {
        let sizes = Sizes::of(AVG).unwrap();
        let pool = Pool::filled(3, sizes.buffer_len());
        let out = RefCell::new((Vec::new(), Vec::new()));
        let mut cutter = Cutter::new(AVG, pool, |piece: Cut| {
            let mut out = out.borrow_mut();
            assert_eq!(piece.number, out.0.len() as u64);
            assert!(piece.len <= sizes.piece_max);
            out.0.push(piece.len);
            out.1.extend_from_slice(&piece.buffer[..piece.len]);
            Ok(())
        })
        .unwrap();
        feed(&mut cutter);
        let count = cutter.finish().unwrap();
        let out = out.into_inner();
        assert_eq!(count, out.0.len() as u64);
        out
    }

    #[test]
    fn borders_do_not_depend_on_how_the_data_comes() {
        let streams = [noise(3 << 20), vec![0; 1 << 20], noise(100), Vec::new()];
        for data in &streams {
            let expected = expected(data);
            for step in [1 << 30, 4097, 100_000] {
                let (lens, back) = cut(|sink| {
                    for part in data.chunks(step) {
                        sink.write_all(part).unwrap();
                    }
                });
                assert_eq!(lens, expected, "written by {step}");
                assert!(back == *data);

                let mut rest = data.as_slice();
                let (lens, back) = cut(|sink| {
                    let mut read = |room: &mut [u8]| {
                        let n = rest.len().min(room.len()).min(step);
                        room[..n].copy_from_slice(&rest[..n]);
                        rest = &rest[n..];
                        Ok(n)
                    };
                    let came = sink.fill(u64::MAX, &mut read).unwrap();
                    assert_eq!(came, data.len() as u64);
                });
                assert_eq!(lens, expected, "read by {step}");
                assert!(back == *data);
            }
        }
    }

    #[test]
    fn a_closed_pool_ends_the_stream() {
        let pool = Pool::filled(3, Sizes::of(AVG).unwrap().buffer_len());
        let mut cutter = Cutter::new(AVG, pool.clone(), |_| Ok(())).unwrap();
        pool.close();
        let error = Sink::write_all(&mut cutter, &noise(1 << 20)).unwrap_err();
        assert!(error.get_ref().unwrap().is::<Stopped>());
    }
}
