//! Unchanged files that wait for the decision whether their data is taken over: closed meanwhile, and true when they are read
//! after all, whatever has become of them.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use crate::reuse::{Stored, WAITING, store_watched, try_store};
use crate::support::Recorder;
use tree::CreateError;

/// Files beneath `root` that this process has open.
fn open_beneath(root: &Path) -> usize {
    let open = fs::read_dir("/proc/self/fd").expect("proc");
    let paths = open.filter_map(|fd| fs::read_link(fd.expect("proc").path()).ok());
    paths.filter(|path| path.starts_with(root)).count()
}

/// 78,000 tiny files and room for 20,000 open ones: the run of those that wait was ended early, and 57,867 unchanged files were
/// read for the padding that was left.
#[test]
fn files_that_wait_are_closed() {
    let dir = tempfile::tempdir().expect("temp dir");
    let root = dir.path();
    for i in 0..3000 {
        let parent = root.join(format!("d{}", i / 300));
        fs::create_dir_all(&parent).expect("new");
        fs::write(parent.join(format!("f{i:04}")), [i as u8; 70]).expect("new");
    }
    let mut watch = Recorder::default();
    let (first, _) = store_watched(root, None, WAITING, &mut watch);
    // One chunk that all files share: read are none if all wait together, else all.
    let first = first.cut(1 << 20);
    let mut open_max = 0;
    let mut watch = Recorder {
        on_entry: Some(Box::new(|_| open_max = open_max.max(open_beneath(root)))),
        ..Recorder::default()
    };
    let (again, stats) = store_watched(root, Some(&first), WAITING, &mut watch);
    assert_eq!(watch.notices, [""; 0]);
    drop(watch);
    assert_eq!(
        (stats.reuse.files_reused, stats.reuse.files_read),
        (3000, 0)
    );
    assert!(again.list() == first.list());
    assert!(open_max <= 20, "{open_max} files were open");
}

/// A stop is noticed though very many members wait to be read: they would be read for nothing, and the next attempt waits for that.
#[test]
fn a_stop_is_noticed_while_what_waits_is_stored() {
    let temp = tempfile::tempdir().expect("temp dir");
    let root = temp.path();
    for i in 0..200 {
        fs::write(root.join(format!("f{i:03}")), [i; 70]).expect("new");
    }
    fs::write(root.join("g"), vec![b'g'; 9000]).expect("new");
    let (first, _) = store_watched(root, None, WAITING, &mut Recorder::default());
    // All that waits is to be read, for the chunk that it shares with this one.
    fs::write(root.join("g"), "changed").expect("own file");
    let mut watch = Recorder {
        stop_after: Some(5),
        ..Recorder::default()
    };
    let result = try_store(root, Some(&first.cut(1 << 20)), WAITING, &mut watch);
    assert!(matches!(result, Err(CreateError::Stopped)));
    assert_eq!(watch.paths.len(), 6, "{:?}", watch.paths);
}

/// `a` and `b` with five files each, `c` with one that changes: all others wait, and then are read, as they share one chunk with
/// what has changed. `change` is made when the first of them is announced, with all others waiting.
fn read_after_waiting(make: impl Fn(&Path), change: impl Fn(&Path)) -> (Stored, Vec<String>) {
    let temp = tempfile::tempdir().expect("temp dir");
    let root = temp.path().join("tree");
    for name in ["a", "b", "c"] {
        fs::create_dir_all(root.join(name)).expect("new");
    }
    for i in 0..5 {
        fs::write(root.join(format!("a/f{i}")), vec![b'a'; 1000]).expect("new");
        fs::write(root.join(format!("b/f{i}")), vec![b'b'; 1000]).expect("new");
    }
    fs::write(root.join("c/f"), vec![b'c'; 9000]).expect("new");
    for file in [
        "a/f0", "a/f1", "a/f2", "a/f3", "a/f4", "b/f0", "b/f1", "b/f2", "b/f3", "b/f4",
    ] {
        set_mode(&root.join(file), 0o644);
    }
    make(&root);
    let mut watch = Recorder::default();
    let (first, _) = store_watched(&root, None, WAITING, &mut watch);
    fs::write(root.join("c/f"), "changed").expect("own file");
    let mut watch = Recorder {
        on_entry: Some(Box::new(|path| {
            if path == Path::new("a/f0") {
                change(&root);
            }
        })),
        ..Recorder::default()
    };
    let (second, stats) = store_watched(&root, Some(&first.cut(1 << 20)), WAITING, &mut watch);
    assert_eq!(stats.reuse.files_reused, 0);
    assert_eq!(stats.warnings, watch.notices.len() as u64);
    (second, watch.notices)
}

/// Whatever the umask is.
fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("own file");
}

/// Mode and content.
type Member = Option<(u64, Vec<u8>)>;

fn member(stored: &Stored, path: &str) -> Member {
    let mut list = stored.list().into_iter();
    let found = list.find(|(found, _, _)| found == &PathBuf::from(path));
    found.map(|(_, mode, content)| (mode & 0o7777, content))
}

