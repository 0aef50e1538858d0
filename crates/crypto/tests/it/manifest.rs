//! Signatures of manifests: V9 of the specification, the original's signed snapshots, changed manifests.

use std::path::Path;

use crypto::manifest::{ManifestCheckError, Trust, check, check_fingerprint, sign};
use crypto::{Key, Opener};
use format::{CryptMode, Digest, Manifest, ManifestFile};

use crate::fixtures::{dir, k, load_key};

fn file(name: &str, csum: Digest, size: u64, crypt_mode: CryptMode) -> ManifestFile {
    ManifestFile {
        filename: name.parse().unwrap(),
        crypt_mode,
        size,
        csum,
    }
}

fn specified() -> Manifest {
    let mut manifest = Manifest::new(&"host/demo/2023-11-14T22:13:20Z".parse().unwrap());
    let index = "80686d3e642285d4b9ce0b27a30829dd63a8d96c056f7af419502bc9d9c0de13";
    let blob = "9c5944aba3379b450612203cafb5bf60c2358103550b7f799d197f4668f169d5";
    let mode = CryptMode::SignOnly;
    manifest
        .add_file(file("root.pxar.didx", index.parse().unwrap(), 3500, mode))
        .unwrap();
    manifest
        .add_file(file("note.conf.blob", blob.parse().unwrap(), 17, mode))
        .unwrap();
    manifest
}

#[test]
fn signatures_of_the_specification() {
    let mut manifest = specified();
    sign(&mut manifest, &k()).unwrap();
    let expected = "3d62e117036d882eebadee57daec2b8e36e34f31cb6c9ea0b5bc2e64998bd712";
    assert_eq!(manifest.signature.as_deref(), Some(expected));
    let text = manifest.to_json();
    let sum = "7635aaed7474497f0917e8125921a7019778b1a74d7560b1bf623aff9291912e";
    assert_eq!(
        (text.len(), Digest::of(text.as_bytes()).to_string().as_str()),
        (688, sum)
    );

    // K2 of the specification: scrypt of "test" with an empty salt, recovered here through a key file of its own.
    let mut raw = [0; 32];
    let params = scrypt::Params::new(16, 8, 1).unwrap();
    scrypt::scrypt(b"test", b"", &params, &mut raw).unwrap();
    let mut manifest = Manifest::new(&"host/elsa/2020-06-26T13:56:05Z".parse().unwrap());
    let files = [
        file("test1.img.fidx", Digest([1; 32]), 200, CryptMode::Encrypt),
        file("abc.blob", Digest([2; 32]), 200, CryptMode::None),
    ];
    files
        .into_iter()
        .for_each(|file| manifest.add_file(file).unwrap());
    sign(&mut manifest, &Key::from_bytes(raw)).unwrap();
    let expected = "d7b446fb7db081662081d4b40fedd858a1d6307a5aff4ecff7d5bf4fd35679e9";
    assert_eq!(manifest.signature.as_deref(), Some(expected));
}

fn read(path: &Path) -> (Manifest, Vec<u8>) {
    let mut text = Vec::new();
    let blob = std::fs::read(path.join("index.json.blob")).unwrap();
    Opener::new(None)
        .open(&blob, 1 << 20, None, &mut text)
        .unwrap();
    (Manifest::from_json(&text).unwrap(), text)
}

