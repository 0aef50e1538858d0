//! The streams: a file's data, and a directory packed.

use std::collections::HashMap;
use std::io::{self, Write as _};
use std::sync::Arc;

use pxar::{Accessor, EntryKind, Node, ReadAt};
use zstd::stream::write::Encoder;

use crate::central::MakeScratch;
use crate::member::{Member, MemberKind, Pack};
use crate::tar::Tar;
use crate::walk::Walk;
use crate::zip::Zip;
use crate::{Format, Packing};

/// Size of the pieces that streams come in; some are smaller, some a little larger. They are made on many threads, each of which may keep room for
/// some of them.
pub const PIECE_BYTES: usize = 64 << 10;
const ZSTD_LEVEL: i32 = 3;
/// Paths under which files from outside were sent: what is beyond is sent again under each of its names.
const OUTSIDE_BYTES_MAX: usize = 4 << 20;

/// A stream in pieces. After an error there are no more.
pub type Pieces = Box<dyn Iterator<Item = io::Result<Vec<u8>>> + Send>;

/// A file's data from an offset on. What lies before it is not read.
pub fn file<R: ReadAt + Send + Sync + 'static>(
    tree: Arc<Accessor<R>>,
    node: Node,
    mut offset: u64,
) -> Pieces {
    let mut ended = false;
    Box::new(std::iter::from_fn(move || {
        if ended {
            return None;
        }
        let piece = read_piece(&tree, &node, offset);
        match &piece {
            Ok(Some(piece)) => offset += piece.len() as u64,
            Ok(None) | Err(_) => ended = true,
        }
        piece.transpose()
    }))
}

/// A directory with all below it. `path` is the directory's own, in the archive; names in the stream begin with its last component,
/// or, for the root, with its members'. `scratch` makes a file for the list at the end of a zip, if that is long.
///
/// ```
/// use std::sync::Arc;
/// use pack::{Format, Packing};
/// use pxar::{Accessor, Encoder, Metadata};
/// let metadata = Metadata { mode: 0o040_755, ..Metadata::default() };
/// let mut encoder = Encoder::new(Vec::new(), &metadata)?;
/// encoder.create_dir(b"etc", &metadata)?;
/// encoder.finish_dir()?;
/// let tree = Arc::new(Accessor::open(encoder.finish()?)?);
/// let node = tree.lookup(b"/etc")?.expect("it is in there");
/// let packing = Packing { format: Format::Tar, zstd: false };
/// let scratch = || Ok(Box::new(std::io::Cursor::new(Vec::new())) as Box<dyn pack::Scratch>);
/// let tar: Vec<u8> = pack::directory(tree, b"/etc", node, packing, Box::new(scratch))?.collect::<Result<Vec<_>, _>>()?.concat();
/// assert_eq!((&tar[..4], tar.len()), (&b"etc\0"[..], 3 * 512));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn directory<R: ReadAt + Send + Sync + 'static>(
    tree: Arc<Accessor<R>>,
    path: &[u8],
    node: Node,
    packing: Packing,
    scratch: MakeScratch,
) -> io::Result<Pieces> {
    selection(tree, vec![(path.to_vec(), node)], packing, scratch)
}

/// Several members, each with its path in the archive, and all below them; what lies in another one of them comes once. Names in the stream
/// are relative to the innermost directory that holds them all.
pub fn selection<R: ReadAt + Send + Sync + 'static>(
    tree: Arc<Accessor<R>>,
    members: Vec<(Vec<u8>, Node)>,
    packing: Packing,
    scratch: MakeScratch,
) -> io::Result<Pieces> {
    let walk = Walk::new(tree, members)?;
    let packed: Pieces = match packing.format {
        Format::Zip => Box::new(Packed::new(walk, Zip::new(scratch))),
        Format::Tar => Box::new(Packed::new(walk, Tar::default())),
    };
    Ok(match packing.zstd {
        true => compressed(packed)?,
        false => packed,
    })
}

