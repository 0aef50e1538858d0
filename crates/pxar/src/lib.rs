//! The pxar archive format: a directory tree as one stream of bytes.
//!
//! The crate is pure: it knows `Read`, `BufRead`, [`Sink`] and [`ReadAt`], but no file system, no clock and no network.
//! Every byte comes from `docs/formats/pxar.md`; everything read is treated as hostile: lengths are checked before memory is
//! reserved, tables cannot send a reader in circles, and no input makes it panic. What names mean on a disk is `tree`'s concern.
//!
//! An archive is one stream, or split into metadata and payload; the latter is [`Encoder::split`], [`Decoder::split_archive`],
//! [`Accessor::open_split`].
//!
//! Start reading at [`Encoder`] (write), [`Decoder`] (read from front to back) or [`Accessor`] (open any member directly).

pub mod item;
pub mod metadata;
pub mod pattern;
pub mod read_at;
pub mod sink;

pub mod goodbye;
pub mod name;

pub mod entry;
pub mod payload;

pub mod reader;

pub mod accessor;
pub mod decoder;
pub mod encoder;

pub use accessor::{AccessError, Accessor, Contents, Directory, Node};
pub use decoder::{Decoder, FileContents, Step};
pub use encoder::{EncodeError, Encoder, FileOffset, Written};
pub use entry::{Entry, EntryKind};
pub use metadata::{Acl, AclDefault, AclEntry, Metadata, Mtime, Xattr};
pub use pattern::{MatchKind, Pattern, PatternError, PatternList};
pub use payload::{PayloadFault, PayloadRef};
pub use read_at::ReadAt;
pub use reader::DecodeError;
pub use sink::{Sink, WriteSink};
