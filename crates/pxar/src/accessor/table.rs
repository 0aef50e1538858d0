//! The tables of directories: read whole to list one, or as far as the way to one name.

use std::ops::{Range, RangeInclusive};

use super::{AccessError, Accessor, FETCH_LEN, Node, lossy};
use crate::goodbye::{ROW_LEN, Row, Search};
use crate::item::{self, GOODBYE_TAIL_MARKER, HEADER_LEN, Header};
use crate::name;
use crate::read_at::ReadAt;

/// Members of one directory that an accessor takes into memory.
pub const DIRECTORY_MEMBERS_MAX: u64 = 1 << 24;
/// Shortest member: a name of one byte, and a hard link to such a one.
const MEMBER_LEN_MIN: u64 = (HEADER_LEN + 2) + (HEADER_LEN + 8 + 2);
/// Names of one directory with the same hash of 64 bits; honest ones have hardly ever two.
const COLLISIONS_MAX: u32 = 1 << 10;

/// Where the table of a directory lies.
struct Table {
    entry_offset: u64,
    /// Start of its GOODBYE.
    offset: u64,
    members: u64,
}

/// A directory whose table was read. Members are numbered in the order of the table.
#[derive(Clone, Debug)]
pub struct Directory {
    entry_offset: u64,
    table_offset: u64,
    rows: Vec<Row>,
    /// Numbers of the rows in the order of the archive; there are at most [`DIRECTORY_MEMBERS_MAX`].
    order: Vec<u32>,
}

impl Directory {
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Where the table says that a member lies in the metadata, its name included; cut at the table itself, as the rows of a split
    /// archive count the data too. `None` if there is no such member, or none can be there.
    pub fn member_range(&self, index: usize) -> Option<Range<u64>> {
        let row = self.rows.get(index)?;
        let start = self.table_offset.checked_sub(row.offset)?;
        let end = start.checked_add(row.size)?.min(self.table_offset);
        (start < end).then_some(start..end)
    }

    /// The numbers of the members in the order in which they lie in the archive, as far as the table is right.
    pub fn in_archive_order(&self) -> Vec<usize> {
        self.order.iter().map(|number| *number as usize).collect()
    }

    /// How many rows have one of these distances to the table.
    fn count(&self, distances: RangeInclusive<u64>) -> usize {
        let above = |limit: u64| {
            let is_above = |number: &u32| self.rows[*number as usize].offset > limit;
            self.order.partition_point(is_above)
        };
        let least = distances.start().checked_sub(1);
        least.map_or(self.rows.len(), above) - above(*distances.end())
    }
}

impl<R: ReadAt> Accessor<R> {
    /// Reads the table of a directory.
    pub fn open_directory(&self, node: &Node) -> Result<Directory, AccessError> {
        self.open_directory_within(node, DIRECTORY_MEMBERS_MAX)
    }

    /// The same of one that has at most `members_max` members, about 30 bytes each: of a larger one only the end is looked at.
    pub fn open_directory_within(
        &self,
        node: &Node,
        members_max: u64,
    ) -> Result<Directory, AccessError> {
        let table = self.table(node)?;
        if table.members > members_max {
            return Err(AccessError::TooManyMembers {
                name: lossy(&node.entry.name),
                members: table.members,
                max: members_max,
            });
        }
        let rows = self.read_rows(&table, 0..table.members)?;
        let mut order: Vec<u32> = (0..rows.len() as u32).collect();
        order.sort_by_key(|number| std::cmp::Reverse(rows[*number as usize].offset));
        Ok(Directory {
            entry_offset: table.entry_offset,
            table_offset: table.offset,
            rows,
            order,
        })
    }

    /// Where the table of a directory lies, by its ends.
    fn table(&self, node: &Node) -> Result<Table, AccessError> {
        if !node.entry.is_dir() {
            return Err(AccessError::NotADirectory(lossy(&node.entry.name)));
        }
        let fail = |what| {
            Err(AccessError::Table {
                end: node.end,
                what,
            })
        };
        let Some(tail_offset) = node.end.checked_sub(ROW_LEN) else {
            return fail("it ends before it begins");
        };
        let mut bytes = [0; ROW_LEN as usize];
        self.read(&mut bytes, tail_offset)?;
        let tail = Row::decode(&bytes);
        if tail.hash != GOODBYE_TAIL_MARKER {
            return fail("its last row is missing");
        }
        if tail.size < HEADER_LEN + ROW_LEN || !(tail.size - HEADER_LEN).is_multiple_of(ROW_LEN) {
            return fail("its size is impossible");
        }
        let Some(offset) = node
            .end
            .checked_sub(tail.size)
            .filter(|t| *t > node.entry_offset)
        else {
            return fail("it is larger than its directory");
        };
        if offset.checked_sub(tail.offset) != Some(node.entry_offset) {
            return fail("it belongs to another directory");
        }
        let members = (tail.size - HEADER_LEN) / ROW_LEN - 1;
        if members > (offset - node.entry_offset) / MEMBER_LEN_MIN {
            return fail("it has more members than fit into the directory");
        }
        if members > DIRECTORY_MEMBERS_MAX {
            return fail("it has too many members");
        }
        let mut header = [0; HEADER_LEN as usize];
        self.read(&mut header, offset)?;
        if Header::decode(&header)
            != Some(Header {
                item: item::GOODBYE,
                full_size: tail.size,
            })
        {
            return fail("its beginning is missing");
        }
        Ok(Table {
            entry_offset: node.entry_offset,
            offset,
            members,
        })
    }

