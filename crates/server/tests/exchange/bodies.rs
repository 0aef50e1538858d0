//! The bodies behind the recordings, which tell of them only length and SHA-256: runs of one letter, in blobs, and a few others.

/// Magic of an uncompressed, unencrypted blob.
pub const PLAIN: [u8; 8] = [0x42, 0xab, 0x38, 0x07, 0xbe, 0x83, 0x70, 0xa1];

/// An uncompressed, unencrypted blob, made without the code under test.
pub fn blob(data: &[u8]) -> Vec<u8> {
    let mut blob = PLAIN.to_vec();
    blob.extend_from_slice(&crc32(data).to_le_bytes());
    blob.extend_from_slice(data);
    blob
}

/// CRC-32 (IEEE) by table.
fn crc32(data: &[u8]) -> u32 {
    let table: Vec<u32> = (0u32..256)
        .map(|byte| {
            (0..8).fold(byte, |crc, _| {
                (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg())
            })
        })
        .collect();
    !data.iter().fold(!0, |crc: u32, byte| {
        table[((crc ^ u32::from(*byte)) & 0xff) as usize] ^ (crc >> 8)
    })
}

pub fn run(letter: u8, length: usize) -> Vec<u8> {
    vec![letter; length]
}

pub fn digest(data: &[u8]) -> String {
    format::Digest::of(data).to_string()
}

/// The manifests that the recording client sent, as Python writes them.
const MANIFESTS: [&str; 2] = [
    r#"{"backup-type": "host", "backup-id": "h2cap", "backup-time": 1700300010, "signature": null, "unprotected": {}, "files": [{"filename": "root.pxar.didx", "crypt-mode": "none", "size": 8000, "csum": "ddaeb228e937e93944b90e07a5a4cb40d2d73cb0df3dd58356ea978c46d2d940"}, {"filename": "test.conf.blob", "crypt-mode": "none", "size": 16, "csum": "182900e07d2867979d54f9e8b2f43e3757698080eadbdc4990f3459f6d9780d8"}]}"#,
    r#"{"backup-type": "vm", "backup-id": "900", "backup-time": 1700300041, "files": [{"filename": "d.img.fidx", "crypt-mode": "none", "size": 5242880, "csum": "ec2af50a17c6a38e2cb4f66632fd5202737bfbc89e1177d1d985c7762a97e48c"}]}"#,
];

/// The body of this length and SHA-256.
pub fn recorded(length: usize, sha256: &str) -> Vec<u8> {
    let damaged = |mut blob: Vec<u8>| {
        if let Some(byte) = blob.get_mut(20) {
            *byte = 64;
        }
        blob
    };
    let runs = |letters: &'static [u8]| {
        letters
            .iter()
            .map(move |letter| run(*letter, length.saturating_sub(12)))
    };
    let candidates = runs(b"AB123")
        .map(|data| blob(&data))
        .chain(runs(b"A").map(move |data| damaged(blob(&data))))
        .chain([run(0, length), run(b'x', length), blob(b"conf")])
        .chain(MANIFESTS.iter().map(|text| blob(text.as_bytes())));
    candidates
        .filter(|body| body.len() == length)
        .find(|body| digest(body) == sha256)
        .unwrap_or_else(|| panic!("no body of {length} bytes has {sha256}"))
}
