//! Goodbye tables: the end of each directory, by which a member is found without reading the others.
//!
//! The rows, sorted by name hash, are laid out as an implicit binary tree. Here stand the row, the layout and the search;
//! what a row may point to is checked by the accessor.

use crate::item::{self, GOODBYE_TAIL_MARKER, HEADER_LEN, Header};

/// Bytes of one row.
pub const ROW_LEN: u64 = 24;

/// A row as stored. Offsets are distances back from the start of the table's item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    pub hash: u64,
    pub offset: u64,
    pub size: u64,
}

impl Row {
    pub fn decode(bytes: &[u8; 24]) -> Row {
        let number =
            |i: usize| u64::from_le_bytes(bytes[i * 8..i * 8 + 8].try_into().expect("8 bytes"));
        Row {
            hash: number(0),
            offset: number(1),
            size: number(2),
        }
    }

    pub fn encode(self) -> [u8; 24] {
        let mut bytes = [0; 24];
        for (part, number) in bytes
            .chunks_exact_mut(8)
            .zip([self.hash, self.offset, self.size])
        {
            part.copy_from_slice(&number.to_le_bytes());
        }
        bytes
    }
}

/// Appends the whole item to `out`: `rows` in any order (they get sorted), and the tail row, which leads back
/// `entry_distance` bytes to the directory's own ENTRY.
pub fn encode(rows: &mut [Row], entry_distance: u64, out: &mut Vec<u8>) {
    rows.sort_unstable_by_key(|row| row.hash);
    let full_size = HEADER_LEN + ROW_LEN * (rows.len() as u64 + 1);
    Header {
        item: item::GOODBYE,
        full_size,
    }
    .encode(out);
    let start = out.len();
    out.resize(start + rows.len() * ROW_LEN as usize, 0);
    place(rows.len(), &mut |row, sorted| {
        let at = start + row * ROW_LEN as usize;
        out[at..at + ROW_LEN as usize].copy_from_slice(&rows[sorted].encode());
    });
    out.extend_from_slice(
        &Row {
            hash: GOODBYE_TAIL_MARKER,
            offset: entry_distance,
            size: full_size,
        }
        .encode(),
    );
}

/// Calls `put(row, sorted)` for each of `count` rows: row `row` of the table is the element `sorted` of the sorted list.
/// The tree is complete and filled from the left; the children of row i are 2i+1 (smaller) and 2i+2 (larger).
pub fn place(count: usize, put: &mut dyn FnMut(usize, usize)) {
    if count > 0 {
        place_below(count, 0, count.ilog2(), 0, put);
    }
}

fn place_below(
    count: usize,
    first: usize,
    height: u32,
    row: usize,
    put: &mut dyn FnMut(usize, usize),
) {
    let level = 1usize << height;
    let full_from = level + level / 2 - 1;
    let smaller = if count > full_from {
        level - 1
    } else {
        level - 1 - (full_from - count)
    };
    put(row, first + smaller);
    if smaller > 0 {
        place_below(smaller, first, height - 1, 2 * row + 1, put);
    }
    if smaller + 1 < count {
        place_below(
            count - smaller - 1,
            first + smaller + 1,
            height - 1,
            2 * row + 2,
            put,
        );
    }
}

/// Looks for all rows with one hash by descending the tree. Below an equal row both sides are searched, so names that collide are
/// all found, however many they are. Visits each row at most once, whatever a broken table contains.
pub struct Search {
    hash: u64,
    open: Vec<usize>,
}

impl Search {
    pub fn new(hash: u64) -> Search {
        Search {
            hash,
            open: vec![0],
        }
    }

    /// The next row of that hash. `row` reads one of the table, and nothing behind its end.
    pub fn next<E>(
        &mut self,
        mut row: impl FnMut(usize) -> Result<Option<Row>, E>,
    ) -> Result<Option<Row>, E> {
        while let Some(index) = self.open.pop() {
            let Some(row) = row(index)? else { continue };
            match self.hash.cmp(&row.hash) {
                std::cmp::Ordering::Less => self.open.push(2 * index + 1),
                std::cmp::Ordering::Greater => self.open.push(2 * index + 2),
                std::cmp::Ordering::Equal => {
                    self.open.push(2 * index + 2);
                    self.open.push(2 * index + 1);
                    return Ok(Some(row));
                }
            }
        }
        Ok(None)
    }
}
