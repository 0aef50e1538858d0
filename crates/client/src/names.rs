//! The catalog while trees are walked: names go through the catalog's writer into a cutter of its own.

use std::io;

use format::ArchiveName;
use format::catalog::{CatalogError, CatalogWriter};
use tree::CatalogSink;

use crate::cut::{Cut, Cutter};
use crate::error::Error;
use crate::pool::Stopped;

/// Delivers the catalog's pieces.
pub(crate) type Deliver = Box<dyn FnMut(Cut) -> Result<(), Stopped> + Send>;

/// A catalog being written, one archive after the other.
pub(crate) struct Names(CatalogWriter<Cutter<Deliver>>);

impl Names {
    pub fn new(cutter: Cutter<Deliver>) -> Result<Names, Error> {
        Ok(Names(CatalogWriter::new(cutter)?))
    }

    pub fn start_archive(&mut self, archive: &ArchiveName) -> Result<(), Error> {
        Ok(self.0.start_dir(archive.to_string().as_bytes())?)
    }

    pub fn end_archive(&mut self) -> Result<(), Error> {
        Ok(self.0.end_dir()?)
    }

    /// Writes the end and says how many pieces there were.
    pub fn finish(self) -> Result<u64, Error> {
        Ok(self.0.finish()?.finish()?)
    }
}

fn io_error(error: CatalogError) -> io::Error {
    match error {
        CatalogError::Io(error) => error,
        other => io::Error::other(other),
    }
}

impl CatalogSink for Names {
    fn start_directory(&mut self, name: &[u8]) -> io::Result<()> {
        self.0.start_dir(name).map_err(io_error)
    }

    fn end_directory(&mut self) -> io::Result<()> {
        self.0.end_dir().map_err(io_error)
    }

    fn file(&mut self, name: &[u8], size: u64, mtime: i64) -> io::Result<()> {
        self.0.add_file(name, size, mtime).map_err(io_error)
    }

    fn symlink(&mut self, name: &[u8]) -> io::Result<()> {
        self.0.add_symlink(name).map_err(io_error)
    }

    fn hard_link(&mut self, name: &[u8]) -> io::Result<()> {
        self.0.add_hardlink(name).map_err(io_error)
    }

    fn block_device(&mut self, name: &[u8]) -> io::Result<()> {
        self.0.add_block_device(name).map_err(io_error)
    }

    fn char_device(&mut self, name: &[u8]) -> io::Result<()> {
        self.0.add_char_device(name).map_err(io_error)
    }

    fn fifo(&mut self, name: &[u8]) -> io::Result<()> {
        self.0.add_fifo(name).map_err(io_error)
    }

    fn socket(&mut self, name: &[u8]) -> io::Result<()> {
        self.0.add_socket(name).map_err(io_error)
    }
}
