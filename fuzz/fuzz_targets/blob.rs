//! Any bytes as a blob: parsing and decoding end within the limit, and a fresh checksum is right.
#![no_main]

use format::{Blob, Decompressor};
use libfuzzer_sys::fuzz_target;

const RAW_MAX: usize = 1 << 20;

fuzz_target!(|data: &[u8]| {
    let Ok(blob) = Blob::parse(data) else { return };
    let mut out = Vec::new();
    if Decompressor::new().decode(&blob, RAW_MAX, &mut out).is_ok() {
        assert!(out.len() <= RAW_MAX);
    }
    let mut copy = data.to_vec();
    format::blob::set_crc(&mut copy).expect("it was a blob");
    Blob::parse(&copy)
        .expect("it still is")
        .check_crc()
        .expect("just written");
});
