//! Any bytes as a key file: what is read, is written and read again to the same.
#![no_main]

use format::KeyFile;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(file) = KeyFile::from_json(data) else {
        return;
    };
    let again = KeyFile::from_json(file.to_json().as_bytes()).expect("our own text");
    assert!(again == file);
});
