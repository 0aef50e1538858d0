//! A part of an archive as a stream that other programs read: a directory, or several members, as zip or tar, a file as its data (pxar.md 7).
//!
//! Streams are pulled, piece by piece: the walk goes on only as fast as somebody reads, holds no thread in between, and little memory
//! whatever the size of the directory. Nothing is sought, so the output may be a pipe or a connection. The crate is pure: it knows
//! archives and bytes; the one file that it may need it is given. Start reading at [`directory()`].

mod central;
mod member;
mod name;

mod tar;
mod walk;
mod zip;

mod stream;

pub use central::{MakeScratch, Scratch};
pub use stream::{PIECE_BYTES, Pieces, compressed, directory, file, selection};

/// How a directory is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packing {
    pub format: Format,
    /// The whole stream is compressed.
    pub zstd: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Zip,
    Tar,
}
