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

/// The path of a file was said to be one where nothing may be written.
#[test]
fn a_file_is_no_folder() {
    let folder = tempfile::tempdir().expect("tempdir");
    let file = folder.path().join("file");
    std::fs::write(&file, "").expect("file");
    let (there, gone) = (folder.path().to_owned(), folder.path().join("gone"));
    for (config_dir, state_dir, refused) in [
        (&there, &gone, None),
        (&gone, &there, None),
        (&file, &there, Some("--config-dir")),
        (&there, &file, Some("--state-dir")),
    ] {
        let places = Places {
            config_dir: config_dir.clone(),
            state_dir: state_dir.clone(),
        };
        let error = places.check().err();
        assert_eq!(error.as_ref().map(|error| error.option), refused);
        if let (Some(error), Some(option)) = (error, refused) {
            let expected = format!("{} is not a directory", file.display());
            assert_eq!(error.to_string(), expected);
            assert!(error.next_step().contains(option));
        }
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
