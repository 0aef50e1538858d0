//! The file that an image is restored to: made new, written from several threads in any order, with holes where it is zero, and gone again
//! if the restore did not come to its end.
//!
//! An image is large and nobody reads it while it is restored. So it goes to the disk directly, past the page cache, if the file system
//! can: that spares a copy into pages that must first be found (the dearest step of a restore on virtual machines), and leaves in the cache
//! what others use. A disk that is slower than that is left to the page cache.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::fs::{FallocateFlags, Mode, OFlags};
use rustix::io::Errno;

use crate::error::Error;
use crate::image::is_zero;
use crate::pool::{Buffer, Pool};

/// Holes begin and end at multiples of this within a chunk.
const BLOCK: usize = 64 << 10;

/// What direct writes must be aligned to, in the file and in memory; no disk asks for more.
const ALIGNMENT: usize = 4096;

/// A disk is judged after this many bytes ...
const JUDGED_AFTER: u64 = 32 << 20;
/// ... and too slow if a thread writes less than this in a second.
const SLOW: u64 = 150 << 20;

/// Buffers of which [`aligned`] gives at least `len` bytes.
pub(crate) fn pool(count: usize, len: usize) -> Pool {
    Pool::filled(count, len + ALIGNMENT)
}

/// The part of a buffer that can be written directly.
pub(crate) fn aligned(buffer: &mut Buffer) -> &mut [u8] {
    let skip = buffer.as_ptr().align_offset(ALIGNMENT).min(ALIGNMENT);
    &mut buffer[skip..]
}

/// Held by whoever restores. Dropped before [`NewImage::keep`], it removes the file, as half an image must not be taken for a whole one.
pub(crate) struct NewImage {
    file: Arc<ImageFile>,
    unfinished: bool,
}

/// Held by the threads that write.
pub(crate) struct ImageFile {
    file: File,
    path: PathBuf,
    /// The same file, past the page cache.
    direct: Option<Direct>,
    /// The kernel lets one write a file through the page cache at a time and has the others spin; here they sleep, and leave the core to
    /// those who open chunks.
    writing: Mutex<()>,
}

struct Direct {
    file: File,
    off: AtomicBool,
    bytes: AtomicU64,
    nanoseconds: AtomicU64,
}

impl NewImage {
    /// The file must not exist; it has its size at once.
    pub fn create(path: PathBuf, size: u64) -> Result<NewImage, Error> {
        let file = File::create_new(&path).map_err(|source| Error::File {
            action: "create",
            path: path.clone(),
            source,
        })?;
        let direct = Direct::open(&file);
        let image = NewImage {
            file: Arc::new(ImageFile {
                file,
                path,
                direct,
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

    fn write_run(&self, offset: u64, run: &[u8]) -> Result<(), Error> {
        let direct = self
            .direct
            .as_ref()
            .filter(|direct| direct.takes(offset, run));
        let result = match direct {
            Some(direct) => {
                self.allocate(offset, run.len())?;
                match direct.write(offset, run) {
                    // The file system cannot do it after all.
                    Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
                        direct.off.store(true, Ordering::Relaxed);
                        self.file.write_all_at(run, offset)
                    }
                    result => result,
                }
            }
            None => {
                let _one = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
                self.allocate(offset, run.len())?;
                self.file.write_all_at(run, offset)
            }
        };
        result.map_err(|source| self.failed("write", source))
    }

    /// Allocating first is several times cheaper than letting the file system allocate behind our back, and a full disk shows
    /// here. File systems that cannot are left to their own way.
    fn allocate(&self, offset: u64, len: usize) -> Result<(), Error> {
        match rustix::fs::fallocate(&self.file, FallocateFlags::empty(), offset, len as u64) {
            Err(full @ (Errno::NOSPC | Errno::DQUOT | Errno::FBIG)) => {
                Err(self.failed("write", full.into()))
            }
            _ => Ok(()),
        }
    }

    fn failed(&self, action: &'static str, source: io::Error) -> Error {
        Error::File {
            action,
            path: self.path.clone(),
            source,
        }
    }
}

impl Direct {
    /// The file once more; nothing where the file system or the machine has no such way.
    fn open(file: &File) -> Option<Direct> {
        let path = format!("/proc/self/fd/{}", file.as_raw_fd());
        let flags = OFlags::WRONLY | OFlags::DIRECT | OFlags::CLOEXEC;
        let file = rustix::fs::open(path, flags, Mode::empty()).ok()?;
        Some(Direct {
            file: file.into(),
            off: AtomicBool::new(false),
            bytes: AtomicU64::new(0),
            nanoseconds: AtomicU64::new(0),
        })
    }

    fn takes(&self, offset: u64, run: &[u8]) -> bool {
        let fits = |value: usize| value.is_multiple_of(ALIGNMENT);
        !self.off.load(Ordering::Relaxed)
            && offset.is_multiple_of(ALIGNMENT as u64)
            && fits(run.len())
            && fits(run.as_ptr().addr())
    }

    fn write(&self, offset: u64, run: &[u8]) -> io::Result<()> {
        let started = Instant::now();
        self.file.write_all_at(run, offset)?;
        let len = run.len() as u64;
        let bytes = self.bytes.fetch_add(len, Ordering::Relaxed) + len;
        let took = started.elapsed().as_nanos() as u64;
        let nanoseconds = self.nanoseconds.fetch_add(took, Ordering::Relaxed) + took;
        if is_slow(bytes, Duration::from_nanos(nanoseconds)) {
            self.off.store(true, Ordering::Relaxed);
        }
        Ok(())
    }
}

fn is_slow(bytes: u64, took: Duration) -> bool {
    bytes >= JUDGED_AFTER && (bytes as f64) < SLOW as f64 * took.as_secs_f64()
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

    #[test]
    fn the_same_content_directly_and_through_the_page_cache() {
        let dir = tempfile::tempdir().unwrap();
        let pool = pool(1, 256 << 10);
        let mut buffer = pool.take().unwrap();
        let content = aligned(&mut buffer);
        assert!(content.len() >= 256 << 10 && content.as_ptr().addr().is_multiple_of(ALIGNMENT));
        for (at, byte) in content.iter_mut().enumerate() {
            *byte = (at / 1000) as u8;
        }
        // Whole blocks, an end within a block, a start within a block, an address within a block.
        let rows = [
            (0, 0, 256 << 10),
            (1 << 20, 0, 5000),
            (100, 0, 8192),
            (0, 1, 8192),
        ];
        for (row, (offset, skip, len)) in rows.into_iter().enumerate() {
            let run = &content[skip..][..len];
            for off in [false, true] {
                let path = dir.path().join(format!("{row}-{off}"));
                let image = NewImage::create(path.clone(), offset + len as u64).unwrap();
                let file = image.file();
                if let Some(direct) = &file.direct {
                    direct.off.store(off, Ordering::Relaxed);
                }
                file.write(offset, run).unwrap();
                image.keep();
                let found = std::fs::read(&path).unwrap();
                assert!(found[..offset as usize].iter().all(|byte| *byte == 0));
                assert_eq!(found[offset as usize..], *run, "{row} {off}");
            }
        }
    }

    #[test]
    fn a_slow_disk_is_left_to_the_page_cache() {
        let second = Duration::from_secs(1);
        assert!(!is_slow(JUDGED_AFTER - 1, second));
        assert!(is_slow(JUDGED_AFTER, second));
        assert!(!is_slow(SLOW, second));
        assert!(is_slow(SLOW, second * 2));
    }
}
