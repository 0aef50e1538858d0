//! Any bytes as a journal of uploads: what is read, is written again to the same.
#![no_main]

use format::upload_journal::{Header, RECORD_LEN, Record};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok((header, end)) = Header::parse(data) else {
        return;
    };
    assert_eq!(header.encode(), data[..end]);
    let (records, _) = data[end..].as_chunks::<RECORD_LEN>();
    for bytes in records {
        if let Some(record) = Record::parse(bytes) {
            assert_eq!(record.encode(), *bytes);
        }
    }
});
