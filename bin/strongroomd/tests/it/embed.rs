//! What the build script lays into the program, from a folder of files.

#[path = "../../build/embed.rs"]
mod script;

use std::io::Read as _;

#[test]
fn a_folder_becomes_a_table() {
    let folder = tempfile::tempdir().expect("tempdir");
    let (from, out) = (folder.path().join("app"), folder.path().join("out"));
    std::fs::create_dir_all(from.join("assets/deep")).expect("folders");
    std::fs::create_dir(&out).expect("folder");
    let files = [
        ("assets/deep/x-1.js", vec![b'a'; 5000]),
        ("assets/odd \" name.css", Vec::new()),
        ("index.html", b"<!doctype html>".to_vec()),
    ];
    for (name, bytes) in &files {
        std::fs::write(from.join(name), bytes).expect("file");
    }
    script::write(Some(&from), &out).expect("table");
    let table = std::fs::read_to_string(out.join("app.rs")).expect("table");
    for (number, (name, bytes)) in files.iter().enumerate() {
        assert!(
            table.contains(&format!("({name:?}, include_bytes!(")),
            "{table}"
        );
        let packed = std::fs::read(out.join(format!("{number}.gz"))).expect("packed");
        let mut plain = Vec::new();
        flate2::read::GzDecoder::new(packed.as_slice())
            .read_to_end(&mut plain)
            .expect("gzip");
        assert_eq!(plain, *bytes, "{name}");
    }
    assert!(std::fs::read(out.join("0.gz")).expect("packed").len() < 100);
}

#[test]
fn what_is_no_app_is_refused_and_nothing_gives_an_empty_table() {
    let folder = tempfile::tempdir().expect("tempdir");
    let error = script::write(Some(folder.path()), folder.path()).expect_err("empty");
    assert!(error.contains("no index.html"), "{error}");
    let error = script::write(Some(&folder.path().join("x")), folder.path()).expect_err("missing");
    assert!(error.contains("cannot list"), "{error}");
    script::write(None, folder.path()).expect("table");
    let table = std::fs::read_to_string(folder.path().join("app.rs")).expect("table");
    assert!(table.ends_with("= &[\n];\n"), "{table}");
}
