//! A member on its way out, and what a format must be able to do with it.

use std::io;

use pxar::Metadata;

#[derive(Debug)]
pub(crate) struct Member {
    /// Relative to the parent of the directory that is packed, no slash at the end.
    pub path: Vec<u8>,
    pub kind: MemberKind,
    pub metadata: Metadata,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum MemberKind {
    Directory,
    File {
        size: u64,
    },
    Symlink {
        target: Vec<u8>,
    },
    /// Another name for a file that was sent before, under this path.
    Link {
        first: Vec<u8>,
    },
    Device {
        major: u64,
        minor: u64,
    },
    Fifo,
}

/// A format that members are packed into. Bytes are appended to `out`.
pub(crate) trait Pack: Send {
    /// Whether a link can be told as such; if not, it comes as a file with the data.
    const LINKS: bool;
    /// Whether devices and fifos can be told.
    const SPECIAL: bool;

    fn begin(&mut self, member: &Member, out: &mut Vec<u8>) -> io::Result<()>;
    /// Data of the file that was begun.
    fn data(&mut self, data: &[u8], out: &mut Vec<u8>) -> io::Result<()>;
    /// Ends the member that was begun.
    fn end(&mut self, out: &mut Vec<u8>) -> io::Result<()>;
    /// Ends the whole, a little at a time; true when it is done.
    fn finish(&mut self, out: &mut Vec<u8>) -> io::Result<bool>;
}
