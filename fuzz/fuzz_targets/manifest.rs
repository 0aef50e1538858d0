//! Any bytes as a manifest: what is read, is written and read again to the same.
#![no_main]

use format::Manifest;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let _ = format::manifest::signed_bytes(data);
    let Ok(manifest) = Manifest::from_json(data) else {
        return;
    };
    let again = Manifest::from_json(manifest.to_json().as_bytes()).expect("our own text");
    assert_eq!(
        again.canonical().expect("fields of the schema"),
        manifest.canonical().expect("fields of the schema")
    );
    let _ = (
        manifest.key_fingerprint(),
        manifest.verify_state(),
        manifest.chunk_upload_stats(),
    );
});
