//! A tree as it looks through a view or through a mount, to be compared with what `manifest.py` recorded of the original.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirEntryExt as _, MetadataExt as _};
use std::path::Path;
use std::time::UNIX_EPOCH;

use fuser::{FileAttr, FileType};
use mount::{Listing, TreeView};
use pxar::ReadAt;
use serde_json::Value;

const ROOT: u64 = 1;
const ACL_ACCESS: &str = "system.posix_acl_access";
const ACL_DEFAULT: &str = "system.posix_acl_default";

/// Everything that can be seen of a member; the fields that a kind does not have are empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Member {
    pub mode: u32,
    pub owner: (u32, u32),
    pub mtime: (i64, i64),
    pub digest: String,
    pub target: Vec<u8>,
    pub device: (u32, u32),
    pub xattrs: BTreeMap<String, String>,
}

/// Members by path, and the names of each file that has several.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Tree {
    pub members: BTreeMap<Vec<u8>, Member>,
    pub links: BTreeSet<BTreeSet<Vec<u8>>>,
}

pub fn recorded(manifest: &Path) -> Tree {
    let mut tree = Tree::default();
    let mut links: BTreeMap<u64, BTreeSet<Vec<u8>>> = BTreeMap::new();
    for line in fs::read_to_string(manifest).unwrap().lines() {
        let entry: Value = serde_json::from_str(line).unwrap();
        let text = |key: &str| entry[key].as_str().unwrap_or_default();
        let number = |value: &Value| value.as_i64().unwrap_or_default();
        let mut xattrs: BTreeMap<String, String> = BTreeMap::new();
        for (name, value) in entry["xattrs"].as_object().into_iter().flatten() {
            xattrs.insert(name.clone(), value.as_str().unwrap().to_owned());
        }
        for (key, name) in [("acl_access", ACL_ACCESS), ("acl_default", ACL_DEFAULT)] {
            if let Some(value) = entry[key].as_str() {
                xattrs.insert(name.to_owned(), value.to_owned());
            }
        }
        let path = unquote(text("path"));
        // What the tree's own exclude file keeps out of an archive.
        if path.starts_with(b"exclude/") && path.ends_with(b".o") && !path.ends_with(b"keep-me.o") {
            continue;
        }
        if text("type") == "file"
            && let Some(group) = entry["link"].as_u64()
        {
            links.entry(group).or_default().insert(path.clone());
        }
        let member = Member {
            mode: u32::from_str_radix(text("mode"), 8).unwrap(),
            owner: (number(&entry["uid"]) as u32, number(&entry["gid"]) as u32),
            mtime: (number(&entry["mtime"][0]), number(&entry["mtime"][1])),
            digest: text("sha256").to_owned(),
            target: unquote(text("target")),
            device: (
                number(&entry["rdev"][0]) as u32,
                number(&entry["rdev"][1]) as u32,
            ),
            xattrs,
        };
        tree.members.insert(path, member);
    }
    tree.links = links
        .into_values()
        .filter(|names| names.len() > 1)
        .collect();
    tree
}

fn unquote(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        match first {
            b'%' => {
                let digits = str::from_utf8(&behind[..2]).unwrap();
                out.push(u8::from_str_radix(digits, 16).unwrap());
                rest = &behind[2..];
            }
            byte => out.push(*byte),
        }
    }
    out
}

/// Walks through a view by plain calls.
pub fn view<R: ReadAt>(view: &TreeView<R>) -> Tree {
    let mut tree = Tree::default();
    let mut names: BTreeMap<u64, BTreeSet<Vec<u8>>> = BTreeMap::new();
    let root = view.attributes(ROOT).unwrap();
    let mut open = vec![(b".".to_vec(), root)];
    while let Some((path, attributes)) = open.pop() {
        let inode = attributes.ino.0;
        if attributes.kind == FileType::Directory {
            let mut next = 0;
            loop {
                let start = next;
                view.list(inode, start, Listing::Lookups, &mut |line| {
                    if line.name != b"." && line.name != b".." {
                        open.push((join(&path, line.name), line.attributes));
                    }
                    next = line.next;
                    true
                })
                .unwrap();
                if next == start {
                    break;
                }
            }
        } else {
            names.entry(inode).or_default().insert(path.clone());
        }
        tree.members.insert(path, member(view, &attributes));
    }
    for (inode, names) in &names {
        assert_eq!(
            view.attributes(*inode).unwrap().nlink as usize,
            names.len(),
            "{names:?}"
        );
    }
    tree.links = names
        .into_values()
        .filter(|names| names.len() > 1)
        .collect();
    tree
}

