//! What went in comes out, in its order, and takes no more room than was said.

use proptest::prelude::*;
use pxar::metadata::{Acl, AclDefault, AclEntry};
use pxar::{Metadata, Mtime, Xattr};

use super::super::member::{Folder, SeenFile, What};
use super::{Kind, Member, SEGMENT_LEN, Waiting, has_attributes};
use crate::reuse::Queue;

fn time() -> impl Strategy<Value = Mtime> {
    let secs = prop_oneof![Just(1_700_000_000), any::<i64>()];
    (secs, 0u32..1_000_000_000).prop_map(|(secs, nanos)| Mtime { secs, nanos })
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(any::<u8>(), 0..40)
}

fn entries() -> impl Strategy<Value = Vec<AclEntry>> {
    let entry = any::<(u64, u64)>().prop_map(|(id, permissions)| AclEntry { id, permissions });
    proptest::collection::vec(entry, 0..3)
}

fn acl() -> impl Strategy<Value = Acl> {
    let default = any::<[u64; 4]>().prop_map(|[user_obj, group_obj, other, mask]| AclDefault {
        user_obj,
        group_obj,
        other,
        mask,
    });
    let lists = (entries(), entries(), entries(), entries());
    (lists, any::<Option<u64>>(), proptest::option::of(default)).prop_map(
        |((users, groups, default_users, default_groups), group_obj, default)| Acl {
            users,
            groups,
            group_obj,
            default,
            default_users,
            default_groups,
        },
    )
}

fn metadata() -> impl Strategy<Value = Metadata> {
    let xattr = (bytes(), bytes()).prop_map(|(name, value)| Xattr { name, value });
    let plain = (any::<u64>(), any::<u32>(), any::<u32>(), time());
    let more = (
        any::<u64>(),
        proptest::collection::vec(xattr, 0..3),
        acl(),
        proptest::option::of(bytes()),
        any::<Option<u64>>(),
    );
    (plain, proptest::option::of(more)).prop_map(|((mode, uid, gid, mtime), more)| {
        let mut metadata = Metadata {
            mode,
            uid,
            gid,
            mtime,
            ..Metadata::default()
        };
        if let Some((flags, xattrs, acl, fcaps, quota_project_id)) = more {
            metadata.flags = flags;
            metadata.xattrs = xattrs;
            metadata.acl = acl;
            metadata.fcaps = fcaps;
            metadata.quota_project_id = quota_project_id;
        }
        metadata
    })
}

fn seen() -> impl Strategy<Value = SeenFile> {
    let birth = proptest::option::of((any::<i64>(), any::<u32>()));
    let numbers = any::<(u64, u64, u64)>();
    (numbers, time(), any::<bool>(), proptest::option::of(birth)).prop_map(
        |((size, dev, ino), ctime, is_complete, birth)| SeenFile {
            size,
            dev,
            ino,
            ctime,
            is_complete,
            link: birth.map(|birth| (dev, ino, birth)),
        },
    )
}

