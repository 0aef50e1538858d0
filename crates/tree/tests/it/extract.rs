//! What is restored, by patterns and options.

use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use pxar::{MatchKind, Pattern};
use tree::{ExtractError, ExtractOptions};

use crate::support::{
    Make::{Dir, Fifo, File, Hard, Link},
    Recorder, archive, is_root, metadata, needs_root, restore, restore_with, store, tell,
};

fn options(patterns: &[&str]) -> ExtractOptions {
    let parse = |t: &&str| Pattern::parse(t.as_bytes(), MatchKind::Include).expect("a pattern");
    ExtractOptions {
        patterns: patterns.iter().map(parse).collect(),
        ..ExtractOptions::default()
    }
}

fn names(dir: &Path) -> Vec<String> {
    tell(dir).into_keys().collect()
}

#[test]
fn a_tree_comes_back_as_it_was() {
    let temp = tempfile::tempdir().expect("temp dir");
    let (from, to) = (temp.path().join("from"), temp.path().join("a/b/to"));
    std::fs::create_dir_all(from.join("dir/read-only")).expect("dirs");
    std::fs::write(
        from.join("dir/read-only/f"),
        "in a directory without write permission",
    )
    .expect("file");
    std::fs::write(from.join("dir/hard"), "twice").expect("file");
    std::fs::hard_link(from.join("dir/hard"), from.join("hard")).expect("link");
    std::fs::write(from.join("secret"), "s").expect("file");
    symlink("nowhere", from.join("link")).expect("link");
    for (name, mode) in [
        ("dir/read-only", 0o500),
        ("secret", 0o400),
        ("dir/hard", 0o6751),
        ("dir", 0o3711),
    ] {
        std::fs::set_permissions(from.join(name), PermissionsExt::from_mode(mode)).expect("chmod");
    }
    let first = store(&from);
    let stats = restore(&first, &to);
    assert_eq!((stats.files, stats.entries, stats.errors), (3, 8, 0));
    assert_eq!(tell(&to), tell(&from));
    assert_eq!(store(&to), first);
    let same = |p: &str| std::fs::metadata(to.join(p)).expect("there").ino();
    assert_eq!(same("dir/hard"), same("hard"));
    assert_eq!(
        std::fs::metadata(temp.path().join("a"))
            .expect("made")
            .mode()
            & 0o777,
        0o700
    );
}

#[test]
fn patterns_select() {
    let members = [
        Dir(
            "a",
            vec![File("1", ""), File("2", ""), Dir("empty", vec![])],
        ),
        Dir(
            "b",
            vec![
                Dir("c", vec![File("1", ""), File("x.o", "")]),
                Dir("d", vec![]),
            ],
        ),
        Dir("empty", vec![]),
        File("top", ""),
    ];
    let archive = archive(&members);
    let rows: [(&[&str], &[&str]); 11] = [
        (
            &[],
            &[
                "a", "a/1", "a/2", "a/empty", "b", "b/c", "b/c/1", "b/c/x.o", "b/d", "empty", "top",
            ],
        ),
        (&["/top"], &["top"]),
        (&["1"], &["a", "a/1", "b", "b/c", "b/c/1"]),
        (&["/b"], &["b", "b/c", "b/c/1", "b/c/x.o", "b/d"]),
        (&["/b", "!x.o"], &["b", "b/c", "b/c/1", "b/d"]),
        (&["/b", "!/b/c"], &["b", "b/d"]),
        (&["/b", "!/b/c", "/b/c/1"], &["b", "b/c", "b/c/1", "b/d"]),
        (&["/a/"], &["a", "a/1", "a/2", "a/empty"]),
        // As in the original, an empty directory that is selected only by its own pattern is not made.
        (&["/empty"], &[]),
        (&["nothing"], &[]),
        (&["**/c/*.o"], &["b", "b/c", "b/c/x.o"]),
    ];
    for (patterns, expected) in rows {
        let temp = tempfile::tempdir().expect("temp dir");
        let mut watch = Recorder::default();
        restore_with(&archive, temp.path(), &options(patterns), &mut watch).expect("restored");
        assert_eq!(watch.errors, [""; 0]);
        assert_eq!(names(temp.path()), expected, "{patterns:?}");
        // The root's own metadata is restored even then.
        assert_eq!(
            std::fs::metadata(temp.path()).expect("there").mtime(),
            1_600_000_000
        );
    }
}

