//! Manifests: V9 of the specification, every manifest of the fixtures written again to the same text, damage.

use format::manifest::{ChunkUploadStats, VerifyState, VerifyStateKind, signed_bytes};
use format::{
    ArchiveKind, Blob, CryptMode, Decompressor, Digest, Fingerprint, Manifest, ManifestError,
    ManifestFile, Snapshot,
};
use serde_json::json;

use crate::fixtures::{archives, dir};

const CANONICAL: &str = r#"{"backup-id":"demo","backup-time":1700000000,"backup-type":"host","files":[{"crypt-mode":"sign-only","csum":"80686d3e642285d4b9ce0b27a30829dd63a8d96c056f7af419502bc9d9c0de13","filename":"root.pxar.didx","size":3500},{"crypt-mode":"sign-only","csum":"9c5944aba3379b450612203cafb5bf60c2358103550b7f799d197f4668f169d5","filename":"note.conf.blob","size":17}]}"#;

fn file(name: &str, csum: &str, size: u64) -> ManifestFile {
    ManifestFile {
        filename: name.parse().unwrap(),
        crypt_mode: CryptMode::SignOnly,
        size,
        csum: csum.parse().unwrap(),
    }
}

fn specified() -> Manifest {
    let snapshot: Snapshot = "host/demo/2023-11-14T22:13:20Z".parse().unwrap();
    let mut manifest = Manifest::new(&snapshot);
    let index = "80686d3e642285d4b9ce0b27a30829dd63a8d96c056f7af419502bc9d9c0de13";
    let blob = "9c5944aba3379b450612203cafb5bf60c2358103550b7f799d197f4668f169d5";
    manifest
        .add_file(file("root.pxar.didx", index, 3500))
        .unwrap();
    manifest.add_file(file("note.conf.blob", blob, 17)).unwrap();
    manifest
}

#[test]
fn manifest_of_the_specification() {
    let mut manifest = specified();
    assert_eq!(
        String::from_utf8(manifest.canonical().unwrap()).unwrap(),
        CANONICAL
    );
    let fingerprint = "0e:ab:d4:46:0b:6e:b9:ca:34:50:23:de:e2:b7:78:c7:90:e5:4a:16:83:b9:65:9c:0a:57:ae:19:90:90:15:9b";
    manifest.set_key_fingerprint(Some(fingerprint.parse().unwrap()));
    let signature = "3d62e117036d882eebadee57daec2b8e36e34f31cb6c9ea0b5bc2e64998bd712";
    manifest.signature = Some(signature.to_owned());
    let text = manifest.to_json();
    assert_eq!(text.len(), 688);
    assert_eq!(
        Digest::of(text.as_bytes()).to_string(),
        "7635aaed7474497f0917e8125921a7019778b1a74d7560b1bf623aff9291912e"
    );
    assert_eq!(
        String::from_utf8(signed_bytes(text.as_bytes()).unwrap()).unwrap(),
        CANONICAL
    );
    assert_eq!(Manifest::from_json(text.as_bytes()).unwrap(), manifest);
}

#[test]
fn manifests_of_the_original_are_written_again_byte_for_byte() {
    let Some(fixtures) = dir() else { return };
    let mut decompressor = Decompressor::new();
    let mut text = Vec::new();
    let mut compared = 0;
    let verified = fixtures.join("server-state/index.json.verified.blob");
    let paths = archives(&fixtures, ArchiveKind::Blob)
        .into_iter()
        .filter(|(_, name)| name.is_manifest())
        .map(|(path, _)| path);
    for path in paths.chain([verified.clone()]) {
        let encoded = std::fs::read(&path).unwrap();
        decompressor
            .decode(&Blob::parse(&encoded).unwrap(), 1 << 20, &mut text)
            .unwrap();
        let manifest = Manifest::from_json(&text).unwrap();
        assert_eq!(
            manifest.to_json(),
            String::from_utf8_lossy(&text),
            "{}",
            path.display()
        );
        assert_eq!(manifest.canonical().unwrap(), signed_bytes(&text).unwrap());
        assert!(manifest.chunk_upload_stats().unwrap().is_some());
        if path != verified {
            assert!(
                path.parent()
                    .unwrap()
                    .ends_with(manifest.snapshot.to_string())
            );
            // Sizes and checksums are those of the files beside it.
            for file in &manifest.files {
                let bytes = std::fs::read(path.with_file_name(file.filename.as_str())).unwrap();
                let (size, csum) = match file.filename.kind() {
                    ArchiveKind::Blob => (bytes.len() as u64, Digest::of(&bytes)),
                    _ => {
                        let index = format::Index::parse(&file.filename, bytes).unwrap();
                        (index.size(), index.csum())
                    }
                };
                assert_eq!((size, csum), (file.size, file.csum), "{}", file.filename);
            }
        }
        compared += 1;
    }
    assert!(compared > 10, "{compared}");
    decompressor
        .decode(
            &Blob::parse(&std::fs::read(verified).unwrap()).unwrap(),
            1 << 20,
            &mut text,
        )
        .unwrap();
    let manifest = Manifest::from_json(&text).unwrap();
    assert_eq!(
        manifest.verify_state().unwrap().unwrap().state,
        VerifyStateKind::Ok
    );
    assert!(!manifest.notes().is_empty());
}

