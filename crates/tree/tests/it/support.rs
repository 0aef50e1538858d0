//! What several tests need: the fixtures' place, watches that remember, archives made by hand, trees told as text.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use pxar::{Decoder, Encoder, Metadata, Mtime, Pattern};
use tree::{
    CreateError, CreateOptions, CreateStats, CreateWatch, EntryError, ExtractError, ExtractOptions,
    ExtractStats, ExtractWatch, Notice, Remark,
};

/// Directory of the original's fixtures, or `None` (with a line on stderr) where they are absent.
pub fn fixtures() -> Option<PathBuf> {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/fixtures");
    let dir = std::env::var_os("STRONGROOM_FIXTURES")
        .map_or_else(|| PathBuf::from(default), PathBuf::from);
    if !dir.is_dir() {
        eprintln!("SKIPPED: no fixtures at {}", dir.display());
        return None;
    }
    Some(dir)
}

pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Says that a test needs root and tells whether it can run.
pub fn needs_root() -> bool {
    if !is_root() {
        eprintln!("SKIPPED: needs root");
    }
    is_root()
}

/// Does something when a member is announced.
pub type OnEntry<'a> = Box<dyn FnMut(&Path) + 'a>;

/// Remembers everything, and may change the tree when a member is announced.
#[derive(Default)]
pub struct Recorder<'a> {
    pub paths: Vec<String>,
    pub notices: Vec<String>,
    pub remarks: Vec<String>,
    pub errors: Vec<String>,
    pub on_entry: Option<OnEntry<'a>>,
    /// The walk is to end when more members have come.
    pub stop_after: Option<usize>,
}

impl CreateWatch for Recorder<'_> {
    fn entry(&mut self, path: &Path, _: &Metadata, _: &pxar::EntryKind) {
        self.paths.push(path.to_string_lossy().into_owned());
        if let Some(on_entry) = &mut self.on_entry {
            on_entry(path);
        }
    }

    fn notice(&mut self, notice: &Notice) {
        self.notices.push(notice.to_string());
    }

    fn stopped(&self) -> bool {
        self.stop_after.is_some_and(|max| self.paths.len() > max)
    }
}

impl ExtractWatch for Recorder<'_> {
    fn remark(&mut self, remark: &Remark) {
        self.remarks.push(remark.to_string());
    }

    fn error(&mut self, error: &EntryError) {
        let cause = std::error::Error::source(error).expect("a cause");
        self.errors.push(format!("{error}: {cause}"));
    }
}

pub fn exclude(texts: &[&str]) -> CreateOptions {
    let parse =
        |t: &&str| Pattern::parse(t.as_bytes(), pxar::MatchKind::Exclude).expect("a pattern");
    CreateOptions {
        excludes: texts.iter().map(parse).collect(),
        ..CreateOptions::default()
    }
}

pub fn store_with(
    dir: &Path,
    options: &CreateOptions,
    watch: &mut Recorder<'_>,
) -> Result<(Vec<u8>, CreateStats), CreateError> {
    tree::create(
        tree::open_source(dir, false)?,
        Vec::new(),
        options,
        None,
        watch,
    )
}

/// The archive of a tree about which there is nothing to say.
pub fn store(dir: &Path) -> Vec<u8> {
    let mut watch = Recorder::default();
    let (archive, _) =
        store_with(dir, &CreateOptions::default(), &mut watch).expect("can be stored");
    assert_eq!(watch.notices, [""; 0]);
    archive
}

pub fn restore_with(
    archive: &[u8],
    target: &Path,
    options: &ExtractOptions,
    watch: &mut Recorder<'_>,
) -> Result<ExtractStats, ExtractError> {
    tree::extract(Decoder::new(archive), target, options, watch)
}

/// Restores without any trouble.
pub fn restore(archive: &[u8], target: &Path) -> ExtractStats {
    let mut watch = Recorder::default();
    let stats = restore_with(archive, target, &ExtractOptions::default(), &mut watch)
        .expect("can be restored");
    assert_eq!((watch.errors, watch.remarks), (vec![], vec![]));
    stats
}

/// Paths in an archive, in their order, `/` first.
pub fn paths(archive: &[u8]) -> Vec<String> {
    let mut decoder = Decoder::new(archive);
    let mut paths = Vec::new();
    while let Some(step) = decoder.advance().expect("valid") {
        if step == pxar::Step::Entry {
            paths.push(String::from_utf8_lossy(decoder.path()).into_owned());
        }
    }
    paths
}

