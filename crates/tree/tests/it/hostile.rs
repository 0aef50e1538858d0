//! Archives and targets made to write outside of the target. Each must leave everything around it as it was.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use tree::ExtractOptions;

use crate::support::{
    Make,
    Make::{Dir, File, Hard, Link},
    Recorder, hostile_archive, metadata, restore_with, tell,
};

/// A folder with a file that must not be touched and an empty folder `target`.
fn scene() -> (tempfile::TempDir, PathBuf) {
    let temp = tempfile::tempdir().expect("temp dir");
    std::fs::create_dir(temp.path().join("outside")).expect("dir");
    std::fs::write(temp.path().join("outside/secret"), "secret").expect("file");
    let target = temp.path().join("target");
    std::fs::create_dir(&target).expect("dir");
    (temp, target)
}

fn outside(dir: &Path) -> Vec<(String, String)> {
    tell(dir)
        .into_iter()
        .filter(|(name, _)| !name.starts_with("target"))
        .collect()
}

/// Restores with everything allowed that can be allowed, and looks at what is around the target.
fn attack(members: &[Make<'_>], prepare: impl Fn(&Path)) -> Vec<String> {
    let (temp, target) = scene();
    prepare(&target);
    let before = outside(temp.path());
    let options = ExtractOptions {
        allow_existing_dirs: true,
        overwrite_files: true,
        overwrite_symlinks: true,
        overwrite_hardlinks: true,
        ..ExtractOptions::default()
    };
    let mut watch = Recorder::default();
    let stats =
        restore_with(&hostile_archive(members), &target, &options, &mut watch).expect("goes on");
    assert_eq!(outside(temp.path()), before);
    assert_eq!(stats.errors as usize, watch.errors.len());
    watch.errors
}

#[test]
fn directories_do_not_follow_symlinks() {
    let errors = attack(
        &[Dir("d", vec![File("secret", "changed"), File("new", "")])],
        |target| {
            symlink("../outside", target.join("d")).expect("link");
        },
    );
    assert_eq!(errors.len(), 1, "{errors:?}");
    // The same with a symlink out of the archive itself.
    let errors = attack(
        &[
            Link("d", "../outside"),
            Dir("d", vec![File("secret", "changed"), File("new", "")]),
        ],
        |_| {},
    );
    assert_eq!(errors.len(), 1, "{errors:?}");
    let errors = attack(
        &[
            Link("d", "/tmp"),
            Dir("d", vec![Dir("x", vec![File("pxar-test-new", "")])]),
        ],
        |_| {},
    );
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert!(!Path::new("/tmp/x/pxar-test-new").exists());
}

#[test]
fn files_do_not_follow_symlinks() {
    let errors = attack(&[File("f", "changed")], |target| {
        symlink("../outside/secret", target.join("f")).expect("link");
    });
    assert_eq!(errors, [""; 0], "the symlink itself is replaced");
    let errors = attack(
        &[Link("f", "../outside/secret"), File("f", "changed")],
        |_| {},
    );
    assert_eq!(errors, [""; 0]);
}

/// Writing into a file that is also a name outside would change it there.
#[test]
fn files_are_replaced_and_not_written_into() {
    let (temp, target) = scene();
    let secret = temp.path().join("outside/secret");
    std::fs::hard_link(&secret, target.join("f")).expect("link");
    let options = ExtractOptions {
        overwrite_files: true,
        ..ExtractOptions::default()
    };
    let archive = hostile_archive(&[File("f", "changed")]);
    let stats =
        restore_with(&archive, &target, &options, &mut Recorder::default()).expect("restored");
    assert_eq!((stats.files, stats.errors), (1, 0));
    assert_eq!(std::fs::read_to_string(secret).expect("there"), "secret");
    assert_eq!(
        std::fs::read_to_string(target.join("f")).expect("there"),
        "changed"
    );
}

#[test]
fn hard_links_stay_beneath_the_target() {
    let rows = [
        "../outside/secret",
        "d/../../outside/secret",
        "/etc/passwd",
        "up/outside/secret",
        "root/etc/passwd",
        "file",
        "d",
        ".",
        "d/.",
        "d//f",
        "none",
    ];
    for path in rows {
        let members = [
            File("a", ""),
            Dir("d", vec![File("f", "")]),
            Link("file", "../outside/secret"),
            Link("root", "/"),
            Link("up", ".."),
            Hard("zz", path),
        ];
        let errors = attack(&members, |_| {});
        assert_eq!(errors.len(), 1, "{path}: {errors:?}");
        assert!(errors[0].contains("zz"), "{path}: {errors:?}");
    }
}

#[test]
fn a_hard_link_to_itself_does_not_lose_the_file() {
    let (_temp, target) = scene();
    let archive = hostile_archive(&[File("a", "text"), Hard("a", "a")]);
    let options = ExtractOptions {
        overwrite_hardlinks: true,
        ..ExtractOptions::default()
    };
    restore_with(&archive, &target, &options, &mut Recorder::default()).expect("restored");
    assert_eq!(
        std::fs::read_to_string(target.join("a")).expect("still there"),
        "text"
    );
}

#[test]
fn metadata_does_not_follow_symlinks() {
    let errors = attack(&[Link("l", "../outside/secret")], |_| {});
    assert_eq!(errors, [""; 0]);
}

#[test]
fn a_directory_is_never_removed_for_a_file() {
    let errors = attack(&[File("d", "file")], |target| {
        std::fs::create_dir(target.join("d")).expect("dir");
        std::fs::write(target.join("d/kept"), "").expect("file");
    });
    assert_eq!(errors.len(), 1, "{errors:?}");
}

#[test]
fn names_twice_are_an_error() {
    let (_temp, target) = scene();
    let members = [
        File("a", "1"),
        File("a", "2"),
        Dir("d", vec![File("x", "1")]),
        Dir("d", vec![File("y", "2")]),
    ];
    let mut watch = Recorder::default();
    restore_with(
        &hostile_archive(&members),
        &target,
        &ExtractOptions::default(),
        &mut watch,
    )
    .expect("goes on");
    assert_eq!(watch.errors.len(), 2, "{:?}", watch.errors);
    assert_eq!(
        tell(&target).into_keys().collect::<Vec<_>>(),
        ["a", "d", "d/x"]
    );
}

#[test]
fn only_kept_kinds_of_attributes_are_set() {
    let file = pxar::Metadata {
        xattrs: vec![
            pxar::Xattr {
                name: b"security.selinux".to_vec(),
                value: b"x".to_vec(),
            },
            pxar::Xattr {
                name: b"system.posix_acl_access".to_vec(),
                value: b"x".to_vec(),
            },
        ],
        ..crate::support::metadata(0o100_644)
    };
    let mut encoder =
        pxar::Encoder::new(Vec::new(), &crate::support::metadata(0o040_755)).expect("root");
    encoder
        .add_file(b"f", &file, 0, &mut |_| Ok(0))
        .expect("file");
    let archive = encoder.finish().expect("balanced");
    let (_temp, target) = scene();
    let mut watch = Recorder::default();
    restore_with(&archive, &target, &ExtractOptions::default(), &mut watch).expect("restored");
    assert_eq!(
        (watch.errors.len(), watch.remarks.len()),
        (0, 2),
        "{:?}",
        watch.remarks
    );
}

/// One of each kind of member, with attributes.
fn varied() -> Vec<u8> {
    let root = metadata(0o040_755);
    let file = pxar::Metadata {
        xattrs: vec![pxar::Xattr {
            name: b"user.x".to_vec(),
            value: b"value".to_vec(),
        }],
        acl: pxar::Acl {
            users: vec![pxar::AclEntry {
                id: 1000,
                permissions: 6,
            }],
            group_obj: Some(4),
            ..pxar::Acl::default()
        },
        ..metadata(0o100_664)
    };
    let mut encoder = pxar::Encoder::new(Vec::new(), &root).expect("root");
    encoder.create_dir(b"d", &root).expect("dir");
    let written = encoder
        .add_file(b"f", &file, 5, &mut |b| Ok(b.len()))
        .expect("file");
    encoder
        .add_hardlink(b"h", b"d/f", written.offset)
        .expect("link");
    encoder.finish_dir().expect("open");
    encoder
        .add_symlink(b"l", &metadata(0o120_777), b"d/f")
        .expect("symlink");
    encoder.add_fifo(b"p", &metadata(0o010_600)).expect("fifo");
    encoder.finish().expect("balanced")
}

/// Immutable files would stay behind in the temp folder.
fn is_removable(archive: &[u8]) -> bool {
    const STAYS: u64 = pxar::metadata::flags::IMMUTABLE | pxar::metadata::flags::APPEND;
    let mut decoder = pxar::Decoder::new(archive);
    while let Ok(Some(_)) = decoder.advance() {
        if decoder.entry().metadata.flags & STAYS != 0 {
            return false;
        }
    }
    true
}

/// Every byte of an archive, changed: whatever it means then, it ends, counts its errors and touches nothing outside.
#[test]
fn changed_bytes_stay_beneath_the_target() {
    let archive = varied();
    let (temp, target) = scene();
    let before = outside(temp.path());
    let mut bad = 0;
    for at in 0..archive.len() {
        let mut broken = archive.clone();
        broken[at] ^= [1, 0x2f, 0x80][at % 3];
        if !is_removable(&broken) {
            continue;
        }
        let options = ExtractOptions {
            allow_existing_dirs: true,
            ..ExtractOptions::default()
        };
        let mut watch = Recorder::default();
        match restore_with(&broken, &target, &options, &mut watch) {
            Ok(stats) => assert_eq!(stats.errors as usize, watch.errors.len(), "byte {at}"),
            Err(_) => bad += 1,
        }
        assert_eq!(outside(temp.path()), before, "byte {at}");
        std::fs::remove_dir_all(&target).expect("can be removed");
    }
    assert!(bad > archive.len() / 4, "{bad}");
}
