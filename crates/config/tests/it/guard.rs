//! The configuration directory and its secrets are closed to others at a start.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use config::{ConfigDir, ConfigError};

use super::fixtures::config_dir;

fn me(dir: &ConfigDir) -> u32 {
    use std::os::unix::fs::MetadataExt;
    fs::metadata(dir.path()).expect("metadata").uid()
}

#[test]
fn what_is_open_is_closed_and_told() {
    let (_temp, dir) = config_dir();
    fs::set_permissions(dir.path(), Permissions::from_mode(0o755)).unwrap();
    for (name, given, _) in TABLE {
        fs::write(dir.path().join(name), "x").unwrap();
        fs::set_permissions(dir.path().join(name), Permissions::from_mode(given)).unwrap();
    }
    let closed = dir.close_to_others(me(&dir)).unwrap();
    for (name, given, expected) in TABLE {
        let path = dir.path().join(name);
        let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o7777;
        assert_eq!(mode, expected, "{name} had {given:o}");
        let told = closed.iter().find(|closed| closed.path == path);
        assert_eq!(
            told.map(|told| told.mode_before),
            (given != expected).then_some(given),
            "{name}"
        );
    }
    assert_eq!(closed[0].path, dir.path());
    let mode = fs::metadata(dir.path()).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode, 0o700);
    assert_eq!(
        dir.close_to_others(me(&dir)).unwrap(),
        [],
        "nothing is left to do"
    );
}

const TABLE: [(&str, u32, u32); 7] = [
    ("shadow.json", 0o644, 0o600),
    ("token.shadow", 0o666, 0o640),
    ("proxy.key", 0o640, 0o640),
    ("authkey.key", 0o640, 0o600),
    ("csrf.key", 0o400, 0o400),
    ("tfa.json", 0o604, 0o600),
    // Not a secret.
    ("user.cfg", 0o644, 0o644),
];

#[test]
fn a_strangers_directory_is_refused() {
    let (_temp, dir) = config_dir();
    let stranger = me(&dir) + 1;
    let refused = dir.close_to_others(stranger);
    // Root's directory is fine for everybody who can read it.
    if me(&dir) == 0 {
        assert!(refused.is_ok());
    } else {
        assert!(matches!(refused, Err(ConfigError::Owner { .. })));
    }
    // Root may use anybody's, but not secrets that others own.
    if rustix::process::geteuid().is_root() {
        fs::write(dir.path().join("authkey.key"), "x").unwrap();
        std::os::unix::fs::chown(dir.path().join("authkey.key"), Some(12345), None).unwrap();
        assert!(matches!(
            dir.close_to_others(0),
            Err(ConfigError::Owner { owner: 12345, .. })
        ));
    }
}
