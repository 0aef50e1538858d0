//! Unchanged files are taken over from the previous split archive: which ones, that they are not read, and that the new archive
//! always holds what the tree does.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Read};
use std::mem::MaybeUninit;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use format::Digest;
use proptest::prelude::*;
use pxar::{Decoder, EntryKind, Sink, Step};
use rustix::fs::inotify;
use tree::{
    ChunkTable, CreateError, CreateOptions, CreateStats, PayloadSink, Previous, ReusedChunk,
};

use crate::support::Recorder;

/// Room for all members of these trees to wait.
pub const WAITING: usize = 1 << 20;

/// A payload half in memory. Chunks of the previous one are copied from there; their digests say which they are.
struct Payload<'a> {
    bytes: Vec<u8>,
    previous: &'a [u8],
    ends: &'a [u64],
}

impl Sink for Payload<'_> {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn fill(
        &mut self,
        len: u64,
        read: &mut dyn FnMut(&mut [u8]) -> io::Result<usize>,
    ) -> io::Result<u64> {
        self.bytes.fill(len, read)
    }
}

impl PayloadSink for Payload<'_> {
    fn suggest_boundary(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn inject(&mut self, chunks: &[ReusedChunk]) -> io::Result<()> {
        for chunk in chunks {
            let number = usize::from(chunk.digest.0[0]) | usize::from(chunk.digest.0[1]) << 8;
            let end = self.ends[number] as usize;
            let start = end - chunk.size as usize;
            self.bytes.extend_from_slice(&self.previous[start..end]);
        }
        Ok(())
    }
}

/// Both halves of an archive, and where its payload was cut into chunks.
#[derive(Default, Clone)]
pub struct Stored {
    pub metadata: Vec<u8>,
    payload: Vec<u8>,
    ends: Vec<u64>,
}

impl Stored {
    pub fn cut(mut self, chunk_len: usize) -> Stored {
        let len = self.payload.len();
        self.ends = (1..=len.div_ceil(chunk_len))
            .map(|i| (i * chunk_len).min(len) as u64)
            .collect();
        self
    }

    fn table(&self) -> ChunkTable {
        ChunkTable::new(self.ends.iter().enumerate().map(|(number, end)| {
            let mut digest = [0; 32];
            digest[0] = number as u8;
            digest[1] = (number >> 8) as u8;
            (*end, Digest(digest))
        }))
    }

    /// Path, mode and content of all members.
    pub fn list(&self) -> Vec<(PathBuf, u64, Vec<u8>)> {
        let mut decoder = Decoder::split_archive(self.metadata.as_slice(), self.payload.as_slice());
        let mut list = Vec::new();
        while let Some(step) = decoder.advance().expect("a valid archive") {
            if step == Step::Leave {
                continue;
            }
            let path = PathBuf::from(String::from_utf8_lossy(decoder.path()).into_owned());
            let (entry, mut contents) = decoder.split();
            let mode = entry.metadata.mode;
            let content = match &entry.kind {
                EntryKind::File { .. } => {
                    let mut data = Vec::new();
                    contents.read_to_end(&mut data).expect("the data is there");
                    data
                }
                EntryKind::Symlink { target } => target.clone(),
                EntryKind::Hardlink { path, .. } => path.clone(),
                _ => Vec::new(),
            };
            list.push((path, mode, content));
        }
        list
    }
}

fn store(dir: &Path, previous: Option<&Stored>, waiting_bytes_max: usize) -> (Stored, CreateStats) {
    let mut watch = Recorder::default();
    let stored = store_watched(dir, previous, waiting_bytes_max, &mut watch);
    assert_eq!(watch.notices, [""; 0]);
    stored
}

pub fn store_watched(
    dir: &Path,
    previous: Option<&Stored>,
    waiting_bytes_max: usize,
    watch: &mut Recorder<'_>,
) -> (Stored, CreateStats) {
    try_store(dir, previous, waiting_bytes_max, watch).expect("can be stored")
}

pub fn try_store(
    dir: &Path,
    previous: Option<&Stored>,
    waiting_bytes_max: usize,
    watch: &mut Recorder<'_>,
) -> Result<(Stored, CreateStats), CreateError> {
    let empty = Stored::default();
    let payload = Payload {
        bytes: Vec::new(),
        previous: &previous.unwrap_or(&empty).payload,
        ends: &previous.unwrap_or(&empty).ends,
    };
    let previous = previous.map(|stored| Previous {
        metadata: Box::new(stored.metadata.as_slice()),
        chunks: stored.table(),
        waiting_bytes_max,
    });
    let source = tree::open_source(dir, false).expect("a directory");
    let options = CreateOptions::default();
    let stored = tree::create_split(source, Vec::new(), payload, &options, previous, watch);
    let (metadata, payload, stats) = stored?;
    let stored = Stored {
        metadata,
        payload: payload.bytes,
        ends: Vec::new(),
    };
    Ok((stored, stats))
}

