//! Master keys: the original's pair and wrapped key, a pair of our own, keys that are too small.

use crypto::rsa::{MasterPrivateKey, MasterPublicKey, RsaError};
use crypto::{Secret, SystemRandom};
use format::{Blob, KeyFile};

use crate::fixtures::{Given, dir};

/// 2048 bits; nobody uses it for anything.
const SMALL_KEY: &str = include_str!("rsa/small-public.pem");

#[test]
fn the_originals_wrapped_key_is_unwrapped() {
    let Some(fixtures) = dir() else { return };
    let keys = fixtures.join("keys");
    let read = |name: &str| std::fs::read_to_string(keys.join(name)).unwrap();
    let password = Secret::new(read("master.password.txt"));
    let private = MasterPrivateKey::from_pem(&read("master-private.pem"), Some(&password)).unwrap();
    let wrapped = std::fs::read(keys.join("rsa-encrypted.key")).unwrap();
    let json = private.unwrap(&wrapped).unwrap();
    let file = KeyFile::from_json(&json).unwrap();
    let original = KeyFile::from_json(read("none.json").as_bytes()).unwrap();
    assert_eq!(
        (&file.data, file.fingerprint),
        (&original.data, original.fingerprint)
    );
    assert_eq!(
        (file.kdf, file.created, file.hint),
        (None, original.created, None)
    );
    // The same bytes are in the snapshot.
    let blob = fixtures.join("datastore/host/enc/2023-11-14T22:15:00Z/rsa-encrypted.key.blob");
    assert_eq!(
        Blob::parse(&std::fs::read(blob).unwrap()).unwrap().body(),
        wrapped
    );

    let public = MasterPublicKey::from_pem(&read("master-public.pem")).unwrap();
    let shown: serde_json::Value = serde_json::from_str(&read("master-public.show.json")).unwrap();
    assert_eq!(shown["length"], public.bits());
    let modulus: String = public
        .modulus()
        .iter()
        .map(|byte| format!("{byte:02X}"))
        .collect();
    assert_eq!(shown["modulus"], modulus);
    assert_eq!(
        (shown["exponent"].as_str(), public.exponent()),
        (Some("65537"), &[1, 0, 1][..])
    );
    assert_eq!(public.to_pem().unwrap(), read("master-public.pem"));
    assert_eq!(
        private.public_key().unwrap().to_pem().unwrap(),
        read("master-public.pem")
    );

    // And what we wrap, comes back.
    let ours = public.wrap(&json).unwrap();
    assert_eq!(ours.len(), 512);
    assert_ne!(ours, wrapped);
    assert_eq!(private.unwrap(&ours).unwrap(), json);
    for damaged in [&ours[1..], &[0; 512], b""] {
        assert!(matches!(private.unwrap(damaged), Err(RsaError::Decrypt)));
    }
    let wrong = Secret::from("wrong one");
    let pem = read("master-private.pem");
    assert!(matches!(
        MasterPrivateKey::from_pem(&pem, Some(&wrong)),
        Err(RsaError::Unlock)
    ));
    assert!(matches!(
        MasterPrivateKey::from_pem(&pem, None),
        Err(RsaError::Locked)
    ));
    assert!(matches!(
        MasterPublicKey::from_pem(&pem),
        Err(RsaError::Label { .. })
    ));
    // Locked by us, the original's key opens again.
    let locked = private.to_pem(&password, &mut SystemRandom).unwrap();
    let again = MasterPrivateKey::from_pem(&locked, Some(&password)).unwrap();
    assert_eq!(again.unwrap(&wrapped).unwrap(), json);
    assert!(private.to_pem(&password, &mut Given(Vec::new())).is_err());
}

#[test]
fn small_keys_hold_no_key_file() {
    let public = MasterPublicKey::from_pem(SMALL_KEY).unwrap();
    assert_eq!(public.bits(), 2048);
    assert_eq!(public.wrap(&[0; 245]).unwrap().len(), 256);
    let error = public.wrap(&[0; 246]).unwrap_err();
    assert!(
        matches!(
            error,
            RsaError::TooSmall {
                bits: 2048,
                room: 245,
                len: 246
            }
        ),
        "{error}"
    );
}

#[test]
fn what_is_no_key_is_refused() {
    for pem in ["", "-----BEGIN PUBLIC KEY-----", "no pem at all"] {
        assert!(matches!(
            MasterPublicKey::from_pem(pem),
            Err(RsaError::Pem { .. })
        ));
        assert!(matches!(
            MasterPrivateKey::from_pem(pem, None),
            Err(RsaError::Pem { .. })
        ));
    }
    assert!(matches!(
        MasterPrivateKey::from_pem(SMALL_KEY, None),
        Err(RsaError::Label { .. })
    ));
    // An Ed25519 key: well formed, but not RSA.
    let other = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";
    assert!(matches!(
        MasterPublicKey::from_pem(other),
        Err(RsaError::NotRsa)
    ));
}
