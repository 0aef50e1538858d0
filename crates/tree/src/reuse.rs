//! Which data of an older archive a new one takes over instead of reading it again: the decision, made of plain values.
//!
//! An unchanged file's data lies in chunks of the previous payload stream. Such chunks go into the new stream whole, so what
//! nobody refers to any more comes along as padding. The planner gathers members as long as their data follows one upon the
//! other, then looks at how much padding the chunks of that range would bring: little, and they are taken over; too much, and
//! the files are read after all. See pxar.md 3.5 and 3.6 of the specification, or `docs/formats/pxar-split.md`. It knows no
//! files and no streams: what a member is, is the caller's type, and what is to be done comes out as operations.

use std::ops::Range;

use format::Digest;

/// More padding than this part of all bytes that would be taken over is too much.
const PADDING_MAX: f64 = 0.1;
/// Chunks taken over in one step.
const INJECTED_MAX: usize = 128;
/// Bytes of the header in front of each file's data.
const HEADER_LEN: u64 = pxar::item::HEADER_LEN;

/// The chunks of a payload stream: where each one ends, and its digest, in order.
#[derive(Clone, Debug, Default)]
pub struct ChunkTable(Vec<(u64, Digest)>);

impl ChunkTable {
    /// `rows` are ends and digests; ends that do not increase are left out, as no chunk is empty.
    pub fn new(rows: impl IntoIterator<Item = (u64, Digest)>) -> ChunkTable {
        let mut table: Vec<(u64, Digest)> = Vec::new();
        for row in rows {
            if row.0 > table.last().map_or(0, |last| last.0) {
                table.push(row);
            }
        }
        ChunkTable(table)
    }

    /// Length of the stream.
    pub fn size(&self) -> u64 {
        self.0.last().map_or(0, |row| row.0)
    }

    /// The chunks that hold `range`, how much of the first lies before it, and how much of the last behind. A range that ends
    /// where a chunk does takes the next chunk along, all of it padding: so does the original, and the same decisions give the
    /// same archives.
    fn covering(&self, range: &Range<u64>) -> Covering {
        let behind = |at: u64| self.0.partition_point(|(end, _)| *end <= at);
        let (first, last) = (behind(range.start), behind(range.end));
        Covering {
            rows: first..self.0.len().min(last + 1),
            lead: range.start - self.start(first),
            tail: self.0.get(last).map_or(0, |(end, _)| end - range.end),
        }
    }

    /// Where the chunk of a row begins.
    fn start(&self, row: usize) -> u64 {
        row.checked_sub(1).map_or(0, |before| self.0[before].0)
    }

    /// A chunk with the padding that it has as part of `covering`; `shared` bytes of the first one's are none.
    fn chunk(&self, row: usize, covering: &Covering, shared: u64) -> ReusedChunk {
        let (end, digest) = self.0[row];
        let Range {
            start: first,
            end: behind,
        } = covering.rows;
        let mut padding = 0;
        if row + 1 == behind {
            padding += covering.tail;
        }
        if row == first {
            padding = (padding + covering.lead).saturating_sub(shared);
        }
        ReusedChunk {
            digest,
            size: end - self.start(row),
            padding,
            end,
        }
    }
}

/// Which chunks hold a range. They are made when they are needed: there may be millions.
struct Covering {
    rows: Range<usize>,
    /// Of the first one, what lies before the range; of the last one, what lies behind.
    lead: u64,
    tail: u64,
}

/// A chunk of the previous stream that becomes part of the new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReusedChunk {
    pub digest: Digest,
    pub size: u64,
    /// Bytes of it that no file of the new archive refers to.
    pub padding: u64,
    /// Where it ends in the previous stream; with the digest this tells one occurrence from another.
    end: u64,
}

impl ReusedChunk {
    /// A chunk whose bytes all serve.
    pub fn new(digest: Digest, size: u64) -> ReusedChunk {
        ReusedChunk {
            digest,
            size,
            padding: 0,
            end: size,
        }
    }

