//! What a journal gives back after writers died, disks were full and others collected.

use std::fs;
use std::io::Write as _;

use super::*;
use crate::datastore::Options;
use crate::watch::Unwatched;

struct World {
    store: Datastore,
    file: PathBuf,
    _dir: tempfile::TempDir,
}

fn world() -> World {
    let dir = tempfile::tempdir().expect("tempdir");
    let base = dir.path().join("vault");
    fs::create_dir_all(base.join(".chunks")).expect("folder");
    let locks = dir.path().join("locks");
    let name = "vault".parse().expect("name");
    let store = Datastore::open(&name, &base, Options::new(locks)).expect("open");
    World {
        file: store.locks().dir().join(NAME),
        store,
        _dir: dir,
    }
}

fn told(journal: &Journal, from: u64) -> Vec<String> {
    let lines = journal.lines(from).expect("lines");
    lines
        .map(|line| line.expect("line").display().to_string())
        .collect()
}

fn append(world: &World, paths: &[&str]) {
    let mut journal = Journal::lock(&world.store).expect("lock");
    let paths = paths.iter().map(Path::new);
    journal.append(paths).expect("append");
}

fn tear(world: &World, rest: &[u8]) {
    let file = fs::OpenOptions::new().append(true).open(&world.file);
    file.expect("open").write_all(rest).expect("write");
}

#[test]
fn a_torn_line_hides_nothing() {
    for torn in ["/v/old.fid", "/v/old.fidx", "\0\0\0", "/"] {
        let world = world();
        append(&world, &["/v/a.fidx"]);
        tear(&world, torn.as_bytes());
        let journal = Journal::lock(&world.store).expect("lock");
        assert_eq!(told(&journal, 0), ["/v/a.fidx"], "what is torn is not told");
        let end = journal.length().expect("length");
        drop(journal);
        append(&world, &["/v/b.fidx", "/v/c.didx"]);
        let journal = Journal::lock(&world.store).expect("lock");
        let all = ["/v/a.fidx", torn, "/v/b.fidx", "/v/c.didx"];
        assert_eq!(told(&journal, 0), all);
        assert_eq!(told(&journal, end), all[2..], "begun in a torn line");
        journal.clear().expect("clear");
        append(&world, &["/v/d.fidx"]);
        let text = fs::read_to_string(&world.file).expect("read");
        assert_eq!(text, "/v/d.fidx\n");
    }
}

#[test]
fn what_is_told_so_far_ends_where_the_rest_begins() {
    let world = world();
    append(&world, &["/v/a.fidx"]);
    let (lines, end) = so_far(&world.store).expect("so far");
    append(&world, &["/v/b.fidx"]);
    let lines: Vec<_> = lines.map(|line| line.expect("line")).collect();
    assert_eq!(lines, [PathBuf::from("/v/a.fidx")]);
    let journal = Journal::lock(&world.store).expect("lock");
    assert_eq!(told(&journal, end), ["/v/b.fidx"]);
}

#[test]
fn what_is_no_journal_ends_the_collection() {
    let world = world();
    append(&world, &["/v/a.fidx"]);
    // No bytes are written for a hole.
    let file = fs::OpenOptions::new().write(true).open(&world.file);
    file.expect("open").set_len(1 << 31).expect("enlarge");
    append(&world, &["/v/b.fidx"]);
    let journal = Journal::lock(&world.store).expect("lock");
    let mut lines = journal.lines(0).expect("lines");
    assert!(lines.next().expect("the first").is_ok());
    let error = lines.next().expect("the second").expect_err("too long");
    let text = crate::error::with_causes(&error);
    assert!(text.contains("no list of indexes"), "{text}");
    drop(journal);
    let options = crate::gc::GcOptions {
        probe: false,
        ..Default::default()
    };
    let collected = world.store.collect_garbage(&options, 0, &Unwatched);
    let error = collected.expect_err("chunks of what is not told could go");
    assert!(matches!(error, crate::gc::GcError::Store(_)), "{error}");
}
