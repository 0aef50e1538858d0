//! What a target already holds or cannot hold, and what the kernel refuses: each is mended, remarked or an error, never lost
//! without a word.

use std::os::unix::fs::{FileTypeExt, MetadataExt};

use pxar::metadata::flags;
use pxar::{Encoder, Metadata, Xattr};
use rustix::fs::IFlags;
use tree::{CreateOptions, ExtractOptions};

use crate::support::{
    Recorder, is_root, metadata, needs_root, paths, restore, restore_with, store_with,
};

/// `--overwrite` used to leave whatever stood where a device node, fifo or socket goes.
#[test]
fn nodes_replace_what_is_there_on_request() {
    let mut encoder = Encoder::new(Vec::new(), &metadata(0o040_755)).expect("root");
    let mut names = vec!["fifo", "socket"];
    if is_root() {
        names.insert(0, "device");
        encoder
            .add_device(b"device", &metadata(0o020_640), 1, 3)
            .expect("device");
    }
    encoder
        .add_fifo(b"fifo", &metadata(0o010_640))
        .expect("fifo");
    encoder
        .add_socket(b"socket", &metadata(0o140_640))
        .expect("socket");
    let archive = encoder.finish().expect("balanced");

    let temp = tempfile::tempdir().expect("temp dir");
    for name in &names {
        std::fs::write(temp.path().join(name), "old").expect("file");
    }
    let mut watch = Recorder::default();
    let files_only = ExtractOptions {
        overwrite_files: true,
        overwrite_symlinks: true,
        overwrite_hardlinks: true,
        ..ExtractOptions::default()
    };
    restore_with(&archive, temp.path(), &files_only, &mut watch).expect("goes on");
    assert_eq!(watch.errors.len(), names.len(), "{:?}", watch.errors);

    let all = ExtractOptions {
        overwrite_nodes: true,
        strict: true,
        ..ExtractOptions::default()
    };
    for _ in 0..2 {
        restore_with(&archive, temp.path(), &all, &mut Recorder::default()).expect("replaced");
        for name in &names {
            let stat = std::fs::symlink_metadata(temp.path().join(name)).expect("there");
            let kind = stat.file_type();
            assert!(kind.is_fifo() || kind.is_socket() || kind.is_char_device());
            assert_eq!(stat.mode() & 0o7777, 0o640, "{name}");
        }
    }
    // A directory is not removed for a node.
    std::fs::remove_file(temp.path().join("fifo")).expect("there");
    std::fs::create_dir(temp.path().join("fifo")).expect("dir");
    assert!(restore_with(&archive, temp.path(), &all, &mut Recorder::default()).is_err());
}

/// The kernel refuses links to an immutable file, and the first name has become one by the time the second is restored.
#[test]
fn immutable_files_get_their_other_names() {
    if !needs_root() {
        return;
    }
    for (flag, inode) in [
        (flags::IMMUTABLE, IFlags::IMMUTABLE),
        (flags::APPEND, IFlags::APPEND),
    ] {
        let file = Metadata {
            flags: flag,
            ..metadata(0o100_644)
        };
        let mut encoder = Encoder::new(Vec::new(), &metadata(0o040_755)).expect("root");
        let first = encoder
            .add_file(b"a", &file, 3, &mut |b| Ok(b.len()))
            .expect("file");
        encoder
            .add_hardlink(b"b", b"a", first.offset)
            .expect("link");
        let archive = encoder.finish().expect("balanced");
        let temp = tempfile::tempdir().expect("temp dir");
        restore(&archive, temp.path());
        let open = std::fs::File::open(temp.path().join("b")).expect("there");
        assert_eq!(open.metadata().expect("stat").nlink(), 2);
        match rustix::fs::ioctl_getflags(&open) {
            Ok(found) => {
                rustix::fs::ioctl_setflags(&open, found - inode).expect("root may");
                assert!(found.contains(inode), "protected as before");
            }
            Err(_) => eprintln!("SKIPPED: the file system has no attributes"),
        }
    }
}

