//! What is derived from a key: V2 of the specification.

use crypto::{Key, SystemRandom};
use format::Digest;

use crate::fixtures::{Given, hex, k};

#[test]
fn derived_values_of_the_specification() {
    let key = k();
    let fingerprint = "0e:ab:d4:46:0b:6e:b9:ca:34:50:23:de:e2:b7:78:c7:90:e5:4a:16:83:b9:65:9c:0a:57:ae:19:90:90:15:9b";
    assert_eq!(key.fingerprint().to_string(), fingerprint);
    assert_eq!(key.fingerprint().short(), "0e:ab:d4:46:0b:6e:b9:ca");
    let zeros = vec![0; 4 << 20];
    let cases = [
        (
            Digest::of(b"hello"),
            "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
        ),
        (
            key.digest(b"hello"),
            "e34178a27b992c4a218599bf7f43ed50bc464a03d624d9092306fe2ed74d557e",
        ),
        (
            Digest::of(&zeros),
            "bb9f8df61474d25e71fa00722318cd387396ca1736605e1248821cc0de3d3af8",
        ),
        (
            key.digest(&zeros),
            "348571e12bbbedb529def1f1394316e338a01945d871df9ef792617ceb13d636",
        ),
        (
            Digest(key.sign(b"hello")),
            "607767f76cc1b68b1a3f00b51a864436380f474db7940f9c6d06b6e5c643331a",
        ),
    ];
    for (found, expected) in cases {
        assert_eq!(found.to_string(), expected);
    }
    // The id key itself: the keyed digest of nothing is its SHA-256.
    let id_key = hex("7c2c013efd07f3b25717a485263343cd4d292a4b65c200bb3b18ea227abe225c");
    assert_eq!(key.digest(b""), Digest::of(&id_key));
}

#[test]
fn digests_in_pieces_are_the_same() {
    let key = k();
    let mut writer = key.digest_writer();
    writer.update(b"hel");
    writer.update(b"lo");
    assert_eq!(key.finish_digest(writer), key.digest(b"hello"));
}

#[test]
fn signatures_are_checked() {
    let key = k();
    let mut signature = key.sign(b"text");
    assert!(key.verify_signature(b"text", &signature));
    assert!(!key.verify_signature(b"texts", &signature));
    assert!(!key.verify_signature(b"text", &signature[..31]));
    assert!(!Key::from_bytes([9; 32]).verify_signature(b"text", &signature));
    signature[31] ^= 1;
    assert!(!key.verify_signature(b"text", &signature));
}

#[test]
fn keys_are_made_of_random_bytes_and_not_printed() {
    let raw: Vec<u8> = (0..32).collect();
    let key = Key::generate(&mut Given(raw.clone())).unwrap();
    assert_eq!(key.as_bytes()[..], raw);
    assert!(Key::generate(&mut Given(vec![0; 31])).is_err());
    let [a, b] = [(), ()].map(|()| Key::generate(&mut SystemRandom).unwrap());
    assert_ne!(a.as_bytes(), b.as_bytes());
    assert_eq!(format!("{key:?}"), "Key(0e:ab:d4:46:0b:6e:b9:ca)");
    assert_eq!(format!("{:?}", crypto::Secret::from("hidden")), "Secret");
}
