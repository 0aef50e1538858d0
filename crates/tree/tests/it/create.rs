//! What is stored, left out, and noted.

use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use tree::{CatalogSink, CreateError, CreateOptions, DeviceSet};

use crate::support::{
    Recorder, bytes_path, exclude, is_root, needs_root, paths, store, store_with,
};

fn write(dir: &Path, name: &str, text: &str) {
    let path = dir.join(name);
    std::fs::create_dir_all(path.parent().expect("in a dir")).expect("dirs");
    std::fs::write(path, text).expect("file");
}

fn stored(dir: &Path, options: &CreateOptions) -> (Vec<String>, Vec<String>) {
    let mut watch = Recorder::default();
    let (archive, _) = store_with(dir, options, &mut watch).expect("can be stored");
    (paths(&archive), watch.notices)
}

#[test]
fn pattern_files_hold_from_their_directory_downwards() {
    let temp = tempfile::tempdir().expect("temp dir");
    let dir = temp.path();
    for name in [
        "a/x.o",
        "a/keep.o",
        "a/drop/f",
        "a/b/drop/f",
        "a/b/x.o",
        "c/x.o",
        "c/drop/f",
        "a/[d]/e/f",
        "a/[d]/f",
    ] {
        write(dir, name, "");
    }
    write(
        dir,
        "a/.pxarexclude",
        "# comment\n\n *.o \n!keep.o\n/drop/\n[bad\n./b/../sloppy\n",
    );
    write(dir, "a/[d]/.pxarexclude", "/e\n");
    let (paths, notices) = stored(dir, &CreateOptions::default());
    let expected = [
        "/",
        "/a",
        "/a/.pxarexclude",
        "/a/[d]",
        "/a/[d]/.pxarexclude",
        "/a/[d]/f",
        "/a/b",
        "/a/b/drop",
        "/a/b/drop/f",
        "/a/keep.o",
        "/c",
        "/c/drop",
        "/c/drop/f",
        "/c/x.o",
    ];
    assert_eq!(paths, expected);
    assert_eq!(notices.len(), 2, "{notices:?}");
    assert!(
        notices[0].contains("[bad") && notices[0].contains("line 6"),
        "{notices:?}"
    );
    assert!(
        notices[1].contains("./b/../sloppy") && notices[1].contains("\"sloppy\""),
        "{notices:?}"
    );
}

/// Anybody may write such a file, and memory and time are those of whoever makes the archive.
#[test]
fn patterns_of_files_take_no_more_memory_and_time_than_their_bounds() {
    let tree = tempfile::tempdir().expect("a directory");
    let dir = tree.path();
    let many = |first: &str, line: &str, count: usize| format!("{first}\n{}", line.repeat(count));
    for (name, text) in [
        ("evil/.pxarexclude", many("*.o", "qq\n", 400_000)),
        ("half/.pxarexclude", many("*.o", "qq\n", 200_000)),
        ("half/sub/.pxarexclude", many("*.p", "qq\n", 200_000)),
        ("half/sub/x.o", String::new()),
        ("half/sub/x.p", String::new()),
        ("later/.pxarexclude", many("*.o", "?q\n", 130_000)),
        ("later/x.o", String::new()),
        ("slow/.pxarexclude", many("*.o", "?q\n", 140_000)),
        ("slow/x.o", String::new()),
        ("evil/x.o", String::new()),
    ] {
        std::fs::create_dir_all(dir.join(name).parent().expect("a folder")).expect(name);
        write(dir, name, &text);
    }
    let (paths, notices) = stored(dir, &CreateOptions::default());
    let kept: Vec<_> = paths.iter().filter(|path| path.contains("/x.")).collect();
    assert_eq!(kept, ["/evil/x.o", "/half/sub/x.p", "/slow/x.o"]);
    assert_eq!(notices.len(), 3, "{notices:?}");
    for (notice, (file, limit)) in notices.iter().zip([
        ("\"evil/.pxarexclude\"", "32 MiB of memory"),
        ("\"half/sub/.pxarexclude\"", "32 MiB of memory"),
        (
            "\"slow/.pxarexclude\"",
            "262144 characters in patterns with wildcards",
        ),
    ]) {
        assert!(
            notice.contains(file) && notice.contains("are not used") && notice.contains(limit),
            "{notice}"
        );
    }
}

