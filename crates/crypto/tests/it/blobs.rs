//! Sealing and opening: V3 of the specification, the encrypted snapshots of the fixtures, wrong keys, damage.

use std::path::Path;
use std::sync::Arc;

use crypto::{CryptoError, Opener, SealedChunk, Sealer};
use format::{
    ArchiveName, BLOB_RAW_MAX, Blob, BlobError, BlobKind, CHUNK_RAW_MAX, CryptMode, Digest, Index,
};

use crate::fixtures::{Given, dir, hex, k, load_key};

fn iv() -> Vec<u8> {
    (16..32).collect()
}

fn chunk<'a>(blob: &'a [u8], expected: &'a Digest, out: &'a mut [u8]) -> SealedChunk<'a> {
    SealedChunk {
        blob,
        expected,
        out,
    }
}

fn open(key: bool, blob: &[u8], expected: Option<&Digest>) -> Result<Vec<u8>, CryptoError> {
    let mut out = b"left over".to_vec();
    let result =
        Opener::new(key.then(|| Arc::new(k()))).open(blob, CHUNK_RAW_MAX, expected, &mut out);
    if result.is_err() {
        assert!(out.is_empty());
    }
    if let Some(expected) = expected {
        let mut opener = Opener::new(key.then(|| Arc::new(k())));
        let (mut room, mut other) = (vec![9; CHUNK_RAW_MAX], vec![9; CHUNK_RAW_MAX]);
        let alone = opener.open_into(chunk(blob, expected, &mut room));
        let two = opener.open_two([
            chunk(blob, expected, &mut room),
            chunk(blob, expected, &mut other),
        ]);
        for again in [alone].into_iter().chain(two) {
            match (&result, again) {
                (Ok(()), Ok(len)) => {
                    assert_eq!((&room[..len], &other[..len]), (&out[..], &out[..]))
                }
                (Err(_), Err(_)) => {}
                (one, other) => panic!("{one:?} but {other:?}"),
            }
        }
    }
    result.map(|()| out)
}

#[test]
fn encrypted_blobs_of_the_specification() {
    let mut sealer =
        Sealer::with_random(Some(Arc::new(k())), CryptMode::Encrypt, Given(iv())).unwrap();
    let mut out = Vec::new();
    assert_eq!(
        sealer.seal(b"hello", false, &mut out).unwrap(),
        BlobKind::Encrypted
    );
    let expected = hex(
        "7b6785be222d4cf0 499d991b 101112131415161718191a1b1c1d1e1f bbe022b70269e0f0d9e91942ac3d0c83 e23f560c88",
    );
    assert_eq!(out, expected);
    assert_eq!(
        open(true, &out, Some(&k().digest(b"hello"))).unwrap(),
        b"hello"
    );
    let compressed = hex(
        "e6591bbf0bbfd80b568b4917101112131415161718191a1b1c1d1e1f0e2e1abcf78d738920b94c2efe12bd26a2ef159dc7157eaf6b1bdf28b6a02e009c",
    );
    assert_eq!(open(true, &compressed, None).unwrap(), [b'A'; 100]);
}

