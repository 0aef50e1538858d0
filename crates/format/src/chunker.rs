//! Where a stream is cut into chunks: a rolling hash over the last 64 bytes decides (formats.md 5).
//!
//! The borders depend on the content only, never on how it is sliced into calls. Nothing is carried over a border, and the bytes before
//! the window that ends at the smallest allowed size need not be looked at.
//! Rules and numbers: `docs/formats/chunker.md`.

mod table;

use table::TABLE;

const WINDOW: usize = 64;

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("average chunk size {0} is not a power of two between {min} and {max}", min = Chunker::AVG_MIN, max = Chunker::AVG_MAX)]
pub struct ChunkerError(pub usize);

/// Finds the borders of one stream; feed it the stream piece by piece.
#[derive(Debug, Clone)]
pub struct Chunker {
    avg: usize,
    mask: u32,
    limit: u32,
    /// Bytes of the chunk seen so far.
    seen: usize,
    hash: u32,
    /// The last 64 bytes of the chunk once the window is full; before that as many as it has.
    window: [u8; WINDOW],
}

impl Chunker {
    pub const AVG_MIN: usize = 1 << 10;
    /// So that no chunk is larger than a chunk may be.
    pub const AVG_MAX: usize = 4 << 20;
    /// For archives.
    pub const AVG_DEFAULT: usize = 4 << 20;
    /// For the catalog.
    pub const AVG_CATALOG: usize = 512 << 10;

    pub fn new(avg: usize) -> Result<Chunker, ChunkerError> {
        if !avg.is_power_of_two() || !(Chunker::AVG_MIN..=Chunker::AVG_MAX).contains(&avg) {
            return Err(ChunkerError(avg));
        }
        let mask = u32::try_from(2 * avg - 1).expect("the largest average is far below 2^31");
        Ok(Chunker {
            avg,
            mask,
            limit: mask - 2,
            seen: 0,
            hash: 0,
            window: [0; WINDOW],
        })
    }

    pub fn min(&self) -> usize {
        self.avg / 4
    }

    pub fn max(&self) -> usize {
        self.avg * 4
    }

    pub fn avg(&self) -> usize {
        self.avg
    }

    /// Forgets the chunk begun, as after a border that was decided elsewhere.
    pub fn reset(&mut self) {
        self.seen = 0;
        self.hash = 0;
    }

    /// Looks for the border in the next bytes of the stream.
    ///
    /// `Some(n)`: the chunk ends with the first `n` bytes of `data` (at least one); go on with the rest of `data`, which begins the next
    /// chunk. `None`: all of `data` belongs to this chunk, more is needed. At the end of the stream what is left is the last chunk.
    pub fn scan(&mut self, data: &[u8]) -> Option<usize> {
        let border = self.find(data);
        if border.is_some() {
            self.reset();
        }
        border
    }

    fn find(&mut self, data: &[u8]) -> Option<usize> {
        let min = self.min();
        // No border is allowed before `min`, and the hash depends on the last 64 bytes only.
        let mut at = (min - WINDOW).saturating_sub(self.seen).min(data.len());
        self.seen += at;
        if self.seen < min {
            at += self.fill(&data[at..])?;
            if self.is_border(self.hash) {
                return Some(at);
            }
        }
        let room = (data.len() - at).min(self.max() - self.seen);
        let entering = &data[at..at + room];
        // What leaves first came with the window; behind that, leaving and entering bytes lie in the same slice.
        let from_window = room.min(WINDOW);
        let window = self.window;
        if let Some(n) = self.slide(&window[..from_window], &entering[..from_window]) {
            return Some(at + n);
        }
        if let Some(n) = self.slide(entering, &entering[from_window..]) {
            return Some(at + from_window + n);
        }
        self.seen += room;
        if self.seen == self.max() {
            return Some(at + room);
        }
        self.remember(entering);
        None
    }

    /// Takes the bytes of the first window. `Some(bytes taken)` once it is full.
    fn fill(&mut self, data: &[u8]) -> Option<usize> {
        let missing = self.min() - self.seen;
        let have = WINDOW.checked_sub(missing)?;
        let taken = missing.min(data.len());
        for (slot, byte) in self.window[have..].iter_mut().zip(&data[..taken]) {
            *slot = *byte;
            self.hash = self.hash.rotate_left(1) ^ TABLE[usize::from(*byte)];
        }
        self.seen += taken;
        (taken == missing).then_some(taken)
    }

    /// Slides the window over `entering`, as far as there are leaving bytes. `Some(n)`: there is a border behind the n-th entering byte.
    ///
    /// Two bytes at a time, for speed: the second hash is made from the first but one, which halves the chain of dependent steps.
    fn slide(&mut self, leaving: &[u8], entering: &[u8]) -> Option<usize> {
        let len = leaving.len().min(entering.len());
        let (leaving, last_leaving) = leaving[..len].as_chunks::<2>();
        let (entering, last_entering) = entering[..len].as_chunks::<2>();
        let mut hash = self.hash;
        for (pair, (leaving, entering)) in leaving.iter().zip(entering).enumerate() {
            let one = change(leaving[0], entering[0]);
            let both = one.rotate_left(1) ^ change(leaving[1], entering[1]);
            let first = hash.rotate_left(1) ^ one;
            hash = hash.rotate_left(2) ^ both;
            if self.is_border(first) | self.is_border(hash) {
                return Some(2 * pair + if self.is_border(first) { 1 } else { 2 });
            }
        }
        if let ([leaving], [entering]) = (last_leaving, last_entering) {
            hash = hash.rotate_left(1) ^ change(*leaving, *entering);
            if self.is_border(hash) {
                return Some(len);
            }
        }
        self.hash = hash;
        None
    }

    fn is_border(&self, hash: u32) -> bool {
        hash & self.mask >= self.limit
    }

    /// Keeps the last bytes of the window for the next call.
    fn remember(&mut self, entering: &[u8]) {
        match entering.last_chunk::<WINDOW>() {
            Some(window) => self.window = *window,
            None => {
                self.window.rotate_left(entering.len());
                self.window[WINDOW - entering.len()..].copy_from_slice(entering);
            }
        }
    }
}

/// What one byte leaving the window and one entering it do to the turned hash. Turning the leaving byte's number by all 64 places of
/// the window would change nothing.
fn change(leaving: u8, entering: u8) -> u32 {
    TABLE[usize::from(leaving)] ^ TABLE[usize::from(entering)]
}
