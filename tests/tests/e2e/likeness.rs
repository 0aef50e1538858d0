//! Is a restored tree the source? Content, type, mode, owner, times, links, xattrs (ACLs and capabilities are xattrs to the kernel).

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

/// Everything of a tree that a restore must bring back, as text by relative path.
pub fn portrait(root: &Path) -> BTreeMap<PathBuf, String> {
    let mut out = BTreeMap::new();
    let mut links = BTreeMap::new();
    walk(root, Path::new("."), &mut out, &mut links);
    out
}

fn walk(
    root: &Path,
    at: &Path,
    out: &mut BTreeMap<PathBuf, String>,
    links: &mut BTreeMap<(u64, u64), PathBuf>,
) {
    let path = root.join(at);
    let meta = fs::symlink_metadata(&path).expect("metadata");
    let kind = meta.file_type();
    let mut text = format!(
        "mode {:o} owner {}/{} mtime {}.{:09}",
        meta.mode(),
        meta.uid(),
        meta.gid(),
        meta.mtime(),
        meta.mtime_nsec()
    );
    if kind.is_file() {
        text += &format!(
            " size {} hash {:016x}",
            meta.size(),
            hash(&fs::read(&path).expect("content"))
        );
        if meta.nlink() > 1 {
            let first = links
                .entry((meta.dev(), meta.ino()))
                .or_insert_with(|| at.to_path_buf());
            text += &format!(" same as {}", first.display());
        }
    } else if kind.is_symlink() {
        text += &format!(" -> {}", fs::read_link(&path).expect("target").display());
    } else if kind.is_block_device() || kind.is_char_device() {
        text += &format!(" device {:x}", meta.rdev());
    }
    for (name, value) in xattrs(&path) {
        text += &format!(
            " {name}={}",
            value.iter().map(|b| format!("{b:02x}")).collect::<String>()
        );
    }
    out.insert(at.to_path_buf(), text);
    if kind.is_dir() {
        let mut names: Vec<_> = fs::read_dir(&path)
            .expect("folder")
            .map(|e| e.expect("entry").file_name())
            .collect();
        names.sort();
        for name in names {
            walk(root, &at.join(name), out, links);
        }
    }
}

fn xattrs(path: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut names = vec![0u8; 64 << 10];
    let Ok(len) = rustix::fs::llistxattr(path, &mut names) else {
        return BTreeMap::new();
    };
    names[..len]
        .split(|b| *b == 0)
        .filter(|n| !n.is_empty() && !n.starts_with(b"security.selinux"))
        .filter_map(|name| {
            let name = String::from_utf8_lossy(name).into_owned();
            let mut value = vec![0u8; 64 << 10];
            let len = rustix::fs::lgetxattr(path, name.as_str(), &mut value).ok()?;
            value.truncate(len);
            Some((name, value))
        })
        .collect()
}

/// FNV-1a: enough to tell two files of a test apart, and to print.
pub fn hash(data: &[u8]) -> u64 {
    data.iter().fold(0xcbf2_9ce4_8422_2325, |h, b| {
        (h ^ u64::from(*b)).wrapping_mul(0x100_0000_01b3)
    })
}

/// The first differences, one per line; empty when the trees are alike.
pub fn differences(source: &Path, restored: &Path) -> String {
    let (a, b) = (portrait(source), portrait(restored));
    let mut lines = Vec::new();
    for (path, text) in &a {
        match b.get(path) {
            None => lines.push(format!("missing: {}", path.display())),
            Some(other) if other != text => {
                lines.push(format!(
                    "differs: {}\n  source   {text}\n  restored {other}",
                    path.display()
                ));
            }
            Some(_) => {}
        }
    }
    lines.extend(
        b.keys()
            .filter(|p| !a.contains_key(*p))
            .map(|p| format!("extra: {}", p.display())),
    );
    lines.truncate(20);
    lines.join("\n")
}
