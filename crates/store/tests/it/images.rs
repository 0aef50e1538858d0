//! Fixed indexes: order, sizes, incremental images.

use std::fs;

use format::{Digest, DigestWriter, FixedIndex};
use store::{Session, SessionError, WriterKind};

use crate::session::{begin, text};
use crate::world::{World, manifest, tree, upload, verify};

const F: WriterKind = WriterKind::Fixed;
const D: WriterKind = WriterKind::Dynamic;
const CHUNK: usize = 4 << 20;

/// `backup-fixed` of the fixtures: small chunks are refused one after the other, in this order.
#[test]
fn a_fixed_index_with_small_chunks() {
    let world = World::new();
    let session = begin(&world, "vm/900", 0);
    assert_eq!(
        session
            .open_fixed("d.img.fidx", Some(263_144), None)
            .unwrap(),
        1
    );
    let parts = [vec![1; 131_072], vec![2; 131_072], vec![3; 1000]];
    let results: Vec<String> = parts
        .iter()
        .map(|part| text(upload(&session, 1, F, part)))
        .collect();
    let multiple = "fixed writer '1' - detected multiple end chunks (chunk size too small)";
    assert_eq!(results, ["ok", multiple, multiple]);
    let chunks: Vec<(Digest, u64)> = parts
        .iter()
        .map(|part| Digest::of(part))
        .zip([131_072, 0, 262_144])
        .collect();
    assert_eq!(
        text(session.append(1, F, &chunks)),
        "chunk with unexpected length (131072 != 4194304"
    );
    let closed = text(session.close(1, F, 3, 263_144, &Digest::ZERO));
    assert_eq!(
        closed,
        "fixed writer 'd.img.fidx' close failed - received wrong number of chunk (0 != 3)"
    );
}

#[test]
fn a_fixed_index_out_of_order() {
    let world = World::new();
    let session = begin(&world, "vm/900", 0);
    session
        .open_fixed("d.img.fidx", Some(5 << 20), None)
        .unwrap();
    session.open_dynamic("x.didx").unwrap();
    let (tail, first) = (vec![9; 1 << 20], vec![8; CHUNK]);
    let large = vec![7; CHUNK + 1];
    let (tail_digest, first_digest) = (
        upload(&session, 1, F, &tail).unwrap(),
        upload(&session, 1, F, &first).unwrap(),
    );
    let got_large = text(upload(&session, 1, F, &large));
    assert_eq!(
        got_large,
        "fixed writer 'd.img.fidx' - got large chunk (4194305 > 4194304"
    );
    let large_digest = upload(&session, 2, D, &large).unwrap();
    let append = |digest, offset| text(session.append(1, F, &[(digest, offset)]));
    assert_eq!(
        append(first_digest, 1 << 20),
        "got unaligned chunk (pos = 1048576)"
    );
    assert_eq!(
        append(first_digest, 4 << 20),
        "chunk data exceeds size (8388608 >= 5242880)"
    );
    assert_eq!(
        append(tail_digest, 0),
        "chunk with unexpected length (1048576 != 4194304"
    );
    assert_eq!(
        append(large_digest, 0),
        "chunk with unexpected length (4194305 != 4194304"
    );
    assert_eq!(
        append(first_digest, u64::MAX),
        "chunk data exceeds size (18446744073709551615 >= 5242880)"
    );
    assert_eq!(append(tail_digest, 4 << 20), "ok");
    assert_eq!(append(first_digest, 0), "ok");
    let csum = csum_of(&[first_digest, tail_digest]);
    let close = |count, size, csum: &Digest| text(session.close(1, F, count, size, csum));
    let start = "fixed writer 'd.img.fidx' close failed -";
    assert_eq!(
        close(1, 5 << 20, &csum),
        format!("{start} received wrong number of chunk (2 != 1)")
    );
    assert_eq!(
        close(2, 5, &csum),
        format!("{start} unexpected file size (5242880 != 5)")
    );
    assert_eq!(
        close(2, 5 << 20, &Digest::ZERO),
        format!("{start} got unexpected checksum")
    );
    assert_eq!(close(2, 5 << 20, &csum), "ok");
    let index = FixedIndex::parse(fs::read(session.path().join("d.img.fidx")).unwrap()).unwrap();
    assert_eq!(
        (index.size(), index.chunk_size(), index.csum()),
        (5 << 20, 4 << 20, csum)
    );
    assert_eq!(
        (index.header().csum, index.digest(0), index.digest(1)),
        (csum, first_digest, tail_digest)
    );
}

fn csum_of(digests: &[Digest]) -> Digest {
    let mut csum = DigestWriter::new();
    digests
        .iter()
        .for_each(|digest| csum.update(digest.as_bytes()));
    csum.finish()
}

#[test]
fn an_image_of_unknown_size() {
    let world = World::new();
    let session = begin(&world, "vm/900", 0);
    session.open_fixed("pipe.img.fidx", None, None).unwrap();
    let empty = text(session.close(1, F, 0, 0, &Digest::of(b"")));
    assert_eq!(
        empty,
        "fixed writer 'pipe.img.fidx' close failed - index is empty"
    );
    let (full, tail) = (vec![1; CHUNK], vec![2; 100]);
    let (full, tail) = (
        upload(&session, 1, F, &full).unwrap(),
        upload(&session, 1, F, &tail).unwrap(),
    );
    let append = |digest, offset: usize| text(session.append(1, F, &[(digest, offset as u64)]));
    assert_eq!(append(full, CHUNK), "ok");
    assert_eq!(
        append(tail, 0),
        "chunk with unexpected length (100 != 4194304",
        "only the last one is short"
    );
    assert_eq!(append(full, 0), "ok");
    assert_eq!(append(tail, 2 * CHUNK), "ok");
    let size = 2 * CHUNK as u64 + 100;
    assert_eq!(
        append(full, 3 * CHUNK),
        format!("chunk data exceeds size (16777216 >= {size})"),
        "the end is known now"
    );
    assert_eq!(
        append(full, 1 << 62),
        format!(
            "chunk data exceeds size ({} >= {size})",
            (1_u64 << 62) + CHUNK as u64
        )
    );
    session
        .close(1, F, 3, size, &csum_of(&[full, full, tail]))
        .unwrap();
    let index = FixedIndex::parse(fs::read(session.path().join("pipe.img.fidx")).unwrap()).unwrap();
    assert_eq!((index.size(), index.len()), (size, 3));
}

