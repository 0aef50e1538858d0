//! Where things lie: paths inside a datastore, and the names of lock files. Pure functions; see `docs/formats/datastore.md`.

use std::path::{Path, PathBuf};

use format::{Digest, Group, Namespace, Snapshot};

pub(crate) const CHUNKS: &str = ".chunks";
pub(crate) const PROCESS_LOCK: &str = ".lock";
pub(crate) const OWNER: &str = "owner";
pub(crate) const NOTES: &str = "notes";
pub(crate) const PROTECTED: &str = ".protected";
/// What each snapshot costs, and from what that was counted.
pub(crate) const SPACE_TABLE: &str = ".strongroom-space";
pub(crate) const SPACE_RECORDS: &str = ".strongroom-space.records";
/// How far a collection has come that was stopped.
pub(crate) const GC_PROGRESS: &str = ".strongroom-gc";
/// Of which indexes it has marked the chunks.
pub(crate) const GC_SEEN: &str = ".strongroom-gc.seen";
pub(crate) const NAMESPACES: &str = "ns";

/// The directory of a namespace.
pub(crate) fn namespace_dir(base: &Path, ns: &Namespace) -> PathBuf {
    if ns.is_root() {
        base.to_path_buf()
    } else {
        base.join(ns.path())
    }
}

pub(crate) fn group_dir(base: &Path, ns: &Namespace, group: &Group) -> PathBuf {
    namespace_dir(base, ns).join(group.to_string())
}

pub(crate) fn snapshot_dir(base: &Path, ns: &Namespace, snapshot: &Snapshot) -> PathBuf {
    namespace_dir(base, ns).join(snapshot.to_string())
}

/// `[ns/a/ns/b/]type/id[/time]`, as task logs show it.
pub(crate) fn relative(ns: &Namespace, object: &str) -> String {
    if ns.is_root() {
        object.to_owned()
    } else {
        format!("{}/{object}", ns.path())
    }
}

/// Path of a chunk below `.chunks`: the first four digits, then all of them.
pub(crate) fn chunk_name(digest: &Digest) -> String {
    let digits = digest.to_string();
    format!("{}/{digits}", &digits[..4])
}

/// Folders in `.chunks`.
pub(crate) const PREFIXES: usize = 1 << 16;

/// Whether a folder in `.chunks` is one of them.
pub(crate) fn is_prefix(name: &str) -> bool {
    name.len() == 4
        && name
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// What a lock file stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LockObject<'a> {
    Group(&'a Group),
    Snapshot(&'a Snapshot),
    Manifest(&'a Snapshot),
}

/// Path of a lock file below the store's directory of locks (formats.md 1.7).
pub(crate) fn lock_file(ns: &Namespace, object: LockObject<'_>) -> PathBuf {
    let plain = match object {
        LockObject::Group(group) => group.to_string(),
        LockObject::Snapshot(snapshot) => snapshot.to_string(),
        LockObject::Manifest(snapshot) => format!("{snapshot}/.index.json.lck"),
    };
    let mut path = PathBuf::new();
    if !ns.is_root() {
        path.push(ns.components().collect::<Vec<_>>().join(":"));
    }
    let escaped = escape(&plain);
    if escaped.len() < NAME_MAX {
        path.push(escaped);
    } else {
        let (head, tail) = (&escaped[..EDGE], &escaped[escaped.len() - EDGE..]);
        path.push("hashed");
        path.push(format!("{head}...{tail}-{}", Digest::of(plain.as_bytes())));
    }
    path
}

/// From this length on an escaped name is replaced by its two ends and a hash.
const NAME_MAX: usize = 255;
const EDGE: usize = 80;

/// A relative path as one file name, in the way of systemd's unit names. The result is ASCII.
fn escape(path: &str) -> String {
    use std::fmt::Write;
    let mut out = String::with_capacity(path.len());
    for (at, byte) in path.trim_start_matches('/').bytes().enumerate() {
        match byte {
            b'/' => out.push('-'),
            b'.' if at == 0 => out.push_str("\\x2e"),
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'_' | b'.' => out.push(char::from(byte)),
            _ => write!(out, "\\x{byte:02x}").expect("writing to a string does not fail"),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Vector V13 of formats.md.
    #[test]
    fn lock_files_have_the_original_names() {
        let xs = "x".repeat(260);
        let long_group = format!("host/{xs}");
        let hashed = format!(
            "a:b/hashed/host-{}...{}-2119c348578b8207b4eba1fe4ec2f2b8fa9e3609aaf9e4c5623b05450b335795",
            "x".repeat(75),
            "x".repeat(80)
        );
        enum What {
            Group,
            Snapshot,
            Manifest,
        }
        use What::*;
        let rows = [
            ("", "vm/100", Group, "vm-100"),
            (
                "ns1/ns2",
                "vm/100/2022-05-02T08:11:33Z",
                Snapshot,
                r"ns1:ns2/vm-100-2022\x2d05\x2d02T08\x3a11\x3a33Z",
            ),
            (
                "ns1",
                "vm/100/2022-05-02T08:11:33Z",
                Manifest,
                r"ns1/vm-100-2022\x2d05\x2d02T08\x3a11\x3a33Z-.index.json.lck",
            ),
            ("", "host/pc.example-1", Group, r"host-pc.example\x2d1"),
            ("a/b", &long_group, Group, &hashed),
        ];
        for (ns, object, what, expected) in rows {
            let ns: Namespace = ns.parse().expect(ns);
            let found = match what {
                Group => lock_file(&ns, LockObject::Group(&object.parse().expect(object))),
                Snapshot => lock_file(&ns, LockObject::Snapshot(&object.parse().expect(object))),
                Manifest => lock_file(&ns, LockObject::Manifest(&object.parse().expect(object))),
            };
            assert_eq!(found, Path::new(expected), "{object}");
        }
    }

    #[test]
    fn paths() {
        let base = Path::new("/srv/vault");
        let ns: Namespace = "a/b".parse().expect("namespace");
        let snapshot: Snapshot = "ct/200/2023-11-14T22:20:00Z".parse().expect("snapshot");
        assert_eq!(
            snapshot_dir(base, &ns, &snapshot),
            Path::new("/srv/vault/ns/a/ns/b/ct/200/2023-11-14T22:20:00Z")
        );
        assert_eq!(
            group_dir(base, &Namespace::root(), &snapshot.group),
            Path::new("/srv/vault/ct/200")
        );
        assert_eq!(relative(&ns, "ct/200"), "ns/a/ns/b/ct/200");
        assert!(chunk_name(&Digest::of(b"")).starts_with("e3b0/e3b0c442"));
    }
}
