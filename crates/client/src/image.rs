//! A disk image: a regular file or block device of a size that does not change, cut into pieces of 4 MiB.
//!
//! Pieces are read by number and from several threads. What lies in a hole of the file is zero and need not be read.

use std::fs::File;
use std::io::{ErrorKind, Seek as _, SeekFrom};
use std::ops::Range;
use std::os::unix::fs::{FileExt as _, FileTypeExt as _};
use std::path::{Path, PathBuf};

use format::index::FIXED_CHUNK;

use crate::error::Error;

#[derive(Debug)]
pub(crate) struct Image {
    file: File,
    path: PathBuf,
    size: u64,
}

impl Image {
    pub fn open(path: &Path) -> Result<Image, Error> {
        let failed = |source| Error::File {
            action: "open",
            path: path.to_owned(),
            source,
        };
        let kind = std::fs::metadata(path).map_err(failed)?.file_type();
        if !kind.is_file() && !kind.is_block_device() {
            return Err(Error::NotAnImage {
                path: path.to_owned(),
            });
        }
        let mut file = File::open(path).map_err(failed)?;
        // Works for devices too, whose metadata tells no size.
        let size = file.seek(SeekFrom::End(0)).map_err(failed)?;
        if size == 0 {
            return Err(Error::EmptyImage {
                path: path.to_owned(),
            });
        }
        Ok(Image {
            file,
            path: path.to_owned(),
            size,
        })
    }

    pub fn size(&self) -> u64 {
        self.size
    }

    pub fn pieces(&self) -> u64 {
        self.size.div_ceil(FIXED_CHUNK)
    }

    /// Where piece `number` lies.
    pub fn range(&self, number: u64) -> Range<u64> {
        let start = number * FIXED_CHUNK;
        start..(start + FIXED_CHUNK).min(self.size)
    }

    /// Whether the file system knows that there is no data in `range`.
    pub fn is_hole(&self, range: &Range<u64>) -> bool {
        use rustix::fs::{SeekFrom, seek};
        match seek(&self.file, SeekFrom::Data(range.start)) {
            Ok(data) => data >= range.end,
            // Beyond the last data, which is also said of what was cut off meanwhile: that is for `read` to notice.
            Err(rustix::io::Errno::NXIO) => self.reaches(range.end),
            // The question is not understood.
            Err(_) => false,
        }
    }

    /// Whether the file has, now, at least `end` bytes.
    fn reaches(&self, end: u64) -> bool {
        let now = self.file.metadata();
        now.is_ok_and(|now| now.is_file() && now.len() >= end)
    }

    pub fn read(&self, offset: u64, into: &mut [u8]) -> Result<(), Error> {
        self.file
            .read_exact_at(into, offset)
            .map_err(|source| match source.kind() {
                ErrorKind::UnexpectedEof => Error::ImageShrank {
                    path: self.path.clone(),
                },
                _ => Error::File {
                    action: "read",
                    path: self.path.clone(),
                    source,
                },
            })
    }
}

/// Whether all of `data` is zero; ends at the first page that is not.
pub(crate) fn is_zero(data: &[u8]) -> bool {
    data.chunks(4096)
        .all(|page| page.iter().fold(0, |all, byte| all | byte) == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_cover_the_file_and_holes_are_seen() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("disk");
        let file = File::create(&path).unwrap();
        file.set_len(3 * FIXED_CHUNK + 1000).unwrap();
        file.write_all_at(b"data", 2 * FIXED_CHUNK + 5).unwrap();
        let image = Image::open(&path).unwrap();
        assert_eq!((image.size(), image.pieces()), (3 * FIXED_CHUNK + 1000, 4));
        assert_eq!(image.range(3), 3 * FIXED_CHUNK..3 * FIXED_CHUNK + 1000);
        assert!(!image.is_hole(&image.range(2)));
        let mut data = [0; 4];
        image.read(2 * FIXED_CHUNK + 5, &mut data).unwrap();
        assert_eq!(&data, b"data");
        file.set_len(10).unwrap();
        assert!(matches!(
            image.read(8, &mut data),
            Err(Error::ImageShrank { .. })
        ));
        // What is not there any more is no hole.
        assert!(image.is_hole(&(0..10)));
        for number in 0..4 {
            assert!(!image.is_hole(&image.range(number)), "{number}");
        }
    }

    #[test]
    fn what_is_no_image_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        assert!(matches!(
            Image::open(dir.path()),
            Err(Error::NotAnImage { .. })
        ));
        assert!(matches!(
            Image::open(&dir.path().join("none")),
            Err(Error::File { .. })
        ));
        let empty = dir.path().join("empty");
        File::create(&empty).unwrap();
        assert!(matches!(Image::open(&empty), Err(Error::EmptyImage { .. })));
    }

    #[test]
    fn one_bit_is_enough() {
        let mut data = vec![0; 10_000];
        assert!(is_zero(&data) && is_zero(&[]));
        data[9_999] = 1;
        assert!(!is_zero(&data));
    }
}
