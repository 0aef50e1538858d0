//! Random trees: stored, restored and stored again they give the same bytes.

use std::path::Path;

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

use crate::support::{bytes_path, restore, store, tell};

#[derive(Clone, Debug)]
enum Tree {
    File(Vec<u8>, u32, bool),
    Link(Vec<u8>),
    Dir(Vec<(Vec<u8>, Tree)>, u32),
}

fn tree() -> impl Strategy<Value = Tree> {
    let piece = prop_oneof![
        vec(any::<u8>(), 0..200),
        (0..9000usize).prop_map(|n| vec![0; n]),
        (0..9000usize).prop_map(|n| vec![7; n])
    ];
    let data = vec(piece, 0..4).prop_map(|pieces| pieces.concat());
    let leaf = prop_oneof![
        3 => (data, 0o400..0o1000u32, any::<bool>()).prop_map(|(d, m, x)| Tree::File(d, m | 0o400, x)),
        1 => vec(1..=255u8, 1..60).prop_map(Tree::Link),
    ];
    leaf.prop_recursive(3, 20, 6, |inner| {
        (btree_map(name(), inner, 0..6), 0o500..0o1000u32)
            .prop_map(|(members, mode)| Tree::Dir(members.into_iter().collect(), mode | 0o500))
    })
}

fn name() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 1..16).prop_filter("a valid name", |n| pxar::name::check(n).is_ok())
}

fn build(dir: &Path, members: &[(Vec<u8>, Tree)]) {
    use std::os::unix::fs::PermissionsExt;
    for (name, tree) in members {
        let path = dir.join(bytes_path(name));
        let mode = match tree {
            Tree::File(data, mode, with_xattr) => {
                std::fs::write(&path, data).expect("file");
                if *with_xattr {
                    let flags = rustix::fs::XattrFlags::empty();
                    // Not every file system has them; then there is one thing less to compare.
                    let _ = rustix::fs::setxattr(
                        &path,
                        "user.test",
                        &data[..data.len().min(100)],
                        flags,
                    );
                }
                *mode
            }
            Tree::Link(target) => {
                std::os::unix::fs::symlink(bytes_path(target), &path).expect("link");
                continue;
            }
            Tree::Dir(members, mode) => {
                std::fs::create_dir(&path).expect("dir");
                build(&path, members);
                *mode
            }
        };
        std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).expect("chmod");
    }
}

/// A temp folder must be removable although directories in it are read-only.
fn open_up(dir: &Path) {
    use std::os::unix::fs::PermissionsExt;
    for entry in std::fs::read_dir(dir).expect("readable").flatten() {
        if entry.file_type().is_ok_and(|t| t.is_dir()) {
            std::fs::set_permissions(entry.path(), PermissionsExt::from_mode(0o700))
                .expect("chmod");
            open_up(&entry.path());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn trees_come_back(members in btree_map(name(), tree(), 0..8)) {
        let members: Vec<_> = members.into_iter().collect();
        let temp = tempfile::tempdir().expect("temp dir");
        let (from, to) = (temp.path().join("from"), temp.path().join("to"));
        std::fs::create_dir(&from).expect("dir");
        build(&from, &members);
        let first = store(&from);
        restore(&first, &to);
        let (before, after) = (tell(&from), tell(&to));
        let second = store(&to);
        open_up(&from);
        open_up(&to);
        prop_assert_eq!(before, after);
        prop_assert!(first == second);
    }
}
