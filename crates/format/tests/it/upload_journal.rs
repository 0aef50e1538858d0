//! The journal of uploads: bytes that stay as they are, what is damaged is nothing, and decode undoes encode.

use format::upload_journal::{HEADER_MAX, Header, OWNER_MAX, Offer, RECORD_LEN, Record};
use format::{CHUNK_RAW_MAX, Digest, UploadJournalError};
use proptest::prelude::*;

use crate::fixtures::hex;

fn header() -> Header {
    Header {
        boot: [7; 16],
        synced: true,
        owner: "\nhost/pc\nann@pbs!laptop".to_owned(),
    }
}

fn record() -> Record {
    Record {
        offer: Offer {
            digest: Digest::of(b"chunk"),
            size: 5,
        },
        stamp: 0x0102_0304_0506_0708,
    }
}

/// A server of tomorrow reads what one of today has written. The values are not our encoder's: they were put together by hand, with another CRC.
#[test]
fn bytes_stay_as_they_are() {
    assert_eq!(
        header().encode(),
        hex(
            "535255504c4f41440100000017000000070707070707070707070707070707070100000096faa9e90a686f73742f70630a616e6e40706273216c6170746f70"
        )
    );
    assert_eq!(
        record().encode().to_vec(),
        hex(
            "6c87f68371b28954707ebb92afee7ccffb74c6f71ec8fea8a98cf6104289585b0500000008070605040302013a1ce5a9"
        )
    );
}

#[test]
fn whatever_is_cut_off_or_changed_is_refused() {
    let bytes = header().encode();
    for len in 0..bytes.len() {
        let parsed = Header::parse(&bytes[..len]);
        assert_eq!(parsed, Err(UploadJournalError::Short), "{len}");
    }
    for at in 0..bytes.len() {
        let mut bytes = bytes.clone();
        bytes[at] ^= 1;
        assert!(Header::parse(&bytes).is_err(), "{at}");
    }
    let mut longer = header();
    longer.owner = "o".repeat(OWNER_MAX + 1);
    let parsed = Header::parse(&longer.encode());
    assert_eq!(parsed, Err(UploadJournalError::Damaged));
    let mut other = bytes.clone();
    other[8] = 2;
    let parsed = Header::parse(&other);
    assert_eq!(parsed, Err(UploadJournalError::Version { found: 2 }));
    let bytes = record().encode();
    for at in 0..RECORD_LEN {
        let mut bytes = bytes;
        bytes[at] ^= 1;
        assert_eq!(Record::parse(&bytes), None, "{at}");
    }
    assert_eq!(Record::parse(&[0; RECORD_LEN]), None, "a hole in the file");
}

#[test]
fn sizes_that_no_chunk_has() {
    for (size, fits) in [
        (0, false),
        (1, true),
        (CHUNK_RAW_MAX, true),
        (CHUNK_RAW_MAX + 1, false),
    ] {
        let size = u32::try_from(size).unwrap();
        let offer = Offer {
            size,
            ..record().offer
        };
        assert_eq!(Offer::parse(&offer.encode()).is_some(), fits, "{size}");
        let record = Record { offer, ..record() };
        assert_eq!(Record::parse(&record.encode()).is_some(), fits, "{size}");
    }
}

proptest! {
    #[test]
    fn decode_undoes_encode(
        boot: [u8; 16],
        synced: bool,
        owner in ".{0,200}",
        digest: [u8; 32],
        size in 1u32..=(CHUNK_RAW_MAX as u32),
        stamp: u64,
        more in prop::collection::vec(any::<u8>(), 0..100),
    ) {
        let header = Header { boot, synced, owner };
        let mut bytes = header.encode();
        let end = bytes.len();
        prop_assert!(end <= HEADER_MAX);
        bytes.extend(more);
        prop_assert_eq!(Header::parse(&bytes), Ok((header, end)));
        let record = Record { offer: Offer { digest: Digest(digest), size }, stamp };
        prop_assert_eq!(Record::parse(&record.encode()), Some(record));
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        drop(Header::parse(&bytes));
        if let Some(record) = bytes.first_chunk() {
            let _ = Record::parse(record);
        }
    }
}
