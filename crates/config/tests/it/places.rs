//! Where files lie by default.

use std::ffi::OsString;
use std::path::PathBuf;

use config::places::{NoHome, Places, node_name};

#[test]
fn folders() {
    type Variables = &'static [(&'static str, &'static str)];
    // Given, root, environment, expected.
    type Row = (
        (Option<&'static str>, Option<&'static str>),
        bool,
        Variables,
        Result<(&'static str, &'static str), NoHome>,
    );
    let rows: &[Row] = &[
        (
            (None, None),
            true,
            &[],
            Ok(("/etc/strongroom", "/var/lib/strongroom")),
        ),
        ((Some("/c"), Some("/s")), false, &[], Ok(("/c", "/s"))),
        (
            (None, None),
            false,
            &[("HOME", "/home/a")],
            Ok((
                "/home/a/.config/strongroom",
                "/home/a/.local/state/strongroom",
            )),
        ),
        (
            (None, None),
            false,
            &[
                ("HOME", "/home/a"),
                ("XDG_CONFIG_HOME", "/x"),
                ("XDG_STATE_HOME", "relative"),
            ],
            Ok(("/x/strongroom", "/home/a/.local/state/strongroom")),
        ),
        ((None, None), false, &[], Err(NoHome)),
        ((Some("/c"), None), false, &[], Err(NoHome)),
    ];
    for ((config_dir, state_dir), is_root, variables, expected) in rows {
        let variable = |name: &str| {
            variables
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| OsString::from(value))
        };
        let places = Places::resolve(
            config_dir.map(PathBuf::from),
            state_dir.map(PathBuf::from),
            *is_root,
            variable,
        );
        let expected = expected.map(|(c, s)| Places {
            config_dir: c.into(),
            state_dir: s.into(),
        });
        assert_eq!(places, expected);
    }
}

#[test]
fn node_names() {
    for (hostname, node) in [
        ("vault", "vault"),
        ("vault.example.org", "vault"),
        ("", "localhost"),
        ("-x", "localhost"),
        ("ä", "localhost"),
    ] {
        assert_eq!(node_name(hostname), node);
    }
}
