//! What was asked for of an archive, from top to bottom.

use std::collections::HashSet;
use std::io;
use std::sync::Arc;

use pxar::{AccessError, Accessor, Directory, Node, ReadAt};

use crate::name;

/// Directories inside each other that a walk enters; far above what a path may hold.
const DEPTH_MAX: usize = 4096;
/// Members of all directories that are open at once, each about 50 bytes.
const MEMBERS_MAX: u64 = 1 << 22;
/// Longest path of a member. No file system has longer ones, and a zip can just name it.
const PATH_BYTES_MAX: usize = (64 << 10) - 2;

/// Members in the order of the archive, so that chunks are read in order and a link comes after its file.
pub(crate) struct Walk<R> {
    tree: Arc<Accessor<R>>,
    /// What was asked for, in the order of the archive.
    tops: Vec<Node>,
    /// Its paths, with those nodes that are still to come.
    coming: std::vec::IntoIter<(Vec<u8>, Node)>,
    /// How much of a path in the archive members do not have: the directory that holds all of it, with its slash.
    cut: usize,
    open: Vec<Open>,
    /// Of all open directories.
    members: u64,
    /// Path of the innermost directory, and of the member that came last while it is being made.
    path: Vec<u8>,
}

/// A directory that is being walked.
struct Open {
    /// How much of the walk's path is this directory's.
    path_len: usize,
    directory: Directory,
    left: std::vec::IntoIter<usize>,
    /// Hashes of the names that came: whoever unpacks must not get two members of one name from a hostile archive.
    names: HashSet<u64>,
}

/// The components of a path, joined: no slash in front, at the end, or twice.
fn clean(path: &[u8]) -> Vec<u8> {
    let named = |part: &&[u8]| !part.is_empty() && *part != b".";
    let parts = path.split(|b| *b == b'/').filter(named);
    parts.collect::<Vec<_>>().join(&b'/')
}

fn is_twice(path: &[u8]) -> io::Error {
    let path = String::from_utf8_lossy(path);
    let text = format!("the archive has {path:?} twice");
    io::Error::new(io::ErrorKind::InvalidData, text)
}

/// The beginning of a path, for a message.
fn shown(path: &[u8]) -> String {
    const SHOWN_BYTES: usize = 200;
    String::from_utf8_lossy(&path[..SHOWN_BYTES.min(path.len())]).into_owned()
}

fn is_too_long(path: &[u8]) -> io::Error {
    let path = shown(path);
    let text = format!(
        "the archive has a path of more than {PATH_BYTES_MAX} bytes, which cannot be packed; it begins with {path:?}"
    );
    io::Error::new(io::ErrorKind::InvalidData, text)
}

/// A directory with more members than are left of [`MEMBERS_MAX`].
fn is_too_large(path: &[u8], members: u64) -> io::Error {
    let path = format!("/{}", shown(path));
    let text = format!(
        "the folder {path:?} has {members} members, but one download can have folders in each other with at most {MEMBERS_MAX} members together; \
         download the folders below it one by one"
    );
    io::Error::new(io::ErrorKind::FileTooLarge, text)
}

/// Length of the path of the directory that a member lies in, with its slash.
fn parent_len(path: &[u8]) -> usize {
    path.iter()
        .rposition(|byte| *byte == b'/')
        .map_or(0, |slash| slash + 1)
}