#[test]
fn the_unsigned_part_is_edited_by_type() {
    let mut manifest = specified();
    let before = manifest.canonical().unwrap();
    assert_eq!(manifest.notes(), "");
    assert_eq!(manifest.verify_state().unwrap(), None);
    assert_eq!(manifest.key_fingerprint().unwrap(), None);
    manifest.unprotected = json!({"unknown": [1]});
    manifest.set_notes("a\nb");
    let state = VerifyState {
        upid: "UPID:x".to_owned(),
        state: VerifyStateKind::Failed,
    };
    manifest.set_verify_state(Some(&state));
    let stats = ChunkUploadStats {
        count: 1,
        size: 2,
        compressed_size: 3,
        duplicates: 4,
    };
    manifest.set_chunk_upload_stats(Some(&stats));
    manifest.set_key_fingerprint(Some(Fingerprint::new([0xab; 32])));
    let read = Manifest::from_json(manifest.to_json().as_bytes()).unwrap();
    assert_eq!(read, manifest);
    assert_eq!(read.notes(), "a\nb");
    assert_eq!(read.verify_state().unwrap(), Some(state));
    assert_eq!(read.chunk_upload_stats().unwrap(), Some(stats));
    assert_eq!(
        read.key_fingerprint().unwrap().unwrap().short(),
        "ab:ab:ab:ab:ab:ab:ab:ab"
    );
    assert_eq!(read.unprotected["unknown"], json!([1]));
    assert_eq!(read.canonical().unwrap(), before);
    manifest.set_verify_state(None);
    assert!(manifest.unprotected.get("verify_state").is_none());
    manifest.unprotected = json!(["no object"]);
    assert_eq!(manifest.notes(), "");
    manifest.set_notes("x");
    assert_eq!(manifest.notes(), "x");
}

#[test]
fn missing_fields_have_their_defaults() {
    let json = br#"{"backup-type":"vm","backup-id":"1","backup-time":1,"files":[{"filename":"a.blob","size":12,
        "csum":"0000000000000000000000000000000000000000000000000000000000000000","more":1}],"more":2}"#;
    let manifest = Manifest::from_json(json).unwrap();
    assert_eq!(manifest.files[0].crypt_mode, CryptMode::None);
    assert_eq!(
        (manifest.signature.clone(), manifest.unprotected.clone()),
        (None, json!({}))
    );
    assert_eq!(manifest.crypt_mode(), CryptMode::None);
    assert!(manifest.to_json().contains("\"signature\": null"));
    // Unknown fields are lost when written again, but a signature may cover them.
    assert!(
        String::from_utf8(signed_bytes(json).unwrap())
            .unwrap()
            .contains("\"more\":2")
    );
}

/// A manifest of 16 MiB, the most that is read, has room for more than a hundred thousand files. Each was compared with all before it, so
/// one such upload made every list of its group take a minute.
#[test]
fn many_files_are_read_in_one_go() {
    let mut text = String::from(
        r#"{"backup-id":"demo","backup-time":1700000000,"backup-type":"host","files":["#,
    );
    let csum = Digest::ZERO;
    for n in 0..100_000 {
        let comma = if n == 0 { "" } else { "," };
        text.push_str(&format!(
            r#"{comma}{{"csum":"{csum}","filename":"note-{n:06}.blob","size":1}}"#
        ));
    }
    text.push_str("]}");
    let begun = std::time::Instant::now();
    let manifest = Manifest::from_json(text.as_bytes()).unwrap();
    assert_eq!(manifest.files.len(), 100_000);
    assert_eq!(manifest.files[99_999].filename.as_str(), "note-099999.blob");
    assert!(
        begun.elapsed().as_secs() < 20,
        "it takes a second, or a minute if each name is compared with all"
    );
}

#[test]
fn damaged_manifests_are_refused() {
    let good = specified().to_json();
    for len in 0..good.len() {
        assert!(
            Manifest::from_json(&good.as_bytes()[..len]).is_err(),
            "{len}"
        );
    }
    for (from, to) in [
        ("root.pxar.didx", "../x.didx"),
        ("root.pxar.didx", "x.txt"),
        ("\"host\"", "\"pc\""),
        ("1700000000", "0"),
        ("1700000000", "253402300800"),
        ("1700000000", "1.5"),
        ("sign-only", "sign"),
        ("80686d3e", "80686D3E"),
        ("3500", "-1"),
        ("\"demo\"", "\"-demo\""),
    ] {
        assert!(
            Manifest::from_json(good.replace(from, to).as_bytes()).is_err(),
            "{to}"
        );
    }
    let twice = good.replace("note.conf.blob", "root.pxar.didx");
    let error = Manifest::from_json(twice.as_bytes()).unwrap_err();
    assert!(matches!(error, ManifestError::Duplicate { .. }));
    assert!(matches!(
        signed_bytes(b"[]"),
        Err(ManifestError::NotAnObject)
    ));
    let name = "other.blob".parse().unwrap();
    assert!(matches!(
        specified().require_file(&name),
        Err(ManifestError::NoSuchFile { .. })
    ));
}
