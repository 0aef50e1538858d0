//! Trees that change while they are stored: a notice at most, and always a true archive. The changes are made at the moment
//! when a member is announced, which is after it was examined and before its data is read.

use std::path::Path;

use pxar::{Accessor, EntryKind, ReadAt};
use tree::{CreateError, CreateOptions, CreateWatch};

use crate::support::{Recorder, paths, store_with};

/// Stores a tree of files `a`, `b`, `c` of 5000 bytes and a directory `d`, with `change` made when `at` is announced.
fn store_changing(at: &'static str, change: impl Fn(&Path)) -> (Vec<u8>, Vec<String>) {
    let temp = tempfile::tempdir().expect("temp dir");
    let dir = temp.path();
    for name in ["a", "b", "c"] {
        std::fs::write(dir.join(name), vec![b'x'; 5000]).expect("file");
    }
    std::fs::create_dir(dir.join("d")).expect("dir");
    let on_entry: Box<dyn FnMut(&Path)> = Box::new(|path| {
        if path == Path::new(at) {
            change(dir);
        }
    });
    let mut watch = Recorder {
        on_entry: Some(on_entry),
        ..Recorder::default()
    };
    let (archive, stats) =
        store_with(dir, &CreateOptions::default(), &mut watch).expect("can be stored");
    assert_eq!(stats.warnings, watch.notices.len() as u64);
    (archive, watch.notices)
}

fn content(archive: &[u8], path: &str) -> Vec<u8> {
    let accessor = Accessor::open(archive.to_vec()).expect("opens");
    let node = accessor
        .lookup(path.as_bytes())
        .expect("decodes")
        .expect("is there");
    let contents = accessor.contents(&node).expect("a file");
    let mut data = vec![0; contents.size() as usize];
    contents.read_exact_at(&mut data, 0).expect("complete");
    data
}

#[test]
fn a_file_that_grows_is_cut() {
    let (archive, notices) = store_changing("b", |dir| {
        std::fs::write(dir.join("b"), vec![b'x'; 9000]).expect("file")
    });
    assert_eq!(paths(&archive), ["/", "/a", "/b", "/c", "/d"]);
    assert_eq!(content(&archive, "/b"), vec![b'x'; 5000]);
    assert_eq!(notices.len(), 1);
    assert!(notices[0].contains("grew"), "{notices:?}");
}

#[test]
fn a_file_that_shrinks_is_filled_with_zeros() {
    let (archive, notices) = store_changing("b", |dir| {
        std::fs::write(dir.join("b"), vec![b'x'; 3000]).expect("file")
    });
    let expected = [vec![b'x'; 3000], vec![0; 2000]].concat();
    assert_eq!(content(&archive, "/b"), expected);
    assert_eq!(content(&archive, "/c"), vec![b'x'; 5000]);
    assert_eq!(notices.len(), 1);
    assert!(
        notices[0].contains("shrank") && notices[0].contains("2000"),
        "{notices:?}"
    );
}

#[test]
fn a_file_that_vanishes_before_it_is_opened_is_left_out() {
    let (archive, notices) = store_changing("a", |dir| {
        std::fs::remove_file(dir.join("b")).expect("file")
    });
    assert_eq!(paths(&archive), ["/", "/a", "/c", "/d"]);
    assert_eq!(notices.len(), 1);
    assert!(notices[0].contains("vanished"), "{notices:?}");
}

#[test]
fn a_file_that_vanishes_while_it_is_open_is_stored() {
    let (archive, notices) = store_changing("b", |dir| {
        std::fs::remove_file(dir.join("b")).expect("file")
    });
    assert_eq!(content(&archive, "/b"), vec![b'x'; 5000]);
    assert_eq!(notices, [""; 0]);
}

