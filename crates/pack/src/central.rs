//! The list of members that stands at the end of a zip, until it is sent: a short one in memory, the rest of a long one in a scratch file that the
//! caller makes. Paths are long and members many, and a server makes many zips at once.

use std::io::{self, Read, Seek, SeekFrom, Write};

/// What is held in memory.
const HELD_BYTES: usize = 128 << 10;
/// Of the scratch file at a time.
const READ_BYTES: usize = 64 << 10;
/// The whole list: some two million members, or fewer with long paths.
const CENTRAL_BYTES_MAX: u64 = 256 << 20;

/// A file for what does not fit in memory. It is written, then read once from its start; nobody else sees it.
pub trait Scratch: Read + Write + Seek + Send {}

impl<T: Read + Write + Seek + Send> Scratch for T {}

/// Makes the file, if one is needed.
pub type MakeScratch = Box<dyn FnOnce() -> io::Result<Box<dyn Scratch>> + Send>;

pub(crate) struct Central {
    /// What came last; the rest is in the file.
    held: Vec<u8>,
    bytes: u64,
    make: Option<MakeScratch>,
    file: Option<Box<dyn Scratch>>,
    is_read: bool,
}

impl Central {
    pub fn new(make: MakeScratch) -> Central {
        Central {
            held: Vec::new(),
            bytes: 0,
            make: Some(make),
            file: None,
            is_read: false,
        }
    }

    /// Takes one more entry, at the end of what it is given.
    pub fn add(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> io::Result<()> {
        let before = self.held.len();
        write(&mut self.held);
        self.bytes += (self.held.len() - before) as u64;
        if self.bytes > CENTRAL_BYTES_MAX {
            return Err(io::Error::other(format!(
                "the members of the zip have more than {CENTRAL_BYTES_MAX} bytes of paths; take tar, or its folders one by one"
            )));
        }
        match self.held.len() > HELD_BYTES {
            true => self.spill().map_err(failed),
            false => Ok(()),
        }
    }

    /// Length of all entries.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    fn spill(&mut self) -> io::Result<()> {
        if let Some(make) = self.make.take() {
            self.file = Some(make()?);
        }
        let file = self.file.as_mut().ok_or(io::ErrorKind::NotFound)?;
        file.write_all(&self.held)?;
        self.held.clear();
        Ok(())
    }

    /// The next bytes of the list, from its start on; nothing after its end. Nothing may be added any more.
    pub fn piece(&mut self) -> io::Result<Vec<u8>> {
        if let Some(file) = &mut self.file {
            if !self.is_read {
                self.is_read = true;
                file.seek(SeekFrom::Start(0)).map_err(failed)?;
            }
            let mut piece = Vec::with_capacity(READ_BYTES);
            let read = file.take(READ_BYTES as u64).read_to_end(&mut piece);
            if read.map_err(failed)? > 0 {
                return Ok(piece);
            }
            self.file = None;
        }
        Ok(std::mem::take(&mut self.held))
    }
}

fn failed(error: io::Error) -> io::Error {
    let text = format!(
        "cannot keep the list of the zip's members in a file for the time being: {error}; make room there, or take tar"
    );
    io::Error::new(error.kind(), text)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn all(central: &mut Central) -> Vec<u8> {
        let mut all = Vec::new();
        loop {
            let piece = central.piece().expect("read");
            assert!(piece.len() <= HELD_BYTES);
            if piece.is_empty() {
                return all;
            }
            all.extend_from_slice(&piece);
        }
    }

    /// Eight zips of folders with long paths held 4.4 GB: each list had up to 256 MiB in memory.
    #[test]
    fn a_long_list_is_in_the_file() {
        let entry = |n: u32| [&n.to_be_bytes()[..], &[7; 4000]].concat();
        for (count, spilled) in [(0u32, false), (3, false), (34, true), (5000, true)] {
            let (made, is_made) = std::sync::mpsc::channel();
            let make = move || {
                made.send(()).expect("told");
                Ok(Box::new(Cursor::new(Vec::new())) as Box<dyn Scratch>)
            };
            let mut central = Central::new(Box::new(make));
            let mut expected = Vec::new();
            for n in 0..count {
                central
                    .add(|out| out.extend_from_slice(&entry(n)))
                    .expect("added");
                expected.extend_from_slice(&entry(n));
                assert!(central.held.capacity() <= 2 * HELD_BYTES, "{n}");
            }
            assert_eq!(central.bytes(), expected.len() as u64);
            assert!(all(&mut central) == expected, "{count}");
            assert_eq!(is_made.try_iter().count(), usize::from(spilled), "{count}");
        }
    }

    #[test]
    fn there_is_an_end_and_a_full_disk_is_told() {
        let make = || Ok(Box::new(Cursor::new(Vec::new())) as Box<dyn Scratch>);
        let mut central = Central::new(Box::new(make));
        central.bytes = CENTRAL_BYTES_MAX;
        let error = central.add(|out| out.push(1)).expect_err("too much");
        assert!(error.to_string().contains("take tar"), "{error}");

        let full = || Err(io::ErrorKind::StorageFull.into());
        let mut central = Central::new(Box::new(full));
        let large = |out: &mut Vec<u8>| out.resize(HELD_BYTES + 1, 0);
        let error = central.add(large).expect_err("no file");
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        assert!(error.to_string().contains("no storage space"), "{error}");
        let error = central.add(|out| out.push(1)).expect_err("no file");
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}
