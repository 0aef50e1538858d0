//! Reads a catalog from its root: one directory, a path, or everything below a directory.
//!
//! A block ends before its parent's begins, so a catalog has no circles; but a hostile one may name a block many times, and so
//! [`Walk`] bounds depth and number of entries. What is held in memory is bounded too: blocks, and the entries of one list.

use std::io::{Read, Seek, SeekFrom};

use super::varint::{read_i64, read_u64};
use super::{
    BLOCK_LEN_MAX, CatalogError, DEPTH_MAX, Directory, Entry, EntryKind, LISTED_MAX, MAGIC,
    NAME_LEN_END, WALK_BYTES_MAX, check_name,
};

const TAIL_LEN: u64 = 8;
/// Shortest entry: its type, the length of its name, the name.
const ENTRY_LEN_MIN: usize = 3;
/// Longest number in front of a block.
const HEAD_LEN_MAX: usize = 10;

/// A catalog in something that can be sought: a file, or bytes in a [`std::io::Cursor`].
pub struct Catalog<R> {
    source: R,
    root: Directory,
    /// Where the blocks end and the tail begins.
    end: u64,
}

impl<R: Read + Seek> Catalog<R> {
    /// Checks magic and tail.
    pub fn open(mut source: R) -> Result<Catalog<R>, CatalogError> {
        let not = |reason| CatalogError::NotACatalog { reason };
        let len = source.seek(SeekFrom::End(0))?;
        let end = len
            .checked_sub(TAIL_LEN)
            .filter(|end| *end >= MAGIC.len() as u64)
            .ok_or_else(|| not("it is too short"))?;
        source.seek(SeekFrom::Start(0))?;
        let mut magic = [0; 8];
        source.read_exact(&mut magic)?;
        if magic != MAGIC {
            return Err(not("unknown magic"));
        }
        source.seek(SeekFrom::Start(end))?;
        let mut tail = [0; 8];
        source.read_exact(&mut tail)?;
        let start = u64::from_le_bytes(tail);
        if start < MAGIC.len() as u64 || start >= end {
            return Err(not("its end points nowhere"));
        }
        Ok(Catalog {
            source,
            root: Directory { start },
            end,
        })
    }

    /// The directory of the archives.
    pub fn root(&self) -> Directory {
        self.root
    }

    /// The entries of one directory in stored order, at most about four million.
    pub fn read_dir(&mut self, directory: Directory) -> Result<Vec<Entry>, CatalogError> {
        let entries = self.entries(directory, BLOCK_LEN_MAX)?;
        if entries.0.left > LISTED_MAX {
            let Directory { start } = directory;
            return Err(CatalogError::DirectoryTooLarge { start });
        }
        entries.collect()
    }

    /// The entries of one directory in stored order, one by one. More bytes than `len_max` are an error before they are read.
    pub fn entries(
        &mut self,
        directory: Directory,
        len_max: usize,
    ) -> Result<Entries, CatalogError> {
        self.read_block(directory, len_max.min(BLOCK_LEN_MAX))
            .map(Entries)
    }

    /// As many entries as fit into the catalog: whoever was led to more came to some of them in several ways.
    pub fn entries_max(&self) -> u64 {
        self.end / ENTRY_LEN_MIN as u64
    }

    /// The entry at `path`, whose first component is the stored name of an archive. Slashes at either end do not matter; the empty path
    /// is the root. `None` if there is no such entry.
    pub fn lookup(&mut self, path: &[u8]) -> Result<Option<EntryKind>, CatalogError> {
        let mut found = EntryKind::Directory(self.root);
        for name in path
            .split(|byte| *byte == b'/')
            .filter(|name| !name.is_empty())
        {
            let EntryKind::Directory(directory) = found else {
                return Ok(None);
            };
            let mut block = self.read_block(directory, BLOCK_LEN_MAX)?;
            found = loop {
                match block.next()? {
                    Some(entry) if entry.name == name => break entry.kind,
                    Some(_) => {}
                    None => return Ok(None),
                }
            };
        }
        Ok(Some(found))
    }