/// A stream as one zstd stream.
pub fn compressed(pieces: Pieces) -> io::Result<Pieces> {
    Ok(Box::new(Compressed::new(pieces)?))
}

/// Up to a piece of a file's data; `None` at its end.
fn read_piece<R: ReadAt>(
    tree: &Accessor<R>,
    node: &Node,
    offset: u64,
) -> io::Result<Option<Vec<u8>>> {
    let contents = tree.contents(node).map_err(io::Error::other)?;
    let left = contents.size().saturating_sub(offset);
    if left == 0 {
        return Ok(None);
    }
    let len = usize::try_from(left).map_or(PIECE_BYTES, |left| left.min(PIECE_BYTES));
    let mut piece = vec![0; len];
    let n = contents.read_at(&mut piece, offset)?;
    if n == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    piece.truncate(n);
    Ok(Some(piece))
}

/// A stream that is compressed as it comes.
struct Compressed {
    pieces: Pieces,
    /// Gone at the end.
    zstd: Option<Encoder<'static, Vec<u8>>>,
}

impl Compressed {
    fn new(pieces: Pieces) -> io::Result<Compressed> {
        let zstd = Some(Encoder::new(Vec::new(), ZSTD_LEVEL)?);
        Ok(Compressed { pieces, zstd })
    }

    fn advance(&mut self) -> io::Result<Option<Vec<u8>>> {
        while let Some(zstd) = &mut self.zstd {
            match self.pieces.next() {
                Some(piece) => zstd.write_all(&piece?)?,
                None => return self.zstd.take().map(Encoder::finish).transpose(),
            }
            if !zstd.get_ref().is_empty() {
                return Ok(Some(std::mem::take(zstd.get_mut())));
            }
        }
        Ok(None)
    }
}

impl Iterator for Compressed {
    type Item = io::Result<Vec<u8>>;

    fn next(&mut self) -> Option<io::Result<Vec<u8>>> {
        let piece = self.advance();
        if piece.is_err() {
            self.zstd = None;
        }
        piece.transpose()
    }
}

/// The stream over a walk.
struct Packed<R, P> {
    walk: Walk<R>,
    pack: P,
    /// The file whose data is being sent, and how much of it was.
    current: Option<(Node, u64)>,
    /// Where files from outside were sent first, by their place in the archive.
    outside: HashMap<u64, Vec<u8>>,
    /// What these paths take.
    outside_bytes: usize,
    ended: bool,
}

impl<R: ReadAt, P: Pack> Packed<R, P> {
    fn new(walk: Walk<R>, pack: P) -> Packed<R, P> {
        Packed {
            walk,
            pack,
            current: None,
            outside: HashMap::new(),
            outside_bytes: 0,
            ended: false,
        }
    }

    /// Appends a little to `out`.
    fn step(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        if let Some((node, offset)) = &mut self.current {
            let Some(piece) = read_piece(self.walk.tree(), node, *offset)? else {
                self.current = None;
                return self.pack.end(out);
            };
            *offset += piece.len() as u64;
            return self.pack.data(&piece, out);
        }
        let Some((path, node)) = self.walk.next()? else {
            self.ended = self.pack.finish(out)?;
            return Ok(());
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
        let path = path[self.walk.cut().min(path.len())..].to_vec();
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
            .tree()
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
        if P::LINKS && self.outside_bytes < OUTSIDE_BYTES_MAX {
            self.outside_bytes += path.len() + size_of::<(u64, Vec<u8>)>();
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

impl<R: ReadAt, P: Pack> Iterator for Packed<R, P> {
    type Item = io::Result<Vec<u8>>;

    fn next(&mut self) -> Option<io::Result<Vec<u8>>> {
        let mut out = Vec::new();
        while !self.ended && out.len() < PIECE_BYTES {
            if let Err(e) = self.step(&mut out) {
                self.ended = true;
                return Some(Err(e));
            }
        }
        (!out.is_empty()).then_some(Ok(out))
    }
}

#[cfg(test)]
mod tests;
