//! A directory of an archive from top to bottom.

use std::sync::Arc;

use pxar::{AccessError, Accessor, Directory, Node, ReadAt};

/// Directories inside each other that a walk enters; far above what a path may hold.
const DEPTH_MAX: usize = 4096;

/// Members in the order of the archive, so that chunks are read in order and a link comes after its file.
pub(crate) struct Walk<R> {
    tree: Arc<Accessor<R>>,
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

impl<R: ReadAt> Walk<R> {
    pub fn new(tree: Arc<Accessor<R>>, path: &[u8], top: Node) -> Result<Walk<R>, AccessError> {
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
    pub fn next(&mut self) -> Result<Option<(Vec<u8>, Node)>, AccessError> {
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

    pub fn tree(&self) -> &Accessor<R> {
        &self.tree
    }

    /// How much of a path in the archive members do not have.
    pub fn cut(&self) -> usize {
        self.cut
    }

    /// Whether a file lies in what was requested; then it has been sent before any link to it.
    pub fn contains(&self, node: &Node) -> bool {
        node.entry_offset >= self.top.entry_offset && node.end <= self.top.end
    }

    /// A path in the archive as members have it; nothing if it is not a clean path below the requested directory's parent.
    pub fn relative(&self, path: &[u8]) -> Option<Vec<u8>> {
        let is_name = |part: &[u8]| !matches!(part, b"" | b"." | b"..");
        let clean = path.split(|b| *b == b'/').all(is_name);
        (clean && path.len() > self.cut).then(|| path[self.cut..].to_vec())
    }
}
