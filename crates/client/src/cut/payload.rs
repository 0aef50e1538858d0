//! The payload half of a split archive as pieces: they end where files begin, if that gives pieces of a good size, and between
//! them stand chunks of the previous archive, of which only digest and size are known here (pxar.md 3.4).

use std::io;

use pxar::Sink;
use tree::{PayloadSink, ReusedChunk};

use super::{Cut, Cutter};
use crate::error::Error;
use crate::pool::{Pool, Stopped};

/// Delivers both sorts in the order of the stream, with one row of numbers.
pub(crate) struct PayloadCutter<F, R> {
    cutter: Cutter<F>,
    reuse: R,
}

impl<F, R> PayloadCutter<F, R>
where
    F: FnMut(Cut) -> Result<(), Stopped>,
    R: FnMut(u64, &ReusedChunk) -> Result<(), Stopped>,
{
    /// `pool` has buffers of [`super::Sizes::buffer_len`] for a payload; `reuse` takes the chunks that are there already.
    pub fn new(avg: usize, pool: Pool, deliver: F, reuse: R) -> Result<Self, Error> {
        let cutter = Cutter::of_payload(avg, pool, deliver)?;
        Ok(PayloadCutter { cutter, reuse })
    }

    /// Delivers what is left and says how many pieces there were, of both sorts.
    pub fn finish(self) -> Result<u64, Stopped> {
        self.cutter.finish()
    }
}

impl<F, R> Sink for PayloadCutter<F, R>
where
    F: FnMut(Cut) -> Result<(), Stopped>,
{
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        Sink::write_all(&mut self.cutter, bytes)
    }

    fn fill(
        &mut self,
        len: u64,
        read: &mut dyn FnMut(&mut [u8]) -> io::Result<usize>,
    ) -> io::Result<u64> {
        self.cutter.fill(len, read)
    }
}

impl<F, R> PayloadSink for PayloadCutter<F, R>
where
    F: FnMut(Cut) -> Result<(), Stopped>,
    R: FnMut(u64, &ReusedChunk) -> Result<(), Stopped>,
{
    fn suggest_boundary(&mut self) -> io::Result<()> {
        self.cutter.suggest();
        Ok(())
    }

    fn inject(&mut self, chunks: &[ReusedChunk]) -> io::Result<()> {
        self.cutter.end_piece()?;
        for chunk in chunks {
            (self.reuse)(self.cutter.number, chunk)?;
            self.cutter.number += 1;
            self.cutter.start += chunk.size;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cut::Sizes;
    use format::Digest;
    use std::cell::RefCell;

    const AVG: usize = 64 << 10;

    #[derive(Debug, PartialEq, Clone, Copy)]
    enum Piece {
        New(usize),
        Old(u64),
    }

    enum Feed<'a> {
        Border,
        Data(&'a [u8]),
        Chunks(&'a [u64]),
    }

    /// What comes out of `feed`, whose data is written in parts of `step`.
    fn pieces(feed: &[Feed<'_>], step: usize) -> Vec<Piece> {
        let pool = Pool::filled(3, Sizes::of_payload(AVG).unwrap().buffer_len());
        let out = RefCell::new(Vec::new());
        let note = |number: u64, piece| {
            assert_eq!(number, out.borrow().len() as u64);
            out.borrow_mut().push(piece);
            Ok(())
        };
        let mut cutter = PayloadCutter::new(
            AVG,
            pool,
            |cut: Cut| note(cut.number, Piece::New(cut.len)),
            |number, chunk: &ReusedChunk| note(number, Piece::Old(chunk.size)),
        )
        .unwrap();
        for item in feed {
            match item {
                Feed::Border => cutter.suggest_boundary().unwrap(),
                Feed::Data(data) => data
                    .chunks(step)
                    .for_each(|part| Sink::write_all(&mut cutter, part).unwrap()),
                Feed::Chunks(sizes) => {
                    let chunks: Vec<_> = sizes
                        .iter()
                        .map(|size| ReusedChunk::new(Digest::ZERO, *size))
                        .collect();
                    cutter.inject(&chunks).unwrap();
                }
            }
        }
        let count = cutter.finish().unwrap();
        let out = out.into_inner();
        assert_eq!(count, out.len() as u64);
        out
    }

    #[test]
    fn pieces_end_where_files_begin() {
        use Feed::{Border, Chunks, Data};
        use Piece::{New, Old};
        let data = crate::cut::tests::noise(3 << 20);
        let (min, max) = (AVG / 4, AVG * 4);
        let quiet = vec![0; 3 * max];
        let rows: Vec<(&str, Vec<Feed<'_>>, Vec<Piece>)> = vec![
            ("nothing", vec![], vec![]),
            (
                "files of good size",
                vec![
                    Data(&data[..16]),
                    Border,
                    Data(&data[..40_000]),
                    Border,
                    Data(&data[..50_000]),
                    Border,
                    Data(&data[..20_000]),
                ],
                vec![New(40_016), New(50_000), New(20_000)],
            ),
            (
                "small files share a piece",
                vec![
                    Data(&data[..100]),
                    Border,
                    Data(&data[..min - 101]),
                    Border,
                    Data(&data[..1]),
                    Border,
                    Data(&data[..5]),
                ],
                vec![New(min), New(5)],
            ),
            (
                "a large file is cut by its content or its length",
                vec![
                    Data(&data[..10]),
                    Border,
                    Data(&quiet),
                    Border,
                    Data(&data[..7]),
                ],
                vec![New(max), New(max), New(max), New(17)],
            ),
            (
                "chunks of the previous archive cut, whatever the size",
                vec![
                    Data(&data[..16]),
                    Border,
                    Chunks(&[5, 1 << 30]),
                    Chunks(&[9]),
                    Data(&data[..7]),
                    Border,
                    Data(&quiet[..40_000]),
                    Chunks(&[]),
                    Data(&data[..3]),
                ],
                vec![New(16), Old(5), Old(1 << 30), Old(9), New(40_007), New(3)],
            ),
            (
                "a border right behind a chunk",
                vec![
                    Chunks(&[77]),
                    Border,
                    Data(&data[..30_000]),
                    Border,
                    Data(&data[..9]),
                ],
                vec![Old(77), New(30_000), New(9)],
            ),
        ];
        for (what, feed, expected) in rows {
            for step in [1 << 30, 4097, 1] {
                assert_eq!(pieces(&feed, step), expected, "{what}, written by {step}");
            }
        }
    }

    /// Borders depend on the content and the suggestions alone, not on how data comes.
    #[test]
    fn pieces_do_not_depend_on_how_the_data_comes() {
        let data = crate::cut::tests::noise(6 << 20);
        let mut feed = Vec::new();
        let (mut at, mut len) = (0, 777);
        while at + len < data.len() {
            feed.push(Feed::Border);
            feed.push(Feed::Data(&data[at..at + len]));
            at += len;
            len = (len * 13 + 7) % 400_000;
            if len % 5 == 0 {
                feed.push(Feed::Chunks(&[1000, 2000]));
            }
        }
        let expected = pieces(&feed, 1 << 30);
        for step in [65_536, 262_144, 5000] {
            assert_eq!(pieces(&feed, step), expected, "written by {step}");
        }
    }
}
