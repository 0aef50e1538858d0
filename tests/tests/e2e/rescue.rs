//! Getting back single things: the catalog shell, the file restore, differences, rescue without a server; over the original's datastores.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use pxar::ReadAt as _;
use serde_json::Value;

use crate::house::{House, Said, bin_dir, fixtures};
use crate::takeover::installation_of;
use crate::terminal::Terminal;

const PLAIN: &str = "host/plain/2023-11-14T22:13:20Z";
const ENCRYPTED: &str = "host/enc/2023-11-14T22:15:00Z";
const SPLIT: &str = "host/split/2025-10-10T08:53:20Z";

struct Site {
    house: House,
    repository: String,
    key: String,
    fixtures: PathBuf,
}

impl Site {
    /// A server over one of the original's datastores.
    fn new(folder: &str) -> Option<Site> {
        let fixtures = fixtures()?;
        let (house, repository) = installation_of(folder)?;
        let keys = match folder {
            "datastore" => fixtures.join("keys"),
            split => fixtures.join(split).parent()?.join("keys"),
        };
        Some(Site {
            house,
            repository,
            key: keys.join("none.json").to_str()?.to_owned(),
            fixtures,
        })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.house.path(name)
    }

    /// Runs the client by one of its names, with lines for its standard input.
    fn call(&self, program: &str, words: &[&str], lines: &str) -> Said {
        let name = self.path(program);
        if !name.exists() {
            symlink(bin_dir().join("strongroom"), &name).expect("link");
        }
        let mut command = self.house.command(name.to_str().expect("utf-8"));
        command
            .args(words)
            .args(["--repository", &self.repository])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("it runs");
        let mut stdin = child.stdin.take().expect("piped");
        // A program that ends early does not read them all.
        let _ = stdin.write_all(lines.as_bytes());
        drop(stdin);
        Said::from(child.wait_with_output().expect("it ends"))
    }

    fn shell(&self, words: &[&str], lines: &str) -> Said {
        let words = [&["catalog", "shell"], words].concat();
        self.call("proxmox-backup-client", &words, lines)
    }

    fn files(&self, words: &[&str]) -> Said {
        self.call("proxmox-file-restore", words, "")
    }

    /// A file's data as the original's archive has it.
    fn original(&self, path: &str) -> Vec<u8> {
        let archive = fs::read(self.fixtures.join("tree.pxar")).expect("fixture");
        let tree = pxar::Accessor::open(archive).expect("archive");
        let node = tree.lookup(path.as_bytes()).expect("readable").expect(path);
        let contents = tree.contents(&node).expect("file");
        let mut data = vec![0; usize::try_from(contents.size()).expect("small")];
        contents.read_exact_at(&mut data, 0).expect("data");
        data
    }
}

#[test]
fn the_shell_by_script() {
    let Some(site) = Site::new("datastore") else {
        return;
    };
    let session = "pwd\ncd links/sub\nls\nls ../rel-up\nstat /files/hello.txt\ncd\n\
                   select files\nfind --select f07*\nlist-selected --patterns\n\
                   restore-selected some\nrestore match --pattern '**/hello.txt'\nclear-selected\nexit\nls /nothing\n";
    for (name, snapshot, more) in [
        ("plain", PLAIN, &[][..]),
        ("encrypted", ENCRYPTED, &["--keyfile", &site.key]),
    ] {
        let words = [&[snapshot, "root.pxar"], more].concat();
        let said = site.shell(&words, session).ok();
        assert!(said.err.contains("Starting interactive shell"), "{name}");
        let expected = "\"/\"\nhard-c\nhello.txt\n  File: /files/hello.txt\n  Size: 13            Type: file\n\
             Access: (644/-rw-r--r--  )  Uid: 0     Gid: 0    \nModify: 2021-05-07 21:25:34\n\
             added path: \"/files\"\n/dirs/many/f070\n/dirs/many/f071\n/dirs/many/f072\n/dirs/many/f073\n/dirs/many/f074\n\
             /dirs/many/f075\n/dirs/many/f076\n/dirs/many/f077\n/dirs/many/f078\n/dirs/many/f079\n/modes/f0755\n/modes/f0777\n\
             \"/files\"\n\"f07*\"\ncleared selection\n";
        assert_eq!(said.out, expected, "{name}");
        let some = site.path("some");
        for file in [
            "files/hello.txt",
            "files/random-48k.bin",
            "files/sparse-mixed.bin",
            "dirs/many/f070",
        ] {
            assert!(
                fs::read(some.join(file)).expect(file) == site.original(file),
                "{name}: {file}"
            );
        }
        assert!(!some.join("dirs/many/f080").exists() && !some.join("links").exists());
        assert_eq!(
            fs::metadata(some.join("files")).expect("folder").mtime(),
            1_629_094_030
        );
        // The target keeps what it is.
        assert_eq!(fs::metadata(&some).expect("target").mode() & 0o7777, 0o700);
        let matched = site.path("match");
        assert!(matched.join("files/hello.txt").exists() && !matched.join("dirs").exists());
        fs::remove_dir_all(some).expect("clean");
        fs::remove_dir_all(matched).expect("clean");
    }
}