/// What is read in a tree, and what is opened, told by the kernel.
struct Spy {
    inotify: rustix::fd::OwnedFd,
    dirs: Vec<(i32, PathBuf)>,
}

impl Spy {
    fn on(root: &Path) -> Spy {
        let flags = inotify::CreateFlags::NONBLOCK | inotify::CreateFlags::CLOEXEC;
        let inotify = inotify::init(flags).expect("inotify");
        let mut spy = Spy {
            inotify,
            dirs: Vec::new(),
        };
        let mut todo = vec![root.to_owned()];
        while let Some(dir) = todo.pop() {
            let events = inotify::WatchFlags::ACCESS;
            let watch = inotify::add_watch(&spy.inotify, &dir, events).expect("a watch");
            for entry in fs::read_dir(&dir).expect("a directory") {
                let entry = entry.expect("an entry");
                if entry.file_type().expect("a type").is_dir() {
                    todo.push(entry.path());
                }
            }
            let name = dir.strip_prefix(root).expect("beneath").to_owned();
            spy.dirs.push((watch, name));
        }
        // What was done to set up is no reading of the walk.
        spy.read_files();
        spy
    }

    /// Files that were read since it was asked last.
    fn read_files(&mut self) -> BTreeSet<PathBuf> {
        let mut buffer = [MaybeUninit::uninit(); 1 << 16];
        let mut events = inotify::Reader::new(&self.inotify, &mut buffer);
        let mut files = BTreeSet::new();
        while let Ok(event) = events.next() {
            if event.events().contains(inotify::ReadFlags::ISDIR) {
                continue;
            }
            let dir = self.dirs.iter().find(|(watch, _)| *watch == event.wd());
            if let (Some((_, dir)), Some(name)) = (dir, event.file_name()) {
                files.insert(dir.join(name.to_string_lossy().into_owned()));
            }
        }
        files
    }
}

fn write(path: PathBuf, byte: u8, len: usize) {
    fs::write(path, vec![byte; len]).expect("writable");
}

/// 40 files of 1000 bytes in four directories, links among them.
fn make(root: &Path) {
    for dir in ["a", "b", "b/deep", "c"] {
        fs::create_dir(root.join(dir)).expect("new");
        for i in 0..10u8 {
            write(root.join(dir).join(format!("f{i}")), i, 1000);
        }
    }
    symlink("f1", root.join("a/link")).expect("new");
    fs::hard_link(root.join("a/f0"), root.join("b/twin")).expect("new");
}

#[test]
fn unchanged_files_are_not_read() {
    let dir = tempfile::tempdir().expect("temp dir");
    let root = dir.path();
    make(root);
    let (first, stats) = store(root, None, WAITING);
    assert_eq!((stats.reuse.files_read, stats.hard_links), (40, 1));
    // Chunks of one file each, so that nothing is read for the sake of its neighbours.
    let first = first.cut(64);

    let mut spy = Spy::on(root);
    let (again, stats) = store(root, Some(&first), WAITING);
    assert_eq!(spy.read_files(), BTreeSet::new());
    assert_eq!((stats.reuse.files_reused, stats.reuse.files_read), (40, 0));
    assert_eq!(again.list(), first.list());

    write(root.join("b/f4"), 77, 1000);
    fs::set_permissions(root.join("a/f3"), fs::Permissions::from_mode(0o600)).expect("own file");
    write(root.join("c/new"), 78, 500);
    fs::remove_file(root.join("c/f2")).expect("own file");
    fs::rename(root.join("c/f8"), root.join("c/g8")).expect("own file");
    let mut spy = Spy::on(root);
    let (changed, stats) = store(root, Some(&first), WAITING);
    let read: Vec<_> = spy.read_files().into_iter().collect();
    let expected = ["a/f3", "b/f4", "c/g8", "c/new"].map(PathBuf::from);
    assert_eq!(read, expected);
    assert_eq!((stats.reuse.files_reused, stats.reuse.files_read), (36, 4));
    let (fresh, _) = store(root, None, WAITING);
    assert_eq!(changed.list(), fresh.list());
}

