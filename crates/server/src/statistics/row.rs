//! One slot of a ring: for each field sum, maximum and number of its values. As bytes it carries a checksum, so that a slot that was being
//! written when the power went is an empty one.

use api::rest::statistics::Consolidation;

/// Values of one field in one slot.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Cell {
    sum: f64,
    max: f64,
    count: u32,
}

impl Cell {
    fn add(&mut self, value: f64) {
        self.max = if self.count == 0 {
            value
        } else {
            self.max.max(value)
        };
        self.sum += value;
        self.count = self.count.saturating_add(1);
    }

    /// Nothing where no value was seen.
    pub fn value(&self, how: Consolidation) -> Option<f64> {
        (self.count > 0).then(|| match how {
            Consolidation::Average => self.sum / f64::from(self.count),
            Consolidation::Max => self.max,
        })
    }
}

/// See the module.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Begin of the slot, seconds since the epoch.
    pub start: i64,
    pub cells: Vec<Cell>,
}

const START_BYTES: usize = 8;
const CELL_BYTES: usize = 20;
const SUM_BYTES: usize = 4;

impl Row {
    /// Without values.
    pub fn new(start: i64, fields: usize) -> Row {
        Row {
            start,
            cells: vec![Cell::default(); fields],
        }
    }

    /// Takes one value for each field, in their order; those that are not finite count as missing.
    pub fn add(&mut self, values: &[Option<f64>]) {
        for (cell, value) in self.cells.iter_mut().zip(values) {
            if let Some(value) = value.filter(|value| value.is_finite()) {
                cell.add(value);
            }
        }
    }

    /// Length in bytes.
    pub const fn bytes(fields: usize) -> usize {
        START_BYTES + fields * CELL_BYTES + SUM_BYTES
    }

    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(Row::bytes(self.cells.len()));
        out.extend(self.start.to_le_bytes());
        for cell in &self.cells {
            out.extend(cell.sum.to_le_bytes());
            out.extend(cell.max.to_le_bytes());
            out.extend(cell.count.to_le_bytes());
        }
        out.extend(crc32fast::hash(&out).to_le_bytes());
        out
    }

    /// The row of a slot; nothing if the bytes are another slot's, empty or damaged.
    pub fn decode(bytes: &[u8], start: i64) -> Option<Row> {
        let (body, sum) = bytes.split_last_chunk::<SUM_BYTES>()?;
        let (found, mut cells) = body.split_first_chunk::<START_BYTES>()?;
        if i64::from_le_bytes(*found) != start || u32::from_le_bytes(*sum) != crc32fast::hash(body)
        {
            return None;
        }
        let mut row = Row::new(start, 0);
        while let Some((cell, rest)) = cells.split_first_chunk::<CELL_BYTES>() {
            row.cells.push(decode_cell(cell)?);
            cells = rest;
        }
        cells.is_empty().then_some(row)
    }
}

fn decode_cell(bytes: &[u8; CELL_BYTES]) -> Option<Cell> {
    let (sum, rest) = bytes.split_first_chunk::<8>()?;
    let (max, count) = rest.split_first_chunk::<8>()?;
    Some(Cell {
        sum: f64::from_le_bytes(*sum),
        max: f64::from_le_bytes(*max),
        count: u32::from_le_bytes(count.try_into().ok()?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_become_one() {
        let mut row = Row::new(60, 3);
        row.add(&[Some(1.0), None, Some(-4.0)]);
        row.add(&[Some(3.0), Some(f64::NAN), Some(-2.0)]);
        let of = |how| {
            row.cells
                .iter()
                .map(|cell| cell.value(how))
                .collect::<Vec<_>>()
        };
        assert_eq!(of(Consolidation::Average), [Some(2.0), None, Some(-3.0)]);
        assert_eq!(of(Consolidation::Max), [Some(3.0), None, Some(-2.0)]);
    }

    #[test]
    fn bytes_and_back_and_no_half_of_them() {
        let mut row = Row::new(1_700_000_040, 2);
        row.add(&[Some(0.5), None]);
        let bytes = row.encode();
        assert_eq!(bytes.len(), Row::bytes(2));
        assert_eq!(Row::decode(&bytes, row.start), Some(row.clone()));
        assert_eq!(Row::decode(&bytes, row.start + 60), None);
        for end in 0..bytes.len() {
            assert_eq!(Row::decode(&bytes[..end], row.start), None, "{end}");
            let mut torn = bytes.clone();
            torn[end] ^= 1;
            assert_eq!(Row::decode(&torn, row.start), None, "{end}");
        }
        assert_eq!(Row::decode(&vec![0; Row::bytes(2)], row.start), None);
    }
}
