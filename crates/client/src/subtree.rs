//! One member of an archive, a directory with all below it, restored to a folder under its own name.
//!
//! Only what belongs to the member is fetched: it is opened at random, written anew as a small archive of its own, and that goes
//! through the one way out of archives, `tree::extract`. A hard link to a file outside of the member becomes a file, and further
//! ones links to that.

use std::collections::HashMap;
use std::io::{self, BufReader};
use std::path::Path;

use pxar::{
    AccessError, Accessor, Decoder, Directory, EncodeError, Encoder, EntryKind, FileOffset,
    Metadata, Node, ReadAt, Sink, WriteSink,
};
use tree::{ExtractError, ExtractOptions, ExtractStats, ExtractWatch};

/// Directories inside each other that are entered.
const DEPTH_MAX: usize = 4096;
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
        encoder: Encoder::new(WriteSink::new(out), &root)?,
        files: HashMap::new(),
        levels: Vec::new(),
    };
    match name {
        [] => copy.enter(Vec::new(), node)?,
        name => copy.member(name, name.to_vec(), node)?,
    }
    copy.rest(usize::from(name.is_empty()))?;
    let sink = copy.encoder.finish()?;
    let written = sink.finish().and_then(|mut out| out.flush());
    written.map_err(|error| EncodeError::Write(error).into())
}

/// The copying: a walk with one open directory per level.
struct Copy<'a, R, S> {
    tree: &'a Accessor<R>,
    encoder: Encoder<S>,
    /// Where files were written: by their place in the archive, place in the copy and path.
    files: HashMap<u64, (FileOffset, Box<[u8]>)>,
    levels: Vec<Level>,
}

struct Level {
    path: Vec<u8>,
    directory: Directory,
    left: std::vec::IntoIter<usize>,
}

impl<R: ReadAt, S: Sink> Copy<'_, R, S> {
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
            let mut path = level.path.clone();
            if !path.is_empty() {
                path.push(b'/');
            }
            path.extend_from_slice(&node.entry.name);
            let name = node.entry.name.clone();
            self.member(&name, path, &node)?;
        }
        Ok(())
    }

    fn enter(&mut self, path: Vec<u8>, node: &Node) -> Result<(), SubtreeError> {
        if self.levels.len() >= DEPTH_MAX {
            return Err(AccessError::TooDeep(lossy(&path)).into());
        }
        let directory = self.tree.open_directory(node)?;
        let left = directory.in_archive_order().into_iter();
        self.levels.push(Level {
            path,
            directory,
            left,
        });
        Ok(())
    }

    /// Copies one member; a directory is entered.
    fn member(&mut self, name: &[u8], path: Vec<u8>, node: &Node) -> Result<(), SubtreeError> {
        let metadata = &node.entry.metadata;
        match &node.entry.kind {
            EntryKind::Directory => {
                self.encoder.create_dir(name, metadata)?;
                return self.enter(path, node);
            }
            EntryKind::File { .. } => return self.file(name, path, node),
            EntryKind::Hardlink { .. } => {
                let file = self.tree.follow_hardlink(node)?;
                return match self.files.get(&file.entry_offset) {
                    Some((offset, first)) => Ok(self.encoder.add_hardlink(name, first, *offset)?),
                    None => self.file(name, path, &file),
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

    fn file(&mut self, name: &[u8], path: Vec<u8>, node: &Node) -> Result<(), SubtreeError> {
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
                path: lossy(&path),
                source,
            });
        }
        let offset = written?.offset;
        self.files
            .insert(node.entry_offset, (offset, path.into_boxed_slice()));
        Ok(())
    }
}

fn lossy(path: &[u8]) -> String {
    String::from_utf8_lossy(path).into_owned()
}