    /// Everything below `directory`, depth first and in stored order, at most `entries_max` entries. A catalog whose directories lead to the
    /// same one in several ways is damaged: a few of them could be walked for ever.
    pub fn walk(
        &mut self,
        directory: Directory,
        entries_max: u64,
    ) -> Result<Walk<'_, R>, CatalogError> {
        let mut walk = Walk {
            stored_max: self.entries_max(),
            catalog: self,
            path: Vec::new(),
            open: Vec::new(),
            pending: None,
            left: entries_max,
            entries_max,
        };
        walk.enter(directory)?;
        Ok(walk)
    }

    /// Reads the block and the number of its entries.
    fn read_block(&mut self, directory: Directory, len_max: usize) -> Result<Block, CatalogError> {
        let start = directory.start;
        let damaged = |reason| CatalogError::Damaged { start, reason };
        let room = self
            .end
            .checked_sub(start)
            .ok_or_else(|| damaged("it lies behind the end"))?;
        self.source.seek(SeekFrom::Start(start))?;
        let mut head = [0; HEAD_LEN_MAX];
        let head_len = head.len().min(usize::try_from(room).unwrap_or(usize::MAX));
        self.source.read_exact(&mut head[..head_len])?;
        let mut rest = &head[..head_len];
        let len = read_u64(&mut rest).ok_or_else(|| damaged("its length is no number"))?;
        let begin = (head_len - rest.len()) as u64;
        if len == 0 || len > room - begin {
            return Err(damaged("its length is wrong"));
        }
        // A catalog may be far larger than what was sent for it: one chunk named a thousand times.
        let len = usize::try_from(len)
            .ok()
            .filter(|len| *len <= len_max)
            .ok_or(CatalogError::DirectoryTooLarge { start })?;
        self.source.seek(SeekFrom::Start(start + begin))?;
        let mut data = vec![0; len];
        self.source.read_exact(&mut data)?;
        Block::new(start, data)
    }
}

/// The entries of one directory; see [`Catalog::entries`]. After an error the rest is of no use.
pub struct Entries(Block);

impl Iterator for Entries {
    type Item = Result<Entry, CatalogError>;

    fn next(&mut self) -> Option<Result<Entry, CatalogError>> {
        self.0.next().transpose()
    }
}

/// The block of one directory; its entries are parsed one by one, since they take many times the room.
struct Block {
    start: u64,
    /// All of it but the length in front.
    data: Vec<u8>,
    /// Where the next entry begins.
    at: usize,
    /// Entries to come.
    left: u64,
}

impl Block {
    fn new(start: u64, data: Vec<u8>) -> Result<Block, CatalogError> {
        let damaged = |reason| CatalogError::Damaged { start, reason };
        let mut rest = &data[..];
        let left = read_u64(&mut rest).ok_or_else(|| damaged("it ends too early"))?;
        if left > (rest.len() / ENTRY_LEN_MIN) as u64 {
            return Err(damaged("it has no room for its entries"));
        }
        let at = data.len() - rest.len();
        Ok(Block {
            start,
            data,
            at,
            left,
        })
    }

    fn next(&mut self) -> Result<Option<Entry>, CatalogError> {
        let mut rest = &self.data[self.at..];
        let Some(left) = self.left.checked_sub(1) else {
            if rest.is_empty() {
                return Ok(None);
            }
            let (start, reason) = (self.start, "bytes are left over");
            return Err(CatalogError::Damaged { start, reason });
        };
        let entry = parse_entry(self.start, &mut rest)?;
        self.at = self.data.len() - rest.len();
        self.left = left;
        Ok(Some(entry))
    }
}