/// Comparing names with many patterns takes its time, also where all are left out.
#[test]
fn a_stop_is_heard_while_names_are_compared() {
    /// Wants to stop when it was asked a hundred times.
    struct Patient(std::cell::Cell<usize>);
    impl tree::CreateWatch for Patient {
        fn notice(&mut self, _: &tree::Notice) {}
        fn stopped(&self) -> bool {
            self.0.set(self.0.get() + 1);
            self.0.get() > 100
        }
    }
    let tree = tempfile::tempdir().expect("a directory");
    for number in 0..200 {
        write(tree.path(), &format!("{number}.o"), "");
    }
    let source = tree::open_source(tree.path(), false).expect("a source");
    let mut watch = Patient(std::cell::Cell::new(0));
    let stopped = tree::create(source, Vec::new(), &exclude(&["*.o"]), None, &mut watch);
    assert!(matches!(stopped, Err(CreateError::Stopped)));
}

#[test]
fn not_every_bad_pattern_is_told() {
    let tree = tempfile::tempdir().expect("a directory");
    write(
        tree.path(),
        ".pxarexclude",
        &format!("{}*.o\n", "[\n".repeat(150)),
    );
    write(tree.path(), "x.o", "");
    let (paths, notices) = stored(tree.path(), &CreateOptions::default());
    assert_eq!(paths, ["/", "/.pxarexclude"]);
    assert_eq!(notices.len(), 101);
    assert!(
        notices[100].starts_with("50 more patterns in \".pxarexclude\""),
        "{}",
        notices[100]
    );
}

#[test]
fn patterns_of_the_command_line_are_kept_in_the_archive() {
    let temp = tempfile::tempdir().expect("temp dir");
    let dir = temp.path();
    for name in [
        "a.o",
        "keep.o",
        "lost+found/x",
        "sub/lost+found",
        "dir/f",
        "zz",
        ".pxarexclude-cli",
    ] {
        write(dir, name, "old");
    }
    let options = CreateOptions {
        skip_lost_and_found: true,
        ..exclude(&["*.o", "!keep.o", "dir//"])
    };
    let mut watch = Recorder::default();
    let (archive, stats) = store_with(dir, &options, &mut watch).expect("can be stored");
    assert_eq!(
        paths(&archive),
        ["/", "/keep.o", "/sub", "/zz", "/.pxarexclude-cli"]
    );
    assert_eq!((stats.entries, stats.files, stats.directories), (5, 3, 2));
    let text = b"*.o\n!keep.o\ndir/\nlost+found\n";
    assert!(archive.windows(text.len()).any(|w| w == text));
    // Without patterns an existing file of that name stays out, and none is made.
    assert!(!paths(&store(dir)).contains(&"/.pxarexclude-cli".to_owned()));
}

#[test]
fn caches_are_left_out_if_wished() {
    let temp = tempfile::tempdir().expect("temp dir");
    let dir = temp.path();
    let signature = "Signature: 8a477f597d28d172789f06886806bc55\n# made by a test\n";
    for (name, text) in [
        ("odd[*]/CACHEDIR.TAG", signature),
        ("odd[*]/big", "x"),
        ("odd[*]/sub/CACHEDIR.TAG", "x"),
        ("odd[*]/sub/more", "x"),
        ("odd[*]b/kept", "x"),
        (
            "fake/CACHEDIR.TAG",
            "Signature: 8a477f597d28d172789f06886806bc5",
        ),
        ("fake/kept", "x"),
        ("kept/odd[*]/big", "x"),
    ] {
        write(dir, name, text);
    }
    std::fs::create_dir_all(dir.join("link/CACHEDIR.TAG")).expect("folder");
    let options = CreateOptions {
        skip_caches: true,
        ..CreateOptions::default()
    };
    let mut watch = Recorder::default();
    let (archive, _) = store_with(dir, &options, &mut watch).expect("can be stored");
    let expected = [
        "/",
        "/fake",
        "/fake/CACHEDIR.TAG",
        "/fake/kept",
        "/kept",
        "/kept/odd[*]",
        "/kept/odd[*]/big",
        "/link",
        "/link/CACHEDIR.TAG",
        "/odd[*]",
        "/odd[*]/CACHEDIR.TAG",
        "/odd[*]b",
        "/odd[*]b/kept",
    ];
    assert_eq!(paths(&archive), expected);
    assert!(paths(&store(dir)).contains(&"/odd[*]/big".to_owned()));
}

#[test]
fn names_are_sorted_by_bytes_and_odd_ones_are_kept() {
    let temp = tempfile::tempdir().expect("temp dir");
    let names: [&[u8]; 9] = [
        b"\xff\xfe",
        b"new\nline",
        b"-dash",
        b"a b",
        b"A",
        b"a",
        b"a.b",
        b"~",
        &[b'x'; 255],
    ];
    for name in names {
        std::fs::write(temp.path().join(bytes_path(name)), name).expect("file");
    }
    let archive = store(temp.path());
    let mut expected: Vec<Vec<u8>> = names.iter().map(|n| [b"/", *n].concat()).collect();
    expected.sort();
    let mut decoder = pxar::Decoder::new(archive.as_slice());
    let mut found = Vec::new();
    while let Some(step) = decoder.advance().expect("valid") {
        if step == pxar::Step::Entry && decoder.path() != b"/" {
            found.push(decoder.path().to_vec());
        }
    }
    assert_eq!(found, expected);
}

