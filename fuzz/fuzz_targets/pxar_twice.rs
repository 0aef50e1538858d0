//! What can be read is read the same in all ways: skipping by reading or by seeking, and, stored again, by the tables.
//!
//! Tables of the input itself may say anything; those of our encoder must lead to each member that the decoder saw.
#![no_main]

use std::collections::HashMap;
use std::io::{BufRead, Cursor, Read};

use libfuzzer_sys::fuzz_target;
use pxar::{Accessor, Decoder, Encoder, Entry, EntryKind, ReadAt, Step};

/// Path, entry and data of each member; ends of directories have no entry.
type Seen = Vec<(Vec<u8>, Option<(Entry, Vec<u8>)>)>;

fn read<R: BufRead>(mut decoder: Decoder<R>, with_data: bool) -> Result<Seen, ()> {
    let mut seen = Vec::new();
    while let Some(step) = decoder.advance().map_err(drop)? {
        let path = decoder.path().to_vec();
        if step == Step::Leave {
            seen.push((path, None));
            continue;
        }
        let entry = decoder.entry().clone();
        let mut data = Vec::new();
        if with_data && decoder.contents().read_to_end(&mut data).is_err() {
            return Err(());
        }
        seen.push((path, Some((entry, data))));
    }
    Ok(seen)
}

/// The same members again; `None` if a hard link's target did not come before.
fn store(seen: &Seen) -> Option<Vec<u8>> {
    let mut members = seen.iter();
    let (_, first) = members.next()?;
    let mut encoder = Encoder::new(Vec::new(), &first.as_ref()?.0.metadata).ok()?;
    let mut files = HashMap::new();
    for (path, member) in members {
        let Some((entry, data)) = member else {
            if path != b"/" {
                encoder.finish_dir().expect("it is open");
            }
            continue;
        };
        let (name, metadata) = (&entry.name, &entry.metadata);
        match &entry.kind {
            EntryKind::Directory => drop(encoder.create_dir(name, metadata).ok()?),
            EntryKind::File { size } => {
                let mut rest = &data[..];
                let read = &mut |buf: &mut [u8]| rest.read(buf);
                let written = encoder.add_file(name, metadata, *size, read).ok()?;
                assert_eq!(written.missing, 0);
                files.insert(path[1..].to_vec(), written.offset);
            }
            EntryKind::Symlink { target } => encoder.add_symlink(name, metadata, target).ok()?,
            EntryKind::Hardlink { path, .. } => {
                encoder.add_hardlink(name, path, *files.get(path)?).ok()?;
            }
            EntryKind::Device { major, minor } => {
                encoder.add_device(name, metadata, *major, *minor).ok()?;
            }
            EntryKind::Fifo => encoder.add_fifo(name, metadata).ok()?,
            EntryKind::Socket => encoder.add_socket(name, metadata).ok()?,
        }
    }
    Some(encoder.finish().expect("each directory was left"))
}

fuzz_target!(|data: &[u8]| {
    let whole = read(Decoder::new(data), true);
    let skipping = read(Decoder::new(data), false);
    let seeking = read(Decoder::seekable(Cursor::new(data)), false);
    assert_eq!(skipping.is_ok(), seeking.is_ok());
    if let (Ok(a), Ok(b)) = (&skipping, &seeking) {
        assert_eq!(a, b);
    }
    let Ok(seen) = whole else { return };
    assert!(skipping.is_ok());
    let Some(archive) = store(&seen) else { return };
    let again = read(Decoder::new(archive.as_slice()), true).expect("our own archive");
    assert_eq!(again.len(), seen.len());
    let accessor = Accessor::open(archive.as_slice()).expect("our own archive");
    for ((path, member), (path_before, before)) in again.iter().zip(&seen) {
        assert_eq!(path, path_before);
        let (Some((entry, data)), Some((entry_before, data_before))) = (member, before) else { continue };
        if !matches!(entry.kind, EntryKind::Hardlink { .. }) {
            assert_eq!(entry, entry_before);
        }
        assert_eq!(data, data_before);
        // Names that come twice: the table leads to one of them.
        let twice = again.iter().filter(|(p, m)| p == path && m.is_some()).count() > 1;
        let found = accessor.lookup(path);
        if twice || path.windows(2).any(|w| w == b"//") {
            continue;
        }
        let Ok(Some(node)) = found else {
            // A directory on the way whose name comes twice hides this one.
            let hidden = again.iter().any(|(p, m)| {
                m.is_some()
                    && path.starts_with(p)
                    && again.iter().filter(|(q, n)| q == p && n.is_some()).count() > 1
            });
            assert!(hidden, "{path:?} is not found");
            continue;
        };
        if let (EntryKind::File { size }, true) = (&node.entry.kind, node.entry == *entry) {
            let mut bytes = vec![0; *size as usize];
            let contents = accessor.contents(&node).expect("a file");
            contents.read_exact_at(&mut bytes, 0).expect("inside");
            assert_eq!(&bytes, data);
        }
    }
});
