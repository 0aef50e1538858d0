//! What holds for all trees: decoding undoes encoding, tables find every member, and a cut-off archive is always an error.

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use pxar::{Acl, AclDefault, AclEntry, Encoder, EntryKind, Metadata, Mtime, Xattr, metadata::mode};

use crate::support::{check_random_access, decode, encode_again};

#[derive(Clone, Debug)]
enum Tree {
    Leaf(EntryKind, Metadata, Vec<u8>),
    Dir(Metadata, Vec<(Vec<u8>, Tree)>),
}

fn metadata(file_type: u64) -> impl Strategy<Value = Metadata> {
    let entries = || {
        vec(
            (any::<u64>(), 0..8u64).prop_map(|(id, permissions)| AclEntry { id, permissions }),
            0..3,
        )
    };
    let xattr = (vec(1..=255u8, 1..20), vec(any::<u8>(), 0..40))
        .prop_map(|(name, value)| Xattr { name, value });
    let default = any::<[u64; 4]>().prop_map(|[user_obj, group_obj, other, mask]| AclDefault {
        user_obj,
        group_obj,
        other,
        mask,
    });
    let acl = (
        entries(),
        entries(),
        option::of(0..8u64),
        option::of(default),
        entries(),
        entries(),
    )
        .prop_map(
            |(users, groups, group_obj, default, default_users, default_groups)| Acl {
                users,
                groups,
                group_obj,
                default,
                default_users,
                default_groups,
            },
        );
    let stat = (
        0..0o10000u64,
        any::<u64>(),
        any::<u32>(),
        any::<u32>(),
        any::<i64>(),
        0..1_000_000_000u32,
    );
    (
        stat,
        vec(xattr, 0..3),
        acl,
        option::of(vec(any::<u8>(), 0..30)),
        option::of(any::<u64>()),
    )
        .prop_map(
            move |(
                (permissions, flags, uid, gid, secs, nanos),
                xattrs,
                acl,
                fcaps,
                quota_project_id,
            )| Metadata {
                mode: file_type | permissions,
                flags,
                uid,
                gid,
                mtime: Mtime { secs, nanos },
                xattrs,
                acl,
                fcaps,
                quota_project_id,
            },
        )
}

fn name() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 1..12).prop_filter("a valid name", |n| pxar::name::check(n).is_ok())
}

fn leaf() -> impl Strategy<Value = Tree> {
    let data = vec(any::<u8>(), 0..300);
    let text = vec(1..=255u8, 1..30);
    prop_oneof![
        (metadata(mode::FILE), data).prop_map(|(m, d)| Tree::Leaf(
            EntryKind::File {
                size: d.len() as u64
            },
            m,
            d
        )),
        (metadata(mode::SYMLINK), text).prop_map(|(m, target)| Tree::Leaf(
            EntryKind::Symlink { target },
            m,
            Vec::new()
        )),
        (metadata(mode::FIFO)).prop_map(|m| Tree::Leaf(EntryKind::Fifo, m, Vec::new())),
        (metadata(mode::SOCKET)).prop_map(|m| Tree::Leaf(EntryKind::Socket, m, Vec::new())),
        (metadata(mode::CHAR), any::<(u64, u64)>()).prop_map(|(m, (major, minor))| Tree::Leaf(
            EntryKind::Device { major, minor },
            m,
            Vec::new()
        )),
    ]
}

fn tree() -> impl Strategy<Value = Tree> {
    let dir = |members| {
        (metadata(mode::DIRECTORY), members).prop_map(
            |(m, members): (_, std::collections::BTreeMap<_, _>)| {
                Tree::Dir(m, members.into_iter().collect())
            },
        )
    };
    leaf().prop_recursive(3, 24, 8, move |inner| dir(btree_map(name(), inner, 0..8)))
}

fn encode(members: &[(Vec<u8>, Tree)], encoder: &mut Encoder<Vec<u8>>) {
    for (name, tree) in members {
        match tree {
            Tree::Dir(metadata, members) => {
                encoder.create_dir(name, metadata).expect("dir");
                encode(members, encoder);
                encoder.finish_dir().expect("open");
            }
            Tree::Leaf(kind, metadata, data) => match kind {
                EntryKind::File { size } => {
                    let mut data = data.as_slice();
                    let read = &mut |b: &mut [u8]| std::io::Read::read(&mut data, b);
                    encoder.add_file(name, metadata, *size, read).expect("file");
                }
                EntryKind::Symlink { target } => encoder
                    .add_symlink(name, metadata, target)
                    .expect("symlink"),
                EntryKind::Fifo => encoder.add_fifo(name, metadata).expect("fifo"),
                EntryKind::Socket => encoder.add_socket(name, metadata).expect("socket"),
                EntryKind::Device { major, minor } => {
                    encoder
                        .add_device(name, metadata, *major, *minor)
                        .expect("device");
                }
                _ => unreachable!("not generated"),
            },
        }
    }
}

fn count(members: &[(Vec<u8>, Tree)]) -> usize {
    members
        .iter()
        .map(|(_, t)| {
            if let Tree::Dir(_, m) = t {
                1 + count(m)
            } else {
                1
            }
        })
        .sum()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn trees_come_back(root in metadata(mode::DIRECTORY), members in btree_map(name(), tree(), 0..12)) {
        let members: Vec<_> = members.into_iter().collect();
        let mut encoder = Encoder::new(Vec::new(), &root).expect("root");
        encode(&members, &mut encoder);
        let position = encoder.position();
        let archive = encoder.finish().expect("end");
        prop_assert!(position < archive.len() as u64);
        let seen = decode(&archive).expect("valid");
        prop_assert_eq!(seen.len(), 1 + count(&members));
        prop_assert_eq!(&seen[0].entry.metadata, &root);
        prop_assert_eq!(encode_again(&archive), archive.clone());
        check_random_access(&archive);
        for cut in (0..archive.len()).step_by(1 + archive.len() / 200) {
            prop_assert!(decode(&archive[..cut]).is_err(), "cut at {}", cut);
        }
    }
}