fn parse_entry(start: u64, data: &mut &[u8]) -> Result<Entry, CatalogError> {
    let damaged = |reason| CatalogError::Damaged { start, reason };
    let cut_off = || damaged("it ends too early");
    let letter = data.split_off_first().ok_or_else(cut_off)?;
    let name_len = read_u64(data).ok_or_else(cut_off)?;
    if name_len >= NAME_LEN_END {
        return Err(damaged("a name is too long"));
    }
    let name = data.split_off(..name_len as usize).ok_or_else(cut_off)?;
    check_name(name)?;
    let kind = match letter {
        b'd' => {
            let distance = read_u64(data).ok_or_else(cut_off)?;
            let child = start
                .checked_sub(distance)
                .filter(|child| distance > 0 && *child >= MAGIC.len() as u64)
                .ok_or_else(|| damaged("a directory lies outside of the catalog"))?;
            EntryKind::Directory(Directory { start: child })
        }
        b'f' => EntryKind::File {
            size: read_u64(data).ok_or_else(cut_off)?,
            mtime: read_i64(data).ok_or_else(cut_off)?,
        },
        b'l' => EntryKind::Symlink,
        b'h' => EntryKind::Hardlink,
        b'b' => EntryKind::BlockDevice,
        b'c' => EntryKind::CharDevice,
        b'p' => EntryKind::Fifo,
        b's' => EntryKind::Socket,
        _ => return Err(damaged("unknown kind of an entry")),
    };
    Ok(Entry {
        name: name.to_vec(),
        kind,
    })
}

/// Steps through a directory's tree. A directory's entries follow it, unless [`Walk::skip_children`] is called first.
pub struct Walk<'a, R> {
    catalog: &'a mut Catalog<R>,
    /// Path of the entry yielded last.
    path: Vec<u8>,
    open: Vec<Level>,
    /// The directory yielded last, not entered yet.
    pending: Option<Directory>,
    left: u64,
    entries_max: u64,
    /// As many entries as fit into the catalog, less those yielded.
    stored_max: u64,
}

struct Level {
    block: Block,
    /// Length of the directory's own path, with a `/` behind it.
    path_len: usize,
}

impl<R: Read + Seek> Walk<'_, R> {
    /// The next entry with its path below the walk's directory, without a slash in front. After an error the walk is of no use.
    #[expect(
        clippy::should_implement_trait,
        reason = "the path borrows from the walk"
    )]
    pub fn next(&mut self) -> Result<Option<(&[u8], Entry)>, CatalogError> {
        if let Some(directory) = self.pending.take() {
            self.path.push(b'/');
            self.enter(directory)?;
        }
        let (entry, start) = loop {
            let Some(level) = self.open.last_mut() else {
                return Ok(None);
            };
            self.path.truncate(level.path_len);
            match level.block.next()? {
                Some(entry) => break (entry, level.block.start),
                None => self.open.pop(),
            };
        };
        self.stored_max = self
            .stored_max
            .checked_sub(1)
            .ok_or(CatalogError::Damaged {
                start,
                reason: "the same entries are in it in several places",
            })?;
        self.left = self
            .left
            .checked_sub(1)
            .ok_or(CatalogError::TooManyEntries {
                entries_max: self.entries_max,
            })?;
        if let EntryKind::Directory(directory) = entry.kind {
            self.pending = Some(directory);
        }
        self.path.extend_from_slice(&entry.name);
        Ok(Some((&self.path, entry)))
    }

    /// Leaves out what is below the directory that was yielded last.
    pub fn skip_children(&mut self) {
        self.pending = None;
    }

    fn enter(&mut self, directory: Directory) -> Result<(), CatalogError> {
        if self.open.len() > DEPTH_MAX {
            return Err(CatalogError::TooDeep);
        }
        let held: usize = self.open.iter().map(|level| level.block.data.len()).sum();
        let block = self.catalog.read_block(directory, BLOCK_LEN_MAX)?;
        if held + block.data.len() > WALK_BYTES_MAX {
            let Directory { start } = directory;
            return Err(CatalogError::DirectoryTooLarge { start });
        }
        self.open.push(Level {
            block,
            path_len: self.path.len(),
        });
        Ok(())
    }
}