#[test]
fn a_hard_link_without_its_target_is_an_error_that_says_so() {
    let archive = archive(&[File("first", "x"), Hard("second", "first")]);
    let temp = tempfile::tempdir().expect("temp dir");
    let mut watch = Recorder::default();
    restore_with(&archive, temp.path(), &options(&["/second"]), &mut watch).expect("goes on");
    assert_eq!(watch.errors.len(), 1);
    assert!(
        watch.errors[0].contains("select the target too"),
        "{:?}",
        watch.errors
    );
}

#[test]
fn existing_things_are_kept_or_replaced() {
    let members = [
        Dir("d", vec![File("in", "new")]),
        File("f", "new"),
        Link("l", "new"),
        Hard("h", "f"),
    ];
    // The hard link leads back to its file, which is not the first member here.
    let archive = archive(&members);
    let prepare = |dir: &Path| {
        std::fs::create_dir(dir.join("d")).expect("dir");
        std::fs::write(dir.join("d/old"), "old").expect("file");
        std::fs::write(dir.join("f"), "old, and longer").expect("file");
        symlink("old", dir.join("l")).expect("link");
        std::fs::write(dir.join("h"), "old").expect("file");
    };
    let text = |dir: &Path, name: &str| std::fs::read_to_string(dir.join(name)).unwrap_or_default();

    let temp = tempfile::tempdir().expect("temp dir");
    prepare(temp.path());
    let mut watch = Recorder::default();
    let stats = restore_with(
        &archive,
        temp.path(),
        &ExtractOptions::default(),
        &mut watch,
    )
    .expect("goes on");
    assert_eq!(stats.errors, 4, "{:?}", watch.errors);
    assert!(
        watch.errors.iter().all(|e| e.contains("exists")),
        "{:?}",
        watch.errors
    );
    assert_eq!(text(temp.path(), "f"), "old, and longer");
    assert_eq!(
        text(temp.path(), "d/in"),
        "",
        "members of what failed are passed over"
    );

    let strict = ExtractOptions {
        strict: true,
        ..ExtractOptions::default()
    };
    let result = restore_with(&archive, temp.path(), &strict, &mut Recorder::default());
    assert!(matches!(result, Err(ExtractError::Entry(_))));

    let all = ExtractOptions {
        allow_existing_dirs: true,
        overwrite_files: true,
        overwrite_symlinks: true,
        overwrite_hardlinks: true,
        ..ExtractOptions::default()
    };
    for _ in 0..2 {
        let mut watch = Recorder::default();
        restore_with(&archive, temp.path(), &all, &mut watch).expect("restored");
        assert_eq!(watch.errors, [""; 0]);
        assert_eq!(text(temp.path(), "f"), "new");
        assert_eq!(text(temp.path(), "h"), "new");
        assert_eq!(text(temp.path(), "d/in"), "new");
        assert_eq!(text(temp.path(), "d/old"), "old");
        assert_eq!(
            std::fs::read_link(temp.path().join("l")).expect("link"),
            Path::new("new")
        );
    }
}

#[test]
fn special_files_can_be_left_out() {
    let archive = archive(&[File("f", ""), Fifo("p")]);
    let temp = tempfile::tempdir().expect("temp dir");
    let options = ExtractOptions {
        no_fifos: true,
        ..ExtractOptions::default()
    };
    restore_with(&archive, temp.path(), &options, &mut Recorder::default()).expect("restored");
    assert_eq!(names(temp.path()), ["f"]);
    let temp = tempfile::tempdir().expect("temp dir");
    restore(&archive, temp.path());
    let fifo = std::fs::metadata(temp.path().join("p")).expect("fifo");
    assert_eq!((fifo.mode(), fifo.mtime()), (0o010_644, 1_600_000_000));
}

/// An archive with files of somebody else and a set-uid program.
fn foreign() -> Vec<u8> {
    let root = metadata(0o040_755);
    let mut encoder = pxar::Encoder::new(Vec::new(), &root).expect("root");
    for name in ["a", "b"] {
        let file = pxar::Metadata {
            uid: 4242,
            gid: 4243,
            ..metadata(0o106_755)
        };
        encoder
            .add_file(name.as_bytes(), &file, 0, &mut |_| Ok(0))
            .expect("file");
    }
    encoder.finish().expect("balanced")
}