/// A file that was read as it is now is true; one that is gone is told and left out, never followed, never waited for.
#[test]
fn files_that_change_while_they_wait() {
    type Change = fn(&Path);
    let gone = |n| ["file vanished while it was read"].repeat(n);
    let rows: [(&str, Change, Member, Vec<&str>); 12] = [
        ("nothing", |_| {}, Some((0o644, vec![b'b'; 1000])), vec![]),
        (
            "longer",
            |root| fs::write(root.join("b/f1"), vec![b'x'; 3000]).expect("own file"),
            Some((0o644, vec![b'x'; 3000])),
            vec![],
        ),
        (
            "shorter",
            |root| fs::write(root.join("b/f1"), vec![b'x'; 30]).expect("own file"),
            Some((0o644, vec![b'x'; 30])),
            vec![],
        ),
        (
            "another mode",
            |root| {
                set_mode(&root.join("b/f1"), 0o600);
            },
            Some((0o600, vec![b'b'; 1000])),
            vec![],
        ),
        (
            "another file",
            |root| {
                fs::write(root.join("new"), "new").expect("new");
                set_mode(&root.join("new"), 0o644);
                fs::rename(root.join("new"), root.join("b/f1")).expect("own file");
            },
            Some((0o644, b"new".to_vec())),
            vec![],
        ),
        (
            "removed",
            |root| fs::remove_file(root.join("b/f1")).expect("own file"),
            None,
            gone(1),
        ),
        (
            "a symlink",
            |root| {
                fs::remove_file(root.join("b/f1")).expect("own file");
                symlink("/etc/passwd", root.join("b/f1")).expect("new");
            },
            None,
            gone(1),
        ),
        (
            "a fifo",
            |root| {
                fs::remove_file(root.join("b/f1")).expect("own file");
                let (fifo, mode) = (rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR);
                let path = root.join("b/f1");
                rustix::fs::mknodat(rustix::fs::CWD, path, fifo, mode, 0).expect("new");
            },
            None,
            gone(1),
        ),
        (
            "a directory",
            |root| {
                fs::remove_file(root.join("b/f1")).expect("own file");
                fs::create_dir(root.join("b/f1")).expect("new");
            },
            None,
            gone(1),
        ),
        (
            "above it a symlink that leads out",
            |root| {
                let outside = root.with_file_name("outside");
                fs::rename(root.join("b"), &outside).expect("own directory");
                symlink(outside, root.join("b")).expect("new");
            },
            Some((0o644, vec![b'b'; 1000])),
            vec![],
        ),
        (
            "above it another name",
            |root| fs::rename(root.join("b"), root.join("moved")).expect("own directory"),
            Some((0o644, vec![b'b'; 1000])),
            vec![],
        ),
        (
            "above it nothing",
            |root| fs::remove_dir_all(root.join("b")).expect("own directory"),
            None,
            gone(5),
        ),
    ];
    for (what, change, expected, notices) in rows {
        let (stored, told) = read_after_waiting(|_| {}, change);
        assert_eq!(member(&stored, "/b/f1"), expected, "{what}");
        assert_eq!(told.len(), notices.len(), "{what}: {told:?}");
        for (told, expected) in told.iter().zip(notices) {
            assert!(told.contains(expected), "{what}: {told}");
        }
        let changed = member(&stored, "/c/f").expect("comes later");
        assert_eq!(changed.1, b"changed", "{what}");
    }
}

/// The second name of a file has no metadata of its own until the first turns out to be gone.
#[test]
fn a_name_whose_first_is_gone_is_the_file() {
    let make = |root: &Path| {
        fs::write(root.join("a/x"), vec![b'x'; 500]).expect("new");
        set_mode(&root.join("a/x"), 0o644);
        fs::hard_link(root.join("a/x"), root.join("b/x")).expect("new");
        let value = b"value";
        let path = root.join("a/x");
        let flags = rustix::fs::XattrFlags::empty();
        if rustix::fs::setxattr(path, "user.word", value, flags).is_err() {
            eprintln!("SKIPPED: the file system has no user attributes");
        }
    };
    let (stored, notices) = read_after_waiting(make, |_| {});
    assert_eq!(notices, [""; 0]);
    let link = member(&stored, "/b/x").expect("a link");
    assert_eq!(link.1, b"a/x");
    let remove = |root: &Path| fs::remove_file(root.join("a/x")).expect("own file");
    let (stored, notices) = read_after_waiting(make, remove);
    assert_eq!(notices.len(), 1, "{notices:?}");
    assert_eq!(member(&stored, "/a/x"), None);
    let file = member(&stored, "/b/x").expect("a file");
    assert_eq!(file, (0o644, vec![b'x'; 500]));
    let has = |word: &[u8]| {
        stored
            .metadata
            .windows(word.len())
            .any(|found| found == word)
    };
    let temp = tempfile::tempdir().expect("temp dir");
    fs::write(temp.path().join("f"), "").expect("new");
    let flags = rustix::fs::XattrFlags::empty();
    let can = rustix::fs::setxattr(temp.path().join("f"), "user.word", b"v", flags).is_ok();
    assert_eq!(has(b"user.word\0value"), can);
}
