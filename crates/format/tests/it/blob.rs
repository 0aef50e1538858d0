//! Envelopes: V1 of the specification, every blob and chunk of the fixtures, limits, damage.

use format::blob::set_crc;
use format::{
    BLOB_RAW_MAX, Blob, BlobError, BlobKind, CHUNK_RAW_MAX, Compressor, CryptMode, Decompressor,
    Digest,
};
use proptest::prelude::*;

use crate::fixtures::{archives, chunks, dir, hex};

fn encode(data: &[u8], compress: bool) -> Vec<u8> {
    let mut out = Vec::new();
    Compressor::new().encode(data, compress, &mut out).unwrap();
    out
}

fn decode(encoded: &[u8], raw_max: usize) -> Result<Vec<u8>, BlobError> {
    let mut out = Vec::new();
    Decompressor::new().decode(&Blob::parse(encoded)?, raw_max, &mut out)?;
    Ok(out)
}

#[test]
fn plain_blobs_of_the_specification() {
    assert_eq!(
        encode(b"hello", false),
        hex("42ab3807be8370a1 86a61036 68656c6c6f")
    );
    assert_eq!(encode(b"", false), hex("42ab3807be8370a1 00000000"));
    assert_eq!(
        Blob::parse(&encode(b"hello", false))
            .unwrap()
            .computed_crc(),
        0x3610_a686
    );
}

#[test]
fn compressed_blob_of_the_specification() {
    let encoded = hex("31b958426fb6a37f98c1298828b52ffd206445000010414101003f012c");
    let blob = Blob::parse(&encoded).unwrap();
    blob.check_crc().unwrap();
    assert_eq!(blob.kind(), BlobKind::Zstd);
    assert_eq!(decode(&encoded, CHUNK_RAW_MAX).unwrap(), [b'A'; 100]);
}

#[test]
fn kinds_know_their_properties() {
    // kind, compressed, encrypted, header, mode
    let cases = [
        (BlobKind::Plain, false, false, 12, CryptMode::None),
        (BlobKind::Zstd, true, false, 12, CryptMode::None),
        (BlobKind::Encrypted, false, true, 44, CryptMode::Encrypt),
        (BlobKind::ZstdEncrypted, true, true, 44, CryptMode::Encrypt),
    ];
    for (kind, compressed, encrypted, header_len, mode) in cases {
        assert_eq!(BlobKind::new(compressed, encrypted), kind);
        assert_eq!(
            (
                kind.is_compressed(),
                kind.is_encrypted(),
                kind.header_len(),
                kind.crypt_mode()
            ),
            (compressed, encrypted, header_len, mode)
        );
        // A header alone is the shortest blob; one byte less is none.
        let mut bytes = kind.magic().to_vec();
        bytes.resize(header_len, 0);
        assert_eq!(Blob::parse(&bytes).unwrap().kind(), kind);
        for len in 0..header_len {
            assert!(
                matches!(Blob::parse(&bytes[..len]), Err(BlobError::TooShort { .. })),
                "{kind:?} {len}"
            );
        }
        assert_eq!(Blob::parse(&bytes).unwrap().iv().is_some(), encrypted);
        assert_eq!(Blob::parse(&bytes).unwrap().tag().is_some(), encrypted);
    }
}

#[test]
fn compression_is_kept_only_if_it_pays() {
    let random = crate::fixtures::generated("", 100_000);
    // name, data, compress, expected
    let cases: [(&str, &[u8], bool, BlobKind); 5] = [
        ("zeros", &[0; 100_000], true, BlobKind::Zstd),
        ("zeros, not wanted", &[0; 100_000], false, BlobKind::Plain),
        ("random", &random, true, BlobKind::Plain),
        ("short", b"abc", true, BlobKind::Plain),
        ("empty", b"", true, BlobKind::Plain),
    ];
    // One compressor and one buffer for all: earlier work leaves no trace.
    let (mut compressor, mut out) = (Compressor::new(), Vec::new());
    for (name, data, compress, expected) in cases {
        let kind = compressor.encode(data, compress, &mut out).unwrap();
        assert_eq!(kind, expected, "{name}");
        let blob = Blob::parse(&out).unwrap();
        assert_eq!(blob.kind(), expected, "{name}");
        blob.check_crc().unwrap();
        assert!(out.len() <= data.len() + 12, "{name}");
        assert_eq!(decode(&out, CHUNK_RAW_MAX).unwrap(), data, "{name}");
    }
}