    fn is_same(&self, other: &ReusedChunk) -> bool {
        (self.digest, self.end) == (other.digest, other.end)
    }
}

/// What is to be done next, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Op<E> {
    /// Put these chunks into the payload stream, at most 128 at a time.
    Inject(Vec<ReusedChunk>),
    /// Store the member; a file by reading it.
    Store(E),
    /// Store the file by reference to data that begins `ahead` bytes behind the present end of the payload stream.
    Refer { member: E, ahead: u64 },
}

/// Where members wait for the decision. Each comes out once, in the order in which they went in.
pub(crate) trait Queue {
    type Member;

    /// Of a reusable file, `within` is where its data begins, counted from the range's start.
    fn push(&mut self, member: Self::Member, within: Option<u64>);

    /// The member that waits longest.
    fn pop(&mut self) -> Option<(Self::Member, Option<u64>)>;

    /// Whether those that wait are to go before another one comes. One that comes all the same is not refused.
    fn is_full(&self) -> bool;
}

/// Gathers members and decides.
pub(crate) struct Planner<Q> {
    chunks: ChunkTable,
    waiting: Q,
    /// Whether members are gathered at present; else they are stored at once.
    gathers: bool,
    /// What the waiting files take of the previous stream. Its end is kept when they are gone.
    range: Range<u64>,
    /// The last chunk of the range before, which the next one may share.
    held: Option<ReusedChunk>,
    /// Where the data of the last reusable file began.
    last: Option<u64>,
}

impl<Q: Queue> Planner<Q> {
    /// `waiting` is empty.
    pub(crate) fn new(chunks: ChunkTable, waiting: Q) -> Planner<Q> {
        Planner {
            chunks,
            waiting,
            gathers: false,
            range: 0..0,
            held: None,
            last: None,
        }
    }

    /// A regular file. `previous` is where its unchanged data lies in the previous stream, if it is there: offset of the
    /// header and length of the data.
    pub(crate) fn file<X>(
        &mut self,
        member: Q::Member,
        previous: Option<(u64, u64)>,
        act: &mut impl FnMut(Op<Q::Member>) -> Result<(), X>,
    ) -> Result<(), X> {
        self.make_room(act)?;
        let Some(data) = previous.and_then(|(offset, size)| self.usable(offset, size)) else {
            self.flush(false, act)?;
            self.drain(None, act)?;
            return act(Op::Store(member));
        };
        self.last = Some(data.start);
        if self.range.end == 0 {
            self.range = data.start..data.start;
        }
        if self.range.end == data.start {
            self.range.end = data.end;
        } else {
            self.flush(true, act)?;
            self.range = data.clone();
        }
        let within = data.start - self.range.start;
        self.gather(member, Some(within));
        Ok(())
    }

    /// One more name of a file that came before.
    pub(crate) fn hard_link<X>(
        &mut self,
        member: Q::Member,
        act: &mut impl FnMut(Op<Q::Member>) -> Result<(), X>,
    ) -> Result<(), X> {
        self.make_room(act)?;
        self.gather(member, None);
        Ok(())
    }

    /// A member without data, a directory among them.
    pub(crate) fn other<X>(
        &mut self,
        member: Q::Member,
        act: &mut impl FnMut(Op<Q::Member>) -> Result<(), X>,
    ) -> Result<(), X> {
        self.make_room(act)?;
        if self.gathers {
            self.gather(member, None);
            return Ok(());
        }
        self.drain(None, act)?;
        act(Op::Store(member))
    }

    /// The end of a directory, as a member.
    pub(crate) fn end_directory<X>(
        &mut self,
        member: Q::Member,
        act: &mut impl FnMut(Op<Q::Member>) -> Result<(), X>,
    ) -> Result<(), X> {
        if !self.gathers {
            return act(Op::Store(member));
        }
        self.waiting.push(member, None);
        Ok(())
    }

