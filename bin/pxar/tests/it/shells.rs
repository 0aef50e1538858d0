//! What shells, manuals and readers get: candidates, scripts, pages, the synopsis, help with examples.

use std::path::Path;
use std::process::Command;

use crate::{err, out, pxar};

#[test]
fn the_words_of_every_program_of_the_original() {
    let temp = tempfile::tempdir().expect("temp dir");
    let dir = temp.path();
    let doc = pxar(&["printdoc"], dir);
    assert_eq!((doc.status.code(), err(&doc).as_str()), (Some(0), ""));
    assert!(out(&doc).starts_with("pxar create\n-----------\n"));

    let found = Command::new(env!("CARGO_BIN_EXE_pxar"))
        .args(["bashcomplete", "pxar", "mo", "pxar"])
        .env("COMP_LINE", "pxar mo then more")
        .env("COMP_POINT", "7")
        .env("PXAR_LOG", "loud")
        .output()
        .expect("the program starts");
    assert_eq!(
        (out(&found).as_str(), err(&found).as_str()),
        ("mount\n", "")
    );
    let none = pxar(&["bashcomplete"], dir);
    assert_eq!((none.status.code(), err(&none).as_str()), (Some(0), ""));

    let script = pxar(&["completion", "bash"], dir);
    assert!(out(&script).contains("complete -C 'pxar bashcomplete' pxar"));
}

#[test]
fn the_version() {
    let temp = tempfile::tempdir().expect("temp dir");
    for word in ["--version", "-V"] {
        let said = pxar(&[word], temp.path());
        assert_eq!(said.status.code(), Some(0), "{}", err(&said));
        assert_eq!(
            out(&said),
            concat!("pxar ", env!("CARGO_PKG_VERSION"), "\n")
        );
    }
}

#[test]
fn pages_and_examples() {
    let temp = tempfile::tempdir().expect("temp dir");
    let dir = temp.path();
    assert_eq!(pxar(&["man", "."], dir).status.code(), Some(0));
    for verb in ["create", "extract", "list", "mount"] {
        assert!(dir.join(format!("pxar-{verb}.1")).exists(), "{verb}");
        let page = pxar(&[verb, "--help"], dir);
        assert!(out(&page).contains("\nExamples:\n  pxar "), "{verb}");
    }
    let refused = pxar(&["man", "none"], dir);
    assert_eq!(refused.status.code(), Some(255));
    assert!(err(&refused).contains("must exist"), "{}", err(&refused));
    assert!(!Path::new(&dir.join("none")).exists());
}
