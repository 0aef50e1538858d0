//! Keys without a server: made, shown, and compared with the original's.

use std::os::unix::fs::PermissionsExt;

use crate::run::{Home, fixture};

#[test]
fn keys_are_shown_as_the_original_shows_them() {
    let Some(root) = fixture("keys") else { return };
    for name in ["none", "scrypt", "pbkdf2"] {
        let home = Home::new();
        std::fs::create_dir(home.path().join("keys")).unwrap();
        std::fs::copy(
            root.join(format!("{name}.json")),
            home.path().join(format!("keys/{name}.json")),
        )
        .unwrap();
        for (options, ending) in [("", "txt"), (" --output-format json", "json")] {
            let expected =
                std::fs::read_to_string(root.join(format!("{name}.show.{ending}"))).unwrap();
            let run = home.run(&format!("key show keys/{name}.json{options}"));
            assert_eq!(
                (run.stdout, run.status),
                (expected, Some(0)),
                "{name}: {}",
                run.stderr
            );
        }
    }
}

#[test]
fn a_key_is_made_once_and_for_its_owner_alone() {
    let home = Home::new();
    let run = home.run("key create k.json --kdf none");
    assert_eq!(
        (run.status, run.stdout.as_str(), run.stderr.as_str()),
        (Some(0), "", "")
    );
    let path = home.path().join("k.json");
    assert_eq!(
        std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let before = std::fs::read(&path).unwrap();
    let run = home.run("key create k.json --kdf none");
    assert!(
        run.stderr
            .starts_with("Error: unable to create key file 'k.json' - File exists (os error 17)"),
        "{}",
        run.stderr
    );
    assert_eq!(
        (run.status, std::fs::read(&path).unwrap()),
        (Some(255), before)
    );
    let run = home.run("key show k.json --output-format json");
    assert!(
        run.stdout.contains("\"kdf\":\"none\"")
            && run.stdout.contains("\"path\":\"\\\"k.json\\\"\""),
        "{}",
        run.stdout
    );
}

#[test]
fn the_default_key() {
    let home = Home::new();
    let run = home.run("key create --kdf none");
    let path = home
        .path()
        .join(".config/proxmox-backup/encryption-key.json");
    assert_eq!(run.stderr, format!("creating default key at: {path:?}\n"));
    assert_eq!(home.run("key show").status, Some(0));
    let run = home.run("key change-passphrase");
    assert!(run.stderr.contains("no tty"), "{}", run.stderr);
}
