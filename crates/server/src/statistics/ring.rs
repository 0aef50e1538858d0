//! The file of one object: a header that names its fields, then one ring of rows per resolution. Its length never changes after it was made, as a
//! whole, under a temporary name. Rows are written in place, unlike other files here, because each has a checksum and its own time: one that
//! was torn or is from the round before counts as empty, and no other row is touched.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;

use super::RESOLUTIONS;
use super::row::Row;
use config::owner;

const MAGIC: &str = "strongroom statistics 1";
const HEADER_BYTES: usize = 1024;

/// See the module.
#[derive(Debug)]
pub struct Ring {
    file: File,
    fields: usize,
}

impl Ring {
    /// Opens the file, or makes it. One that is not of this form or has other fields is put away as `NAME.old`.
    pub fn open(folder: &Path, name: &str, fields: &[&str]) -> io::Result<Ring> {
        let path = folder.join(name);
        let mut options = OpenOptions::new();
        match options.read(true).write(true).open(&path) {
            Ok(file) if is_whole(&file, fields) => {
                return Ok(Ring {
                    file,
                    fields: fields.len(),
                });
            }
            Ok(_) => {
                tracing::warn!(
                    "{} does not hold statistics of this version; it is now {name}.old and a new one begins",
                    path.display()
                );
                fs::rename(&path, folder.join(format!("{name}.old")))?;
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => owner::make_folders(folder, 0o777)?,
            Err(e) => return Err(e),
        }
        create(folder, &path, fields)?;
        Ok(Ring {
            file: OpenOptions::new().read(true).write(true).open(&path)?,
            fields: fields.len(),
        })
    }

    /// Number of fields.
    pub fn fields(&self) -> usize {
        self.fields
    }

    /// The row of a slot, if it was written.
    pub fn row(&self, place: usize, start: i64) -> Option<Row> {
        let mut bytes = vec![0; Row::bytes(self.fields)];
        let at = self.ring_at(place) + (self.turn(place, start) * bytes.len()) as u64;
        self.file.read_exact_at(&mut bytes, at).ok()?;
        Row::decode(&bytes, start)
    }

    pub fn put(&self, place: usize, row: &Row) -> io::Result<()> {
        let bytes = row.encode();
        let at = self.ring_at(place) + (self.turn(place, row.start) * bytes.len()) as u64;
        self.file.write_all_at(&bytes, at)
    }

    /// The rows of these slots, read at once.
    pub fn rows(
        &self,
        place: usize,
        starts: impl Iterator<Item = i64>,
    ) -> io::Result<Vec<Option<Row>>> {
        let row_bytes = Row::bytes(self.fields);
        let mut bytes = vec![0; RESOLUTIONS[place].points as usize * row_bytes];
        self.file.read_exact_at(&mut bytes, self.ring_at(place))?;
        let row = |start| {
            let at = self.turn(place, start) * row_bytes;
            Row::decode(&bytes[at..at + row_bytes], start)
        };
        Ok(starts.map(row).collect())
    }

    /// Where the ring of a resolution begins.
    fn ring_at(&self, place: usize) -> u64 {
        ring_at(place, self.fields)
    }

    /// Which row of its ring a slot has.
    fn turn(&self, place: usize, start: i64) -> usize {
        let resolution = RESOLUTIONS[place];
        let number = start.div_euclid(i64::from(resolution.seconds));
        usize::try_from(number.rem_euclid(i64::from(resolution.points)))
            .expect("a remainder is not negative and below a small number")
    }
}

fn ring_at(place: usize, fields: usize) -> u64 {
    let before: usize = RESOLUTIONS[..place]
        .iter()
        .map(|resolution| resolution.points as usize)
        .sum();
    (HEADER_BYTES + before * Row::bytes(fields)) as u64
}

fn header(fields: &[&str]) -> Vec<u8> {
    let mut header = format!("{MAGIC}\n{}\n", fields.join("\n")).into_bytes();
    header.resize(HEADER_BYTES, 0);
    header
}

fn is_whole(file: &File, fields: &[&str]) -> bool {
    let mut found = vec![0; HEADER_BYTES];
    file.read_exact_at(&mut found, 0).is_ok()
        && found == header(fields)
        && file
            .metadata()
            .is_ok_and(|m| m.len() == ring_at(RESOLUTIONS.len(), fields.len()))
}

/// What is not written yet takes no room on the disk.
fn create(folder: &Path, path: &Path, fields: &[&str]) -> io::Result<()> {
    let mut temp = tempfile::Builder::new()
        .prefix(".statistics.")
        .make_in(folder, |path| {
            let mut options = OpenOptions::new();
            owner::make(options.write(true).mode(0o640), path)
        })?;
    temp.write_all(&header(fields))?;
    temp.as_file()
        .set_len(ring_at(RESOLUTIONS.len(), fields.len()))?;
    temp.as_file().sync_all()?;
    temp.persist(path).map_err(|e| e.error)?;
    File::open(folder)?.sync_all()
}
