//! The file that an image is restored to: made new, written from several threads in any order, with holes where it is zero, and gone again
//! if the restore did not come to its end.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::sync::Arc;

use crate::error::Error;
use crate::image::is_zero;

/// Held by whoever restores. Dropped before [`NewImage::keep`], it removes the file, as half an image must not be taken for a whole one.
pub(crate) struct NewImage {
    file: Arc<ImageFile>,
    unfinished: bool,
}

/// Held by the threads that write.
pub(crate) struct ImageFile {
    file: File,
    path: PathBuf,
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
            file: Arc::new(ImageFile { file, path }),
            unfinished: true,
        };
        let sized = image.file.file.set_len(size);
        sized.map_err(|source| image.file.failed("write", source))?;
        Ok(image)
    }

    pub fn file(&self) -> Arc<ImageFile> {
        Arc::clone(&self.file)
    }

    /// All is written and on disk.
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
    pub fn write(&self, offset: u64, content: &[u8]) -> Result<(), Error> {
        if is_zero(content) {
            return Ok(());
        }
        let written = self.file.write_all_at(content, offset);
        written.map_err(|source| self.failed("write", source))
    }

    pub fn sync(&self) -> Result<(), Error> {
        let synced = self.file.sync_all();
        synced.map_err(|source| self.failed("sync", source))
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
        image.file().sync().unwrap();
        image.keep();
        let content = std::fs::read(&path).unwrap();
        assert_eq!((content.len(), &content[97..]), (100, &b"\0ab"[..]));
    }
}