#[test]
fn manifests_of_the_original() {
    let Some(fixtures) = dir() else { return };
    let key = load_key(fixtures.join("keys/none.json"));
    let split_key = load_key(fixtures.join("split/keys/none.json"));
    let cases = [
        (
            "datastore/host/plain/2023-11-14T22:13:20Z",
            &key,
            Trust::Unsigned,
        ),
        (
            "datastore/host/signed/2023-11-14T22:16:40Z",
            &key,
            Trust::Signed,
        ),
        (
            "datastore/host/enc/2023-11-14T22:15:00Z",
            &key,
            Trust::Signed,
        ),
        (
            "split/datastore/host/split/2025-10-09T08:53:20Z",
            &split_key,
            Trust::Unsigned,
        ),
        (
            "split/datastore/host/split-enc/2025-10-09T08:53:20Z",
            &split_key,
            Trust::Signed,
        ),
        (
            "split/datastore/host/split-enc/2025-10-10T08:53:20Z",
            &split_key,
            Trust::Signed,
        ),
    ];
    for (path, key, expected) in cases {
        let (mut manifest, text) = read(&fixtures.join(path));
        assert_eq!(
            check(&manifest, &text, Some(key)).unwrap(),
            expected,
            "{path}"
        );
        assert_eq!(
            check(&manifest, &text, None).unwrap(),
            Trust::Unchecked,
            "{path}"
        );
        if expected == Trust::Signed {
            let signature = manifest.signature.take();
            sign(&mut manifest, key).unwrap();
            assert_eq!(manifest.signature, signature, "{path}");
            assert_eq!(manifest.to_json().as_bytes(), text, "{path}");
            assert!(check_fingerprint(&manifest, Some(key)).is_ok());
            let error = check_fingerprint(&manifest, None).unwrap_err();
            let message = format!(
                "missing key - manifest was created with key {}",
                key.fingerprint().short()
            );
            assert_eq!(error.to_string(), message);
        }
    }
}

#[test]
fn changed_manifests_are_noticed() {
    let mut signed = specified();
    sign(&mut signed, &k()).unwrap();
    let checked = |manifest: &Manifest| check(manifest, manifest.to_json().as_bytes(), Some(&k()));
    assert_eq!(checked(&signed).unwrap(), Trust::Signed);

    // What is not signed may change.
    let mut noted = signed.clone();
    noted.set_notes("checked by hand");
    assert_eq!(checked(&noted).unwrap(), Trust::Signed);

    let mut other_size = signed.clone();
    other_size.files[0].size += 1;
    let mut fewer_files = signed.clone();
    fewer_files.files.pop();
    let mut other_order = signed.clone();
    other_order.files.reverse();
    let mut other_mode = signed.clone();
    other_mode.files[0].crypt_mode = CryptMode::None;
    let mut other_time = signed.clone();
    other_time.snapshot = "host/demo/2023-11-14T22:13:21Z".parse().unwrap();
    let mut no_signature = signed.clone();
    no_signature.signature = Some("not hexadecimal".to_owned());
    for changed in [
        other_size,
        fewer_files,
        other_order,
        other_mode,
        other_time,
        no_signature,
    ] {
        assert!(
            matches!(checked(&changed), Err(ManifestCheckError::WrongSignature)),
            "{changed:?}"
        );
    }

    let mut unsigned = signed.clone();
    unsigned.signature = None;
    assert_eq!(checked(&unsigned).unwrap(), Trust::Unsigned);

    let other = Key::from_bytes([7; 32]);
    let error = check(&signed, signed.to_json().as_bytes(), Some(&other)).unwrap_err();
    assert!(matches!(error, ManifestCheckError::WrongKey { .. }));
    // A signature by another key is wrong even if no fingerprint tells so.
    signed.set_key_fingerprint(None);
    let error = check(&signed, signed.to_json().as_bytes(), Some(&other)).unwrap_err();
    assert!(matches!(error, ManifestCheckError::WrongSignature));
    assert!(check_fingerprint(&signed, None).is_ok());
}

/// Old clients signed the text they had, with fields that the schema does not know.
#[test]
fn a_signature_over_unknown_fields_is_accepted() {
    let zeros = Digest::ZERO;
    let files = format!(
        r#"[{{"crypt-mode":"none","csum":"{zeros}","filename":"a.blob","more":[true],"size":1}}]"#
    );
    let canonical = format!(
        r#"{{"backup-id":"a","backup-time":1,"backup-type":"ct","files":{files},"more":"x"}}"#
    );
    let signature = Digest(k().sign(canonical.as_bytes()));
    let text = canonical.replace(
        "\"more\":\"x\"",
        &format!("\"more\":\"x\",\"signature\":\"{signature}\""),
    );
    let manifest = Manifest::from_json(text.as_bytes()).unwrap();
    assert_eq!(
        check(&manifest, text.as_bytes(), Some(&k())).unwrap(),
        Trust::Signed
    );
    let changed = text.replace("\"size\":1", "\"size\":2");
    let manifest = Manifest::from_json(changed.as_bytes()).unwrap();
    assert!(check(&manifest, changed.as_bytes(), Some(&k())).is_err());
}
