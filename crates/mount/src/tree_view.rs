//! An archive as a file system, in plain calls: names to inodes, attributes, listings, contents.
//!
//! All calls may be made from several threads at once. What is kept is bounded: decoded members and directory tables by weight, inodes by
//! what the kernel remembers itself. A damaged archive gives errors, never a panic and never another file's bytes: the accessor checks
//! what tables say, and inodes are only what this view told before.
//!
//! Directories are listed in the order of the archive, not of their tables (which is random), so that listing a large directory goes
//! through the archive once. What is damaged or has a name that the kernel cannot take spoils nothing but itself: the rest of its
//! directory is listed, and why it is missing is told once ([`TreeView::complaining_to`]).

use std::collections::HashSet;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fuser::FileAttr;
use pxar::{Accessor, Directory, EntryKind, Node, ReadAt};

use crate::attributes::{self, ROOT};
use crate::inodes::Inodes;
use crate::posix_acl;
use crate::recent::Recent;
use crate::view_error::{Complain, NAME_LEN_MAX, ViewError};

/// Weight of decoded members that are kept, in bytes.
const NODES_WEIGHT: usize = 8 << 20;
/// Weight of directory tables that are kept, in bytes. A directory has at most 2^24 rows; the one in use is always kept.
const LISTINGS_WEIGHT: usize = 32 << 20;
/// Bytes per row of a table that was read.
const ROW_WEIGHT: usize = 32;
/// Bytes of a decoded member without its attributes.
const NODE_WEIGHT: usize = 512;
/// Members that are left out of listings and told: a hostile archive must not fill a log.
const TOLD_MAX: usize = 1000;
/// Bytes of a name that are told.
const SHOWN_MAX: usize = 64;
const FCAPS: &[u8] = b"security.capability";

/// One line of a directory listing.
#[derive(Debug)]
pub struct Listed<'a> {
    pub name: &'a [u8],
    /// Where the listing goes on behind this one.
    pub next: u64,
    pub attributes: FileAttr,
    /// A hard link to nothing: it has a name, and a lookup tells what is wrong.
    pub is_broken: bool,
}

/// How inodes of a listing are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listing {
    /// Names and numbers.
    Names,
    /// Whoever takes a line knows its inode from then on, as if he had looked it up, unless it is broken.
    Lookups,
}

/// See the module.
pub struct TreeView<R> {
    accessor: Accessor<R>,
    root: Arc<Node>,
    inodes: Mutex<Inodes>,
    nodes: Mutex<Recent<Node>>,
    listings: Mutex<Recent<Table>>,
    complain: Complain,
    /// What was left out and told: directories' inodes, and numbers in their tables.
    told: Mutex<HashSet<(u64, usize)>>,
}

/// A directory's table, and the order in which its members lie in the archive.
struct Table {
    directory: Directory,
    order: Vec<usize>,
    /// Whether members were left out that cannot be read.
    is_damaged: AtomicBool,
}

/// A member as it is listed.
struct Member {
    name: Vec<u8>,
    /// The member, or the file that it is a link to.
    node: Node,
    is_link: bool,
    is_broken: bool,
}

impl<R: ReadAt> TreeView<R> {
    pub fn new(accessor: Accessor<R>) -> TreeView<R> {
        TreeView {
            root: Arc::new(accessor.root().clone()),
            accessor,
            inodes: Mutex::default(),
            nodes: Mutex::new(Recent::new(NODES_WEIGHT)),
            listings: Mutex::new(Recent::new(LISTINGS_WEIGHT)),
            complain: Arc::new(|_| ()),
            told: Mutex::default(),
        }
    }

    /// Members that listings leave out are told to `complain`, each once.
    pub fn complaining_to(self, complain: Complain) -> TreeView<R> {
        TreeView { complain, ..self }
    }

    /// Bytes of the archive (of its metadata, if it is split).
    pub fn size(&self) -> u64 {
        self.accessor.source().size()
    }

    /// A member by its name; its inode is known until it was forgotten.
    pub fn lookup(&self, parent: u64, name: &[u8]) -> Result<FileAttr, ViewError> {
        let table = self.table(parent)?;
        let found = self.accessor.find(&table.directory, name)?;
        let node = found.ok_or(ViewError::NoSuchName)?;
        let node = self.follow(&node)?.unwrap_or(node);
        let attributes = self.of(&node);
        self.remember(&node, parent);
        self.keep(node);
        Ok(attributes)
    }

    /// The kernel drops what `lookups` answers told it of an inode.
    pub fn forget(&self, inode: u64, lookups: u64) {
        if lock(&self.inodes).forget(inode, lookups) {
            lock(&self.nodes).remove(inode);
        }
    }