/// A member's kind in words, so that it can be compared and made again.
#[derive(Clone, Debug, PartialEq)]
enum Word {
    File(SeenFile),
    Symlink(Vec<u8>),
    Device(u64, u64),
    Directory(u64, u64),
    Other(&'static str),
}

fn word() -> impl Strategy<Value = Word> {
    prop_oneof![
        seen().prop_map(Word::File),
        bytes().prop_map(Word::Symlink),
        any::<(u64, u64)>().prop_map(|(major, minor)| Word::Device(major, minor)),
        any::<(u64, u64)>().prop_map(|(dev, ino)| Word::Directory(dev, ino)),
        prop_oneof![Just("end"), Just("fifo"), Just("socket")].prop_map(Word::Other),
    ]
}

fn kind(word: &Word) -> Kind {
    match word.clone() {
        Word::File(seen) => Kind::Closed(seen),
        Word::Symlink(target) => Kind::Other(What::Symlink(target)),
        Word::Device(major, minor) => Kind::Other(What::Device { major, minor }),
        Word::Directory(dev, ino) => Kind::Other(What::Directory(Folder { dev, ino, fd: None })),
        Word::Other("end") => Kind::Other(What::End),
        Word::Other("fifo") => Kind::Other(What::Fifo),
        Word::Other(_) => Kind::Other(What::Socket),
    }
}

fn told(kind: Kind) -> Word {
    match kind {
        Kind::Open(_) => panic!("a file that has waited is closed"),
        Kind::Closed(seen) => Word::File(seen),
        Kind::Other(What::Symlink(target)) => Word::Symlink(target),
        Kind::Other(What::Device { major, minor }) => Word::Device(major, minor),
        Kind::Other(What::Directory(folder)) => Word::Directory(folder.dev, folder.ino),
        Kind::Other(What::End) => Word::Other("end"),
        Kind::Other(What::Fifo) => Word::Other("fifo"),
        Kind::Other(What::Socket) => Word::Other("socket"),
    }
}

proptest! {
    #[test]
    fn members_come_out_as_they_went_in(
        members in proptest::collection::vec((bytes(), metadata(), word(), any::<Option<u64>>()), 0..40),
        drains in 1usize..3,
    ) {
        let mut waiting = Waiting::new(1, 0);
        for _ in 0..drains {
            for (name, metadata, word, within) in &members {
                let member = Member {
                    name: name.as_slice().into(),
                    metadata: metadata.clone(),
                    kind: kind(word),
                };
                waiting.push(member, *within);
            }
            prop_assert_eq!(waiting.is_full(), !members.is_empty());
            for (name, metadata, word, within) in &members {
                let (member, found) = waiting.pop().expect("one more");
                if *word == Word::Other("end") {
                    prop_assert_eq!(told(member.kind), Word::Other("end"));
                    continue;
                }
                prop_assert_eq!(found, *within);
                prop_assert_eq!(&*member.name, name.as_slice());
                prop_assert_eq!(has_attributes(&member.metadata), has_attributes(metadata));
                prop_assert_eq!(&member.metadata, metadata);
                prop_assert_eq!(told(member.kind), word.clone());
            }
            prop_assert!(waiting.pop().is_none() && !waiting.is_full());
        }
    }
}

/// An ordinary file of a large disk, as `find` would show it.
fn ordinary(number: u64) -> Member {
    let mtime = Mtime {
        secs: 1_763_000_000 + number as i64,
        nanos: 123_456_789,
    };
    let ctime = Mtime {
        secs: mtime.secs + 5,
        ..mtime
    };
    Member {
        name: format!("{number:08}").into_bytes().into(),
        metadata: Metadata {
            mode: 0o100_644,
            uid: 1000,
            gid: 1000,
            mtime,
            ..Metadata::default()
        },
        kind: Kind::Closed(SeenFile {
            size: 70,
            dev: 0xfe00,
            ino: 40_000_000 + number,
            ctime,
            is_complete: true,
            link: None,
        }),
    }
}

/// The room that was said to be enough for some 700,000 files is.
#[test]
fn a_file_takes_some_fifty_bytes() {
    const FILES: u64 = 20_000;
    let mut waiting = Waiting::new(usize::MAX, 0);
    for number in 0..FILES {
        waiting.push(ordinary(number), Some(16 + number * 86));
    }
    let each = waiting.bytes as u64 / FILES;
    assert!(each - 8 <= 52, "{each} bytes with a name of 8");
    let taken: usize = waiting.segments.iter().map(Vec::capacity).sum();
    assert!(taken <= waiting.bytes + waiting.bytes / 32 + SEGMENT_LEN);
    for number in 0..FILES {
        let (member, within) = waiting.pop().expect("one more");
        assert_eq!(&*member.name, format!("{number:08}").as_bytes());
        assert_eq!(within, Some(16 + number * 86));
    }
    assert!(waiting.pop().is_none());
    // What it took is given back but for one segment.
    assert_eq!((waiting.segments.len(), waiting.bytes), (1, 0));
}

/// Values that are larger than a segment are kept whole.
#[test]
fn large_members_fit() {
    let mut waiting = Waiting::new(usize::MAX, 0);
    for len in [0, 1000, 64_000, 66_000, 200_000, 5] {
        let mut member = ordinary(len);
        let value = vec![7; len as usize];
        member.metadata.xattrs = vec![Xattr {
            name: b"user.large".to_vec(),
            value,
        }];
        waiting.push(member, None);
    }
    for len in [0, 1000, 64_000, 66_000, 200_000, 5] {
        let (member, _) = waiting.pop().expect("one more");
        assert_eq!(member.metadata.xattrs[0].value.len(), len);
    }
    assert!(waiting.pop().is_none());
}

/// As many directories stay open as may, and room is made by those that come out.
#[test]
fn directories_stay_open_as_far_as_they_may() {
    let mut waiting = Waiting::new(usize::MAX, 3);
    let file = std::fs::File::open(".").expect("dir");
    let shared = std::sync::Arc::new(std::os::fd::OwnedFd::from(file));
    let directory = |ino| Member {
        name: b"d".as_slice().into(),
        metadata: Metadata::default(),
        kind: Kind::Other(What::Directory(Folder {
            dev: 1,
            ino,
            fd: Some(shared.clone()),
        })),
    };
    let mut open = |push: std::ops::Range<u64>, pop: usize| -> Vec<(u64, bool)> {
        for ino in push {
            waiting.push(directory(ino), None);
            waiting.push(ordinary(ino), Some(ino));
        }
        let mut found = Vec::new();
        while found.len() < pop {
            if let Some((
                Member {
                    kind: Kind::Other(What::Directory(folder)),
                    ..
                },
                _,
            )) = waiting.pop()
            {
                found.push((folder.ino, folder.fd.is_some()));
            }
        }
        found
    };
    assert_eq!(open(0..5, 2), [(0, true), (1, true)]);
    assert_eq!(
        open(5..8, 6),
        [
            (2, true),
            (3, false),
            (4, false),
            (5, true),
            (6, true),
            (7, false)
        ]
    );
}