impl<R: ReadAt> Walk<R> {
    /// A walk through all of these, each with its path in the archive. What lies in another one of them comes once.
    pub fn new(tree: Arc<Accessor<R>>, asked: Vec<(Vec<u8>, Node)>) -> io::Result<Walk<R>> {
        let mut asked: Vec<(Vec<u8>, Node)> = asked
            .into_iter()
            .map(|(path, node)| (clean(&path), node))
            .collect();
        asked.sort_by(|(a, _), (b, _)| a.cmp(b));
        let mut tops: Vec<(Vec<u8>, Node)> = Vec::new();
        let mut paths: HashSet<Vec<u8>> = HashSet::new();
        for (path, node) in asked {
            let slashes = path.iter().enumerate().filter(|(_, byte)| **byte == b'/');
            let mut above = slashes
                .map(|(at, _)| &path[..at])
                .chain([&path[..], &b""[..]]);
            if !above.any(|path| paths.contains(path)) {
                paths.insert(path.clone());
                tops.push((path.clone(), node));
            }
        }
        // Changed names may be those of others: whoever unpacks must get all that was asked for.
        for (path, _) in &mut tops {
            *path = name::safe_path(path);
        }
        tops.sort_by(|(a, _), (b, _)| a.cmp(b));
        let all: HashSet<&[u8]> = tops.iter().map(|(path, _)| &path[..]).collect();
        let is_within = |path: &[u8]| {
            let slashes = path.iter().enumerate().filter(|(_, byte)| **byte == b'/');
            slashes
                .map(|(at, _)| &path[..at])
                .any(|above| all.contains(above))
        };
        let twice = tops.windows(2).find(|pair| pair[0].0 == pair[1].0);
        let twice = twice.map(|pair| &pair[0].0);
        let clash = tops
            .iter()
            .map(|(path, _)| path)
            .find(|path| is_within(path));
        if let Some(path) = twice.or(clash) {
            return Err(is_twice(path));
        }
        let parents = tops.iter().map(|(path, _)| &path[..parent_len(path)]);
        let common = parents.reduce(|a, b| {
            let same = a.iter().zip(b).take_while(|(x, y)| x == y).count();
            &a[..parent_len(&a[..same])]
        });
        let cut = common.map_or(0, <[u8]>::len);
        tops.sort_by_key(|(_, node)| node.entry_offset);
        let mut walk = Walk {
            tree,
            tops: tops.iter().map(|(_, node)| node.clone()).collect(),
            coming: Vec::new().into_iter(),
            cut,
            open: Vec::new(),
            members: 0,
            path: Vec::new(),
        };
        // The root has no name of its own: only what is in it comes.
        match tops.as_slice() {
            [(path, root)] if path.is_empty() => walk.enter(root)?,
            _ => walk.coming = tops.into_iter(),
        }
        Ok(walk)
    }

    /// Goes into the directory that the path leads to.
    fn enter(&mut self, node: &Node) -> io::Result<()> {
        if self.open.len() >= DEPTH_MAX {
            let path = String::from_utf8_lossy(&self.path).into_owned();
            return Err(io::Error::other(AccessError::TooDeep(path)));
        }
        let left = MEMBERS_MAX.saturating_sub(self.members);
        let directory = self.tree.open_directory_within(node, left);
        let directory = directory.map_err(|error| match error {
            AccessError::TooManyMembers { members, .. } => is_too_large(&self.path, members),
            other => io::Error::other(other),
        })?;
        self.members += directory.len() as u64;
        let left = directory.in_archive_order().into_iter();
        self.open.push(Open {
            path_len: self.path.len(),
            directory,
            left,
            names: HashSet::new(),
        });
        Ok(())
    }

    /// The next member with its path in the archive.
    pub fn next(&mut self) -> io::Result<Option<(Vec<u8>, Node)>> {
        let node = match self.next_below()? {
            Some(node) => node,
            None => match self.coming.next() {
                Some((path, node)) => {
                    self.path = path;
                    node
                }
                None => return Ok(None),
            },
        };
        if self.path.len() > PATH_BYTES_MAX {
            return Err(is_too_long(&self.path));
        }
        if node.entry.is_dir() {
            self.enter(&node)?;
        }
        Ok(Some((self.path.clone(), node)))
    }

    /// The next member of the directories that are open; the path becomes its own.
    fn next_below(&mut self) -> io::Result<Option<Node>> {
        while let Some(open) = self.open.last_mut() {
            let Some(number) = open.left.next() else {
                self.members -= open.directory.len() as u64;
                self.open.pop();
                continue;
            };
            let member = self.tree.member(&open.directory, number);
            if let Some(node) = member.map_err(io::Error::other)? {
                self.path.truncate(open.path_len);
                if !self.path.is_empty() {
                    self.path.push(b'/');
                }
                let name = name::safe(&node.entry.name);
                self.path.extend_from_slice(&name);
                if !open.names.insert(pxar::name::hash(&name)) {
                    return Err(is_twice(&self.path));
                }
                return Ok(Some(node));
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

    /// Whether a file lies in what was asked for; then it has been sent before any link to it.
    pub fn contains(&self, node: &Node) -> bool {
        let within = |top: &Node| (top.entry_offset..top.end).contains(&node.entry_offset);
        self.tops.iter().any(within)
    }

    /// A path in the archive as members have it; nothing if it is not a clean path below the directory that holds all of them.
    pub fn relative(&self, path: &[u8]) -> Option<Vec<u8>> {
        let is_name = |part: &[u8]| !matches!(part, b"" | b"." | b"..");
        let clean = path.split(|b| *b == b'/').all(is_name);
        let path = name::safe_path(path);
        (clean && path.len() > self.cut).then(|| path[self.cut..].to_vec())
    }
}