fn member<R: ReadAt>(view: &TreeView<R>, attributes: &FileAttr) -> Member {
    let inode = attributes.ino.0;
    let (kind, rdev) = (attributes.kind, attributes.rdev);
    let names = view.attribute_names(inode).unwrap();
    let names = names.split_inclusive(|byte| *byte == 0);
    let xattrs = names.map(|name| {
        let name = name.strip_suffix(b"\0").unwrap();
        let value = view.attribute(inode, name).unwrap();
        (String::from_utf8(name.to_vec()).unwrap(), hex(&value))
    });
    let (secs, nanos) = match attributes.mtime.duration_since(UNIX_EPOCH) {
        Ok(since) => (since.as_secs() as i64, i64::from(since.subsec_nanos())),
        Err(before) => {
            let nanos = -(before.duration().as_nanos() as i128);
            let billion = 1_000_000_000;
            (
                nanos.div_euclid(billion) as i64,
                nanos.rem_euclid(billion) as i64,
            )
        }
    };
    Member {
        mode: type_bits(kind) | u32::from(attributes.perm),
        owner: (attributes.uid, attributes.gid),
        mtime: (secs, nanos),
        digest: match kind {
            FileType::RegularFile => {
                // In odd pieces, to the end.
                let mut data = Vec::new();
                while data.len() as u64 != attributes.size {
                    let piece = view.read(inode, data.len() as u64, 10_007).unwrap();
                    assert!(!piece.is_empty());
                    data.extend(piece);
                }
                assert!(view.read(inode, attributes.size, 10).unwrap().is_empty());
                format::Digest::of(&data).to_string()
            }
            _ => String::new(),
        },
        target: match kind {
            FileType::Symlink => view.read_link(inode).unwrap(),
            _ => Vec::new(),
        },
        device: (rdev >> 8 & 0xfff, (rdev & 0xff) | (rdev >> 12 & 0xf_ff00)),
        xattrs: xattrs.collect(),
    }
}

fn type_bits(kind: FileType) -> u32 {
    match kind {
        FileType::NamedPipe => 0o010_000,
        FileType::CharDevice => 0o020_000,
        FileType::Directory => 0o040_000,
        FileType::BlockDevice => 0o060_000,
        FileType::RegularFile => 0o100_000,
        FileType::Symlink => 0o120_000,
        FileType::Socket => 0o140_000,
    }
}

/// Walks through a mounted tree with the system's calls.
pub fn mounted(root: &Path) -> Tree {
    let mut tree = Tree::default();
    let mut names: BTreeMap<u64, BTreeSet<Vec<u8>>> = BTreeMap::new();
    let mut open = vec![b".".to_vec()];
    while let Some(path) = open.pop() {
        let full = root.join(OsStr::from_bytes(&path));
        let found = fs::symlink_metadata(&full).unwrap();
        let kind = found.file_type();
        if kind.is_dir() {
            for entry in fs::read_dir(&full).unwrap() {
                let entry = entry.unwrap();
                // What the listing says is what looking says.
                let inode = entry.metadata().unwrap().ino();
                assert_eq!(entry.ino(), inode);
                open.push(join(&path, entry.file_name().as_bytes()));
            }
        } else {
            names.entry(found.ino()).or_default().insert(path.clone());
        }
        let rdev = found.rdev();
        let member = Member {
            mode: found.mode(),
            owner: (found.uid(), found.gid()),
            mtime: (found.mtime(), found.mtime_nsec()),
            digest: match kind.is_file() {
                true => format::Digest::of(&fs::read(&full).unwrap()).to_string(),
                false => String::new(),
            },
            target: match kind.is_symlink() {
                true => fs::read_link(&full)
                    .unwrap()
                    .into_os_string()
                    .into_encoded_bytes(),
                false => Vec::new(),
            },
            device: (rustix::fs::major(rdev), rustix::fs::minor(rdev)),
            xattrs: xattrs(&full),
        };
        tree.members.insert(path, member);
    }
    for names in names.values() {
        let first = names.iter().next().unwrap();
        let found = fs::symlink_metadata(root.join(OsStr::from_bytes(first))).unwrap();
        assert_eq!(found.nlink() as usize, names.len(), "{names:?}");
    }
    tree.links = names
        .into_values()
        .filter(|names| names.len() > 1)
        .collect();
    tree
}

fn xattrs(path: &Path) -> BTreeMap<String, String> {
    let mut names = vec![0u8; 64 << 10];
    let len = rustix::fs::llistxattr(path, &mut names).unwrap();
    let names = names[..len].split(|byte| *byte == 0);
    let names = names.filter(|name| !name.is_empty());
    let values = names.map(|name| {
        let name = str::from_utf8(name).unwrap();
        let mut value = vec![0u8; 64 << 10];
        let len = rustix::fs::lgetxattr(path, name, &mut value).unwrap();
        (name.to_owned(), hex(&value[..len]))
    });
    values.collect()
}

fn join(folder: &[u8], name: &[u8]) -> Vec<u8> {
    match folder {
        b"." => name.to_vec(),
        _ => [folder, b"/", name].concat(),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Compared member by member, so that a difference can be read.
#[track_caller]
pub fn assert_same(found: &Tree, expected: &Tree) {
    let paths = |tree: &Tree| tree.members.keys().cloned().collect::<BTreeSet<_>>();
    assert_eq!(paths(found), paths(expected));
    for (path, member) in &expected.members {
        let name = String::from_utf8_lossy(path);
        assert_eq!(found.members[path], *member, "{name}");
    }
    assert_eq!(found.links, expected.links);
}