#[test]
fn opening_undoes_sealing() {
    let long = vec![3; 100_000];
    let contents: [&[u8]; 4] = [b"", b"a", b"hello hello hello", &long];
    for mode in [CryptMode::None, CryptMode::SignOnly, CryptMode::Encrypt] {
        let key = Arc::new(k());
        let mut sealer = Sealer::new(Some(key.clone()), mode).unwrap();
        let mut opener = Opener::new(Some(key.clone()));
        let (mut blob, mut out) = (Vec::new(), Vec::new());
        for content in contents {
            for compress in [false, true] {
                let kind = sealer.seal(content, compress, &mut blob).unwrap();
                assert_eq!(kind, Blob::parse(&blob).unwrap().kind());
                assert_eq!(kind.is_encrypted(), mode == CryptMode::Encrypt);
                assert_eq!(kind.is_compressed(), compress && content.len() > 50_000);
                Blob::parse(&blob).unwrap().check_crc().unwrap();
                let digest = sealer.digest(content);
                opener
                    .open(&blob, CHUNK_RAW_MAX, Some(&digest), &mut out)
                    .unwrap();
                assert_eq!(out, content);
                let mut room = vec![9; content.len()];
                let (blob, expected) = (&blob[..], &digest);
                let len = opener.open_into(chunk(blob, expected, &mut room)).unwrap();
                assert_eq!((len, &room[..]), (content.len(), content));
                opener.open(blob, content.len(), None, &mut out).unwrap();
                if let Some(less) = content.len().checked_sub(1) {
                    for error in [
                        opener.open(blob, less, None, &mut out).unwrap_err(),
                        opener
                            .open_into(chunk(blob, expected, &mut room[..less]))
                            .unwrap_err(),
                    ] {
                        assert!(
                            matches!(error, CryptoError::Blob(BlobError::ContentTooLarge { .. })),
                            "{error}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn an_iv_is_never_used_twice() {
    let mut sealer = Sealer::new(Some(Arc::new(k())), CryptMode::Encrypt).unwrap();
    let (mut a, mut b) = (Vec::new(), Vec::new());
    sealer.seal(b"same", false, &mut a).unwrap();
    sealer.seal(b"same", false, &mut b).unwrap();
    assert_ne!(Blob::parse(&a).unwrap().iv(), Blob::parse(&b).unwrap().iv());
    // Without random bytes nothing is sealed.
    let mut sealer =
        Sealer::with_random(Some(Arc::new(k())), CryptMode::Encrypt, Given(Vec::new())).unwrap();
    assert!(matches!(
        sealer.seal(b"same", false, &mut a),
        Err(CryptoError::Random(_))
    ));
}

#[test]
fn keys_are_missed_where_they_are_needed() {
    assert!(matches!(
        Sealer::new(None, CryptMode::Encrypt),
        Err(CryptoError::NoKey)
    ));
    assert!(Sealer::new(None, CryptMode::None).is_ok());
    let mut blob = Vec::new();
    let mut sealer = Sealer::new(Some(Arc::new(k())), CryptMode::Encrypt).unwrap();
    sealer.seal(b"content", false, &mut blob).unwrap();
    assert!(matches!(
        open(false, &blob, None),
        Err(CryptoError::Encrypted)
    ));
    let mut wrong = Opener::new(Some(Arc::new(crypto::Key::from_bytes([1; 32]))));
    let error = wrong
        .open(&blob, CHUNK_RAW_MAX, Some(&Digest::ZERO), &mut Vec::new())
        .unwrap_err();
    assert!(matches!(error, CryptoError::Decrypt), "{error}");
}

#[test]
fn every_changed_byte_is_noticed() {
    let content =
        b"some content that is worth a compression, compression, compression, compression";
    for mode in [CryptMode::None, CryptMode::Encrypt] {
        for compress in [false, true] {
            let mut sealer = Sealer::new(Some(Arc::new(k())), mode).unwrap();
            let mut blob = Vec::new();
            sealer.seal(content, compress, &mut blob).unwrap();
            let digest = sealer.digest(content);
            for at in 0..blob.len() {
                for expected in [None, Some(&digest)] {
                    let mut damaged = blob.clone();
                    damaged[at] ^= 0x40;
                    match open(true, &damaged, expected) {
                        Err(_) => {}
                        // A digest shows more than the checksum, so then the checksum is not looked at. And a change that leaves the
                        // content as it was is none.
                        Ok(out) => assert!(
                            expected.is_some() && out == content,
                            "{mode} {compress} {at} {expected:?}"
                        ),
                    }
                }
            }
            for len in 0..blob.len() {
                assert!(
                    open(true, &blob[..len], None).is_err(),
                    "{mode} {compress} {len}"
                );
                assert!(
                    open(true, &blob[..len], Some(&digest)).is_err(),
                    "{mode} {compress} {len}"
                );
            }
        }
    }
}

#[test]
fn the_digest_must_be_of_the_right_kind() {
    let mut blob = Vec::new();
    Sealer::new(Some(Arc::new(k())), CryptMode::Encrypt)
        .unwrap()
        .seal(b"hello", false, &mut blob)
        .unwrap();
    let error = open(true, &blob, Some(&Digest::of(b"hello"))).unwrap_err();
    assert!(
        matches!(error, CryptoError::Digest { computed, .. } if computed == k().digest(b"hello"))
    );
    Sealer::new(Some(Arc::new(k())), CryptMode::SignOnly)
        .unwrap()
        .seal(b"hello", false, &mut blob)
        .unwrap();
    assert!(open(true, &blob, Some(&k().digest(b"hello"))).is_err());
    assert_eq!(
        open(true, &blob, Some(&Digest::of(b"hello"))).unwrap(),
        b"hello"
    );
}

/// The content of one archive, every chunk compared with its digest.
fn restore(store: &Path, path: &Path, opener: &mut Opener) -> Vec<u8> {
    let name: ArchiveName = path.file_name().unwrap().to_str().unwrap().parse().unwrap();
    let index = Index::parse(&name, std::fs::read(path).unwrap()).unwrap();
    let (mut content, mut chunk) = (Vec::new(), Vec::new());
    for (range, digest) in index.iter() {
        let file = digest.to_string();
        let blob = std::fs::read(store.join(".chunks").join(&file[..4]).join(&file)).unwrap();
        opener
            .open(&blob, CHUNK_RAW_MAX, Some(&digest), &mut chunk)
            .unwrap();
        assert_eq!(chunk.len() as u64, range.end - range.start);
        content.extend_from_slice(&chunk);
    }
    content
}

#[test]
fn the_originals_encrypted_snapshot_opens_to_the_plain_one() {
    let Some(fixtures) = dir() else { return };
    let store = fixtures.join("datastore");
    let mut opener = Opener::new(Some(load_key(fixtures.join("keys/none.json"))));
    for name in ["root.pxar.didx", "catalog.pcat1.didx", "disk.img.fidx"] {
        let plain = store.join("host/plain/2023-11-14T22:13:20Z").join(name);
        let enc = store.join("host/enc/2023-11-14T22:15:00Z").join(name);
        let signed = store.join("host/signed/2023-11-14T22:16:40Z").join(name);
        let content = restore(&store, &plain, &mut Opener::new(None));
        assert!(restore(&store, &enc, &mut opener) == content, "{name}");
        assert!(restore(&store, &signed, &mut opener) == content, "{name}");
        match name {
            "root.pxar.didx" => {
                assert!(content == std::fs::read(fixtures.join("tree.pxar")).unwrap())
            }
            "catalog.pcat1.didx" => {
                assert!(content == std::fs::read(fixtures.join("catalog/plain.pcat1")).unwrap());
            }
            _ => assert_eq!(
                Digest::of(&content).to_string(),
                "556ce5e4af19f7d5a0fef4ac240e35c8dde4360233ac8390ded1a526685c35ce"
            ),
        }
    }
}

#[test]
fn split_archives_of_the_original_open_too() {
    let Some(fixtures) = dir() else { return };
    let store = fixtures.join("split/datastore");
    let key = load_key(fixtures.join("split/keys/none.json"));
    let mut opener = Opener::new(Some(key));
    for (snapshot, stream) in [
        ("host/split/2025-10-09T08:53:20Z", "split-1.mpxar"),
        ("host/split-enc/2025-10-10T08:53:20Z", "split-enc-2.mpxar"),
    ] {
        let content = restore(
            &store,
            &store.join(snapshot).join("root.mpxar.didx"),
            &mut opener,
        );
        assert!(content == std::fs::read(fixtures.join("split/streams").join(stream)).unwrap());
        restore(
            &store,
            &store.join(snapshot).join("root.ppxar.didx"),
            &mut opener,
        );
    }
}

#[test]
fn what_we_seal_again_opens_again() {
    let Some(fixtures) = dir() else { return };
    let key = load_key(fixtures.join("keys/none.json"));
    let content = std::fs::read(fixtures.join("tree.pxar")).unwrap();
    let (mut blob, mut out) = (Vec::new(), Vec::new());
    let mut sealer = Sealer::new(Some(key.clone()), CryptMode::Encrypt).unwrap();
    sealer.seal(&content, true, &mut blob).unwrap();
    let warm = (blob.as_ptr(), blob.capacity());
    sealer.seal(&content, true, &mut blob).unwrap();
    assert_eq!(
        (blob.as_ptr(), blob.capacity()),
        warm,
        "a warm buffer is not allocated anew"
    );
    Opener::new(Some(key))
        .open(&blob, BLOB_RAW_MAX, None, &mut out)
        .unwrap();
    assert!(out == content);
}

#[test]
fn of_two_chunks_only_the_damaged_one_fails() {
    let key = Arc::new(k());
    for mode in [CryptMode::None, CryptMode::Encrypt] {
        let mut sealer = Sealer::new(Some(key.clone()), mode).unwrap();
        let contents = [vec![1; 70_000], (0..=255).cycle().take(50_000).collect()];
        let mut blobs = [Vec::new(), Vec::new()];
        for (content, blob) in contents.iter().zip(&mut blobs) {
            sealer.seal(content, true, blob).unwrap();
        }
        let digests = contents.each_ref().map(|content| sealer.digest(content));
        for damaged in [None, Some(0), Some(1)] {
            let mut expected = digests;
            if let Some(damaged) = damaged {
                expected[damaged].0[0] ^= 1;
            }
            let mut rooms = [vec![0; 80_000], vec![0; 80_000]];
            let [one, two] = &mut rooms;
            let results = Opener::new(Some(key.clone())).open_two([
                chunk(&blobs[0], &expected[0], one),
                chunk(&blobs[1], &expected[1], two),
            ]);
            for (at, result) in results.into_iter().enumerate() {
                match result {
                    Ok(len) => {
                        assert_ne!(damaged, Some(at));
                        assert_eq!(rooms[at][..len], contents[at]);
                    }
                    Err(error) => {
                        assert_eq!(damaged, Some(at));
                        assert!(matches!(error, CryptoError::Digest { .. }), "{error}");
                    }
                }
            }
        }
    }
}
