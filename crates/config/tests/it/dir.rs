//! Locks, atomic replacement, digests, modes.

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use config::{ConfigDir, ConfigError, FileSpec};

use super::fixtures::config_dir;

#[test]
fn a_missing_file_is_an_empty_one() {
    let (_temp, dir) = config_dir();
    let (text, digest) = dir.read(FileSpec::USER).unwrap();
    assert_eq!(text, "");
    assert_eq!(
        digest.to_string(),
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    );
    assert_eq!(dir.read_bytes(FileSpec::USER).unwrap(), None);
}

/// Whoever read it was told "line 0", whoever looked at the files the line.
#[test]
fn what_is_no_text_is_told_with_its_line() {
    let (_temp, dir) = config_dir();
    std::fs::write(
        dir.path_of(FileSpec::NODE),
        b"default-lang: de\nemail-from: \xff\n",
    )
    .unwrap();
    let error = dir.read(FileSpec::NODE).expect_err("no UTF-8").to_string();
    assert_eq!(
        error,
        "parsing \"node.cfg\" failed: line 2 - file is not UTF-8"
    );
    let bytes = dir.read_bytes(FileSpec::NODE).unwrap().unwrap();
    let checked = config::takeover::check("node.cfg", &bytes).expect_err("no UTF-8");
    assert_eq!(checked.to_string(), error);
}

/// A file that could not be read stayed unread when its mode was mended.
#[test]
fn another_mode_is_a_change() {
    let (_temp, dir) = config_dir();
    let path = dir.path_of(FileSpec::USER);
    std::fs::write(&path, "").unwrap();
    let before = dir.stamp(FileSpec::USER).unwrap();
    assert_eq!(dir.stamp(FileSpec::USER).unwrap(), before);
    // The clock of a file system may be coarse.
    let end = std::time::Instant::now() + Duration::from_secs(10);
    while dir.stamp(FileSpec::USER).unwrap() == before && std::time::Instant::now() < end {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        std::thread::yield_now();
    }
    assert_ne!(dir.stamp(FileSpec::USER).unwrap(), before);
}

#[test]
fn replacing_sets_content_mode_and_stamp() {
    let (_temp, dir) = config_dir();
    let before = dir.stamp(FileSpec::SHADOW).unwrap();
    let lock = dir.lock(FileSpec::SHADOW).unwrap();
    lock.replace(b"{}").unwrap();
    assert_eq!(dir.read(FileSpec::SHADOW).unwrap().0, "{}");
    let mode = |spec| {
        std::fs::metadata(dir.path_of(spec))
            .unwrap()
            .permissions()
            .mode()
            & 0o7777
    };
    assert_eq!(mode(FileSpec::SHADOW), 0o600);
    let after = dir.stamp(FileSpec::SHADOW).unwrap();
    assert_ne!(before, after);
    dir.lock(FileSpec::USER).unwrap().replace(b"").unwrap();
    assert_eq!(mode(FileSpec::USER), 0o640);
    assert_eq!(
        std::fs::metadata(dir.path()).unwrap().permissions().mode() & 0o7777,
        0o700
    );
    let mut names: Vec<_> = std::fs::read_dir(dir.path())
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(
        names,
        [".user.lck", "shadow.json", "shadow.json.lock", "user.cfg"],
        "no temporary file is left"
    );
}

#[test]
fn a_lock_excludes_others_until_dropped() {
    let (_temp, dir) = config_dir();
    let dir = dir.with_lock_timeout(Duration::from_millis(50));
    let held = dir.lock(FileSpec::ACL).unwrap();
    let error = dir.lock(FileSpec::ACL).expect_err("the lock is held");
    assert!(matches!(error, ConfigError::LockTimeout { .. }), "{error}");
    dir.lock(FileSpec::USER)
        .expect("another file has another lock");
    drop(held);
    dir.lock(FileSpec::ACL).expect("the lock is free again");
}

#[test]
fn a_changed_file_is_noticed() {
    let (_temp, dir) = config_dir();
    let (_, digest) = dir.read(FileSpec::ACL).unwrap();
    let lock = dir.lock(FileSpec::ACL).unwrap();
    lock.read(Some(&digest)).unwrap();
    lock.replace(b"acl:1:/:a@pbs:Admin\n").unwrap();
    let error = lock.read(Some(&digest)).expect_err("the digest is stale");
    assert_eq!(
        error.to_string(),
        "detected modified configuration - file changed by other user? Try again."
    );
}

#[test]
fn what_is_no_directory_is_refused() {
    let temp = tempfile::tempdir().unwrap();
    assert!(matches!(
        ConfigDir::open(&temp.path().join("nowhere")),
        Err(ConfigError::Io { .. })
    ));
    let file = temp.path().join("file");
    std::fs::write(&file, "").unwrap();
    assert!(matches!(
        ConfigDir::open(&file),
        Err(ConfigError::Io { .. })
    ));
}

