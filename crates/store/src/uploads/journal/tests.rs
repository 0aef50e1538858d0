//! One journal: what stays, what counts, what damage does.

use format::Digest;
use format::upload_journal::Offer;
use proptest::prelude::*;

use super::*;

const BOOT: [u8; 16] = [1; 16];

fn header(boot: u8, synced: bool) -> Header {
    Header {
        boot: [boot; 16],
        synced,
        owner: "\nhost/pc\nann@pbs".to_owned(),
    }
}

fn record(n: u32) -> Record {
    Record {
        offer: Offer {
            digest: Digest::of(&n.to_le_bytes()),
            size: n + 1,
        },
        stamp: u64::from(n) << 40,
    }
}

fn all(journal: &Journal) -> Vec<Record> {
    let mut all = Vec::new();
    if let Some(mut records) = journal.records().expect("records") {
        while let Some(batch) = records.batch().expect("readable") {
            all.extend(batch);
        }
    }
    all
}

fn here() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().expect("tempdir");
    let path = dir.path().join("vault/x.uploads");
    (dir, path)
}

#[test]
fn what_was_recorded_is_there_for_the_next_session() {
    let (_dir, path) = here();
    let first = Journal::open(path.clone(), header(1, false));
    assert!(!path.exists(), "nothing is made before there is something");
    (0..3).for_each(|n| first.record(&record(n)));
    // It does not end in good order: nothing needs to be written out.
    std::mem::forget(first);
    let second = Journal::open(path.clone(), header(1, false));
    assert_eq!(second.count(), 3);
    second.record(&record(3));
    assert_eq!(all(&second), (0..4).map(record).collect::<Vec<_>>());
    second.close();
    second.record(&record(4));
    let third = Journal::open(path.clone(), header(1, false));
    assert_eq!(third.count(), 4, "a closed one takes nothing");
    third.discard();
    third.record(&record(5));
    assert!(!path.exists(), "nothing comes back after the end");
    assert!(third.trouble().is_none());
    drop(Journal::open(path, header(1, false)).records());
}

/// Chunks that nobody synced may be empty files after a power cut.
#[test]
fn which_journals_count() {
    let synced = |boot| header(boot, true);
    let lazy = |boot| header(boot, false);
    let mut other = lazy(1);
    other.owner = "\nhost/pc\nbob@pbs".to_owned();
    for (name, found, wanted, expected) in [
        ("the same", lazy(1), lazy(1), true),
        ("another run of the machine", lazy(1), lazy(2), false),
        ("the same, synced", synced(1), synced(1), true),
        ("another run, synced", synced(1), synced(2), true),
        ("synced, and what comes is not", synced(1), lazy(1), false),
        ("not synced, and what comes is", lazy(1), synced(1), true),
        ("not synced, another run", lazy(1), synced(2), false),
        ("somebody else's", other, lazy(1), false),
    ] {
        assert_eq!(counts(&found, &wanted), expected, "{name}");
        let (_dir, path) = here();
        let journal = Journal::open(path.clone(), found);
        journal.record(&record(0));
        let journal = Journal::open(path.clone(), wanted);
        assert_eq!(journal.count(), u64::from(expected), "{name}");
        assert_eq!(path.exists(), expected, "{name}: what does not count goes");
    }
}

#[test]
fn too_many_and_too_old() {
    let (_dir, path) = here();
    let mut journal = Journal::open(path.clone(), header(1, false));
    journal.records_max = 2;
    (0..5).for_each(|n| journal.record(&record(n)));
    assert_eq!(all(&journal), [record(0), record(1)]);
    assert!(journal.trouble().is_none());
    let week = std::time::Duration::from_secs(7 * 86_400 + 60);
    let then = std::time::SystemTime::now() - week;
    let file = File::options().write(true).open(&path).expect("open");
    file.set_modified(then).expect("time");
    assert_eq!(Journal::open(path.clone(), header(1, false)).count(), 0);
    assert!(!path.exists());
}

#[test]
fn failures_are_told_once_and_end_it() {
    let (dir, path) = here();
    // A file where the folder should be.
    std::fs::write(dir.path().join("vault"), "").expect("write");
    let journal = Journal::open(
        path,
        Header {
            boot: BOOT,
            ..header(1, false)
        },
    );
    journal.record(&record(0));
    journal.record(&record(1));
    assert_eq!(journal.count(), 0);
    let trouble = journal.trouble().expect("it cannot be made").to_string();
    assert!(trouble.contains("vault"), "{trouble}");
    assert!(journal.trouble().is_none());
}