/// A member of an archive that a test writes by hand.
pub enum Make<'a> {
    File(&'a str, &'a str),
    Link(&'a str, &'a str),
    /// Name and target path; leads back to the first member of the archive's root.
    Hard(&'a str, &'a str),
    Fifo(&'a str),
    Dir(&'a str, Vec<Make<'a>>),
}

pub fn metadata(mode: u64) -> Metadata {
    Metadata {
        mode,
        uid: rustix::process::geteuid().as_raw(),
        gid: rustix::process::getegid().as_raw(),
        mtime: Mtime {
            secs: 1_600_000_000,
            nanos: 5,
        },
        ..Metadata::default()
    }
}

pub fn archive(members: &[Make<'_>]) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new(), &metadata(0o040_755)).expect("root");
    add(&mut encoder, members);
    encoder.finish().expect("balanced")
}

fn add(encoder: &mut Encoder<Vec<u8>>, members: &[Make<'_>]) {
    for member in members {
        match member {
            Make::File(name, text) => {
                let mut data = text.as_bytes();
                let read = &mut |b: &mut [u8]| std::io::Read::read(&mut data, b);
                let size = text.len() as u64;
                encoder
                    .add_file(name.as_bytes(), &metadata(0o100_644), size, read)
                    .expect("file");
            }
            Make::Link(name, target) => {
                encoder
                    .add_symlink(name.as_bytes(), &metadata(0o120_777), target.as_bytes())
                    .expect("link");
            }
            Make::Hard(name, path) => {
                // The encoder cuts a leading slash off; a hostile archive keeps it.
                let hostile = path.replacen('/', "\u{1}", usize::from(path.starts_with('/')));
                encoder
                    .add_hardlink(name.as_bytes(), hostile.as_bytes(), pxar::FileOffset(56))
                    .expect("hard link");
            }
            Make::Fifo(name) => encoder
                .add_fifo(name.as_bytes(), &metadata(0o010_644))
                .expect("fifo"),
            Make::Dir(name, members) => {
                encoder
                    .create_dir(name.as_bytes(), &metadata(0o040_755))
                    .expect("dir");
                add(encoder, members);
                encoder.finish_dir().expect("open");
            }
        }
    }
}

/// As [`archive`], with what the encoder would not write put in afterwards: absolute link paths.
pub fn hostile_archive(members: &[Make<'_>]) -> Vec<u8> {
    let mut bytes = archive(members);
    for byte in &mut bytes {
        if *byte == 1 {
            *byte = b'/';
        }
    }
    bytes
}

/// What lies beneath `dir`, one line per file: type, mode, size or target, text of small files.
pub fn tell(dir: &Path) -> BTreeMap<String, String> {
    let mut lines = BTreeMap::new();
    let mut open = vec![dir.to_owned()];
    while let Some(at) = open.pop() {
        for entry in std::fs::read_dir(&at).expect("readable") {
            let path = entry.expect("readable").path();
            let stat = std::fs::symlink_metadata(&path).expect("there");
            let kind = stat.file_type();
            let text = if kind.is_dir() {
                open.push(path.clone());
                "dir".to_owned()
            } else if kind.is_symlink() {
                format!("-> {}", std::fs::read_link(&path).expect("link").display())
            } else if kind.is_file() {
                format!(
                    "{:?}",
                    String::from_utf8_lossy(&std::fs::read(&path).unwrap_or_default())
                )
            } else {
                format!(
                    "fifo {} socket {} dev {}",
                    kind.is_fifo(),
                    kind.is_socket(),
                    stat.rdev()
                )
            };
            let name = path
                .strip_prefix(dir)
                .expect("beneath")
                .to_string_lossy()
                .into_owned();
            let mtime = (stat.mtime(), stat.mtime_nsec());
            let mode = stat.permissions().mode();
            lines.insert(
                name,
                format!(
                    "{mode:o} {}:{} {mtime:?} {} {text}",
                    stat.uid(),
                    stat.gid(),
                    stat.nlink()
                ),
            );
        }
    }
    lines
}

pub fn bytes_path(bytes: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(bytes))
}