/// A fifo in the place of a file must neither hold the walk nor end it, and a symlink must not be followed.
#[test]
fn a_member_that_becomes_something_else_is_stored_as_that() {
    let fifo = |dir: &Path| {
        std::fs::remove_file(dir.join("b")).expect("file");
        let mode = rustix::fs::Mode::RUSR;
        rustix::fs::mknodat(
            rustix::fs::CWD,
            dir.join("b"),
            rustix::fs::FileType::Fifo,
            mode,
            0,
        )
        .expect("fifo");
    };
    let link = |dir: &Path| {
        std::fs::remove_file(dir.join("b")).expect("file");
        std::os::unix::fs::symlink("/etc/passwd", dir.join("b")).expect("link");
    };
    let directory = |dir: &Path| {
        std::fs::remove_file(dir.join("b")).expect("file");
        std::fs::create_dir(dir.join("b")).expect("dir");
        std::fs::write(dir.join("b/inside"), "").expect("file");
    };
    let socket = |dir: &Path| {
        std::fs::remove_file(dir.join("b")).expect("file");
        drop(std::os::unix::net::UnixListener::bind(dir.join("b")).expect("socket"));
    };
    let kind = |archive: Vec<u8>| {
        let accessor = Accessor::open(archive).expect("opens");
        accessor
            .lookup(b"/b")
            .expect("decodes")
            .expect("is there")
            .entry
            .kind
    };
    assert_eq!(kind(store_changing("a", fifo).0), EntryKind::Fifo);
    assert_eq!(
        kind(store_changing("a", link).0),
        EntryKind::Symlink {
            target: b"/etc/passwd".to_vec()
        }
    );
    assert_eq!(kind(store_changing("a", socket).0), EntryKind::Socket);
    let (archive, _) = store_changing("a", directory);
    assert_eq!(paths(&archive), ["/", "/a", "/b", "/b/inside", "/c", "/d"]);
    let (archive, _) = store_changing("c", |dir| {
        std::fs::remove_dir(dir.join("d")).expect("dir");
        std::fs::write(dir.join("d"), "now a file").expect("file");
    });
    assert_eq!(content(&archive, "/d"), b"now a file");
}

#[test]
fn files_that_appear_after_the_listing_are_not_stored() {
    let (archive, _) = store_changing("a", |dir| {
        std::fs::write(dir.join("bb"), "new").expect("file")
    });
    assert_eq!(paths(&archive), ["/", "/a", "/b", "/c", "/d"]);
}

#[test]
fn the_walk_can_be_stopped() {
    struct Stopper(usize);
    impl CreateWatch for Stopper {
        fn entry(&mut self, _: &Path, _: &pxar::Metadata, _: &EntryKind) {
            self.0 += 1;
        }
        fn notice(&mut self, _: &tree::Notice) {}
        fn stopped(&self) -> bool {
            self.0 >= 2
        }
    }
    let temp = tempfile::tempdir().expect("temp dir");
    for name in ["a", "b", "c"] {
        std::fs::write(temp.path().join(name), "").expect("file");
    }
    let source = tree::open_source(temp.path(), false).expect("opens");
    let mut watch = Stopper(0);
    let result = tree::create(
        source,
        Vec::new(),
        &CreateOptions::default(),
        None,
        &mut watch,
    );
    assert!(matches!(result, Err(CreateError::Stopped)));
    assert_eq!(watch.0, 2);
}

/// A sink that is full: the error arrives with the path at which it happened.
#[test]
fn errors_of_the_sink_are_passed_on() {
    struct Full;
    impl pxar::Sink for Full {
        fn write_all(&mut self, _: &[u8]) -> std::io::Result<()> {
            Err(std::io::ErrorKind::StorageFull.into())
        }
        fn fill(
            &mut self,
            _: u64,
            _: &mut dyn FnMut(&mut [u8]) -> std::io::Result<usize>,
        ) -> std::io::Result<u64> {
            Err(std::io::ErrorKind::StorageFull.into())
        }
    }
    let temp = tempfile::tempdir().expect("temp dir");
    let source = tree::open_source(temp.path(), false).expect("opens");
    let result = tree::create(
        source,
        Full,
        &CreateOptions::default(),
        None,
        &mut Recorder::default(),
    );
    assert!(matches!(result, Err(CreateError::Encode { .. })));
}
