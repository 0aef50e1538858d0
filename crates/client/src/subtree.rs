//! Parts of an archive restored: one member, a directory with all below it, under its own name; or what patterns select, where they
//! say in which directories that lies.
//!
//! Only what belongs to the part is fetched: it is opened at random, written anew as a small archive of its own, and that goes
//! through the one way out of archives, `tree::extract`. A hard link to a file outside of the part becomes a file, and further
//! ones links to that.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, BufReader};
use std::path::Path;

use pxar::item::NAME_MAX;
use pxar::{
    AccessError, Accessor, Decoder, Directory, EncodeError, Encoder, EntryKind, FileOffset,
    MatchKind, Metadata, Node, PatternList, ReadAt, Sink, WriteSink,
};
use tree::{ExtractError, ExtractOptions, ExtractStats, ExtractWatch};

/// Directories inside each other that are entered.
const DEPTH_MAX: usize = 4096;
/// Names of a wanted path that are looked up; beyond, everything is wanted.
const NAMES_MAX: usize = 256;
/// Bytes that the restoring side reads at a time.
const READ_BYTES: usize = 256 << 10;

#[derive(Debug, thiserror::Error)]
pub enum SubtreeError {
    #[error("cannot read the archive")]
    Archive(#[from] AccessError),
    #[error("cannot read the data of {path:?}")]
    Data {
        path: String,
        #[source]
        source: io::Error,
    },
    #[error("cannot pass on what was read")]
    Encode(#[from] EncodeError),
    #[error(transparent)]
    Extract(#[from] ExtractError),
    #[error("cannot start a thread")]
    Thread(#[source] io::Error),
}

/// Restores `node`, which lies at `path`, beneath `target`, which is made if it does not exist and keeps its metadata. Blocks.
pub fn extract_member<R: ReadAt + Sync>(
    tree: &Accessor<R>,
    path: &[u8],
    node: &Node,
    target: &Path,
    options: &ExtractOptions,
    watch: &mut dyn ExtractWatch,
) -> Result<ExtractStats, SubtreeError> {
    let options = ExtractOptions {
        keep_target_metadata: true,
        ..options.clone()
    };
    if path.iter().all(|byte| *byte == b'/') {
        // The root has no name: its members go to the target itself.
        return through_a_pipe(
            |out| write_member(tree, b"", node, out),
            target,
            &options,
            watch,
        );
    }
    let name = path
        .rsplit(|byte| *byte == b'/')
        .find(|part| !part.is_empty());
    let name = name.unwrap_or_default();
    through_a_pipe(
        |out| write_member(tree, name, node, out),
        target,
        &options,
        watch,
    )
}

/// Which members of an archive are wanted: all, or those of some names, each with what is wanted below.
#[derive(Debug, Default)]
pub(crate) struct Branch {
    whole: bool,
    names: BTreeMap<Vec<u8>, Branch>,
}

impl Branch {
    /// Everything at and below these paths.
    pub(crate) fn of(paths: &[Vec<u8>]) -> Branch {
        let mut root = Branch::default();
        for path in paths {
            let names = path.split(|byte| *byte == b'/');
            let mut branch = &mut root;
            for name in names.filter(|name| !name.is_empty()).take(NAMES_MAX) {
                branch = branch.names.entry(name.to_vec()).or_default();
            }
            branch.whole = true;
        }
        root
    }

    /// Bytes of the archive from the first to the last of each wanted member. Reads the tables on the way to them.
    pub(crate) fn extent<R: ReadAt>(
        &self,
        tree: &Accessor<R>,
        node: &Node,
    ) -> Result<u64, AccessError> {
        if self.whole {
            return Ok(node.end - node.name_offset.unwrap_or(0));
        }
        let mut sum = 0_u64;
        for (member, branch) in self.members(tree, node)? {
            sum = sum.saturating_add(branch.extent(tree, &member)?);
        }
        Ok(sum)
    }

    /// The wanted members of a directory that are there, in the order of the archive.
    fn members<R: ReadAt>(
        &self,
        tree: &Accessor<R>,
        node: &Node,
    ) -> Result<Vec<(Node, &Branch)>, AccessError> {
        let mut found = Vec::new();
        if !node.entry.is_dir() {
            return Ok(found);
        }
        for (name, branch) in &self.names {
            if let Some(member) = tree.find_in(node, name)? {
                found.push((member, branch));
            }
        }
        found.sort_by_key(|(member, _)| member.entry_offset);
        Ok(found)
    }
}

/// Restores what is at and below the wanted places of the archive, as far as the options' patterns select it, beneath `target`,
/// which gets the metadata of the root. Directories on the way are as if the rest of them were not selected. Blocks.
pub(crate) fn extract_branch<R: ReadAt + Sync>(
    tree: &Accessor<R>,
    wanted: &Branch,
    target: &Path,
    options: &ExtractOptions,
    watch: &mut dyn ExtractWatch,
) -> Result<ExtractStats, SubtreeError> {
    let patterns = &options.patterns;
    let write = |out| write_branch(tree, wanted, patterns, out);
    through_a_pipe(write, target, options, watch)
}

/// Writes an archive with the wanted members only.
fn write_branch<R: ReadAt>(
    tree: &Accessor<R>,
    wanted: &Branch,
    patterns: &PatternList,
    out: impl io::Write,
) -> Result<(), SubtreeError> {
    let root = tree.root();
    let mut copy = Copy {
        tree,
        patterns,
        encoder: Encoder::new(WriteSink::new(out), &root.entry.metadata)?,
        files: HashMap::new(),
        path: Vec::new(),
        levels: Vec::new(),
    };
    copy.branch(wanted, root)?;
    end(copy.encoder)
}

fn end(encoder: Encoder<WriteSink<impl io::Write>>) -> Result<(), SubtreeError> {
    let sink = encoder.finish()?;
    let written = sink.finish().and_then(|mut out| out.flush());
    written.map_err(|error| EncodeError::Write(error).into())
}

/// `write` makes an archive on a thread of its own while it is extracted here.
fn through_a_pipe(
    write: impl FnOnce(io::PipeWriter) -> Result<(), SubtreeError> + Send,
    target: &Path,
    options: &ExtractOptions,
    watch: &mut dyn ExtractWatch,
) -> Result<ExtractStats, SubtreeError> {
    let (reader, writer) = io::pipe().map_err(SubtreeError::Thread)?;
    std::thread::scope(|scope| {
        let writing = std::thread::Builder::new()
            .name("subtree".to_owned())
            .spawn_scoped(scope, move || write(writer))
            .map_err(SubtreeError::Thread)?;
        let archive = Decoder::new(BufReader::with_capacity(READ_BYTES, reader));
        // The decoder, and with it the pipe's end, is gone when this returns.
        let extracted = tree::extract(archive, target, options, watch);
        let written = match writing.join() {
            Ok(written) => written,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        match (written, extracted) {
            // Nobody reads any more: why, the other side knows.
            (Err(SubtreeError::Encode(_)), Err(error)) => Err(error.into()),
            (Err(error), _) => Err(error),
            (Ok(()), extracted) => Ok(extracted?),
        }
    })
}

/// Writes an archive whose root has the one member `name`; without a name the member itself is the root.
fn write_member<R: ReadAt>(
    tree: &Accessor<R>,
    name: &[u8],
    node: &Node,
    out: impl io::Write,
) -> Result<(), SubtreeError> {
    let root = match name {
        [] => node.entry.metadata.clone(),
        _ => Metadata {
            mode: pxar::metadata::mode::DIRECTORY | 0o755,
            ..Metadata::default()
        },
    };
    let mut copy = Copy {
        tree,
        patterns: &PatternList::new(),
        encoder: Encoder::new(WriteSink::new(out), &root)?,
        files: HashMap::new(),
        path: name.to_vec(),
        levels: Vec::new(),
    };
    match name {
        [] => copy.enter(node, true)?,
        name => copy.member(name, node, true)?,
    }
    copy.rest(usize::from(name.is_empty()))?;
    end(copy.encoder)
}

/// The copying: a walk with one open directory per level.
struct Copy<'a, R, S> {
    tree: &'a Accessor<R>,
    /// What they do not select is left out already here, so that its data is not read.
    patterns: &'a PatternList,
    encoder: Encoder<S>,
    /// Where files were written: by their place in the archive, place in the copy and path.
    files: HashMap<u64, (FileOffset, Box<[u8]>)>,
    /// Path of the member at hand, below the copy's root.
    path: Vec<u8>,
    levels: Vec<Level>,
}

struct Level {
    /// How much of the path is this directory's.
    path_len: usize,
    /// What its members inherit.
    selected: bool,
    directory: Directory,
    left: std::vec::IntoIter<usize>,
}

impl<R: ReadAt, S: Sink> Copy<'_, R, S> {
    /// Copies the wanted members of the directory at the path, which is open in the copy.
    fn branch(&mut self, wanted: &Branch, node: &Node) -> Result<(), SubtreeError> {
        if wanted.whole {
            self.enter(node, false)?;
            return self.rest(1);
        }
        let path_len = self.path.len();
        for (member, branch) in wanted.members(self.tree, node)? {
            let name = &member.entry.name;
            self.step(path_len, name);
            if branch.whole || !member.entry.is_dir() {
                if branch.whole {
                    self.member(name, &member, false)?;
                    self.rest(0)?;
                }
                continue;
            }
            self.encoder.create_dir(name, &member.entry.metadata)?;
            self.branch(branch, &member)?;
            self.encoder.finish_dir()?;
        }
        Ok(())
    }

    /// Copies what is below the open directories; the `kept` outermost ones are not ended.
    fn rest(&mut self, kept: usize) -> Result<(), SubtreeError> {
        while let Some(level) = self.levels.last_mut() {
            let Some(number) = level.left.next() else {
                self.levels.pop();
                if self.levels.len() >= kept {
                    self.encoder.finish_dir()?;
                }
                continue;
            };
            let Some(node) = self.tree.member(&level.directory, number)? else {
                continue;
            };
            let (selected, path_len) = (level.selected, level.path_len);
            self.step(path_len, &node.entry.name);
            self.member(&node.entry.name, &node, selected)?;
        }
        Ok(())
    }

    /// The path becomes that of a member of the directory whose path is so long.
    fn step(&mut self, path_len: usize, name: &[u8]) {
        self.path.truncate(path_len);
        if !self.path.is_empty() {
            self.path.push(b'/');
        }
        self.path.extend_from_slice(name);
    }

    fn enter(&mut self, node: &Node, selected: bool) -> Result<(), SubtreeError> {
        if self.levels.len() >= DEPTH_MAX {
            return Err(AccessError::TooDeep(lossy(&self.path)).into());
        }
        let directory = self.tree.open_directory(node)?;
        let left = directory.in_archive_order().into_iter();
        self.levels.push(Level {
            path_len: self.path.len(),
            selected,
            directory,
            left,
        });
        Ok(())
    }

    /// Copies one member; a directory is entered. `inherited` says whether the directory around it is selected.
    fn member(&mut self, name: &[u8], node: &Node, inherited: bool) -> Result<(), SubtreeError> {
        let metadata = &node.entry.metadata;
        let selected = self.selects(node, inherited);
        if !selected && !node.entry.is_dir() {
            return Ok(());
        }
        match &node.entry.kind {
            EntryKind::Directory => {
                self.encoder.create_dir(name, metadata)?;
                return self.enter(node, selected);
            }
            EntryKind::File { .. } => return self.file(name, node),
            EntryKind::Hardlink { .. } => {
                let file = self.tree.follow_hardlink(node)?;
                return match self.files.get(&file.entry_offset) {
                    Some((offset, first)) => Ok(self.encoder.add_hardlink(name, first, *offset)?),
                    None => self.file(name, &file),
                };
            }
            EntryKind::Symlink { target } => self.encoder.add_symlink(name, metadata, target)?,
            EntryKind::Device { major, minor } => {
                self.encoder.add_device(name, metadata, *major, *minor)?;
            }
            EntryKind::Fifo => self.encoder.add_fifo(name, metadata)?,
            EntryKind::Socket => self.encoder.add_socket(name, metadata)?,
        }
        Ok(())
    }

    /// As `tree::extract` will decide.
    fn selects(&self, node: &Node, inherited: bool) -> bool {
        if self.patterns.is_empty() {
            return true;
        }
        let path = [b"/", self.path.as_slice()].concat();
        let matched = self.patterns.matches(&path, node.entry.is_dir());
        matched.map_or(inherited, |kind| kind == MatchKind::Include)
    }

    fn file(&mut self, name: &[u8], node: &Node) -> Result<(), SubtreeError> {
        let contents = self.tree.contents(node)?;
        let (size, mut at) = (contents.size(), 0);
        let mut failure = None;
        let mut read = |out: &mut [u8]| match contents.read_at(out, at) {
            Ok(len) => {
                at += len as u64;
                Ok(len)
            }
            Err(error) => {
                let kind = error.kind();
                failure = Some(error);
                Err(kind.into())
            }
        };
        let written = self
            .encoder
            .add_file(name, &node.entry.metadata, size, &mut read);
        let source = match (failure, &written) {
            (Some(error), _) => Some(error),
            (None, Ok(written)) if written.missing > 0 => Some(io::ErrorKind::UnexpectedEof.into()),
            (None, _) => None,
        };
        if let Some(source) = source {
            return Err(SubtreeError::Data {
                path: lossy(&self.path),
                source,
            });
        }
        let offset = written?.offset;
        // No link can name a longer one; then its other names are files too.
        if self.path.len() <= NAME_MAX {
            let path = self.path.as_slice().into();
            self.files.insert(node.entry_offset, (offset, path));
        }
        Ok(())
    }
}

fn lossy(path: &[u8]) -> String {
    String::from_utf8_lossy(path).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In an archive made by hand the place of a file may be too long for links to it: then all its names are files.
    #[test]
    fn links_to_long_paths_become_files() {
        let of = |mode| Metadata {
            mode,
            ..Metadata::default()
        };
        let (dir, file) = (of(0o040_755), of(0o100_644));
        for (levels, expected) in [(1, ["file", "link"]), (2, ["file", "file"])] {
            let mut encoder = Encoder::new(Vec::new(), &dir).unwrap();
            for _ in 0..levels {
                encoder.create_dir(&[b'd'; 3000], &dir).unwrap();
            }
            let mut read = |out: &mut [u8]| {
                out.fill(b'x');
                Ok(out.len())
            };
            let first = encoder.add_file(b"f", &file, 9, &mut read).unwrap();
            encoder.add_hardlink(b"l", b"short", first.offset).unwrap();
            for _ in 0..levels {
                encoder.finish_dir().unwrap();
            }
            let tree = Accessor::open(encoder.finish().unwrap()).unwrap();
            let mut out = Vec::new();
            write_member(&tree, b"", tree.root(), &mut out).unwrap();
            let mut decoder = Decoder::new(out.as_slice());
            let mut kinds = Vec::new();
            while let Some(step) = decoder.advance().unwrap() {
                match &decoder.entry().kind {
                    _ if step == pxar::Step::Leave => {}
                    EntryKind::File { size: 9 } => kinds.push("file"),
                    EntryKind::Hardlink { path, .. } => {
                        assert_eq!(path.len(), 3002);
                        kinds.push("link");
                    }
                    _ => {}
                }
            }
            assert_eq!(kinds, expected);
        }
    }

    #[test]
    fn branches() {
        let branch = Branch::of(&[b"/a/b".to_vec(), b"/a/c//d/".to_vec(), b"/e".to_vec()]);
        let names = |branch: &Branch| branch.names.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&branch), [b"a", b"e"]);
        let a = &branch.names[&b"a"[..]];
        assert_eq!(names(a), [b"b", b"c"]);
        assert!(!branch.whole && !a.whole && branch.names[&b"e"[..]].whole);
        assert!(a.names[&b"b"[..]].whole && a.names[&b"c"[..]].names[&b"d"[..]].whole);
        assert!(Branch::of(&[b"/".to_vec()]).whole);
        assert!(Branch::of(&[Vec::new()]).whole);
        // Not so deep that it could not be dropped.
        drop(Branch::of(&[b"/a".repeat(1 << 15)]));
    }
}
