//! Lists of finished tasks that are put away, kept and read, also after a crash.

use super::*;

fn all(archive: &Archive) -> Vec<String> {
    let lines = archive.lines().expect("lines");
    lines.map(|line| line.expect("line")).collect()
}

#[test]
fn lines_come_from_the_end() {
    let folder = tempfile::tempdir().expect("tempdir");
    let archive = Archive::new(folder.path());
    for text in [
        "",
        "a\n",
        "a",
        "a\nb\n",
        "\n\nx\n",
        &"0123456789abcdef\n".repeat(10_000),
    ] {
        fs::write(archive.path(), text).expect("write");
        let mut expected: Vec<&str> = text.lines().collect();
        expected.reverse();
        assert!(all(&archive) == expected, "{} lines", expected.len());
    }
}

/// The list of finished tasks grew without end.
#[test]
fn the_archive_is_put_away_and_still_read() {
    let folder = tempfile::tempdir().expect("tempdir");
    let archive = Archive::new(folder.path());
    let mut written = Vec::new();
    for number in 0..10 {
        let line = format!("line {number}");
        fs::write(archive.path(), format!("{line}\n")).expect("write");
        written.push(line);
        assert!(!archive.rotate_at(7).expect("small enough"));
        assert!(archive.rotate_at(6).expect("rotate"));
        let removed = archive.retain(Kept::Files(3), 0, |_| None);
        assert_eq!(removed.expect("retain"), number > 2);
    }
    written.reverse();
    assert_eq!(all(&archive), written[..3], "the oldest are gone");
    let mut names: Vec<_> = fs::read_dir(folder.path())
        .expect("list")
        .map(|entry| entry.expect("entry").file_name())
        .collect();
    names.sort();
    assert_eq!(names, ["archive.1.zst", "archive.2.zst", "archive.3.zst"]);
}

/// Old lists were kept by their number whatever `task-log-max-days` said.
#[test]
fn files_are_kept_by_age() {
    let day = |number: i64| format!("{}\n", number * DAY_S);
    for (name, days, now, expected) in [
        ("all are young", 400, 100, &[1, 2, 3, 30][..]),
        ("the end of the last task counts", 8, 100, &[1, 2]),
        ("to the second", 9, 100, &[1, 2, 3]),
        ("two are old", 2, 100, &[1, 2]),
        ("a damaged one is as old as its file", 100, 400, &[]),
        ("none", 0, 100, &[]),
    ] {
        let folder = tempfile::tempdir().expect("tempdir");
        let archive = Archive::new(folder.path());
        fs::write(archive.path(), day(100)).expect("write");
        for (number, ends) in [(1, [98, 99]), (2, [97, 98]), (3, [80, 91])] {
            let text = ends.map(day).concat();
            let text = zstd::encode_all(text.as_bytes(), 0).expect("zstd");
            fs::write(archive.packed(number), text).expect("write");
        }
        fs::write(archive.plain(30), "rubbish\n").expect("write");
        let file = File::options().append(true).open(archive.plain(30));
        let mtime = std::time::UNIX_EPOCH + std::time::Duration::from_secs(86_400 * 50);
        file.and_then(|file| file.set_modified(mtime))
            .expect("mtime");
        let end = |line: &str| line.parse().ok();
        let removed = archive.retain(Kept::Days(days), now * DAY_S, end);
        let left: Vec<u32> = archive.numbers().expect("numbers").into_iter().collect();
        assert_eq!(left, expected, "{name}");
        assert_eq!(removed.expect("retain"), expected.len() < 4, "{name}");
        assert!(
            archive.path().exists(),
            "{name}: what is not put away stays"
        );
    }
}

#[test]
fn a_crash_in_between_loses_and_doubles_nothing() {
    let folder = tempfile::tempdir().expect("tempdir");
    let archive = Archive::new(folder.path());
    let packed = |text: &str| zstd::encode_all(text.as_bytes(), 0).expect("zstd");
    // Renamed, not compressed yet.
    fs::write(archive.plain(1), "b\nc\n").expect("write");
    fs::write(archive.packed(2), packed("a\n")).expect("write");
    assert_eq!(all(&archive), ["c", "b", "a"]);
    // Compressed, and the plain one not removed yet.
    fs::write(archive.packed(1), packed("b\nc\n")).expect("write");
    assert_eq!(all(&archive), ["c", "b", "a"]);
    fs::write(archive.path(), "d\n").expect("write");
    assert!(archive.rotate_at(1).expect("rotate"));
    assert_eq!(all(&archive), ["d", "c", "b", "a"]);
    // Rubbish in one hides none of the others.
    fs::write(archive.packed(2), "rubbish").expect("write");
    assert_eq!(all(&archive), ["d", "a"]);
}