#[test]
fn owners_are_restored_by_root_and_remarked_once_by_others() {
    let temp = tempfile::tempdir().expect("temp dir");
    let mut watch = Recorder::default();
    let stats = restore_with(
        &foreign(),
        temp.path(),
        &ExtractOptions::default(),
        &mut watch,
    )
    .expect("restored");
    assert_eq!(watch.errors, [""; 0]);
    let file = std::fs::metadata(temp.path().join("a")).expect("there");
    if is_root() {
        assert_eq!(
            (file.uid(), file.gid(), file.mode()),
            (4242, 4243, 0o106_755)
        );
        assert_eq!((stats.without_privilege, watch.remarks.len()), (0, 0));
    } else {
        assert_eq!(
            (stats.without_privilege, watch.remarks.len()),
            (2, 1),
            "{:?}",
            watch.remarks
        );
        assert_eq!(
            file.mode(),
            0o100_755,
            "a program of somebody else does not run as us"
        );
    }
}

#[test]
fn ignored_parts_are_left_alone() {
    let temp = tempfile::tempdir().expect("temp dir");
    let options = ExtractOptions {
        ignore_ownership: true,
        ignore_permissions: true,
        ..ExtractOptions::default()
    };
    let mut watch = Recorder::default();
    restore_with(&foreign(), temp.path(), &options, &mut watch).expect("restored");
    assert_eq!((watch.errors, watch.remarks), (vec![], vec![]));
    let file = std::fs::metadata(temp.path().join("a")).expect("there");
    assert_eq!(
        (file.uid(), file.mode()),
        (rustix::process::geteuid().as_raw(), 0o100_600)
    );
}

#[test]
fn a_cut_off_archive_ends_the_restore() {
    let whole = archive(&[File("a", "12345678"), File("b", "12345678")]);
    for cut in [whole.len() - 1, whole.len() / 2, 200] {
        let temp = tempfile::tempdir().expect("temp dir");
        let result = restore_with(
            &whole[..cut],
            temp.path(),
            &ExtractOptions::default(),
            &mut Recorder::default(),
        );
        assert!(matches!(result, Err(ExtractError::Archive(_))), "{cut}");
    }
}

#[test]
fn devices_can_fail_without_ending_a_strict_restore() {
    if is_root() {
        eprintln!("SKIPPED: root may create devices");
        return;
    }
    let mut encoder = pxar::Encoder::new(Vec::new(), &metadata(0o040_755)).expect("root");
    encoder
        .add_device(b"null", &metadata(0o020_666), 1, 3)
        .expect("device");
    let archive = encoder.finish().expect("balanced");
    let temp = tempfile::tempdir().expect("temp dir");
    let strict = ExtractOptions {
        strict: true,
        ..ExtractOptions::default()
    };
    assert!(restore_with(&archive, temp.path(), &strict, &mut Recorder::default()).is_err());
    let ignoring = ExtractOptions {
        ignore_extract_device_errors: true,
        ..strict.clone()
    };
    let mut watch = Recorder::default();
    assert!(restore_with(&archive, temp.path(), &ignoring, &mut watch).is_ok());
    assert_eq!(watch.remarks.len(), 1);
    let without = ExtractOptions {
        no_device_nodes: true,
        ..strict
    };
    assert!(restore_with(&archive, temp.path(), &without, &mut Recorder::default()).is_ok());
}

#[test]
fn flags_are_restored_and_last() {
    if !needs_root() {
        return;
    }
    let file = pxar::Metadata {
        flags: pxar::metadata::flags::IMMUTABLE,
        ..metadata(0o100_644)
    };
    let mut encoder = pxar::Encoder::new(Vec::new(), &metadata(0o040_755)).expect("root");
    encoder
        .add_file(b"f", &file, 3, &mut |b| Ok(b.len()))
        .expect("file");
    let archive = encoder.finish().expect("balanced");
    let temp = tempfile::tempdir().expect("temp dir");
    restore(&archive, temp.path());
    let open = std::fs::File::open(temp.path().join("f")).expect("there");
    let flags = rustix::fs::ioctl_getflags(&open);
    let again = store(temp.path());
    if let Ok(flags) = flags {
        rustix::fs::ioctl_setflags(&open, flags - rustix::fs::IFlags::IMMUTABLE).expect("root may");
        assert!(flags.contains(rustix::fs::IFlags::IMMUTABLE));
        assert_eq!(again, archive);
    } else {
        eprintln!("SKIPPED: the file system has no attributes");
    }
}