#[test]
fn a_script_that_fails_says_so() {
    let Some(site) = Site::new("datastore") else {
        return;
    };
    let said = site.shell(
        &[PLAIN, "root.pxar"],
        "ls /nothing\nnonsense\nrestore-selected x\ncd 'open\nls /times\n",
    );
    assert!(said.out.contains("epoch\n"), "it goes on: {}", said.out);
    said.refused(&[
        "no such file or directory",
        "no such command 'nonsense'",
        "no entries selected",
        "a quote is not closed",
        "4 of the commands failed",
    ]);
    site.shell(&[PLAIN, "root.pxar"], "help\nhelp restore\n")
        .ok();
    site.shell(&[PLAIN, "disk.img"], "")
        .refused(&["no archive of a directory"]);
    site.shell(&[PLAIN, "other.pxar"], "")
        .refused(&["manifest does not contain"]);
    site.shell(&[ENCRYPTED, "root.pxar"], "")
        .refused(&["missing key"]);
}

#[test]
fn split_archives_in_shell_and_file_restore() {
    let Some(site) = Site::new("split/datastore") else {
        return;
    };
    for archive in ["root.pxar", "root.mpxar", "root.ppxar.didx"] {
        let said = site
            .shell(
                &[SPLIT, archive],
                "ls new\nstat a/g09.bin\nselect new\nrestore-selected out\n",
            )
            .ok();
        assert!(
            said.out.starts_with("n.bin\n  File: /a/g09.bin\n"),
            "{}",
            said.out
        );
        assert!(site.path("out/new/n.bin").exists());
        fs::remove_dir_all(site.path("out")).expect("clean");
    }
    let listed = site
        .files(&["list", SPLIT, "/", "--output-format", "json"])
        .ok()
        .json();
    assert_eq!(listed[0]["text"], "root.mpxar.didx");
    let listed = site
        .files(&[
            "list",
            SPLIT,
            "root.mpxar.didx/new",
            "--output-format",
            "json",
        ])
        .ok()
        .json();
    assert_eq!(
        (&listed[0]["text"], &listed[0]["leaf"]),
        (&Value::from("n.bin"), &Value::from(true))
    );
    site.files(&["extract", SPLIT, "root.mpxar.didx/a", "there"])
        .ok();
    let whole = site.shell(&[SPLIT, "root.pxar"], "restore whole\n").ok();
    assert!(whole.err.contains("restore complete"), "{}", whole.err);
    let names = |path: &str| {
        let entries = fs::read_dir(site.path(path)).expect("folder").flatten();
        let mut names: Vec<_> = entries
            .map(|e| (e.file_name(), fs::read(e.path()).expect("file")))
            .collect();
        names.sort();
        names
    };
    assert!(!names("there/a").is_empty() && names("there/a") == names("whole/a"));
}

