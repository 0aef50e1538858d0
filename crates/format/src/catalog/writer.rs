//! Writes a catalog as a stream: each directory's block when the directory is finished.

use std::io::Write;

use super::varint::{write_i64, write_u64};
use super::{CatalogError, DEPTH_MAX, Directory, EntryKind, MAGIC, check_name};

/// Begin each archive with [`start_dir`](CatalogWriter::start_dir) and its stored name, end it with
/// [`end_dir`](CatalogWriter::end_dir), and call [`finish`](CatalogWriter::finish) at the end. Entries are kept in the order of the calls.
///
/// After an error the catalog is of no use.
pub struct CatalogWriter<W: Write> {
    out: W,
    /// Offset of the next byte in the catalog.
    position: u64,
    /// The root, and the directories that are open inside each other.
    open: Vec<Open>,
    /// Reused for the head of a block.
    head: Vec<u8>,
}

/// A directory that is being filled.
#[derive(Default)]
struct Open {
    name: Vec<u8>,
    count: u64,
    /// Sub-directories hold the distance to their block from this block's start, which is not known before its turn to be written.
    pieces: Vec<Piece>,
}

enum Piece {
    Encoded(Vec<u8>),
    Child { name: Vec<u8>, start: u64 },
}

impl<W: Write> CatalogWriter<W> {
    pub fn new(mut out: W) -> Result<CatalogWriter<W>, CatalogError> {
        out.write_all(&MAGIC)?;
        Ok(CatalogWriter {
            out,
            position: MAGIC.len() as u64,
            open: vec![Open::default()],
            head: Vec::new(),
        })
    }

    /// Opens a directory; at the top it is an archive's stored name.
    pub fn start_dir(&mut self, name: &[u8]) -> Result<(), CatalogError> {
        check_name(name)?;
        if self.open.len() > DEPTH_MAX {
            return Err(CatalogError::TooDeep);
        }
        self.open.push(Open {
            name: name.to_vec(),
            ..Open::default()
        });
        Ok(())
    }

    /// Closes the directory opened last and writes its block.
    pub fn end_dir(&mut self) -> Result<(), CatalogError> {
        if self.open.len() < 2 {
            return Err(CatalogError::Unbalanced {
                what: "ended that was not begun",
            });
        }
        let done = self.open.pop().expect("there are at least two");
        let start = self.write_block(&done)?;
        let parent = self.top();
        parent.count += 1;
        parent.pieces.push(Piece::Child {
            name: done.name,
            start,
        });
        Ok(())
    }

    /// `size` in bytes, `mtime` in Unix seconds.
    pub fn add_file(&mut self, name: &[u8], size: u64, mtime: i64) -> Result<(), CatalogError> {
        self.add(name, EntryKind::File { size, mtime })
    }

    pub fn add_symlink(&mut self, name: &[u8]) -> Result<(), CatalogError> {
        self.add(name, EntryKind::Symlink)
    }

    /// The second and later names of a file.
    pub fn add_hardlink(&mut self, name: &[u8]) -> Result<(), CatalogError> {
        self.add(name, EntryKind::Hardlink)
    }

    pub fn add_block_device(&mut self, name: &[u8]) -> Result<(), CatalogError> {
        self.add(name, EntryKind::BlockDevice)
    }

    pub fn add_char_device(&mut self, name: &[u8]) -> Result<(), CatalogError> {
        self.add(name, EntryKind::CharDevice)
    }

    pub fn add_fifo(&mut self, name: &[u8]) -> Result<(), CatalogError> {
        self.add(name, EntryKind::Fifo)
    }

    pub fn add_socket(&mut self, name: &[u8]) -> Result<(), CatalogError> {
        self.add(name, EntryKind::Socket)
    }

    /// Writes the root and the tail, and gives back the target.
    pub fn finish(mut self) -> Result<W, CatalogError> {
        if self.open.len() != 1 {
            return Err(CatalogError::Unbalanced {
                what: "begun but not ended",
            });
        }
        let root = self.open.pop().expect("there is one");
        let start = self.write_block(&root)?;
        self.out.write_all(&start.to_le_bytes())?;
        Ok(self.out)
    }

    fn add(&mut self, name: &[u8], kind: EntryKind) -> Result<(), CatalogError> {
        check_name(name)?;
        let top = self.top();
        top.count += 1;
        if !matches!(top.pieces.last(), Some(Piece::Encoded(_))) {
            top.pieces.push(Piece::Encoded(Vec::new()));
        }
        let Some(Piece::Encoded(out)) = top.pieces.last_mut() else {
            unreachable!("pushed above");
        };
        write_name(kind, name, out);
        if let EntryKind::File { size, mtime } = kind {
            write_u64(size, out);
            write_i64(mtime, out);
        }
        Ok(())
    }

    fn top(&mut self) -> &mut Open {
        self.open.last_mut().expect("the root stays until the end")
    }

    /// Returns the block's offset.
    fn write_block(&mut self, directory: &Open) -> Result<u64, CatalogError> {
        let start = self.position;
        let mut body = Vec::new();
        write_u64(directory.count, &mut body);
        for piece in &directory.pieces {
            match piece {
                Piece::Encoded(entries) => body.extend_from_slice(entries),
                Piece::Child { name, start: child } => {
                    write_name(
                        EntryKind::Directory(Directory { start: *child }),
                        name,
                        &mut body,
                    );
                    write_u64(start - child, &mut body);
                }
            }
        }
        self.head.clear();
        write_u64(body.len() as u64, &mut self.head);
        self.out.write_all(&self.head)?;
        self.out.write_all(&body)?;
        self.position += (self.head.len() + body.len()) as u64;
        Ok(start)
    }
}

fn write_name(kind: EntryKind, name: &[u8], out: &mut Vec<u8>) {
    out.push(u8::try_from(kind.letter()).expect("the letters are ASCII"));
    write_u64(name.len() as u64, out);
    out.extend_from_slice(name);
}