/// Each of these makes a file one that is read; all else is as it was.
#[test]
fn what_counts_as_a_change() {
    type Change = fn(&Path);
    let time = |path: &Path, nanos: u32| {
        let time = std::time::UNIX_EPOCH + std::time::Duration::new(1_700_000_000, nanos);
        let file = fs::File::options()
            .write(true)
            .open(path)
            .expect("own file");
        file.set_modified(time).expect("own file");
    };
    let rows: [(&str, Change, bool); 9] = [
        ("nothing", |_| {}, false),
        (
            "another name for it",
            |f| fs::hard_link(f, f.with_file_name("z")).expect("new"),
            false,
        ),
        (
            "read by somebody",
            |f| drop(fs::read(f).expect("own file")),
            false,
        ),
        (
            "mode",
            |f| fs::set_permissions(f, fs::Permissions::from_mode(0o600)).expect("own file"),
            true,
        ),
        (
            "nanoseconds",
            |f| {
                let time = std::time::UNIX_EPOCH + std::time::Duration::new(1_700_000_000, 8);
                let file = fs::File::options().write(true).open(f).expect("own file");
                file.set_modified(time).expect("own file");
            },
            true,
        ),
        (
            "size, with the old time",
            |f| {
                write(f.to_owned(), 1, 5001);
                let time = std::time::UNIX_EPOCH + std::time::Duration::new(1_700_000_000, 7);
                let file = fs::File::options().write(true).open(f).expect("own file");
                file.set_modified(time).expect("own file");
            },
            true,
        ),
        (
            "a symlink now",
            |f| {
                fs::remove_file(f).expect("own file");
                symlink("x", f).expect("new");
            },
            true,
        ),
        (
            "a directory now",
            |f| {
                fs::remove_file(f).expect("own file");
                fs::create_dir(f).expect("new");
            },
            true,
        ),
        (
            "renamed",
            |f| fs::rename(f, f.with_file_name("g")).expect("own file"),
            true,
        ),
    ];
    for (what, change, is_change) in rows {
        let dir = tempfile::tempdir().expect("temp dir");
        let file = dir.path().join("f");
        write(file.clone(), 1, 5000);
        time(&file, 7);
        let first = store(dir.path(), None, WAITING).0.cut(64);
        change(&file);
        let (second, stats) = store(dir.path(), Some(&first), WAITING);
        assert_eq!(stats.reuse.files_reused == 0, is_change, "{what}");
        assert_eq!(
            second.list(),
            store(dir.path(), None, WAITING).0.list(),
            "{what}"
        );
    }
}

#[test]
fn a_damaged_previous_archive_costs_time_only() {
    let dir = tempfile::tempdir().expect("temp dir");
    make(dir.path());
    let first = store(dir.path(), None, WAITING).0.cut(64);
    let expected = first.list();
    for len in [0, 10, 100, first.metadata.len() / 2] {
        let mut broken = first.clone();
        broken.metadata.truncate(len);
        let mut watch = Recorder::default();
        let (stored, _) = store_watched(dir.path(), Some(&broken), WAITING, &mut watch);
        assert_eq!(stored.list(), expected, "cut off at {len}");
        assert!(watch.notices[0].contains("damaged"), "{:?}", watch.notices);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Three runs over a tree that changes between them, with chunks and limits of any size: each archive holds the tree.
    #[test]
    fn archives_hold_the_tree_whatever_is_reused(
        chunk_len in 1usize..3000,
        waiting_bytes_max in 1usize..1000,
        sizes in proptest::collection::vec(0usize..2500, 5..40),
        changes in proptest::collection::vec((any::<u8>(), any::<u8>()), 0..8),
    ) {
        let dir = tempfile::tempdir().expect("temp dir");
        let root = dir.path();
        let name = |i: usize| root.join(format!("d{}/f{i:02}", i % 3));
        for i in 0..3 {
            fs::create_dir(root.join(format!("d{i}"))).expect("new");
        }
        for (i, size) in sizes.iter().enumerate() {
            write(name(i), i as u8, *size);
        }
        let mut previous = store(root, None, WAITING).0.cut(chunk_len);
        for round in 0..2u8 {
            for (which, what) in &changes {
                let path = name(usize::from(which.wrapping_add(round)) % sizes.len());
                match what.wrapping_add(round * 3) % 5 {
                    0 => write(path, *what, usize::from(*what) * 9),
                    1 => drop(fs::remove_file(path)),
                    2 => drop(fs::rename(&path, path.with_extension("old"))),
                    3 => drop(fs::hard_link(&path, path.with_extension("twin"))),
                    _ => drop(symlink("f", path.with_extension("link"))),
                }
            }
            let (stored, _) = store(root, Some(&previous), waiting_bytes_max);
            prop_assert_eq!(stored.list(), store(root, None, WAITING).0.list());
            previous = stored.cut(chunk_len);
        }
    }
}