#[test]
fn single_files_and_folders() {
    let Some(site) = Site::new("datastore") else {
        return;
    };
    let table = site.files(&["list", PLAIN, "/root.pxar.didx/times"]).ok();
    assert!(table.out.contains("│ type │ name"), "{}", table.out);
    let archives = site
        .files(&[
            "list",
            PLAIN,
            "Lw==",
            "--base64",
            "1",
            "--output-format=json",
        ])
        .ok()
        .json();
    let mut shown: Vec<_> = archives
        .as_array()
        .expect("list")
        .iter()
        .map(|item| (item["text"].as_str(), item["type"].as_str()))
        .collect();
    shown.sort_unstable();
    assert_eq!(
        shown,
        [
            (Some("disk.img.fidx"), Some("v")),
            (Some("root.pxar.didx"), Some("d"))
        ]
    );
    let files = site
        .files(&[
            "list",
            PLAIN,
            "root.pxar.didx/files",
            "--output-format",
            "json",
        ])
        .ok()
        .json();
    let hello = files
        .as_array()
        .expect("list")
        .iter()
        .find(|item| item["text"] == "hello.txt")
        .expect("listed");
    assert_eq!(
        hello["filepath"],
        "cm9vdC5weGFyLmRpZHgvZmlsZXMvaGVsbG8udHh0"
    );
    assert_eq!(
        (&hello["size"], &hello["mtime"]),
        (&Value::from(13), &Value::from(1_620_422_734))
    );
    let base64 = hello["filepath"].as_str().expect("text");
    let content = site
        .files(&["extract", PLAIN, base64, "-", "--base64", "1"])
        .ok();
    assert_eq!(content.raw, site.original("files/hello.txt"));
    let key = ["--keyfile", &site.key];
    let encrypted = [
        &["extract", ENCRYPTED, "root.pxar.didx/files/hello.txt", "-"],
        &key[..],
    ]
    .concat();
    assert_eq!(site.files(&encrypted).ok().raw, content.raw);

    // With JSON an error is data; without it is one.
    let missing = "host/plain/2000-01-01T00:00:00Z";
    let told = site
        .files(&["list", missing, "/", "--output-format", "json"])
        .ok()
        .json();
    assert!(
        told["code"].is_u64() && told["message"].is_string(),
        "{told}"
    );
    site.files(&["list", missing, "/"]).refused(&["Error: "]);
    for (words, expected) in [
        (&["list", PLAIN, "/disk.img.fidx"][..], &["map", "nbd"][..]),
        (
            &["extract", PLAIN, "disk.img.fidx/part", "-"],
            &["map", "nbd"],
        ),
        (
            &["extract", PLAIN, "root.pxar/files", "-"],
            &["'root.pxar' is not supported for file-restore"],
        ),
        (&["extract", PLAIN, "/", "-"], &["not supported"]),
        (
            &[
                "extract",
                PLAIN,
                "root.pxar.didx/files/hello.txt",
                "-",
                "--format",
                "zip",
            ],
            &["cannot extract single files as archive"],
        ),
        (
            &[
                "extract",
                PLAIN,
                "root.pxar.didx/files",
                "-",
                "--format",
                "plain",
            ],
            &["zip or tar"],
        ),
        (
            &["extract", PLAIN, "root.pxar.didx/nothing", "x"],
            &["no such file or directory"],
        ),
    ] {
        site.files(words).refused(expected);
    }
    let status = site
        .house
        .command(site.path("proxmox-file-restore").to_str().expect("utf-8"))
        .arg("status")
        .output()
        .expect("runs");
    assert_eq!(status.stdout, b"Qemu: no mappings\n");
}

