//! What several tests need: the fixtures' place, a decoder that encodes again, a walk by tables.

use std::io::{BufRead, Read};
use std::path::PathBuf;

use pxar::{Accessor, DecodeError, Decoder, Encoder, Entry, EntryKind, FileOffset, ReadAt, Step};

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

pub fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text
        .chars()
        .filter_map(|c| c.to_digit(16))
        .map(|d| d as u8)
        .collect();
    digits
        .chunks(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect()
}

/// One member as the decoder sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    pub path: Vec<u8>,
    pub entry: Entry,
    pub data: Vec<u8>,
}

pub fn decode(archive: &[u8]) -> Result<Vec<Seen>, DecodeError> {
    decode_with(Decoder::new(archive))
}

pub fn decode_with<R: BufRead>(mut decoder: Decoder<R>) -> Result<Vec<Seen>, DecodeError> {
    let mut seen = Vec::new();
    while let Some(step) = decoder.advance()? {
        if step == Step::Entry {
            let (path, entry) = (decoder.path().to_vec(), decoder.entry().clone());
            let mut data = Vec::new();
            match decoder.contents().read_to_end(&mut data) {
                Ok(_) => {}
                Err(e) => {
                    return Err(DecodeError {
                        offset: 0,
                        fault: pxar::reader::Fault::Io(e),
                    });
                }
            }
            seen.push(Seen { path, entry, data });
        }
    }
    Ok(seen)
}

/// Decodes an archive and encodes what was read.
pub fn encode_again(archive: &[u8]) -> Vec<u8> {
    let mut decoder = Decoder::new(archive);
    let mut encoder = None;
    let mut files: Vec<(Vec<u8>, FileOffset)> = Vec::new();
    while let Some(step) = decoder.advance().expect("a valid archive") {
        let path = decoder.path().to_vec();
        if step == Step::Leave {
            if path != b"/" {
                let encoder: &mut Encoder<Vec<u8>> = encoder.as_mut().expect("the root came first");
                encoder.finish_dir().expect("open");
            }
            continue;
        }
        let (entry, mut contents) = decoder.split();
        let Some(encoder) = encoder.as_mut() else {
            encoder = Some(Encoder::new(Vec::new(), &entry.metadata).expect("a root"));
            continue;
        };
        let (name, metadata) = (&entry.name, &entry.metadata);
        match &entry.kind {
            EntryKind::Directory => drop(encoder.create_dir(name, metadata).expect("dir")),
            EntryKind::File { size } => {
                let written = encoder
                    .add_file(name, metadata, *size, &mut |buf| contents.read(buf))
                    .expect("file");
                assert_eq!(written.missing, 0);
                files.push((path, written.offset));
            }
            EntryKind::Symlink { target } => encoder
                .add_symlink(name, metadata, target)
                .expect("symlink"),
            EntryKind::Hardlink { path: target, .. } => {
                let (_, offset) = files
                    .iter()
                    .find(|(p, _)| p[1..] == target[..])
                    .expect("the target was stored");
                encoder
                    .add_hardlink(name, target, *offset)
                    .expect("hard link");
            }
            EntryKind::Device { major, minor } => encoder
                .add_device(name, metadata, *major, *minor)
                .expect("device"),
            EntryKind::Fifo => encoder.add_fifo(name, metadata).expect("fifo"),
            EntryKind::Socket => encoder.add_socket(name, metadata).expect("socket"),
        }
    }
    encoder.expect("a root").finish().expect("balanced")
}

/// Opens every member that the decoder sees by its path and compares all there is; also each directory's listing.
pub fn check_random_access(archive: &[u8]) {
    let accessor = Accessor::open(archive.to_vec()).expect("opens");
    let seen = decode(archive).expect("decodes");
    for member in &seen {
        let path = String::from_utf8_lossy(&member.path).into_owned();
        let node = accessor.lookup(&member.path).expect(&path).expect(&path);
        assert_eq!(node.entry, member.entry, "{path}");
        match node.entry.kind {
            EntryKind::File { .. } => {
                let contents = accessor.contents(&node).expect(&path);
                let mut data = vec![0; contents.size() as usize];
                contents.read_exact_at(&mut data, 0).expect(&path);
                assert_eq!(data, member.data, "{path}");
            }
            EntryKind::Hardlink {
                path: ref target, ..
            } => {
                let first = accessor.follow_hardlink(&node).expect(&path);
                let direct = accessor.lookup(target).expect(&path).expect(&path);
                assert_eq!(first.entry, direct.entry, "{path}");
            }
            EntryKind::Directory => {
                let directory = accessor.open_directory(&node).expect(&path);
                let prefix = if member.path == b"/" {
                    b"/".to_vec()
                } else {
                    [&member.path[..], b"/"].concat()
                };
                let mut expected: Vec<_> = seen
                    .iter()
                    .filter(|m| m.path.len() > prefix.len() && m.path.starts_with(&prefix))
                    .map(|m| m.path[prefix.len()..].to_vec())
                    .filter(|rest| !rest.contains(&b'/'))
                    .collect();
                let mut listed: Vec<_> = accessor
                    .read_dir(&directory)
                    .map(|n| n.expect(&path).entry.name)
                    .collect();
                for name in &listed {
                    let listed = accessor.find(&directory, name).expect(&path).expect(&path);
                    let sought = accessor.find_in(&node, name).expect(&path).expect(&path);
                    assert_eq!(sought.entry, listed.entry, "{path}");
                    assert_eq!(sought.name_offset, listed.name_offset, "{path}");
                }
                listed.sort();
                expected.sort();
                assert_eq!(listed, expected, "{path}");
                assert!(
                    accessor
                        .find(&directory, b"there is no such name")
                        .expect(&path)
                        .is_none()
                );
                let absent = accessor.find_in(&node, b"there is no such name");
                assert!(absent.expect(&path).is_none());
            }
            _ => {}
        }
    }
}
