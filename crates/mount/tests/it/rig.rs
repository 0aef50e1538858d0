//! Archives and images to look at, and what this machine allows.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use mount::{Complain, NAME_LEN_MAX, TreeView};
use pxar::{Accessor, Encoder, Metadata, ReadAt};

/// A local file.
pub struct LocalFile(File, u64);

impl LocalFile {
    pub fn open(path: &Path) -> LocalFile {
        let file = File::open(path).unwrap();
        let len = file.metadata().unwrap().len();
        LocalFile(file, len)
    }
}

impl ReadAt for LocalFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> std::io::Result<usize> {
        self.0.read_at(buf, offset)
    }

    fn size(&self) -> u64 {
        self.1
    }
}

/// The original's fixtures, or `None` (said on stderr) where they are absent.
pub fn fixtures() -> Option<PathBuf> {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/fixtures");
    let dir = std::env::var_os("STRONGROOM_FIXTURES").map_or(default.into(), PathBuf::from);
    if dir.is_dir() {
        return Some(dir);
    }
    eprintln!("skipped: no fixtures at {}", dir.display());
    None
}

/// Whether FUSE works for whoever runs this; said on stderr if not.
pub fn has_fuse() -> bool {
    let (device, helper) = ("/dev/fuse", "/usr/bin/fusermount3");
    let missing = if is_root() {
        File::options().read(true).write(true).open(device).is_err()
    } else {
        !Path::new(device).exists() || !Path::new(helper).exists()
    };
    if missing {
        eprintln!("skipped: no {device} or no {helper} here");
    }
    !missing
}

pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// The recorded tree as an archive in one piece.
pub fn recorded(fixtures: &Path) -> TreeView<LocalFile> {
    let archive = LocalFile::open(&fixtures.join("tree.pxar"));
    TreeView::new(Accessor::open(archive).unwrap())
}

pub fn directory(mode: u64) -> Metadata {
    Metadata {
        mode: 0o040_000 | mode,
        ..Metadata::default()
    }
}

pub fn file(mode: u64) -> Metadata {
    Metadata {
        mode: 0o100_000 | mode,
        ..Metadata::default()
    }
}

/// `big` (3 MiB of noise), `sub/small`, `sub/link` (hard, to `big`), 300 files in `many`.
pub fn small_archive() -> Vec<u8> {
    archive(3 << 20, 300)
}

/// As [`small_archive`] with other sizes.
pub fn archive(big_len: usize, many: usize) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new(), &directory(0o755)).unwrap();
    let add = |encoder: &mut Encoder<Vec<u8>>, name: &[u8], data: &[u8]| {
        let mut rest = data;
        let mut read = |buf: &mut [u8]| std::io::Read::read(&mut rest, buf);
        let metadata = file(0o644);
        let written = encoder.add_file(name, &metadata, data.len() as u64, &mut read);
        written.unwrap().offset
    };
    let big = add(&mut encoder, b"big", &noise(1, big_len));
    encoder.create_dir(b"many", &directory(0o755)).unwrap();
    for number in 0..many {
        let name = format!("file with a longer name, number {number}");
        add(&mut encoder, name.as_bytes(), name.as_bytes());
    }
    encoder.finish_dir().unwrap();
    encoder.create_dir(b"sub", &directory(0o700)).unwrap();
    add(&mut encoder, b"small", b"hello");
    encoder.add_hardlink(b"link", b"big", big).unwrap();
    encoder.finish_dir().unwrap();
    encoder.finish().unwrap()
}

/// `a target`, `bad` (a hard link that leads nowhere), `end`, and names as long as may be shown, and longer.
pub fn spoiled_archive(distance: u64) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new(), &directory(0o755)).unwrap();
    let add = |encoder: &mut Encoder<Vec<u8>>, name: &[u8]| {
        let mut read = |buf: &mut [u8]| {
            buf[0] = b'x';
            Ok(1)
        };
        let written = encoder.add_file(name, &file(0o644), 1, &mut read);
        written.unwrap().offset
    };
    let target = add(&mut encoder, b"a target");
    encoder.add_hardlink(b"bad", b"a target", target).unwrap();
    add(&mut encoder, b"end");
    add(&mut encoder, &[b'n'; NAME_LEN_MAX]);
    add(&mut encoder, &[b'o'; NAME_LEN_MAX + 1]);
    add(&mut encoder, &[b'p'; 4096]);
    let mut archive = encoder.finish().unwrap();
    // The path of the link, behind the distance to its target.
    let path = archive.windows(9).rposition(|bytes| bytes == b"a target\0");
    archive[path.unwrap() - 8..][..8].copy_from_slice(&distance.to_le_bytes());
    archive
}

/// What of it is listed.
pub fn spoiled_names() -> Vec<Vec<u8>> {
    let long = vec![b'n'; NAME_LEN_MAX];
    [&b"a target"[..], b"bad", b"end", &long]
        .map(<[u8]>::to_vec)
        .to_vec()
}

/// Bytes that do not repeat, the same for the same seed.
pub fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(len + 8);
    while bytes.len() < len {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(len);
    bytes
}

/// What a mount complained about.
#[derive(Clone, Default)]
pub struct Complaints(Arc<Mutex<Vec<String>>>);

impl Complaints {
    pub fn hook(&self) -> Complain {
        let list = Arc::clone(&self.0);
        Arc::new(move |error| list.lock().unwrap().push(error.to_string()))
    }

    pub fn list(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}