#[test]
fn nothing_is_allocated_once_warm() {
    let data = vec![7; 1 << 20];
    let (mut compressor, mut decompressor) = (Compressor::new(), Decompressor::new());
    let (mut encoded, mut decoded) = (Vec::new(), Vec::new());
    compressor.encode(&data, true, &mut encoded).unwrap();
    decompressor
        .decode(&Blob::parse(&encoded).unwrap(), CHUNK_RAW_MAX, &mut decoded)
        .unwrap();
    let before = (
        encoded.as_ptr(),
        encoded.capacity(),
        decoded.as_ptr(),
        decoded.capacity(),
    );
    compressor.encode(&data, true, &mut encoded).unwrap();
    decompressor
        .decode(&Blob::parse(&encoded).unwrap(), CHUNK_RAW_MAX, &mut decoded)
        .unwrap();
    let after = (
        encoded.as_ptr(),
        encoded.capacity(),
        decoded.as_ptr(),
        decoded.capacity(),
    );
    assert_eq!(before, after);
    assert_eq!(decoded, data);
}

/// A zstd frame that does not say how large its content is, as the original's older versions made them.
fn frame_without_size(data: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    std::io::Write::write_all(&mut encoder, data).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn frames_of_all_shapes_are_read_within_the_limit() {
    let data = vec![5; 3_000_000];
    let sized = zstd::bulk::compress(&data, 1).unwrap();
    let unsized_frame = frame_without_size(&data);
    let two = [&sized[..], &unsized_frame].concat();
    let two_unsized = [&unsized_frame[..], &sized].concat();
    let twice = [&data[..], &data].concat();
    // name, frames, content
    let cases: [(&str, &[u8], &[u8]); 5] = [
        ("size known", &sized, &data),
        ("size unknown", &unsized_frame, &data),
        ("two frames, first size known", &two, &twice),
        ("two frames, first size unknown", &two_unsized, &twice),
        ("empty content", &zstd::bulk::compress(b"", 1).unwrap(), b""),
    ];
    let mut decompressor = Decompressor::new();
    for (name, frames, content) in cases {
        for raw_max in [
            content.len(),
            content.len() + 1,
            CHUNK_RAW_MAX,
            CHUNK_RAW_MAX + 1,
            BLOB_RAW_MAX,
        ] {
            // A fresh buffer, and one with more room than allowed.
            for mut out in [Vec::new(), Vec::with_capacity(8_000_000)] {
                decompressor
                    .decompress(frames, raw_max, &mut out)
                    .unwrap_or_else(|e| panic!("{name} {raw_max}: {e}"));
                assert!(out == content, "{name} {raw_max}");
            }
        }
        let Some(too_small) = content.len().checked_sub(1) else {
            continue;
        };
        for mut out in [Vec::new(), Vec::with_capacity(8_000_000)] {
            let error = decompressor
                .decompress(frames, too_small, &mut out)
                .unwrap_err();
            assert_eq!(
                error,
                BlobError::ContentTooLarge { raw_max: too_small },
                "{name}"
            );
            assert!(out.is_empty(), "{name}");
        }
    }
}

#[test]
fn large_content_of_unknown_size_is_bounded_too() {
    let data = vec![1; CHUNK_RAW_MAX + 5];
    let frame = frame_without_size(&data);
    let mut out = Vec::new();
    let mut decompressor = Decompressor::new();
    decompressor
        .decompress(&frame, BLOB_RAW_MAX, &mut out)
        .unwrap();
    assert!(out == data);
    let raw_max = CHUNK_RAW_MAX + 4;
    let error = decompressor
        .decompress(&frame, raw_max, &mut out)
        .unwrap_err();
    assert_eq!(error, BlobError::ContentTooLarge { raw_max });
    for len in [0, 1, 3, 10, frame.len() / 2, frame.len() - 1] {
        let error = decompressor
            .decompress(&frame[..len], BLOB_RAW_MAX, &mut out)
            .unwrap_err();
        assert!(matches!(error, BlobError::Damaged { .. }), "{len} {error}");
    }
}

#[test]
fn content_over_the_limits_is_refused() {
    let mut out = Vec::new();
    let too_long = vec![0; BLOB_RAW_MAX + 1];
    let error = Compressor::new()
        .encode(&too_long, false, &mut out)
        .unwrap_err();
    assert_eq!(
        error,
        BlobError::ContentTooLarge {
            raw_max: BLOB_RAW_MAX
        }
    );
    assert_eq!(
        decode(&encode(b"hello", false), 4),
        Err(BlobError::ContentTooLarge { raw_max: 4 })
    );
    assert_eq!(decode(&encode(b"hello", false), 5).unwrap(), b"hello");
}

#[test]
fn checksum_is_written_anew() {
    let mut encoded = encode(&[9; 1000], true);
    encoded[8..12].fill(0);
    assert!(matches!(
        Blob::parse(&encoded).unwrap().check_crc(),
        Err(BlobError::Crc { stored: 0, .. })
    ));
    set_crc(&mut encoded).unwrap();
    Blob::parse(&encoded).unwrap().check_crc().unwrap();
    assert_eq!(encoded, encode(&[9; 1000], true));
    assert!(set_crc(&mut [0; 40]).is_err());
}

#[test]
fn encrypted_kinds_need_their_key() {
    let mut encoded = BlobKind::Encrypted.magic().to_vec();
    encoded.resize(60, 0);
    assert_eq!(decode(&encoded, CHUNK_RAW_MAX), Err(BlobError::Encrypted));
}

#[test]
fn every_chunk_and_blob_of_the_original() {
    let Some(fixtures) = dir() else { return };
    let mut seen = std::collections::HashSet::new();
    let mut decompressor = Decompressor::new();
    let mut content = Vec::new();
    for (path, digest) in chunks(&fixtures) {
        let encoded = std::fs::read(&path).unwrap();
        let blob = Blob::parse(&encoded).unwrap();
        blob.check_crc()
            .unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        seen.insert(blob.kind());
        match decompressor.decode(&blob, CHUNK_RAW_MAX, &mut content) {
            Ok(()) => assert_eq!(Digest::of(&content), digest, "{}", path.display()),
            Err(error) => assert_eq!(
                (error, blob.kind().is_encrypted()),
                (BlobError::Encrypted, true)
            ),
        }
        let mut again = encoded.clone();
        again[8..12].fill(0xff);
        set_crc(&mut again).unwrap();
        assert!(again == encoded, "{}", path.display());
        // Uncompressed ones have one encoding only.
        if blob.kind() == BlobKind::Plain {
            assert!(encode(&content, false) == encoded, "{}", path.display());
        }
    }
    assert!(
        seen.contains(&BlobKind::Zstd) && seen.contains(&BlobKind::ZstdEncrypted),
        "{seen:?}"
    );
    for (path, _) in archives(&fixtures, format::ArchiveKind::Blob) {
        let encoded = std::fs::read(&path).unwrap();
        let blob = Blob::parse(&encoded).unwrap();
        blob.check_crc().unwrap();
        decompressor
            .decode(&blob, BLOB_RAW_MAX, &mut content)
            .unwrap();
    }
    let log = fixtures.join("datastore/host/plain/2023-11-14T22:13:20Z/client.log.blob");
    assert_eq!(
        decode(&std::fs::read(log).unwrap(), BLOB_RAW_MAX).unwrap(),
        b"log line 1\nlog line 2\n"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn decoding_undoes_encoding(
        data in prop::collection::vec(prop::sample::select(vec![0u8, 1, 255]), 0..2000),
        compress: bool,
    ) {
        let encoded = encode(&data, compress);
        prop_assert_eq!(decode(&encoded, CHUNK_RAW_MAX).unwrap(), data);
    }

    #[test]
    fn every_prefix_is_an_error(
        data in prop::collection::vec(prop::sample::select(vec![0u8, 1, 255]), 1..1000),
        compress: bool,
    ) {
        let encoded = encode(&data, compress);
        for len in 0..encoded.len() {
            let prefix = &encoded[..len];
            let checked = Blob::parse(prefix).and_then(|blob| blob.check_crc());
            prop_assert!(checked.is_err(), "{}", len);
            if Blob::parse(prefix).is_ok_and(|blob| blob.kind() == BlobKind::Zstd) {
                prop_assert!(decode(prefix, CHUNK_RAW_MAX).is_err(), "{}", len);
                prop_assert!(decode(prefix, BLOB_RAW_MAX).is_err(), "{}", len);
            }
        }
    }

    #[test]
    fn damage_never_panics(
        data in prop::collection::vec(prop::sample::select(vec![0u8, 1, 255]), 100..1000),
        at in any::<prop::sample::Index>(),
        flip in 1u8..,
    ) {
        let mut encoded = encode(&data, true);
        let at = at.index(encoded.len());
        encoded[at] ^= flip;
        if let Ok(content) = decode(&encoded, CHUNK_RAW_MAX) {
            prop_assert!(content.len() <= CHUNK_RAW_MAX);
        }
        // A changed body does not escape the checksum.
        if at >= 12 {
            prop_assert!(Blob::parse(&encoded).unwrap().check_crc().is_err());
        }
    }
}
