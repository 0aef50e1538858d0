//! Catalogs that nobody makes who means well.

use format::catalog::CatalogWriter;

const ARCHIVE: &[u8] = b"root.pxar.didx";

fn writer() -> CatalogWriter<Vec<u8>> {
    let mut writer = CatalogWriter::new(Vec::new()).expect("memory");
    writer.start_dir(ARCHIVE).expect("memory");
    writer
}

/// Folders inside each other, all of this name, and files in the last one.
pub fn chain(depth: usize, name: &[u8], files: usize) -> Vec<u8> {
    let mut writer = writer();
    for _ in 0..depth {
        writer.start_dir(name).expect("folder");
    }
    for file in 0..files {
        let name = format!("{file:03}");
        writer.add_file(name.as_bytes(), 1, 1).expect("file");
    }
    for _ in 0..=depth {
        writer.end_dir().expect("folder");
    }
    writer.finish().expect("catalog")
}

/// One folder of many files with long names.
pub fn wide(files: usize, name_len: usize) -> Vec<u8> {
    let mut writer = writer();
    for file in 0..files {
        let name = format!("{file:0name_len$}");
        writer.add_file(name.as_bytes(), 1, 1).expect("file");
    }
    writer.end_dir().expect("folder");
    writer.finish().expect("catalog")
}

/// Folders of which each has the next one twice: two to the power of their number are the ways to the last one.
pub fn shared(depth: usize) -> Vec<u8> {
    let mut bytes = vec![0x91, 0xfd, 0x60, 0xf9, 0xc4, 0x67, 0x58, 0xd5];
    // The last one is empty: its length and its number of entries.
    let mut below = bytes.len();
    bytes.extend([1, 0]);
    for _ in 0..depth {
        let start = bytes.len();
        let distance = u8::try_from(start - below).expect("small");
        bytes.extend([9, 2, b'd', 1, b'a', distance, b'd', 1, b'b', distance]);
        below = start;
    }
    let root = bytes.len();
    let distance = u8::try_from(root - below).expect("small");
    let name_len = u8::try_from(ARCHIVE.len()).expect("short");
    bytes.extend([name_len + 4, 1, b'd', name_len]);
    bytes.extend_from_slice(ARCHIVE);
    bytes.push(distance);
    bytes.extend((root as u64).to_le_bytes());
    bytes
}