#[test]
fn folders_keep_what_they_are() {
    let Some(site) = Site::new("datastore") else {
        return;
    };
    let out = site.path("out");
    let target = out.to_str().expect("utf-8");
    site.files(&["extract", PLAIN, "root.pxar.didx/links", target])
        .ok();
    site.files(&["extract", PLAIN, "root.pxar.didx/files/hello.txt", target])
        .ok();
    assert_eq!(
        fs::read(out.join("hello.txt")).expect("file"),
        site.original("files/hello.txt")
    );
    assert_eq!(
        fs::metadata(out.join("hello.txt")).expect("file").mtime(),
        1_620_422_734
    );
    let inode = |path: &str| fs::symlink_metadata(out.join(path)).expect(path).ino();
    assert_eq!(inode("links/hard-a"), inode("links/hard-b"));
    assert_eq!(inode("links/hard-a"), inode("links/sub/hard-c"));
    assert_eq!(
        fs::read_link(out.join("links/rel-up")).expect("link"),
        Path::new("../files/hello.txt")
    );
    assert_eq!(
        fs::metadata(out.join("links/sub")).expect("folder").mtime(),
        1_638_238_534
    );
    // A link whose file is not in the folder comes as a file.
    site.files(&["extract", PLAIN, "root.pxar.didx/links/sub", target])
        .ok();
    assert_eq!(
        fs::read(out.join("sub/hard-c")).expect("file"),
        site.original("links/hard-a")
    );
    // What is there is not replaced.
    site.files(&["extract", PLAIN, "root.pxar.didx/files/hello.txt", target])
        .refused(&["EEXIST"]);
    // The whole archive: its members go to the target itself.
    let all = site.path("all");
    site.files(&[
        "extract",
        PLAIN,
        "root.pxar.didx",
        all.to_str().expect("utf-8"),
    ])
    .ok();
    assert!(all.join("dirs/a/b/c/d/e/f/g/h/deep.txt").exists());

    // As a stream: every member of a zip and of a tar, compressed or not.
    let path = "root.pxar.didx/files";
    let zip = site.files(&["extract", PLAIN, path, "-"]).ok().raw;
    assert!(zip.starts_with(b"PK\x03\x04") && contains(&zip, b"files/hello.txt"));
    let tar = site
        .files(&["extract", PLAIN, path, "-", "--format", "tar"])
        .ok()
        .raw;
    assert!(
        tar.len().is_multiple_of(512) && contains(&tar, &site.original("files/random-48k.bin"))
    );
    let packed = site
        .files(&[
            "extract", PLAIN, path, "-", "--format", "tar", "--zstd", "1",
        ])
        .ok()
        .raw;
    assert!(packed.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) && packed.len() < tar.len());
}

fn contains(data: &[u8], part: &[u8]) -> bool {
    data.windows(part.len()).any(|window| window == part)
}

#[test]
fn differences_between_snapshots() {
    let house = House::new();
    let tree = house.path("tree");
    fs::create_dir_all(tree.join("deep")).expect("folders");
    let write = |name: &str, text: &str, time: i64| {
        let path = tree.join(name);
        fs::write(&path, text).expect("file");
        let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(time.unsigned_abs());
        let file = fs::File::options().write(true).open(path).expect("file");
        file.set_modified(time).expect("time");
    };
    let (old, new) = (1_767_578_400, 1_767_579_000);
    for name in ["a.conf", "gone", "same", "deep/touched", "deep/twisted"] {
        write(name, "text\n", old);
    }
    let spec = format!("etc.pxar:{}", tree.display());
    let back_up = |time: &str| {
        house
            .client(&["backup", &spec, "--backup-id", "x", "--backup-time", time])
            .ok();
    };
    back_up("1767578400");
    write("a.conf", "longer text\n", new);
    write("deep/touched", "text\n", new);
    write("deep/twisted", "test\n", new);
    write("new", "n", new);
    fs::remove_file(tree.join("gone")).expect("remove");
    let deep = fs::File::open(tree.join("deep")).expect("folder");
    deep.set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_secs(old as u64))
        .expect("time");
    back_up("1767578460");
    let diff = |more: &[&str]| {
        let words = [
            "debug",
            "diff",
            "archive",
            "host/x/2026-01-05T02:00:00Z",
            "host/x/2026-01-05T02:01:00Z",
            "etc.pxar",
        ];
        house.client(&[&words, more].concat()).ok().out
    };
    let said = diff(&[]);
    for line in [
        "M  f      0      0    644      *12 B *2026-01-05 02:10:00  a.conf",
        "M  f      0      0    644        5 B *2026-01-05 02:10:00  touched",
        "D  f      0      0    644        5 B  2026-01-05 02:00:00  gone",
        "A  f      0      0    644        1 B  2026-01-05 02:10:00  new",
    ] {
        let owned = line.replace("      0      0", &owner());
        assert!(said.lines().any(|each| each == owned), "{owned}\n{said}");
    }
    assert!(!said.contains("same"), "{said}");
    let said = diff(&["--compare-content"]);
    assert!(!said.contains("touched"), "{said}");
    assert!(
        said.lines()
            .any(|line| line.contains("*2026-01-05 02:10:00 *twisted")),
        "{said}"
    );
    assert!(diff(&["--color", "always"]).contains("\x1b[32mA\x1b[0m"));
    let none = [
        "debug",
        "diff",
        "archive",
        "host/x/2026-01-05T02:00:00Z",
        "host/x/2026-01-05T02:00:00Z",
        "etc.pxar",
    ];
    assert_eq!(house.client(&none).ok().out, "");
    let split = [
        "debug",
        "diff",
        "archive",
        "host/x/2026-01-05T02:00:00Z",
        "host/x/2026-01-05T02:00:00Z",
        "etc.mpxar",
    ];
    house
        .client(&split)
        .refused(&["Only .pxar files are supported"]);
}