    pub fn attributes(&self, inode: u64) -> Result<FileAttr, ViewError> {
        let node = self.node(inode)?;
        Ok(self.of(&node))
    }

    /// Hands out members of a directory from place `offset` on (0 is its beginning), `.` and `..` first, until `take` says
    /// `false`; that one was not taken. They need not be all; at the end there is none. An error comes only if no member was taken
    /// before it; that of damaged members, which have no name, comes when all others were taken.
    pub fn list(
        &self,
        inode: u64,
        offset: u64,
        listing: Listing,
        take: &mut dyn FnMut(Listed<'_>) -> bool,
    ) -> Result<(), ViewError> {
        let table = self.table(inode)?;
        if offset == 0 {
            let attributes = self.attributes(inode)?;
            let dot = Listed {
                name: b".",
                next: 1,
                attributes,
                is_broken: false,
            };
            if !take(dot) {
                return Ok(());
            }
        }
        if offset <= 1 {
            let attributes = self.parent(inode)?;
            let dots = Listed {
                name: b"..",
                next: 2,
                attributes,
                is_broken: false,
            };
            if !take(dots) {
                return Ok(());
            }
        }
        let mut named = HashSet::new();
        let mut is_any = false;
        let skipped = usize::try_from(offset.max(2) - 2).unwrap_or(usize::MAX);
        for (position, number) in table.order.iter().enumerate().skip(skipped) {
            let member = match self.listed(&table.directory, *number) {
                Ok(member) => member,
                Err(error @ ViewError::NameTooLong(_)) => {
                    self.leave_out((inode, *number), &error);
                    continue;
                }
                Err(error) if error.is_damage() => {
                    table.is_damaged.store(true, Ordering::Relaxed);
                    self.leave_out((inode, *number), &error);
                    continue;
                }
                // Told when it is the first one that is asked for.
                Err(_) if is_any => return Ok(()),
                Err(error) => return Err(error),
            };
            // The kernel believes the first that it hears of an inode in one answer; the count of its links comes with the second.
            if !named.insert(attributes::inode(&member.node)) && member.is_link {
                return Ok(());
            }
            let line = Listed {
                name: &member.name,
                next: position as u64 + 3,
                attributes: self.of(&member.node),
                is_broken: member.is_broken,
            };
            if !take(line) {
                return Ok(());
            }
            is_any = true;
            if listing == Listing::Lookups && !member.is_broken {
                self.remember(&member.node, inode);
            }
        }
        match is_any || !table.is_damaged.load(Ordering::Relaxed) {
            true => Ok(()),
            false => Err(ViewError::Incomplete),
        }
    }

    /// Tells why a member is not listed, once.
    fn leave_out(&self, member: (u64, usize), why: &ViewError) {
        let mut told = lock(&self.told);
        if told.len() < TOLD_MAX && told.insert(member) {
            drop(told);
            (self.complain)(why);
        }
    }

    pub fn read_link(&self, inode: u64) -> Result<Vec<u8>, ViewError> {
        match &self.node(inode)?.entry.kind {
            EntryKind::Symlink { target } => Ok(target.clone()),
            _ => Err(ViewError::NotASymlink),
        }
    }

    /// Exactly what was asked for; less only at the end of the file.
    pub fn read(&self, inode: u64, offset: u64, len: usize) -> Result<Vec<u8>, ViewError> {
        let node = self.node(inode)?;
        match node.entry.kind {
            EntryKind::File { .. } => {}
            EntryKind::Directory => return Err(ViewError::IsADirectory),
            _ => return Err(ViewError::NotAFile),
        }
        let contents = self.accessor.contents(&node)?;
        read_whole(&contents, offset, len).map_err(ViewError::Data)
    }

    /// Names of all extended attributes, each with a NUL behind it.
    pub fn attribute_names(&self, inode: u64) -> Result<Vec<u8>, ViewError> {
        let node = self.node(inode)?;
        let metadata = &node.entry.metadata;
        let mut names = Vec::new();
        let mut add = |name: &[u8]| {
            names.extend_from_slice(name);
            names.push(0);
        };
        metadata.xattrs.iter().for_each(|xattr| add(&xattr.name));
        if metadata.fcaps.is_some() {
            add(FCAPS);
        }
        if posix_acl::access(metadata).is_some() {
            add(posix_acl::ACCESS);
        }
        if posix_acl::default(metadata).is_some() {
            add(posix_acl::DEFAULT);
        }
        Ok(names)
    }

    pub fn attribute(&self, inode: u64, name: &[u8]) -> Result<Vec<u8>, ViewError> {
        let node = self.node(inode)?;
        let metadata = &node.entry.metadata;
        let stored = metadata.xattrs.iter().find(|xattr| xattr.name == name);
        let value = match name {
            FCAPS if metadata.fcaps.is_some() => metadata.fcaps.clone(),
            posix_acl::ACCESS => posix_acl::access(metadata),
            posix_acl::DEFAULT => posix_acl::default(metadata),
            _ => stored.map(|xattr| xattr.value.clone()),
        };
        value.ok_or(ViewError::NoSuchAttribute)
    }

    fn of(&self, node: &Node) -> FileAttr {
        let links = match node.entry.kind {
            EntryKind::File { .. } => lock(&self.inodes).links(attributes::inode(node)),
            _ => 1,
        };
        attributes::of_node(node, links)
    }

    fn parent(&self, inode: u64) -> Result<FileAttr, ViewError> {
        let parent = lock(&self.inodes)
            .get(inode)
            .map_or(ROOT, |known| known.parent);
        match self.attributes(parent) {
            // It is forgotten only together with what lies below, or nobody asks.
            Err(ViewError::Stale(_)) => self.attributes(inode),
            other => other,
        }
    }

    fn listed(&self, directory: &Directory, number: usize) -> Result<Member, ViewError> {
        let node = self.accessor.member(directory, number)?;
        let node = node.ok_or(ViewError::NoSuchName)?;
        let name = node.entry.name.clone();
        if name.len() > NAME_LEN_MAX {
            let begin = String::from_utf8_lossy(&name[..SHOWN_MAX]).into_owned();
            return Err(ViewError::NameTooLong(begin));
        }
        let is_link = matches!(node.entry.kind, EntryKind::Hardlink { .. });
        let (node, is_broken) = match self.follow(&node) {
            Ok(Some(target)) => (target, false),
            Ok(None) => (node, false),
            Err(error) if error.is_damage() => (node, true),
            Err(error) => return Err(error),
        };
        Ok(Member {
            name,
            node,
            is_link,
            is_broken,
        })
    }

    /// The file that a hard link leads to; `None` if it is no link.
    fn follow(&self, node: &Node) -> Result<Option<Node>, ViewError> {
        let (EntryKind::Hardlink { .. }, Some(place)) = (&node.entry.kind, node.name_offset) else {
            return Ok(None);
        };
        let target = self.accessor.follow_hardlink(node)?;
        lock(&self.inodes).saw_link(attributes::inode(&target), place);
        Ok(Some(target))
    }

    fn remember(&self, node: &Node, parent: u64) {
        if let Some(start) = node.name_offset {
            lock(&self.inodes).remember(attributes::inode(node), start..node.end, parent);
        }
    }

    fn node(&self, inode: u64) -> Result<Arc<Node>, ViewError> {
        if inode == ROOT {
            return Ok(Arc::clone(&self.root));
        }
        if let Some(node) = lock(&self.nodes).get(inode) {
            return Ok(node);
        }
        let known = lock(&self.inodes).get(inode);
        let known = known.ok_or(ViewError::Stale(inode))?;
        Ok(self.keep(self.accessor.member_at(known.place)?))
    }

    fn keep(&self, node: Node) -> Arc<Node> {
        let metadata = &node.entry.metadata;
        let attributes = metadata.xattrs.iter();
        let bytes = attributes.map(|xattr| xattr.name.len() + xattr.value.len());
        let weight = NODE_WEIGHT + bytes.sum::<usize>();
        let (inode, node) = (attributes::inode(&node), Arc::new(node));
        lock(&self.nodes).put(inode, Arc::clone(&node), weight);
        node
    }

    fn table(&self, inode: u64) -> Result<Arc<Table>, ViewError> {
        if let Some(table) = lock(&self.listings).get(inode) {
            return Ok(table);
        }
        let node = self.node(inode)?;
        if !node.entry.is_dir() {
            return Err(ViewError::NotADirectory);
        }
        let directory = self.accessor.open_directory(&node)?;
        let order = directory.in_archive_order();
        let table = Arc::new(Table {
            directory,
            order,
            is_damaged: AtomicBool::new(false),
        });
        let weight = NODE_WEIGHT + table.order.len() * ROW_WEIGHT;
        lock(&self.listings).put(inode, Arc::clone(&table), weight);
        Ok(table)
    }
}

/// Up to `len` bytes; less only at the end.
pub(crate) fn read_whole<R: ReadAt>(source: &R, offset: u64, len: usize) -> io::Result<Vec<u8>> {
    let rest = source.size().saturating_sub(offset);
    let len = usize::try_from(rest).map_or(len, |rest| rest.min(len));
    let mut data = vec![0; len];
    source.read_exact_at(&mut data, offset)?;
    Ok(data)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