#[test]
fn the_limit_of_entries_counts_open_directories() {
    let temp = tempfile::tempdir().expect("temp dir");
    for name in ["a/1", "a/2", "b/1", "b/2"] {
        write(temp.path(), name, "");
    }
    let limited = |entries_max| {
        let options = CreateOptions {
            entries_max,
            ..CreateOptions::default()
        };
        store_with(temp.path(), &options, &mut Recorder::default())
    };
    assert!(limited(4).is_ok());
    assert!(matches!(
        limited(3),
        Err(CreateError::TooManyEntries { max: 3, .. })
    ));
}

#[test]
fn hard_links_are_stored_once() {
    let temp = tempfile::tempdir().expect("temp dir");
    write(temp.path(), "z/first", "data");
    std::fs::create_dir(temp.path().join("a")).expect("dir");
    std::fs::hard_link(temp.path().join("z/first"), temp.path().join("a/link")).expect("link");
    std::fs::hard_link(temp.path().join("z/first"), temp.path().join("zz")).expect("link");
    let archive = store(temp.path());
    let accessor = pxar::Accessor::open(archive).expect("opens");
    for (path, is_link) in [("/a/link", false), ("/z/first", true), ("/zz", true)] {
        let node = accessor
            .lookup(path.as_bytes())
            .expect("decodes")
            .expect("is there");
        let link = pxar::EntryKind::Hardlink {
            path: b"a/link".to_vec(),
            offset: 0,
        };
        let same_kind = std::mem::discriminant(&node.entry.kind) == std::mem::discriminant(&link);
        assert_eq!(same_kind, is_link, "{path}");
        let file = accessor.follow_hardlink(&node).expect("leads to the file");
        assert_eq!(file.entry.kind, pxar::EntryKind::File { size: 4 });
    }
}

#[test]
fn what_may_not_be_read_is_left_out_with_a_notice() {
    if is_root() {
        eprintln!("SKIPPED: root may read everything");
        return;
    }
    let temp = tempfile::tempdir().expect("temp dir");
    write(temp.path(), "dir/f", "");
    write(temp.path(), "file", "");
    write(temp.path(), "open", "");
    for name in ["dir", "file"] {
        std::fs::set_permissions(temp.path().join(name), PermissionsExt::from_mode(0o0))
            .expect("chmod");
    }
    let (paths, notices) = stored(temp.path(), &CreateOptions::default());
    std::fs::set_permissions(temp.path().join("dir"), PermissionsExt::from_mode(0o700))
        .expect("chmod");
    assert_eq!(paths, ["/", "/open"]);
    assert_eq!(notices.len(), 2, "{notices:?}");
}

#[test]
fn pseudo_file_systems_are_no_source() {
    let result = store_with(
        Path::new("/proc/sys"),
        &CreateOptions::default(),
        &mut Recorder::default(),
    );
    assert!(matches!(
        result,
        Err(CreateError::PseudoFileSystem { magic: 0x9fa0, .. })
    ));
}

#[test]
fn sources_must_be_directories() {
    let temp = tempfile::tempdir().expect("temp dir");
    write(temp.path(), "file", "");
    std::fs::create_dir(temp.path().join("dir")).expect("dir");
    symlink("dir", temp.path().join("link")).expect("link");
    assert!(tree::open_source(&temp.path().join("link"), true).is_ok());
    for (name, follow) in [("link", false), ("file", true), ("none", true)] {
        assert!(
            matches!(
                tree::open_source(&temp.path().join(name), follow),
                Err(CreateError::Io { .. })
            ),
            "{name}"
        );
    }
}

/// Unmounts at the end, whatever happened.
struct Mount<'a>(&'a Path);

impl Drop for Mount<'_> {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount")
            .arg("-l")
            .arg(self.0)
            .status();
    }
}

