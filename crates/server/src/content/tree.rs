//! A part of a directory tree in an archive as one stream: a file's data, or a directory as zip or tar (pxar.md 7). The stream is pulled: the
//! walk goes on only as fast as the client reads, and holds no thread in between.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use pxar::{AccessError, Accessor, Directory, EntryKind, Metadata, Node, ReadAt as _};

use crate::blocking::Pieces;
use crate::content::tar::Tar;
use crate::content::zip::Zip;
use crate::content::{Archive, PIECE_BYTES};

/// Directories inside each other that a walk enters; far above what a path may hold.
const DEPTH_MAX: usize = 4096;

/// An open archive with its tree.
pub type Tree = Arc<Accessor<Archive>>;

/// How a directory is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    Zip,
    TarZst,
}

/// A member on its way out.
#[derive(Debug)]
pub struct Member {
    /// Relative to the parent of the requested directory, no slash at the end.
    pub path: Vec<u8>,
    pub kind: MemberKind,
    pub metadata: Metadata,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MemberKind {
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
pub trait Pack: Send {
    /// Whether a link can be told as such; if not, it comes as a file with the data.
    const LINKS: bool;
    /// Whether devices and fifos can be told.
    const SPECIAL: bool;

    fn begin(&mut self, member: &Member, out: &mut Vec<u8>) -> io::Result<()>;
    /// Data of the file that was begun.
    fn data(&mut self, data: &[u8], out: &mut Vec<u8>) -> io::Result<()>;
    /// Ends the member that was begun.
    fn end(&mut self, out: &mut Vec<u8>) -> io::Result<()>;
    /// Ends the whole.
    fn finish(&mut self, out: &mut Vec<u8>) -> io::Result<()>;
}

/// A file's data.
pub fn file(tree: Tree, node: Node) -> Pieces {
    let mut offset = 0;
    Box::new(std::iter::from_fn(move || {
        let piece = read_piece(&tree, &node, offset).transpose()?;
        if let Ok(piece) = &piece {
            offset += piece.len() as u64;
        }
        Some(piece.map(Bytes::from))
    }))
}

/// A directory with all below it. `path` is the directory's own, in the archive.
pub fn directory(tree: Tree, path: &[u8], node: Node, packing: Packing) -> io::Result<Pieces> {
    let walk = Walk::new(tree, path, node).map_err(io::Error::other)?;
    Ok(match packing {
        Packing::Zip => Box::new(Packed::new(walk, Zip::default())),
        Packing::TarZst => Box::new(Packed::new(walk, Tar::new()?)),
    })
}

/// Up to a piece of a file's data; `None` at its end.
fn read_piece(tree: &Tree, node: &Node, offset: u64) -> io::Result<Option<Vec<u8>>> {
    let contents = tree.contents(node).map_err(io::Error::other)?;
    let left = contents.size().saturating_sub(offset);
    if left == 0 {
        return Ok(None);
    }
    let mut piece = vec![
        0;
        usize::try_from(left)
            .unwrap_or(PIECE_BYTES)
            .min(PIECE_BYTES)
    ];
    let n = contents.read_at(&mut piece, offset)?;
    if n == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    piece.truncate(n);
    Ok(Some(piece))
}

/// Members in the order of the archive, so that chunks are read in order and a link comes after its file.
struct Walk {
    tree: Tree,
    top: Node,
    /// Length of the requested directory's parent's path, with its slash.
    cut: usize,
    first: Option<(Vec<u8>, Node)>,
    open: Vec<Open>,
}

/// A directory that is being walked.
struct Open {
    path: Vec<u8>,
    directory: Directory,
    left: std::vec::IntoIter<usize>,
}

impl Walk {
    fn new(tree: Tree, path: &[u8], top: Node) -> Result<Walk, AccessError> {
        let named = |part: &&[u8]| !part.is_empty() && *part != b".";
        let parts: Vec<&[u8]> = path.split(|b| *b == b'/').filter(named).collect();
        let path = parts.join(&b'/');
        let cut = path.len() - parts.last().map_or(0, |name| name.len());
        let mut walk = Walk {
            tree,
            top: top.clone(),
            cut,
            first: None,
            open: Vec::new(),
        };
        if path.is_empty() {
            walk.enter(path, &top)?;
        } else {
            walk.first = Some((path, top));
        }
        Ok(walk)
    }

    fn enter(&mut self, path: Vec<u8>, node: &Node) -> Result<(), AccessError> {
        if self.open.len() >= DEPTH_MAX {
            return Err(AccessError::TooDeep(
                String::from_utf8_lossy(&path).into_owned(),
            ));
        }
        let directory = self.tree.open_directory(node)?;
        let left = directory.in_archive_order().into_iter();
        self.open.push(Open {
            path,
            directory,
            left,
        });
        Ok(())
    }

    /// The next member with its path in the archive.
    fn next(&mut self) -> Result<Option<(Vec<u8>, Node)>, AccessError> {
        let found = match self.first.take() {
            Some(first) => Some(first),
            None => self.next_below()?,
        };
        if let Some((path, node)) = found.as_ref().filter(|(_, node)| node.entry.is_dir()) {
            self.enter(path.clone(), node)?;
        }
        Ok(found)
    }

    fn next_below(&mut self) -> Result<Option<(Vec<u8>, Node)>, AccessError> {
        while let Some(open) = self.open.last_mut() {
            let Some(number) = open.left.next() else {
                self.open.pop();
                continue;
            };
            if let Some(node) = self.tree.member(&open.directory, number)? {
                let mut path = open.path.clone();
                if !path.is_empty() {
                    path.push(b'/');
                }
                path.extend_from_slice(&node.entry.name);
                return Ok(Some((path, node)));
            }
        }
        Ok(None)
    }

    /// Whether a file lies in what was requested; then it has been sent before any link to it.
    fn contains(&self, node: &Node) -> bool {
        node.entry_offset >= self.top.entry_offset && node.end <= self.top.end
    }

    /// A path in the archive as members have it; nothing if it is not a clean path below the requested directory's parent.
    fn relative(&self, path: &[u8]) -> Option<Vec<u8>> {
        let is_name = |part: &[u8]| !matches!(part, b"" | b"." | b"..");
        let clean = path.split(|b| *b == b'/').all(is_name);
        (clean && path.len() > self.cut).then(|| path[self.cut..].to_vec())
    }
}

/// The stream over a walk.
struct Packed<P> {
    walk: Walk,
    pack: P,
    /// The file whose data is being sent, and how much of it was.
    current: Option<(Node, u64)>,
    /// Where files from outside were sent first, by their place in the archive.
    outside: HashMap<u64, Vec<u8>>,
    ended: bool,
}

impl<P: Pack> Packed<P> {
    fn new(walk: Walk, pack: P) -> Packed<P> {
        Packed {
            walk,
            pack,
            current: None,
            outside: HashMap::new(),
            ended: false,
        }
    }

    /// Appends a little to `out`.
    fn step(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        if let Some((node, offset)) = &mut self.current {
            let Some(piece) = read_piece(&self.walk.tree, node, *offset)? else {
                self.current = None;
                return self.pack.end(out);
            };
            *offset += piece.len() as u64;
            return self.pack.data(&piece, out);
        }
        let Some((path, node)) = self.walk.next().map_err(io::Error::other)? else {
            self.ended = true;
            return self.pack.finish(out);
        };
        let Some((member, data)) = self.member(path, node)? else {
            return Ok(());
        };
        self.pack.begin(&member, out)?;
        match data {
            Some(node) => self.current = Some((node, 0)),
            None => self.pack.end(out)?,
        }
        Ok(())
    }

    /// What a node is sent as, and where its data comes from; nothing for what the format cannot tell.
    fn member(&mut self, path: Vec<u8>, node: Node) -> io::Result<Option<(Member, Option<Node>)>> {
        let path = path[self.walk.cut.min(path.len())..].to_vec();
        let kind = match &node.entry.kind {
            EntryKind::Directory => MemberKind::Directory,
            EntryKind::File { size } => {
                let kind = MemberKind::File { size: *size };
                let member = Member {
                    path,
                    kind,
                    metadata: node.entry.metadata.clone(),
                };
                return Ok(Some((member, Some(node))));
            }
            EntryKind::Hardlink { path: target, .. } => {
                return self.link(path, &node, target).map(Some);
            }
            EntryKind::Symlink { target } => MemberKind::Symlink {
                target: target.clone(),
            },
            EntryKind::Device { major, minor } if P::SPECIAL => MemberKind::Device {
                major: *major,
                minor: *minor,
            },
            EntryKind::Fifo if P::SPECIAL => MemberKind::Fifo,
            EntryKind::Device { .. } | EntryKind::Fifo | EntryKind::Socket => return Ok(None),
        };
        Ok(Some((
            Member {
                path,
                kind,
                metadata: node.entry.metadata,
            },
            None,
        )))
    }

    fn link(
        &mut self,
        path: Vec<u8>,
        node: &Node,
        target: &[u8],
    ) -> io::Result<(Member, Option<Node>)> {
        let file = self
            .walk
            .tree
            .follow_hardlink(node)
            .map_err(io::Error::other)?;
        let metadata = file.entry.metadata.clone();
        let first = match (P::LINKS, self.walk.contains(&file)) {
            (false, _) => None,
            (true, true) => self.walk.relative(target),
            (true, false) => self.outside.get(&file.entry_offset).cloned(),
        };
        if let Some(first) = first {
            return Ok((
                Member {
                    path,
                    kind: MemberKind::Link { first },
                    metadata,
                },
                None,
            ));
        }
        if P::LINKS {
            self.outside.insert(file.entry_offset, path.clone());
        }
        let EntryKind::File { size } = file.entry.kind else {
            return Err(io::ErrorKind::InvalidData.into());
        };
        Ok((
            Member {
                path,
                kind: MemberKind::File { size },
                metadata,
            },
            Some(file),
        ))
    }
}

impl<P: Pack> Iterator for Packed<P> {
    type Item = io::Result<Bytes>;

    fn next(&mut self) -> Option<io::Result<Bytes>> {
        let mut out = Vec::new();
        while !self.ended && out.len() < PIECE_BYTES {
            if let Err(e) = self.step(&mut out) {
                tracing::warn!("a download broke off: {e}");
                self.ended = true;
                return Some(Err(e));
            }
        }
        (!out.is_empty()).then(|| Ok(Bytes::from(out)))
    }
}
