//! Key files: V10 of the specification, the original's key files, wrong passphrases, hostile parameters.

use crypto::keyfile::{CreateError, KeyInfo, LoadError, Protection, create, load};
use crypto::{Key, Secret};
use format::time::OffsetTime;
use format::{Kdf, KeyFile};

use crate::fixtures::{Given, dir, k};

fn never() -> Result<Secret, Box<dyn std::error::Error + Send + Sync>> {
    panic!("the passphrase must not be asked for")
}

fn time() -> OffsetTime {
    OffsetTime::utc(1_700_000_000).unwrap()
}

/// Salt and IV of the specification.
fn given() -> Given {
    Given((0..32).chain(0..16).collect())
}

fn secret() -> Secret {
    Secret::from("secret")
}

fn make(protection: Protection<'_>) -> KeyFile {
    create(&k(), protection, None, time(), time(), &mut given()).unwrap()
}

#[test]
fn key_data_of_the_specification() {
    let secret = secret();
    let cases = [
        (
            Protection::Scrypt(&secret),
            "scrypt",
            "AAECAwQFBgcICQoLDA0ODz8m/knSKtyppq3pPOqxr6BIaqk/QyP9Ya3G+VOaRwGA9TWHrPAaAypXZxJCc/2Aqw==",
        ),
        (
            Protection::Pbkdf2(&secret),
            "pbkdf2",
            "AAECAwQFBgcICQoLDA0OD1fL3Pz6R3tphYTCEFqgSFOBs86BYcNrhY6IaSFHfN2hEUiVNAMYhY5kU9mTxyytSw==",
        ),
        (
            Protection::None,
            "none",
            "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
        ),
    ];
    for (protection, name, data) in cases {
        let file = make(protection);
        let json = file.to_json();
        assert!(json.contains(&format!("\"data\":\"{data}\"")), "{}", *json);
        assert_eq!(Kdf::name(file.kdf.as_ref()), name);
        let (key, info) = load(json.as_bytes(), || Ok(secret.clone())).unwrap();
        assert_eq!(key.as_bytes(), k().as_bytes(), "{name}");
        let expected = KeyInfo {
            kdf: file.kdf.clone(),
            created: time(),
            modified: time(),
            fingerprint: k().fingerprint(),
            hint: None,
        };
        assert_eq!(info, expected);
    }
}

#[test]
fn key_files_of_the_original() {
    let Some(fixtures) = dir() else { return };
    let keys = fixtures.join("keys");
    for name in ["none", "scrypt", "pbkdf2", "imported-with-master-key"] {
        let json = std::fs::read(keys.join(format!("{name}.json"))).unwrap();
        let password = std::fs::read_to_string(keys.join(format!("{name}.password.txt")));
        let (key, info) = load(&json, || Ok(Secret::new(password.unwrap()))).unwrap();
        assert_eq!(
            Some(key.fingerprint()),
            KeyFile::from_json(&json).unwrap().fingerprint
        );
        assert_eq!(info.fingerprint, key.fingerprint());
    }
    let json = std::fs::read(keys.join("scrypt.json")).unwrap();
    let error = load(&json, || Ok(Secret::from("wrong one"))).unwrap_err();
    assert!(matches!(
        &error,
        LoadError::WrongPassphrase { hint: Some(_) }
    ));
    assert!(error.to_string().contains("hint: scrypt-pass-1"), "{error}");
}

#[test]
fn passphrases_are_asked_for_only_if_needed() {
    load(make(Protection::None).to_json().as_bytes(), never).unwrap();
    let locked = make(Protection::Pbkdf2(&secret())).to_json();
    let error = load(locked.as_bytes(), || Err("no terminal".into())).unwrap_err();
    assert!(matches!(error, LoadError::Passphrase(cause) if cause.to_string() == "no terminal"));
    let error = load(locked.as_bytes(), || Ok(Secret::from("four"))).unwrap_err();
    assert!(matches!(error, LoadError::PassphraseTooShort));
    let error = load(locked.as_bytes(), || Ok(Secret::from("wrong"))).unwrap_err();
    assert!(matches!(error, LoadError::WrongPassphrase { hint: None }));
}