    /// No member follows.
    pub(crate) fn finish<X>(
        &mut self,
        act: &mut impl FnMut(Op<Q::Member>) -> Result<(), X>,
    ) -> Result<(), X> {
        self.flush(false, act)
    }

    /// The data that a file would be taken over with: behind that of all files before, and within the stream.
    fn usable(&self, offset: u64, size: u64) -> Option<Range<u64>> {
        let end = offset.checked_add(HEADER_LEN)?.checked_add(size)?;
        let is_ahead = self.last.is_none_or(|last| offset > last);
        (is_ahead && end <= self.chunks.size()).then_some(offset..end)
    }

    fn make_room<X>(
        &mut self,
        act: &mut impl FnMut(Op<Q::Member>) -> Result<(), X>,
    ) -> Result<(), X> {
        if self.waiting.is_full() {
            self.flush(true, act)?;
        }
        Ok(())
    }

    fn gather(&mut self, member: Q::Member, within: Option<u64>) {
        self.gathers = true;
        self.waiting.push(member, within);
    }

    /// Decides about the range. With `keep` its last chunk is held back, as the next range may begin in it.
    fn flush<X>(
        &mut self,
        keep: bool,
        act: &mut impl FnMut(Op<Q::Member>) -> Result<(), X>,
    ) -> Result<(), X> {
        if self.range.is_empty() {
            return self.drain(None, act);
        }
        let covering = self.chunks.covering(&self.range);
        let (lead, tail) = (covering.lead, covering.tail);
        let mut rows = covering.rows.clone();
        let held = self.held.take();
        let chunk = |chunks: &ChunkTable, row| chunks.chunk(row, &covering, 0);
        // What the range before uses of the chunk that both share is no padding.
        let shared = match (&held, rows.clone().next()) {
            (Some(held), Some(first)) if held.is_same(&chunk(&self.chunks, first)) => {
                Some(held.size - held.padding)
            }
            _ => None,
        };
        let total = (self.range.end - self.range.start) + lead + tail;
        let padding = (lead + tail).saturating_sub(shared.unwrap_or(0));
        if padding as f64 / total as f64 > PADDING_MAX {
            self.held = held;
            return self.drain(None, act);
        }
        if shared.is_none() {
            inject(held, act)?;
        }
        self.drain(Some(lead), act)?;
        let shared = shared.unwrap_or(0);
        let chunk = |row| self.chunks.chunk(row, &covering, shared);
        let last = if keep { rows.next_back() } else { None };
        let held = last.map(chunk);
        inject(rows.map(chunk), act)?;
        self.held = held;
        Ok(())
    }

    /// Sends all that wait on their way: files by reference behind `lead` bytes of padding, or to be read.
    fn drain<X>(
        &mut self,
        lead: Option<u64>,
        act: &mut impl FnMut(Op<Q::Member>) -> Result<(), X>,
    ) -> Result<(), X> {
        inject(self.held.take(), act)?;
        self.gathers = false;
        self.range = self.range.end..self.range.end;
        while let Some((member, within)) = self.waiting.pop() {
            act(match (lead, within) {
                (Some(lead), Some(within)) => Op::Refer {
                    member,
                    ahead: lead + within,
                },
                _ => Op::Store(member),
            })?;
        }
        Ok(())
    }
}

fn inject<E, X>(
    chunks: impl IntoIterator<Item = ReusedChunk>,
    act: &mut impl FnMut(Op<E>) -> Result<(), X>,
) -> Result<(), X> {
    let mut chunks = chunks.into_iter();
    loop {
        let group: Vec<_> = chunks.by_ref().take(INJECTED_MAX).collect();
        if group.is_empty() {
            return Ok(());
        }
        act(Op::Inject(group))?;
    }
}

#[cfg(test)]
mod tests;