#[test]
fn sizes_beyond_all_measure_are_refused() {
    let world = World::new();
    let session = begin(&world, "vm/900", 0);
    for size in [u64::MAX, 1 << 62, 1 << 48] {
        assert!(matches!(
            session.open_fixed("x.img.fidx", Some(size), None),
            Err(SessionError::IndexTooLarge { .. })
        ));
    }
    assert!(tree(session.path()).is_empty(), "no temp file is left");
    session.open_fixed("y.img.fidx", None, None).unwrap();
    let digest = upload(&session, 1, F, &vec![1; CHUNK]).unwrap();
    for offset in [1 << 62, (u64::MAX >> 22) << 22] {
        let refused = session
            .append(1, F, &[(digest, offset)])
            .expect_err("too far");
        assert!(
            matches!(
                refused,
                SessionError::IndexTooLarge { .. } | SessionError::ExceedsSize { .. }
            ),
            "{refused}"
        );
    }
    for n in 2..=256 {
        assert_eq!(session.open_dynamic(&format!("a{n}.didx")).unwrap(), n);
    }
    assert!(matches!(
        session.open_dynamic("last.didx"),
        Err(SessionError::TooManyWriters { .. })
    ));
}

/// Two images, the second made from the first one's index with one chunk changed; then one with nothing changed.
#[test]
fn incremental_images() {
    let world = World::new();
    let size = 2 * CHUNK as u64 + 10;
    let parts = [vec![1; CHUNK], vec![2; CHUNK], vec![3; 10]];
    let image = |n, parts: &[Vec<u8>]| {
        let session = begin(&world, "vm/100", n);
        session.open_fixed("d.img.fidx", Some(size), None).unwrap();
        for (i, part) in parts.iter().enumerate() {
            let digest = upload(&session, 1, F, part).unwrap();
            session
                .append(1, F, &[(digest, (i * CHUNK) as u64)])
                .unwrap();
        }
        let digests: Vec<Digest> = parts.iter().map(|part| Digest::of(part)).collect();
        let csum = csum_of(&digests);
        session
            .close(1, F, parts.len() as u64, size, &csum)
            .unwrap();
        finish_image(&session, csum, size);
        csum
    };
    let first = begin(&world, "vm/100", 0);
    let no_base = text(first.open_fixed("d.img.fidx", Some(size), Some(&Digest::ZERO)));
    assert_eq!(
        no_base,
        "cannot reuse index - no valid previous backup exists"
    );
    drop(first);
    let csum = image(1, &parts);

    let session = begin(&world, "vm/100", 2);
    let open = |name: &str, size, csum: &Digest| text(session.open_fixed(name, size, Some(csum)));
    assert_eq!(
        open("d.img.fidx", None, &csum),
        "size is required for incremental backups"
    );
    assert_eq!(
        open("e.img.fidx", Some(size), &csum),
        "cannot reuse index - no previous backup exists for archive"
    );
    let zero = Digest::ZERO;
    let mismatch = format!(
        "expected csum ({zero}) doesn't match last backup's ({csum}), cannot do incremental backup"
    );
    assert_eq!(open("d.img.fidx", Some(size), &zero), mismatch);
    let longer = open("d.img.fidx", Some(size + CHUNK as u64), &csum);
    assert_eq!(
        longer,
        "cannot reuse index - index sizes not equal (4 != 3)"
    );
    assert!(tree(session.path()).is_empty());

    assert_eq!(
        session
            .open_fixed("d.img.fidx", Some(size), Some(&csum))
            .unwrap(),
        1
    );
    let copied = text(session.append(1, F, &[(Digest::of(&parts[0]), 0)]));
    assert!(
        copied.starts_with("no such chunk"),
        "chunks of the copy are not known: {copied}"
    );
    let changed = upload(&session, 1, F, &vec![9; CHUNK]).unwrap();
    session.append(1, F, &[(changed, CHUNK as u64)]).unwrap();
    let new_csum = csum_of(&[Digest::of(&parts[0]), changed, Digest::of(&parts[2])]);
    session.close(1, F, 1, 0, &new_csum).unwrap();
    finish_image(&session, new_csum, size);
    drop(session);

    let session = begin(&world, "vm/100", 3);
    session
        .open_fixed("d.img.fidx", Some(size), Some(&new_csum))
        .unwrap();
    session.close(1, F, 0, 0, &new_csum).unwrap();
    finish_image(&session, new_csum, size);
    let (report, log) = verify(&world.store);
    assert!(report.is_ok() && report.verified == 3, "{log}");
}

fn finish_image(session: &Session, csum: Digest, size: u64) {
    let file = format::ManifestFile {
        crypt_mode: format::CryptMode::None,
        csum,
        filename: "d.img.fidx".parse().unwrap(),
        size,
    };
    manifest(session, vec![file]).unwrap();
    session.finish().unwrap();
}