#[test]
fn what_cannot_be_made_is_refused() {
    let short = Secret::from("four");
    let hint = Some("hint".to_owned());
    let error = create(
        &k(),
        Protection::Scrypt(&short),
        None,
        time(),
        time(),
        &mut given(),
    );
    assert!(matches!(error, Err(CreateError::PassphraseTooShort)));
    let error = create(
        &k(),
        Protection::None,
        hint.clone(),
        time(),
        time(),
        &mut given(),
    );
    assert!(matches!(error, Err(CreateError::HintWithoutPassphrase)));
    let mut too_few = Given(vec![0; 47]);
    let error = create(
        &k(),
        Protection::Pbkdf2(&secret()),
        None,
        time(),
        time(),
        &mut too_few,
    );
    assert!(matches!(error, Err(CreateError::Random(_))));
    let file = create(
        &k(),
        Protection::Pbkdf2(&secret()),
        hint.clone(),
        time(),
        time(),
        &mut given(),
    );
    assert_eq!(file.unwrap().hint, hint);
}

/// The row with 16 lanes asked for 8 GiB: only the table was counted against the limit, and lanes of large blocks came on top.
#[test]
fn hostile_files_are_refused_before_they_cost_anything() {
    let scrypt = make(Protection::Scrypt(&secret()));
    let with = |kdf| {
        KeyFile {
            kdf: Some(kdf),
            ..scrypt.clone()
        }
        .to_json()
    };
    let salt = || vec![0; 32];
    for kdf in [
        Kdf::Scrypt {
            n: 1 << 24,
            r: 8,
            p: 1,
            salt: salt(),
        },
        Kdf::Scrypt {
            n: 1 << 63,
            r: 8,
            p: 1,
            salt: salt(),
        },
        Kdf::Scrypt {
            n: u64::MAX,
            r: u32::MAX,
            p: 1,
            salt: salt(),
        },
        Kdf::Scrypt {
            n: 65_535,
            r: 8,
            p: 1,
            salt: salt(),
        },
        Kdf::Scrypt {
            n: 0,
            r: 8,
            p: 1,
            salt: salt(),
        },
        Kdf::Scrypt {
            n: 1,
            r: 8,
            p: 1,
            salt: salt(),
        },
        Kdf::Scrypt {
            n: 2,
            r: 0,
            p: 1,
            salt: salt(),
        },
        Kdf::Scrypt {
            n: 2,
            r: 8,
            p: 0,
            salt: salt(),
        },
        Kdf::Scrypt {
            n: 2,
            r: 4_190_000,
            p: 16,
            salt: salt(),
        },
        Kdf::Scrypt {
            n: 65_536,
            r: 8,
            p: u32::MAX,
            salt: salt(),
        },
        Kdf::Pbkdf2 {
            iter: 0,
            salt: salt(),
        },
        Kdf::Pbkdf2 {
            iter: u32::MAX,
            salt: salt(),
        },
    ] {
        let error = load(with(kdf.clone()).as_bytes(), || Ok(secret())).unwrap_err();
        assert!(matches!(error, LoadError::Kdf { .. }), "{kdf:?}: {error}");
    }
    for len in [0, 31, 63, 65] {
        let mut file = scrypt.clone();
        file.data.resize(len, 0);
        let error = load(file.to_json().as_bytes(), never).unwrap_err();
        assert!(
            matches!(error, LoadError::DataLength { expected: 64, .. }),
            "{error}"
        );
        file.kdf = None;
        let error = load(file.to_json().as_bytes(), never).unwrap_err();
        assert!(
            matches!(error, LoadError::DataLength { expected: 32, .. }),
            "{error}"
        );
    }
    assert!(matches!(load(b"{}", never), Err(LoadError::File(_))));
}

#[test]
fn the_fingerprint_in_the_file_must_be_the_keys() {
    let mut file = make(Protection::None);
    file.fingerprint = None;
    assert!(load(file.to_json().as_bytes(), never).is_ok());
    let other = Key::from_bytes([1; 32]).fingerprint();
    file.fingerprint = Some(other);
    let error = load(file.to_json().as_bytes(), never).unwrap_err();
    assert!(matches!(error, LoadError::Fingerprint { stored, .. } if stored == other));
}
