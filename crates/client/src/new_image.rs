//! The file that an image is restored to: made new, written from several threads in any order, with holes where it is zero, and gone again
//! if the restore did not come to its end.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use rustix::io::Errno;

use crate::error::Error;
use crate::image::is_zero;

/// Holes begin and end at multiples of this within a chunk.
const BLOCK: usize = 64 << 10;

/// Held by whoever restores. Dropped before [`NewImage::keep`], it removes the file, as half an image must not be taken for a whole one.
pub(crate) struct NewImage {
    file: Arc<ImageFile>,
    unfinished: bool,
}

/// Held by the threads that write.
pub(crate) struct ImageFile {
    file: File,
    path: PathBuf,
    /// The kernel lets one write a file at a time and has the others spin; here they sleep, and leave the core to those who open chunks.
    writing: Mutex<()>,
}

impl NewImage {
    /// The file must not exist; it has its size at once.
    pub fn create(path: PathBuf, size: u64) -> Result<NewImage, Error> {
        let file = File::create_new(&path).map_err(|source| Error::File {
            action: "create",
            path: path.clone(),
            source,
        })?;
        let image = NewImage {
            file: Arc::new(ImageFile {
                file,
                path,
                writing: Mutex::new(()),
            }),
            unfinished: true,
        };
        let sized = image.file.file.set_len(size);
        sized.map_err(|source| image.file.failed("write", source))?;
        Ok(image)
    }

    pub fn file(&self) -> Arc<ImageFile> {
        Arc::clone(&self.file)
    }

    /// All is written.
    pub fn keep(mut self) {
        self.unfinished = false;
    }
}

impl Drop for NewImage {
    fn drop(&mut self) {
        if self.unfinished {
            // If it cannot be removed, the error that led here still tells.
            let _ = std::fs::remove_file(&self.file.path);
        }
    }
}

impl ImageFile {
    /// Writes what is not zero; blocks of zeros stay holes.
    pub fn write(&self, offset: u64, content: &[u8]) -> Result<(), Error> {
        let mut blocks = content.chunks(BLOCK).peekable();
        let mut at = 0;
        while let Some(block) = blocks.next() {
            let start = at;
            at += block.len();
            if is_zero(block) {
                continue;
            }
            while let Some(next) = blocks.next_if(|next| !is_zero(next)) {
                at += next.len();
            }
            self.write_run(offset + start as u64, &content[start..at])?;
        }
        Ok(())
    }

    /// Allocating first is several times cheaper than letting the file system allocate behind our back, and a full disk shows
    /// here. File systems that cannot are left to their own way.
    fn write_run(&self, offset: u64, run: &[u8]) -> Result<(), Error> {
        let _one = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let flags = rustix::fs::FallocateFlags::empty();
        if let Err(full @ (Errno::NOSPC | Errno::DQUOT | Errno::FBIG)) =
            rustix::fs::fallocate(&self.file, flags, offset, run.len() as u64)
        {
            return Err(self.failed("write", full.into()));
        }
        let written = self.file.write_all_at(run, offset);
        written.map_err(|source| self.failed("write", source))
    }

    fn failed(&self, action: &'static str, source: io::Error) -> Error {
        Error::File {
            action,
            path: self.path.clone(),
            source,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_image_stays() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("disk");
        let image = NewImage::create(path.clone(), 100).unwrap();
        let file = image.file();
        file.write(98, b"ab").unwrap();
        drop(image);
        assert!(!path.exists());
        // A thread that has not heard of the end yet does no harm.
        file.write(0, b"late").unwrap();

        let image = NewImage::create(path.clone(), 100).unwrap();
        assert!(NewImage::create(path.clone(), 7).is_err());
        image.file().write(98, b"ab").unwrap();
        image.keep();
        let content = std::fs::read(&path).unwrap();
        assert_eq!((content.len(), &content[97..]), (100, &b"\0ab"[..]));
    }
}