#[test]
fn mount_points_are_entered_only_on_request() {
    if !needs_root() {
        return;
    }
    let temp = tempfile::tempdir().expect("temp dir");
    let inner = temp.path().join("mnt");
    std::fs::create_dir(&inner).expect("dir");
    let mounted = std::process::Command::new("mount")
        .args(["-t", "tmpfs", "none"])
        .arg(&inner)
        .status();
    if !mounted.is_ok_and(|status| status.success()) {
        eprintln!("SKIPPED: cannot mount");
        return;
    }
    let _mount = Mount(&inner);
    write(&inner, "inside", "");
    let rows = [
        (DeviceSet::OnlySource, false),
        (DeviceSet::Listed(vec![temp.path().to_owned()]), false),
        (DeviceSet::Listed(vec![inner.clone()]), true),
        (DeviceSet::All, true),
    ];
    for (devices, entered) in rows {
        let (paths, notices) = stored(
            temp.path(),
            &CreateOptions {
                devices,
                ..CreateOptions::default()
            },
        );
        let expected: &[&str] = if entered {
            &["/", "/mnt", "/mnt/inside"]
        } else {
            &["/", "/mnt"]
        };
        assert_eq!(paths, expected);
        let text: &[&str] = if entered {
            &[]
        } else {
            &["skipping mount point: \"mnt\""]
        };
        assert_eq!(notices, text);
    }
    let devices = DeviceSet::Listed(vec![temp.path().join("none")]);
    let options = CreateOptions {
        devices,
        ..CreateOptions::default()
    };
    assert!(store_with(temp.path(), &options, &mut Recorder::default()).is_err());
}

/// Attributes that a tmpfs holds are stored too, unlike by the original.
#[test]
fn attributes_on_memory_file_systems_are_kept() {
    let Ok(temp) = tempfile::tempdir_in("/dev/shm") else {
        eprintln!("SKIPPED: no /dev/shm");
        return;
    };
    let path = temp.path().join("f");
    std::fs::write(&path, "").expect("file");
    let flags = rustix::fs::XattrFlags::empty();
    if rustix::fs::setxattr(&path, "user.test", b"value", flags).is_err() {
        eprintln!("SKIPPED: this kernel's tmpfs has no user attributes");
        return;
    }
    let accessor = pxar::Accessor::open(store(temp.path())).expect("opens");
    let node = accessor.lookup(b"/f").expect("decodes").expect("is there");
    assert_eq!(node.entry.metadata.xattrs.len(), 1);
}

#[derive(Default)]
struct Lines(Vec<String>);

impl Lines {
    fn add(&mut self, letter: char, name: &[u8]) -> io::Result<()> {
        self.0
            .push(format!("{letter} {}", String::from_utf8_lossy(name)));
        Ok(())
    }
}

impl CatalogSink for Lines {
    fn start_directory(&mut self, name: &[u8]) -> io::Result<()> {
        self.add('d', name)
    }
    fn end_directory(&mut self) -> io::Result<()> {
        self.add('e', b"")
    }
    fn file(&mut self, name: &[u8], size: u64, mtime: i64) -> io::Result<()> {
        self.add(
            'f',
            format!("{} {size} {}", String::from_utf8_lossy(name), mtime == 0).as_bytes(),
        )
    }
    fn symlink(&mut self, name: &[u8]) -> io::Result<()> {
        self.add('l', name)
    }
    fn hard_link(&mut self, name: &[u8]) -> io::Result<()> {
        self.add('h', name)
    }
    fn block_device(&mut self, name: &[u8]) -> io::Result<()> {
        self.add('b', name)
    }
    fn char_device(&mut self, name: &[u8]) -> io::Result<()> {
        self.add('c', name)
    }
    fn fifo(&mut self, name: &[u8]) -> io::Result<()> {
        self.add('p', name)
    }
    fn socket(&mut self, name: &[u8]) -> io::Result<()> {
        self.add('s', name)
    }
}

#[test]
fn the_catalog_hears_every_name() {
    let temp = tempfile::tempdir().expect("temp dir");
    let dir = temp.path();
    write(dir, "a/f", "text");
    std::fs::hard_link(dir.join("a/f"), dir.join("b")).expect("link");
    symlink("x", dir.join("l")).expect("link");
    let _socket = std::os::unix::net::UnixListener::bind(dir.join("s")).expect("socket");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        dir.join("p"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR,
        0,
    )
    .expect("fifo");
    let mut catalog = Lines::default();
    let source = tree::open_source(dir, false).expect("opens");
    let mut watch = Recorder::default();
    tree::create(
        source,
        Vec::new(),
        &exclude(&["nothing"]),
        Some(&mut catalog),
        &mut watch,
    )
    .expect("stored");
    let expected = [
        "d a",
        "f f 4 false",
        "e ",
        "h b",
        "l l",
        "p p",
        "s s",
        "f .pxarexclude-cli 8 true",
    ];
    assert_eq!(catalog.0, expected);
    assert_eq!(
        watch.paths,
        ["", "a", "a/f", "b", "l", "p", "s", ".pxarexclude-cli"]
    );
}