    /// The member number `index` of a directory, in the order of the table; `None` if there are fewer.
    pub fn member(&self, directory: &Directory, index: usize) -> Result<Option<Node>, AccessError> {
        match directory.rows.get(index) {
            Some(row) => self.read_member(directory, *row).map(Some),
            None => Ok(None),
        }
    }

    /// All members of a directory, in the order of the table.
    pub fn read_dir<'a>(
        &'a self,
        directory: &'a Directory,
    ) -> impl Iterator<Item = Result<Node, AccessError>> + 'a {
        directory
            .rows
            .iter()
            .map(move |row| self.read_member(directory, *row))
    }

    /// The member of that name.
    pub fn find(&self, directory: &Directory, name: &[u8]) -> Result<Option<Node>, AccessError> {
        let row = |index: usize| Ok(directory.rows.get(index).copied());
        let read = |row| self.read_member(directory, row);
        search(name, directory.table_offset, row, read)
    }

    /// The member of that name in a directory that is not open: of a large table only the rows on the way to it are read. In a small one
    /// nothing else may begin inside of a subdirectory, as in a directory that is open.
    pub fn find_in(&self, node: &Node, name: &[u8]) -> Result<Option<Node>, AccessError> {
        let table = self.table(node)?;
        /// So many rows come with one read.
        const READ_AT_ONCE: u64 = FETCH_LEN as u64 / ROW_LEN;
        let first = self.read_rows(&table, 0..table.members.min(READ_AT_ONCE))?;
        let row = |index: usize| match first.get(index) {
            Some(row) => Ok(Some(*row)),
            None if index as u64 >= table.members => Ok(None),
            None => {
                let rows = self.read_rows(&table, index as u64..index as u64 + 1)?;
                Ok(rows.first().copied())
            }
        };
        let is_whole = first.len() as u64 == table.members;
        let read = |row| {
            let node = self.read_row(table.entry_offset, table.offset, row)?;
            let count = |distances: RangeInclusive<u64>| {
                let offsets = first.iter().map(|row| row.offset);
                offsets.filter(|offset| distances.contains(offset)).count()
            };
            if is_whole && node.entry.is_dir() && count(within(&node, table.offset, row)) > 1 {
                return Err(overlapping(table.offset));
            }
            Ok(node)
        };
        search(name, table.offset, row, read)
    }

    /// Reads rows by their numbers, piece by piece: a table is large only if the source is.
    fn read_rows(&self, table: &Table, numbers: Range<u64>) -> Result<Vec<Row>, AccessError> {
        const PIECE: u64 = 1 << 14;
        let start = table.offset + HEADER_LEN;
        let mut rows = Vec::new();
        let mut bytes = Vec::new();
        let mut next = numbers.start;
        while next < numbers.end {
            let count = (numbers.end - next).min(PIECE);
            bytes.resize((count * ROW_LEN) as usize, 0);
            self.read(&mut bytes, start + next * ROW_LEN)?;
            next += count;
            let (found, _) = bytes.as_chunks::<{ ROW_LEN as usize }>();
            rows.extend(found.iter().map(Row::decode));
        }
        Ok(rows)
    }

    fn read_member(&self, directory: &Directory, row: Row) -> Result<Node, AccessError> {
        let table_offset = directory.table_offset;
        let node = self.read_row(directory.entry_offset, table_offset, row)?;
        // Else a few tables could name the same members by more paths than anybody can walk.
        if node.entry.is_dir() && directory.count(within(&node, table_offset, row)) > 1 {
            return Err(overlapping(table_offset));
        }
        Ok(node)
    }

    /// The member that a row leads to, within its directory.
    fn read_row(
        &self,
        entry_offset: u64,
        table_offset: u64,
        row: Row,
    ) -> Result<Node, AccessError> {
        let fail = |what| AccessError::Table {
            end: table_offset,
            what,
        };
        let start = table_offset
            .checked_sub(row.offset)
            .filter(|start| *start > entry_offset && *start < table_offset)
            .ok_or_else(|| fail("a row points outside of the directory"))?;
        let outside = || fail("a row ends outside of the directory");
        let end = start
            .checked_add(row.size)
            .filter(|end| *end > start)
            .ok_or_else(outside)?;
        if end <= table_offset {
            return self.read_named(start..end);
        }
        // The row of a file whose data is in the payload half counts the data too.
        let node = self.read_named(start..table_offset)?;
        match node.payload_ref() {
            Some(_) => Ok(node),
            None => Err(outside()),
        }
    }
}

/// The distances to the table of all that begins within a row's directory.
fn within(directory: &Node, table_offset: u64, row: Row) -> RangeInclusive<u64> {
    table_offset - directory.end + 1..=row.offset
}

fn overlapping(table_offset: u64) -> AccessError {
    AccessError::Table {
        end: table_offset,
        what: "a member lies inside of another one",
    }
}

/// The first member of that name; `row` reads one of a table, `read` the member that it leads to.
fn search(
    name: &[u8],
    table_offset: u64,
    mut row: impl FnMut(usize) -> Result<Option<Row>, AccessError>,
    read: impl Fn(Row) -> Result<Node, AccessError>,
) -> Result<Option<Node>, AccessError> {
    let mut search = Search::new(name::hash(name));
    let mut collisions = 0;
    while let Some(found) = search.next(&mut row)? {
        let node = read(found)?;
        if node.entry.name == name {
            return Ok(Some(node));
        }
        collisions += 1;
        if collisions > COLLISIONS_MAX {
            return Err(AccessError::Table {
                end: table_offset,
                what: "too many names have one hash",
            });
        }
    }
    Ok(None)
}
