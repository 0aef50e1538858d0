//! Every question that the client asks on a terminal. Their ways without one are in the tests of the programs and of the examples.

use std::fs;
use std::path::Path;

use crate::house::{House, PASSWORD, USER};
use crate::terminal::Terminal;

/// Runs a command on a terminal: each line is waited for, then its answer is typed. The rest of what it shows, and how it ended.
fn talk(
    house: &House,
    words: &[&str],
    unset: &[&str],
    answers: &[(&str, &str)],
) -> Option<(Option<i32>, String)> {
    let mut command = house.client_command(words);
    for name in unset {
        command.env_remove(name);
    }
    let mut terminal = Terminal::start(&command)?;
    for (awaited, typed) in answers {
        terminal.answer(awaited, typed);
    }
    Some(terminal.end())
}

/// Outside of a terminal a login that could not be kept ended like one that was.
#[test]
fn a_login_that_is_not_kept_says_so() {
    let house = House::new();
    let warning = "the login is not kept";
    for (has_place, warns) in [(true, false), (false, true)] {
        let mut command = house.client_command(&["login"]);
        if has_place {
            use std::os::unix::fs::PermissionsExt as _;
            let place = house.path("private");
            fs::create_dir(&place).expect("folder");
            fs::set_permissions(&place, fs::Permissions::from_mode(0o700)).expect("mode");
            command.env("XDG_RUNTIME_DIR", place);
        } else {
            command.env_remove("XDG_RUNTIME_DIR");
        }
        let output = command.output().expect("strongroom runs");
        let err = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{err}");
        assert_eq!(err.contains(warning), warns, "{err}");
    }
}

/// A password, and the certificate of a server that nobody knows yet; both are known afterwards.
#[test]
fn a_first_login() {
    let house = House::new();
    let unknown = ["PBS_PASSWORD", "PBS_FINGERPRINT"];
    let password = format!("Password for \"{USER}\": ");
    let sure = "Are you sure you want to continue connecting? (y/n): ";
    let fingerprint = format!("fingerprint: {}", house.fingerprint);
    let typed = format!("{PASSWORD}\r");
    let asked = |certain: &'static str| {
        let answers = [
            (password.as_str(), typed.as_str()),
            (fingerprint.as_str(), ""),
            (sure, certain),
        ];
        talk(&house, &["login"], &unknown, &answers)
    };
    let Some((code, shown)) = asked("n\r") else {
        return;
    };
    assert_eq!(code, Some(255), "{shown}");
    let (code, shown) = asked("perhaps\ry\r").expect("a terminal");
    assert_eq!(code, Some(0), "{shown}");
    // Neither is asked again, with or without a terminal.
    let mut command = house.client_command(&["list"]);
    for name in unknown {
        command.env_remove(name);
    }
    let output = command.output().expect("strongroom runs");
    assert!(output.status.success(), "{output:?}");
    let (code, shown) = talk(&house, &["list"], &unknown, &[]).expect("a terminal");
    assert_eq!(code, Some(0), "{shown}");
    house.client(&["logout"]).ok();
    let mut command = house.client_command(&["list"]);
    command.env_remove("PBS_PASSWORD");
    let said = crate::house::Said::from(command.output().expect("strongroom runs"));
    said.refused(&["no password input mechanism available", "PBS_PASSWORD"]);
    // Control-C in the middle of a password.
    let interrupted = [(password.as_str(), "half\x03")];
    let (code, shown) = talk(&house, &["list"], &["PBS_PASSWORD"], &interrupted).expect("as above");
    assert_eq!(code, Some(255), "{shown}");
}

/// Passphrases of keys and of the master key.
#[test]
fn passphrases() {
    let house = House::new();
    let (key, verify) = ("Encryption Key Password: ", "Verify Password: ");
    let path = |name: &str| house.path(name);
    let Some((code, shown)) = talk(
        &house,
        &["key", "create", "k.json"],
        &[],
        &[(key, "secret-1\r"), (verify, "secret-2\r")],
    ) else {
        return;
    };
    assert_eq!(code, Some(255), "{shown}");
    assert!(shown.contains("Passwords do not match!"), "{shown}");
    assert!(!path("k.json").exists());
    let ok = |words: &[&str], answers: &[(&str, &str)]| {
        let (code, shown) = talk(&house, words, &[], answers).expect("a terminal");
        assert_eq!(code, Some(0), "{words:?}: {shown}");
        assert!(!shown.contains("secret-"), "{shown}");
    };
    ok(
        &["key", "create", "k.json"],
        // A wrong letter is taken back.
        &[(key, "secret-x\x7f1\r"), (verify, "secret-1\r")],
    );
    ok(
        &["key", "change-passphrase", "k.json"],
        &[
            (key, "secret-1\r"),
            ("New Password: ", "secret-2\r"),
            (verify, "secret-2\r"),
        ],
    );
    ok(
        &["key", "create-master-key"],
        &[
            ("Master Key Password: ", "secret-3\r"),
            (verify, "secret-3\r"),
        ],
    );
    fs::write(path("note"), "text").expect("file");
    ok(
        &[
            "backup",
            "note.conf:note",
            "--backup-id",
            "box",
            "--keyfile",
            "k.json",
            "--master-pubkey-file",
            "master-public.pem",
        ],
        &[(key, "secret-2\r")],
    );
    let restore = [
        "restore",
        "host/box",
        "note.conf",
        "back",
        "--keyfile",
        "k.json",
    ];
    let (code, shown) = talk(&house, &restore, &[], &[(key, "wrong-one\r")]).expect("a terminal");
    assert_eq!(code, Some(255), "{shown}");
    assert!(!path("back").exists());
    ok(&restore, &[(key, "secret-2\r")]);
    assert_eq!(fs::read(path("back")).expect("file"), b"text");
    house
        .client(&["restore", "host/box", "rsa-encrypted.key", "rsa.key"])
        .ok();
    ok(
        &[
            "key",
            "import-with-master-key",
            "again.json",
            "--master-keyfile",
            "master-private.pem",
            "--encrypted-keyfile",
            "rsa.key",
        ],
        &[
            ("Master Key Password: ", "secret-3\r"),
            ("New Password: ", "secret-4\r"),
            (verify, "secret-4\r"),
        ],
    );
    assert!(Path::new(&path("again.json")).exists());
    ok(
        &["group", "forget", "host/box"],
        &[(
            "Delete group \"host/box\" with 1 snapshot(s)? [y/N]: ",
            "y\r",
        )],
    );
}