/// Each writer that was killed left a copy of the file, hashes of passwords among them, for ever.
#[test]
fn what_killed_writers_left_goes() {
    let (_temp, dir) = config_dir();
    for name in [
        ".user.cfg.AbCdEf.tmp",
        ".user.cfg.x.y.tmp",
        ".acl.cfg.AbCdEf.tmp",
        "user.cfg.tmp",
    ] {
        std::fs::write(dir.path().join(name), "x").expect("write");
    }
    let lock = dir.lock(FileSpec::USER).expect("lock");
    lock.replace(b"user: a@pbs\n").expect("replace");
    let mut names: Vec<_> = std::fs::read_dir(dir.path())
        .expect("list")
        .map(|entry| {
            entry
                .expect("entry")
                .file_name()
                .into_string()
                .expect("text")
        })
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            ".acl.cfg.AbCdEf.tmp",
            ".user.cfg.x.y.tmp",
            ".user.lck",
            "user.cfg",
            "user.cfg.tmp"
        ]
    );
}

/// Whoever opened a FIFO waited for a writer, and with him all that needed the configuration.
#[test]
fn what_is_no_file_is_refused_at_once() {
    let (_temp, dir) = config_dir();
    let path = dir.path_of(FileSpec::USER);
    let made = std::process::Command::new("mkfifo").arg(&path).status();
    assert!(made.unwrap().success());
    let (sender, read) = std::sync::mpsc::channel();
    let inner = dir.clone();
    std::thread::spawn(move || sender.send(inner.read(FileSpec::USER)));
    let read = read
        .recv_timeout(Duration::from_secs(20))
        .expect("it waits");
    let error = read.expect_err("no file");
    assert!(matches!(&error, ConfigError::NotAFile(of) if *of == path));
    assert!(error.to_string().contains("remove it"), "{error}");
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    let error = dir.read(FileSpec::USER).expect_err("no file");
    assert!(matches!(error, ConfigError::NotAFile(_)), "{error}");
}

/// A link to a file system that is not mounted counted as no file: every login was wrong, and the first change replaced it.
#[test]
fn a_link_that_leads_nowhere_is_neither_nothing_nor_written_over() {
    let (_temp, dir) = config_dir();
    let path = dir.path_of(FileSpec::USER);
    let elsewhere = tempfile::tempdir().expect("tempdir");
    let real = elsewhere.path().join("users");
    std::os::unix::fs::symlink(&real, &path).expect("link");
    let expected = format!(
        "{} is a link to {}, which is not there; put back",
        path.display(),
        real.display()
    );
    let dangling = dir.stamp(FileSpec::USER).expect("stamp");
    assert_ne!(dangling, config::Stamp::default());
    let read = dir.read(FileSpec::USER).expect_err("read").to_string();
    assert!(read.starts_with(&expected), "{read}");
    let lock = dir.lock(FileSpec::USER).expect("lock");
    lock.read(None).expect_err("read under the lock");
    let written = lock.replace(b"user: ann@pbs\n").expect_err("written");
    assert!(written.to_string().starts_with(&expected), "{written}");
    assert!(path.is_symlink() && !real.exists());
    // Mounted again.
    std::fs::write(&real, "user: bob@pbs\n").expect("file");
    assert_ne!(dir.stamp(FileSpec::USER).expect("stamp"), dangling);
    lock.replace(b"user: ann@pbs\n").expect("written");
    assert!(path.is_symlink(), "the link stays");
    let text = std::fs::read_to_string(&real).expect("there");
    assert_eq!(text, "user: ann@pbs\n");
    assert_eq!(
        std::fs::read_dir(elsewhere.path()).expect("list").count(),
        1
    );
}

/// 64 MiB of it were read before.
#[test]
fn what_is_too_large_is_refused_by_its_size() {
    let (_temp, dir) = config_dir();
    let path = dir.path_of(FileSpec::USER);
    let file = std::fs::File::create(&path).expect("file");
    for size in [64 << 20, (64 << 20) + 1, 1 << 40] {
        if let Err(error) = file.set_len(size) {
            eprintln!("skipped: no sparse file of {size} bytes here: {error}");
            continue;
        }
        match dir.read_bytes(FileSpec::USER) {
            Ok(bytes) => assert_eq!(
                (bytes.map(|b| b.len() as u64), size),
                (Some(size), 64 << 20)
            ),
            Err(error) => {
                assert!(size > 64 << 20, "{error}");
                let expected = format!("{} is larger than 67108864 bytes; ", path.display());
                assert!(error.to_string().starts_with(&expected), "{error}");
            }
        }
    }
}
