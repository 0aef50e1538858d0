//! Walking about in the original's archives, by their catalog and without.

use std::io::Cursor;

use client::browse::{BrowseError, Browser, Source};
use format::catalog::Catalog;
use jiff::tz::TimeZone;
use pxar::{Accessor, Encoder, EntryKind, MatchKind, Metadata};

use crate::fixtures;
use crate::rig::chain;

type Tree = Browser<Vec<u8>>;

fn by_catalog() -> Option<Tree> {
    let (tree, catalog) = (
        fixtures::read("tree.pxar")?,
        fixtures::read("catalog/plain.pcat1")?,
    );
    let source: Box<dyn Source> = Box::new(Cursor::new(catalog));
    let catalog = Catalog::open(source).unwrap();
    let tree = Accessor::open(tree).unwrap();
    Some(Browser::with_catalog(tree, catalog, "root.pxar.didx").unwrap())
}

fn by_archive() -> Option<Tree> {
    let tree = Accessor::open(fixtures::read("tree.pxar")?).unwrap();
    Some(Browser::of_archive(tree))
}

/// One line of a shell: the answer, or the error.
fn answer(tree: &mut Tree, line: &str) -> String {
    let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
    let path = Some(rest.as_bytes()).filter(|path| !path.is_empty());
    let mut out = Vec::new();
    let path_or_empty = path.unwrap_or_default();
    let done = match verb {
        "pwd" => tree.pwd(&mut out),
        "cd" => tree.cd(path),
        "ls" => tree.ls(path, &mut out),
        "stat" => tree.stat(path_or_empty, &TimeZone::UTC, &mut out),
        "select" => tree.select(path_or_empty, &mut out),
        "deselect" => tree.deselect(path_or_empty, &mut out),
        "clear" => tree.clear_selected(&mut out),
        "selected" => tree.list_selected(false, &mut out),
        "patterns" => tree.list_selected(true, &mut out),
        "find" => tree.find(path_or_empty, false, &mut out),
        "find+" => tree.find(path_or_empty, true, &mut out),
        other => panic!("{other}"),
    };
    if let Err(error) = done {
        return format!("! {}", chain(&error));
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Lines of a session with their answers; they hold by the catalog and by the archive.
const SESSION: &[(&str, &str)] = &[
    ("pwd", "\"/\"\n"),
    (
        "ls",
        "acl\ndirs\nexclude\nfiles\nflags\nlinks\nmodes\nnames\nowners\nspecial\ntimes\nxattr\n",
    ),
    ("cd links/sub", ""),
    ("pwd", "\"/links/sub\"\n"),
    ("ls", "hard-c\n"),
    ("ls hard-c", "hard-c\n"),
    (
        "ls ../../special",
        "block-7-200\nchar-1-3\nchar-big\nfifo\nsocket\n",
    ),
    ("ls ../dot/rel-up", "hello.txt\n"),
    (
        "ls /links/abs-dangling",
        "! no such file or directory: \"/nonexistent\"",
    ),
    (
        "ls nothing",
        "! no such file or directory: \"/links/sub/nothing\"",
    ),
    ("cd ../dot", "! target is a symlink: \"/links/dot\""),
    ("cd ../target", "! not a directory: \"/links/target\""),
    ("cd ../target/x", "! not a directory: \"/links/target\""),
    ("pwd", "\"/links/sub\"\n"),
    ("cd ../../../..", ""),
    ("pwd", "\"/\"\n"),
    ("cd /files", ""),
    (
        "stat hello.txt",
        "  File: /files/hello.txt\n  Size: 13            Type: file\nAccess: (644/-rw-r--r--  )  Uid: 0     Gid: 0    \nModify: 2021-05-07 21:25:34\n",
    ),
    (
        "stat ../links/rel",
        "  File: /links/rel -> \"target\"\n  Size: 0             Type: symlink\nAccess: (777/lrwxrwxrwx  )  Uid: 0     Gid: 0    \nModify: 2022-03-18 00:25:08\n",
    ),
    (
        "stat ../links/hard-b",
        "  File: /links/hard-b -> \"links/hard-a\"\n  Size: 0             Type: symlink\nAccess: (0/L---------  )  Uid: 0     Gid: 0    \nModify: 1970-01-01 00:00:00\n",
    ),
    (
        "stat ../special/char-big",
        "  File: /special/char-big\n  Size: 0             Type: characters pecial file\nAccess: (600/crw-------  )  Uid: 0     Gid: 0    \nModify: 2021-03-13 18:22:25\n",
    ),
    (
        "stat ../special/block-7-200",
        "  File: /special/block-7-200\n  Size: 0             Type: block special file\nAccess: (660/brw-rw----  )  Uid: 0     Gid: 0    \nModify: 2021-06-24 05:05:29\n",
    ),
    ("cd", ""),
    ("pwd", "\"/\"\n"),
    ("selected", ""),
    (
        "find hard-?",
        "/links/hard-a\n/links/hard-b\n/links/sub/hard-c\n",
    ),
    ("find /links/*/hard-?", "/links/sub/hard-c\n"),
    ("find nowhere", ""),
    (
        "find [",
        "! invalid pattern \"[\": a character class is not closed; write `\\[` for the character itself",
    ),
    ("find !links", ""),
    ("select links/sub", "added path: \"/links/sub\"\n"),
    (
        "select /links/../links/sub",
        "path already selected: \"/links/sub\"\n",
    ),
    (
        "select names/star*?[x]",
        "added path: \"/names/star*?[x]\"\n",
    ),
    (
        "select nothing",
        "! no such file or directory: \"/nothing\"",
    ),
    ("find+ nowhere", ""),
    ("find+ hello.*", "/files/hello.txt\n"),
    (
        "patterns",
        "\"/links/sub\"\n\"/names/star*?[x]\"\n\"hello.*\"\n",
    ),
    (
        "selected",
        "/files/hello.txt\n/links/sub\n/links/sub/hard-c\n/names/star*?[x]\n",
    ),
    (
        "deselect hello.*",
        "removed path from selection: \"hello.*\"\n",
    ),
    (
        "deselect links/sub/",
        "removed path from selection: \"/links/sub\"\n",
    ),
    ("deselect links/sub", "path not selected: \"/links/sub\"\n"),
    ("selected", "/names/star*?[x]\n"),
    ("clear", "cleared selection\n"),
    ("patterns", ""),
];

#[test]
fn a_session_has_the_originals_answers() {
    for (name, tree) in [("catalog", by_catalog()), ("archive", by_archive())] {
        let Some(mut tree) = tree else { return };
        for (line, expected) in SESSION {
            let mut answered = answer(&mut tree, line);
            let mut expected = (*expected).to_owned();
            if *line == "ls" && expected.contains("acl") {
                // Both are orders of names; which one is told by the crate's docs.
                let sorted = |text: &str| {
                    let mut lines: Vec<_> = text.lines().collect();
                    lines.sort_unstable();
                    lines.join("\n")
                };
                (answered, expected) = (sorted(&answered), sorted(&expected));
            }
            assert_eq!(answered, expected, "{name}: {line}");
        }
    }
}

#[test]
fn names_are_found_as_the_original_lists_them() {
    let Some(list) = fixtures::read("tree.pxar.list.txt") else {
        return;
    };
    let quoted = |path: &str| {
        use std::os::unix::ffi::OsStrExt as _;
        format!("{:?}", std::ffi::OsStr::from_bytes(path.as_bytes()))
    };
    for mut tree in [by_catalog().unwrap(), by_archive().unwrap()] {
        let mut out = Vec::new();
        tree.find(b"*", false, &mut out).unwrap();
        assert_eq!(
            out.iter().filter(|b| **b == b'\n').count(),
            // One name has a line end in it; the root is not told.
            list.iter().filter(|b| **b == b'\n').count(),
        );
        let list = String::from_utf8_lossy(&list);
        for path in ["/names/with space", "/dirs/a/b/c/d/e/f/g/h/deep.txt"] {
            assert!(list.contains(&quoted(path)), "{path}");
            assert!(String::from_utf8_lossy(&out).contains(&format!("{path}\n")));
        }
    }
}

#[test]
fn selections_become_patterns() {
    let Some(mut tree) = by_catalog() else { return };
    assert!(matches!(tree.selected(), Err(BrowseError::NothingSelected)));
    answer(&mut tree, "select files");
    let patterns = tree.selected().unwrap();
    for (path, expected) in [
        (&b"/files"[..], Some(MatchKind::Include)),
        (b"/dirs/files", None),
        (b"/files/x", None),
    ] {
        assert_eq!(patterns.matches(path, true), expected);
    }
    answer(&mut tree, "clear");
    answer(&mut tree, "select /");
    let all = tree.selected().unwrap();
    assert!(all.matches(b"/a", false).is_some() && all.matches(b"/a/b", true).is_some());
    assert!(Tree::matching(None).unwrap().is_empty());
    assert_eq!(Tree::matching(Some(b"*.o")).unwrap().len(), 1);
    assert!(Tree::matching(Some(b"[")).is_err());
}

#[test]
fn words_are_completed() {
    let (Some(catalog), Some(archive)) = (by_catalog(), by_archive()) else {
        return;
    };
    for mut tree in [catalog, archive] {
        for (here, typed, expected) in [
            ("/", "fi", &["files/"][..]),
            (
                "/",
                "files/s",
                &[
                    "files/script.sh",
                    "files/sparse-hole.bin",
                    "files/sparse-mixed.bin",
                ],
            ),
            ("/", "/links/rel-", &["/links/rel-hard", "/links/rel-up"]),
            ("/links", "dot/../files/h", &["dot/../files/hello.txt"]),
            ("/links", "dot/sub", &["dot/sub/"]),
            ("/links/sub", "../su", &["../sub/"]),
            ("/", "nothing/x", &[]),
            ("/", "files/hello.txt/x", &[]),
        ] {
            tree.cd(Some(here.as_bytes())).unwrap();
            let mut found = tree.complete(typed.as_bytes());
            found.sort();
            let expected: Vec<_> = expected.iter().map(|e| e.as_bytes().to_vec()).collect();
            assert_eq!(found, expected, "{here} {typed}");
        }
    }
}

#[test]
fn split_archives_are_walked_by_their_metadata() {
    let Some(metadata) = fixtures::read("split/streams/split-2.mpxar") else {
        return;
    };
    let mut tree = Browser::of_archive(Accessor::open(metadata).unwrap());
    assert_eq!(answer(&mut tree, "ls new"), "n.bin\n");
    assert_eq!(answer(&mut tree, "find g09.bin"), "/a/g09.bin\n");
    assert!(answer(&mut tree, "stat a/f05.bin").contains("Type: file\n"));
    assert_eq!(answer(&mut tree, "find+ f0?.bin").lines().count(), 9);
    assert_eq!(answer(&mut tree, "selected").lines().count(), 9);
}

/// A file called what erases the screen, or what looks like two files, did so in the shell.
#[test]
fn names_are_written_as_the_caller_shows_them() {
    let mode = |mode| Metadata {
        mode,
        ..Metadata::default()
    };
    let mut encoder = Encoder::new(Vec::new(), &mode(0o040_755)).unwrap();
    let hostile = b"a\x1b[2J\nb\xff";
    encoder
        .add_symlink(hostile, &mode(0o120_777), b"\x1b[2J")
        .unwrap();
    let archive: Vec<u8> = encoder.finish().unwrap();
    let name = String::from_utf8_lossy(hostile).into_owned();
    let shown = "a\\x1b[2J\\nb\\xff".to_owned();
    let open = || Browser::of_archive(Accessor::open(archive.clone()).unwrap());
    for (mut tree, name) in [
        (open(), name),
        (
            open().with_names(|name| name.escape_ascii().collect()),
            shown,
        ),
    ] {
        for (line, expected) in [
            ("ls", format!("{name}\n")),
            ("find *", format!("/{name}\n")),
            ("find+ a*", format!("/{name}\n")),
            ("selected", format!("/{name}\n")),
        ] {
            assert_eq!(answer(&mut tree, line), expected, "{line}");
        }
        let mut out = Vec::new();
        tree.stat(hostile, &TimeZone::UTC, &mut out).unwrap();
        let out = String::from_utf8_lossy(&out);
        let first = format!("  File: /{name} -> \"\\u{{1b}}[2J\"\n");
        assert!(out.starts_with(&first), "{out}");
    }
}

#[test]
fn symlinks_in_a_circle_come_to_an_end() {
    let directory = Metadata {
        mode: 0o040_755,
        ..Metadata::default()
    };
    let link = Metadata {
        mode: 0o120_777,
        ..Metadata::default()
    };
    let mut encoder = Encoder::new(Vec::new(), &directory).unwrap();
    encoder.add_symlink(b"a", &link, b"b").unwrap();
    encoder.add_symlink(b"b", &link, b"./a").unwrap();
    // Each step doubles what is still to be walked.
    encoder
        .add_symlink(b"grow", &link, &b"grow/".repeat(400))
        .unwrap();
    encoder.add_symlink(b"up", &link, b"../../..").unwrap();
    let archive: Vec<u8> = encoder.finish().unwrap();
    let tree = Accessor::open(archive).unwrap();
    assert!(matches!(tree.root().entry.kind, EntryKind::Directory));
    let mut tree = Browser::of_archive(tree);
    for (line, expected) in [
        ("ls a", "! too many levels of symbolic links: \"a\""),
        ("ls grow", "! too many levels of symbolic links: \"grow\""),
        ("ls up", "a\nb\ngrow\nup\n"),
        ("select up", "added path: \"/up\"\n"),
    ] {
        assert_eq!(answer(&mut tree, line), expected, "{line}");
    }
}

#[test]
fn a_catalog_without_the_archive_is_refused() {
    let (Some(tree), Some(catalog)) = (
        fixtures::read("tree.pxar"),
        fixtures::read("catalog/plain.pcat1"),
    ) else {
        return;
    };
    let source: Box<dyn Source> = Box::new(Cursor::new(catalog));
    let catalog = Catalog::open(source).unwrap();
    let tree = Accessor::open(tree).unwrap();
    assert!(matches!(
        Browser::with_catalog(tree, catalog, "other.pxar.didx"),
        Err(BrowseError::NotFound(_))
    ));
}
