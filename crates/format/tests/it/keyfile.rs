//! Key files: every one of the fixtures is read and written again to the same bytes.

use format::{Kdf, KeyFile};

use crate::fixtures::dir;

#[test]
fn key_files_of_the_original_are_written_again_byte_for_byte() {
    let Some(fixtures) = dir() else { return };
    for name in ["none", "scrypt", "pbkdf2", "imported-with-master-key"] {
        let json = std::fs::read(fixtures.join(format!("keys/{name}.json"))).unwrap();
        let file = KeyFile::from_json(&json).unwrap();
        assert_eq!(file.to_json().as_bytes(), json, "{name}");
        if name != "imported-with-master-key" {
            let shown = std::fs::read(fixtures.join(format!("keys/{name}.show.json"))).unwrap();
            let shown: serde_json::Value = serde_json::from_slice(&shown).unwrap();
            assert_eq!(shown["kdf"], Kdf::name(file.kdf.as_ref()), "{name}");
            assert_eq!(shown["created"], file.created.epoch(), "{name}");
            assert_eq!(shown["modified"], file.modified.epoch(), "{name}");
            assert_eq!(
                shown["fingerprint"],
                file.fingerprint.unwrap().to_string(),
                "{name}"
            );
            assert_eq!(
                shown.get("hint").and_then(|hint| hint.as_str()),
                file.hint.as_deref(),
                "{name}"
            );
        }
    }
    let paper = std::fs::read_to_string(fixtures.join("keys/none.paperkey.txt")).unwrap();
    let json = std::fs::read(fixtures.join("keys/none.json")).unwrap();
    assert!(paper.contains(KeyFile::from_json(&json).unwrap().to_json_pretty().as_str()));
}

const FILE: &str = r#"{"kdf":{"PBKDF2":{"iter":65535,"salt":"AAEC"}},"created":"2026-11-22T17:13:43+01:00","modified":"2026-11-22T17:13:43Z","data":"AAEC"}"#;

#[test]
fn optional_fields_may_be_missing_and_order_is_free() {
    let file = KeyFile::from_json(FILE.as_bytes()).unwrap();
    assert_eq!(
        (file.fingerprint, file.hint.clone(), file.data.as_slice()),
        (None, None, &[0, 1, 2][..])
    );
    assert_eq!(file.modified.epoch() - file.created.epoch(), 3600);
    assert_eq!(file.to_json().as_str(), FILE.replace("43Z", "43+00:00"));
    let other_order = r#"{"data":"AAEC","modified":"2026-11-22T17:13:43Z","created":"2026-11-22T17:13:43+01:00","kdf":{"PBKDF2":{"salt":"AAEC","iter":65535}},"hint":null,"fingerprint":null}"#;
    assert_eq!(KeyFile::from_json(other_order.as_bytes()).unwrap(), file);
    assert!(!format!("{file:?}").contains("data"));
}

#[test]
fn damaged_key_files_are_refused() {
    for len in 0..FILE.len() {
        assert!(
            KeyFile::from_json(&FILE.as_bytes()[..len]).is_err(),
            "{len}"
        );
    }
    for (from, to) in [
        ("AAEC", "AAE"),
        ("AAEC", "A\u{e9}"),
        ("PBKDF2", "pbkdf2"),
        ("65535", "-1"),
        ("+01:00", ""),
        ("2026-11-22", "2026-13-22"),
    ] {
        assert!(
            KeyFile::from_json(FILE.replace(from, to).as_bytes()).is_err(),
            "{to}"
        );
    }
}