#[test]
fn lost_writes_end_all_journals_of_the_datastore() {
    let (dir, path) = here();
    let other = dir.path().join("vault/y.uploads");
    let elsewhere = dir.path().join("attic/x.uploads");
    let journals = [&path, &other, &elsewhere].map(|path| {
        let journal = Journal::open(path.clone(), header(1, false));
        journal.record(&record(0));
        journal
    });
    let mut read = journals[1].records().expect("records").expect("some");
    journals[0].distrust();
    assert_eq!(read.batch().expect("readable"), None, "nor who reads one");
    journals[0].record(&record(1));
    assert_eq!(
        [&path, &other, &elsewhere].map(|path| path.exists()),
        [false, false, true]
    );
}

/// A sparse file takes no room here, and counts as it would.
fn big(path: &Path, owner: &str) {
    let header = Header {
        owner: owner.to_owned(),
        ..header(1, false)
    };
    Journal::open(path.to_owned(), header).record(&record(0));
    let file = File::options().write(true).open(path).expect("open");
    file.set_len((1 << 30) - 48).expect("length");
}

/// Open journals grew without a look at the others, since room was made for new ones only.
#[test]
fn an_open_journal_does_not_grow_past_what_all_may_take() {
    let (dir, path) = here();
    let hers = dir.path().join("vault/y.uploads");
    let his = dir.path().join("vault/z.uploads");
    let first = Journal::open(path.clone(), header(1, false));
    first.record(&record(0));
    big(&his, "\nhost/other\nbob@pbs");
    let count = 2 * LOOK_EVERY as u32;
    (1..count).for_each(|n| first.record(&record(n)));
    assert_eq!(first.count(), LOOK_EVERY);
    assert!(his.exists(), "nobody else's goes");
    // It can be read, and the next session adds nothing to it.
    assert_eq!(all(&first).len() as u64, LOOK_EVERY);
    let second = Journal::open(path.clone(), header(1, false));
    second.record(&record(count));
    assert_eq!(second.count(), LOOK_EVERY);
    // Room is made of what the same user has.
    std::fs::remove_file(&his).expect("remove");
    big(&hers, "\nhost/other\nann@pbs!laptop");
    let third = Journal::open(path, header(1, false));
    assert!(!hers.exists());
    third.record(&record(count));
    assert_eq!(third.count(), LOOK_EVERY + 1);
    assert!(third.trouble().is_none());
}

/// A file without a name took room that nobody saw.
#[test]
fn a_removed_journal_does_not_grow() {
    let (_dir, path) = here();
    let journal = Journal::open(path.clone(), header(1, false));
    journal.record(&record(0));
    std::fs::remove_file(&path).expect("remove");
    assert!(
        journal.records().expect("records").is_none(),
        "nothing counts"
    );
    (1..=LOOK_EVERY as u32).for_each(|n| journal.record(&record(n)));
    assert!(matches!(journal.inner().state, State::Closed));
    assert!(!path.exists());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever happens to the file, what is read was recorded; and the journal goes on.
    #[test]
    fn damage_invents_nothing(count in 0u32..20, cut in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), flip: u8) {
        let (_dir, path) = here();
        let journal = Journal::open(path.clone(), header(1, false));
        (0..=count).for_each(|n| journal.record(&record(n)));
        let mut bytes = std::fs::read(&path).expect("read");
        let len = bytes.len();
        bytes[at.index(len)] ^= flip;
        bytes.truncate(cut.index(len) + 1);
        std::fs::write(&path, bytes).expect("write");
        let journal = Journal::open(path.clone(), header(1, false));
        let before = all(&journal);
        let real: Vec<_> = (0..=count).map(record).collect();
        prop_assert!(before.iter().all(|found| real.contains(found)));
        journal.record(&record(99));
        prop_assert!(journal.trouble().is_none());
        let again = all(&Journal::open(path, header(1, false)));
        prop_assert_eq!(again, [before, vec![record(99)]].concat());
    }
}