/// User and group of what this test writes, as columns.
fn owner() -> String {
    let (uid, gid) = (
        rustix::process::geteuid().as_raw(),
        rustix::process::getegid().as_raw(),
    );
    format!(" {uid:>6} {gid:>6}")
}

#[test]
fn equal_archives_of_the_original() {
    let Some(site) = Site::new("datastore") else {
        return;
    };
    let later = "host/plain/2023-11-15T22:13:20Z";
    let said = site
        .call(
            "proxmox-backup-debug",
            &["diff", "archive", PLAIN, later, "root.pxar"],
            "",
        )
        .ok();
    assert_eq!(said.out, "");
    let words = [
        "diff",
        "archive",
        ENCRYPTED,
        ENCRYPTED,
        "root.pxar.didx",
        "--keyfile",
        &site.key,
    ];
    assert_eq!(site.call("proxmox-backup-debug", &words, "").ok().out, "");
}

#[test]
fn options_of_restore() {
    let house = House::new();
    let tree = house.path("tree");
    fs::create_dir_all(tree.join("d")).expect("folders");
    let file = tree.join("d/a-file");
    fs::write(&file, "new").expect("file");
    fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o640)).expect("mode");
    fs::hard_link(&file, tree.join("d/b-hard")).expect("link");
    symlink("a-file", tree.join("d/c-link")).expect("symlink");
    fs::write(tree.join("z"), "z").expect("file");
    let flags = rustix::fs::XattrFlags::empty();
    let has_xattrs = rustix::fs::setxattr(&file, "user.note", b"kept", flags).is_ok();
    // rw-r----- with user 77 r--: a version 2 ACL as the kernel stores it
    let acl: Vec<u8> = [
        &2u32.to_le_bytes()[..],
        &[1, 0, 6, 0, 0xff, 0xff, 0xff, 0xff],
        &[2, 0, 4, 0, 77, 0, 0, 0],
        &[4, 0, 4, 0, 0xff, 0xff, 0xff, 0xff],
        &[16, 0, 4, 0, 0xff, 0xff, 0xff, 0xff],
        &[32, 0, 0, 0, 0xff, 0xff, 0xff, 0xff],
    ]
    .concat();
    let has_acls = rustix::fs::setxattr(&file, "system.posix_acl_access", &acl, flags).is_ok();
    if crate::house::is_root() {
        std::os::unix::fs::chown(&file, Some(1234), Some(5678)).expect("chown");
    }
    let spec = format!("t.pxar:{}", tree.display());
    house.client(&["backup", &spec, "--backup-id", "x"]).ok();
    let restore = |target: &str, more: &[&str]| {
        house.client(&[&["restore", "host/x", "t.pxar", target], more].concat())
    };
    restore("there", &[]).ok();
    let existing = "--allow-existing-dirs";
    for (options, failed) in [
        (&[][..], Some("\"d\"")),
        (&[existing], Some("\"d/a-file\"")),
        (&[existing, "--overwrite-files"], Some("\"d/b-hard\"")),
        (
            &[existing, "--overwrite-files", "--overwrite-hardlinks"],
            Some("\"d/c-link\""),
        ),
        (
            &[
                existing,
                "--overwrite-files",
                "--overwrite-hardlinks",
                "--overwrite-symlinks",
            ],
            None,
        ),
        (&["--overwrite"], Some("\"d\"")),
        (&[existing, "--overwrite"], None),
        (
            &[
                existing,
                "--overwrite",
                "--rate",
                "500MiB",
                "--burst",
                "1MiB",
            ],
            None,
        ),
    ] {
        fs::write(house.path("there/d/a-file"), "old").expect("file");
        let said = restore("there", options);
        match failed {
            Some(name) => drop(said.refused(&["EEXIST", name])),
            None => {
                said.ok();
                assert_eq!(
                    fs::read(house.path("there/d/a-file")).expect("file"),
                    b"new"
                );
            }
        }
    }

    let got = |target: &str| {
        let path = house.path(target).join("d/a-file");
        let mut value = [0; 256];
        let mut xattr = |name: &str| rustix::fs::getxattr(&path, name, &mut value).is_ok();
        let (note, acl) = (xattr("user.note"), xattr("system.posix_acl_access"));
        let stat = fs::metadata(&path).expect("restored");
        (stat.mode() & 0o7777, stat.uid(), note, acl)
    };
    let whole = got("there");
    assert_eq!(
        whole,
        (
            0o640,
            fs::metadata(&file).expect("file").uid(),
            has_xattrs,
            has_acls
        )
    );
    let me = rustix::process::geteuid().as_raw();
    restore("modes", &["--ignore-permissions", "--ignore-acls"]).ok();
    assert_ne!(got("modes").0, 0o640);
    restore("owner", &["--ignore-ownership"]).ok();
    assert_eq!(got("owner"), (whole.0, me, whole.2, whole.3));
    restore("xattrs", &["--ignore-xattrs"]).ok();
    assert!(!got("xattrs").2);
    restore("acls", &["--ignore-acls", "true"]).ok();
    assert!(!got("acls").3 && got("acls").2 == has_xattrs);
    restore("some", &["--pattern", "d", "--pattern", "!b-*"]).ok();
    let names = |folder: &str| {
        let entries = fs::read_dir(house.path(folder)).expect("folder").flatten();
        let mut names: Vec<_> = entries.map(|entry| entry.file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(
        (names("some"), names("some/d")),
        (vec!["d".into()], vec!["a-file".into(), "c-link".into()])
    );
    restore("-", &["--pattern", "d"]).refused(&["--pattern cannot be used"]);
    restore("p", &["--pattern", "["]).refused(&["invalid pattern"]);
}

#[test]
fn the_shell_on_a_terminal() {
    let Some(site) = Site::new("datastore") else {
        return;
    };
    let mut command = site.house.command("strongroom");
    let repository = ["--repository", &site.repository];
    command
        .args(["catalog", "shell", PLAIN, "root.pxar"])
        .args(repository);
    let Some(mut terminal) = Terminal::start(&command) else {
        return;
    };
    // Each line is typed when the shell asks for it. A name is completed by Tab; an error leaves the shell open.
    for (awaited, typed) in [
        ("pxar:/ > ", "cd lin\t\r"),
        ("pxar:/links > ", "pwd\r"),
        ("\"/links\"", "nonsense\r"),
        ("no such command 'nonsense'", "ls su\t\r"),
        ("hard-c", "exit\r"),
    ] {
        terminal.answer(awaited, typed);
    }
    // Whatever happened in between, it ends with success.
    let (code, shown) = terminal.end();
    assert_eq!(code, Some(0), "{shown}");
}