/// A link's path has at most 4096 bytes in an archive; deeper files with several names used to fail the whole backup.
#[test]
fn files_too_deep_for_links_are_stored_as_copies() {
    let temp = tempfile::tempdir().expect("temp dir");
    let name = "d".repeat(250);
    let mut dir = rustix::fs::open(
        temp.path(),
        rustix::fs::OFlags::PATH,
        rustix::fs::Mode::empty(),
    )
    .expect("temp dir");
    let mode = rustix::fs::Mode::from_raw_mode(0o755);
    for _ in 0..17 {
        rustix::fs::mkdirat(&dir, &name, mode).expect("dir");
        dir = rustix::fs::openat(
            &dir,
            &name,
            rustix::fs::OFlags::PATH,
            rustix::fs::Mode::empty(),
        )
        .expect("dir");
    }
    let flags = rustix::fs::OFlags::CREATE | rustix::fs::OFlags::WRONLY;
    let file = rustix::fs::openat(&dir, "one", flags, mode).expect("file");
    rustix::io::write(&file, b"data").expect("written");
    rustix::fs::linkat(&dir, "one", &dir, "two", rustix::fs::AtFlags::empty()).expect("link");
    let mut watch = Recorder::default();
    let (archive, stats) =
        store_with(temp.path(), &CreateOptions::default(), &mut watch).expect("stored");
    assert_eq!((stats.files, stats.hard_links, stats.warnings), (2, 0, 2));
    assert!(watch.notices[0].contains("too long for links"));
    assert_eq!(paths(&archive).len(), 20);
    let target = tempfile::tempdir().expect("temp dir");
    restore(&archive, target.path());
}

/// The attributes of a directory are held until it is left; an archive of nested directories with as many as allowed used to
/// take memory without a bound.
#[test]
fn attributes_of_open_directories_are_bounded_together() {
    let xattr = |i: usize| Xattr {
        name: format!("user.{i}").into_bytes(),
        value: vec![0; 65_000],
    };
    let heavy = Metadata {
        xattrs: (0..1000).map(xattr).collect(),
        ..metadata(0o040_755)
    };
    let mut encoder = Encoder::new(Vec::new(), &metadata(0o040_755)).expect("root");
    for _ in 0..3 {
        encoder.create_dir(b"d", &heavy).expect("dir");
    }
    for _ in 0..3 {
        encoder.finish_dir().expect("open");
    }
    encoder
        .add_file(b"z", &metadata(0o100_644), 0, &mut |_| Ok(0))
        .expect("file");
    let archive = encoder.finish().expect("balanced");
    let temp = tempfile::tempdir().expect("temp dir");
    let options = ExtractOptions {
        ignore_xattrs: true,
        ..ExtractOptions::default()
    };
    let mut watch = Recorder::default();
    let stats = restore_with(&archive, temp.path(), &options, &mut watch).expect("goes on");
    assert_eq!(stats.errors, 1, "{:?}", watch.errors);
    assert!(watch.errors[0].contains("more attributes"));
    assert!(temp.path().join("d").is_dir() && temp.path().join("z").is_file());
}

/// Not a file, a symlink to one, a file of that name on the way: an error that names the target, and nothing made.
#[test]
fn targets_that_are_no_directory_are_refused() {
    let temp = tempfile::tempdir().expect("temp dir");
    std::fs::write(temp.path().join("file"), "kept").expect("file");
    std::os::unix::fs::symlink("file", temp.path().join("link")).expect("link");
    std::os::unix::fs::symlink("nowhere", temp.path().join("dangling")).expect("link");
    let archive = crate::support::archive(&[]);
    for target in ["file", "link", "dangling", "file/below", "nul\0"] {
        let path = temp.path().join(target);
        let result = restore_with(
            &archive,
            &path,
            &ExtractOptions::default(),
            &mut Recorder::default(),
        );
        let error = result.expect_err(target).to_string();
        assert!(error.contains("as the target"), "{error}");
    }
    let text = std::fs::read_to_string(temp.path().join("file")).expect("there");
    assert_eq!(text, "kept");
}

/// ext4 knows no "no copy-on-write" and used to refuse all other attributes of such a file with it, without a word.
#[test]
fn an_unknown_attribute_does_not_take_the_others_with_it() {
    let file = Metadata {
        flags: flags::NOCOW | flags::NOATIME,
        ..metadata(0o100_644)
    };
    let mut encoder = Encoder::new(Vec::new(), &metadata(0o040_755)).expect("root");
    for name in [b"a", b"b"] {
        encoder
            .add_file(name, &file, 3, &mut |b| Ok(b.len()))
            .expect("file");
    }
    let archive = encoder.finish().expect("balanced");
    let temp = tempfile::tempdir().expect("temp dir");
    let mut watch = Recorder::default();
    let strict = ExtractOptions {
        strict: true,
        ..ExtractOptions::default()
    };
    restore_with(&archive, temp.path(), &strict, &mut watch).expect("restored");
    assert!(watch.remarks.len() <= 1, "{:?}", watch.remarks);
    for name in ["a", "b"] {
        let open = std::fs::File::open(temp.path().join(name)).expect("there");
        match rustix::fs::ioctl_getflags(&open) {
            Ok(found) => {
                assert!(found.contains(IFlags::NOATIME));
                assert!(found.contains(IFlags::NOCOW) || watch.remarks.len() == 1);
            }
            Err(_) => assert_eq!(watch.remarks.len(), 1),
        }
    }
}
