//! Records of the space index: a chunk's digest, its size on disk, and the numbers of the snapshots that name it, in the order of the digests.
//!
//! One form for the kept file and for the runs of a sort. Numbers ascend and are written as differences, so that snapshots of one group, which
//! share most chunks, take a byte or two each. Layout: `docs/formats/space-index.md`.

use std::io::{self, BufRead, Write};

use format::Digest;

/// A chunk and who names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    pub digest: Digest,
    /// On disk, header included; 0 if it is not known or the chunk was missing.
    pub size: u64,
    /// Ascending, each once, at least one.
    pub snapshots: Vec<u32>,
}

/// More snapshots than a datastore can name a chunk in.
const SNAPSHOTS_MAX: u64 = u32::MAX as u64;

impl Record {
    pub(super) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        out.write_all(self.digest.as_bytes())?;
        write_number(out, self.size)?;
        write_number(out, self.snapshots.len() as u64)?;
        let mut last = 0;
        for snapshot in &self.snapshots {
            write_number(out, u64::from(snapshot - last))?;
            last = *snapshot;
        }
        Ok(())
    }

    /// Nothing at the end of the input.
    pub(super) fn read(input: &mut impl BufRead) -> io::Result<Option<Record>> {
        if input.fill_buf()?.is_empty() {
            return Ok(None);
        }
        let mut digest = Digest::ZERO;
        input.read_exact(&mut digest.0)?;
        let size = read_number(input)?;
        let count = read_number(input)?;
        if count == 0 || count > SNAPSHOTS_MAX {
            return Err(bad("a record without snapshots, or with too many"));
        }
        // What a damaged file promises is not reserved.
        let mut snapshots = Vec::new();
        let mut last: u32 = 0;
        for place in 0..count {
            let step = u32::try_from(read_number(input)?).map_err(|_| bad("a number too large"))?;
            if step == 0 && place > 0 {
                return Err(bad("a snapshot twice"));
            }
            last = last
                .checked_add(step)
                .ok_or_else(|| bad("a number too large"))?;
            snapshots.push(last);
        }
        Ok(Some(Record {
            digest,
            size,
            snapshots,
        }))
    }
}

fn bad(text: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text)
}

/// Seven bits a byte, the lowest first; the high bit says that more follow.
fn write_number(out: &mut impl Write, mut number: u64) -> io::Result<()> {
    while number >= 0x80 {
        let low = u8::try_from(number & 0x7f).expect("seven bits fit");
        out.write_all(&[low | 0x80])?;
        number >>= 7;
    }
    out.write_all(&[u8::try_from(number).expect("less than 128")])
}

fn read_number(input: &mut impl BufRead) -> io::Result<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let mut byte = [0];
        input.read_exact(&mut byte)?;
        let bits = u64::from(byte[0] & 0x7f);
        if shift == 63 && bits > 1 {
            break;
        }
        number |= bits << shift;
        if byte[0] & 0x80 == 0 {
            return Ok(number);
        }
    }
    Err(bad("a number too large"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(
            size in any::<u64>(),
            snapshots in prop::collection::btree_set(any::<u32>(), 1..20),
        ) {
            let record = Record { digest: Digest::of(b"x"), size, snapshots: snapshots.into_iter().collect() };
            let mut bytes = Vec::new();
            record.write(&mut bytes).unwrap();
            let mut input = bytes.as_slice();
            prop_assert_eq!(Record::read(&mut input).unwrap(), Some(record));
            prop_assert_eq!(Record::read(&mut input).unwrap(), None);
            for end in 1..bytes.len() {
                prop_assert!(Record::read(&mut &bytes[..end]).is_err(), "a part of a record");
            }
        }

        #[test]
        fn damage_is_no_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = Record::read(&mut bytes.as_slice());
        }
    }
}
