//! Certificate, ticket signing, tokens against cross-site requests.

use std::os::unix::fs::PermissionsExt;

use api::Ticket;
use config::identity::{AuthKey, CsrfKey, certificate_info, fingerprint, leaf_der, load_or_create};
use config::{ConfigDir, FileSpec};

use super::fixtures::config_dir;

const NOW: i64 = 1_795_367_606;

fn load(dir: &ConfigDir) -> config::identity::Identity {
    load_or_create(dir, "vault", NOW).expect("identity")
}

#[test]
fn the_first_start_makes_all_and_the_second_keeps_it() {
    let (_temp, dir) = config_dir();
    let first = load(&dir);
    let second = load(&dir);
    assert_eq!(first.fingerprint, second.fingerprint);
    assert_eq!(first.certificate_pem, second.certificate_pem);
    let ticket = first
        .auth_key
        .sign(Ticket::new("PBS", "a@pbs", NOW), None)
        .unwrap();
    assert!(second.auth_key.verify(&ticket, None));
    assert_eq!(
        second
            .csrf_key
            .verify(&first.csrf_key.token("a@pbs", NOW), "a@pbs", NOW),
        Ok(())
    );
    for (spec, mode, size) in [
        (FileSpec::AUTH_KEY, 0o600, Some(119)),
        (FileSpec::AUTH_PUBLIC_KEY, 0o640, Some(113)),
        (FileSpec::CSRF_KEY, 0o640, Some(86)),
        (FileSpec::CERTIFICATE_KEY, 0o640, None),
        (FileSpec::CERTIFICATE, 0o640, None),
    ] {
        let metadata = std::fs::metadata(dir.path_of(spec)).unwrap();
        assert_eq!(metadata.permissions().mode() & 0o777, mode, "{}", spec.name);
        // The sizes of the original's files.
        assert!(
            size.is_none_or(|size| size == metadata.len()),
            "{} has {} bytes",
            spec.name,
            metadata.len()
        );
    }
}

#[test]
fn the_certificate_says_who_we_are() {
    let (_temp, dir) = config_dir();
    let identity = load(&dir);
    let info = certificate_info(&identity.certificate_pem).unwrap();
    assert_eq!(
        info.alternative_names,
        [
            "IP:[127, 0, 0, 1]",
            "IP:[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]",
            "DNS:localhost",
            "DNS:vault"
        ]
    );
    assert!(
        info.subject.starts_with("O = Strongroom, OU = ") && info.subject.ends_with(", CN = vault"),
        "{}",
        info.subject
    );
    assert_eq!(info.subject, info.issuer);
    assert_eq!(
        (info.key_type.as_str(), info.key_bits),
        ("id-ecPublicKey", 256)
    );
    assert!(info.not_before <= NOW && info.not_after > NOW + 900 * 365 * 86400);
    assert_eq!(info.fingerprint, identity.fingerprint);
    assert!(api::pattern::fingerprint(&info.fingerprint));
}

#[test]
fn fingerprints_are_those_of_the_original() {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/fixtures");
    let dir = std::env::var("STRONGROOM_FIXTURES").unwrap_or_else(|_| default.to_owned());
    let Ok(capture) = std::fs::read_to_string(format!("{dir}/http/137-node-cert.response.txt"))
    else {
        eprintln!("skipped: no fixtures at {dir}");
        return;
    };
    let body: serde_json::Value =
        serde_json::from_str(capture.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    let item = &body["data"][0];
    let pem = item["pem"].as_str().unwrap().as_bytes();
    assert_eq!(fingerprint(&leaf_der(pem).unwrap()), item["fingerprint"]);
    let info = certificate_info(pem).unwrap();
    assert_eq!(info.subject, item["subject"]);
    assert_eq!(info.issuer, item["issuer"]);
    assert_eq!(
        (info.not_before, info.not_after),
        (
            item["notbefore"].as_i64().unwrap(),
            item["notafter"].as_i64().unwrap()
        )
    );
    assert_eq!(
        (info.key_type.as_str(), info.key_bits),
        ("rsaEncryption", 4096)
    );
}

#[test]
fn tickets_are_bound_to_all_their_parts() {
    let (_temp, dir) = config_dir();
    let key = load(&dir).auth_key;
    let ticket = key
        .sign(Ticket::new("PBS", "a@pbs", NOW), Some("aad"))
        .unwrap();
    assert_eq!(ticket.signature.len(), 64);
    assert!(key.verify(&ticket, Some("aad")));
    assert!(!key.verify(&ticket, None) && !key.verify(&ticket, Some("other")));
    assert!(!key.verify(
        &Ticket {
            data: "b@pbs".to_owned(),
            ..ticket.clone()
        },
        Some("aad")
    ));
    assert!(!key.verify(
        &Ticket {
            time: NOW + 1,
            ..ticket.clone()
        },
        Some("aad")
    ));
    assert!(!key.verify(
        &Ticket {
            signature: Vec::new(),
            ..ticket.clone()
        },
        Some("aad")
    ));
    // Ed25519 signs the same twice.
    assert_eq!(
        key.sign(Ticket::new("PBS", "a@pbs", NOW), Some("aad"))
            .unwrap(),
        ticket
    );
    assert!(key.verify(&ticket.to_string().parse().unwrap(), Some("aad")));
}

#[test]
fn an_rsa_key_of_an_old_installation_works() {
    let pair = aws_lc_rs::rsa::KeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).unwrap();
    let der: aws_lc_rs::encoding::Pkcs8V1Der<'_> =
        aws_lc_rs::encoding::AsDer::as_der(&pair).unwrap();
    let pem = pem::encode(&pem::Pem::new("PRIVATE KEY", der.as_ref()));
    let key = AuthKey::from_pem(pem.as_bytes()).unwrap();
    let ticket = key.sign(Ticket::new("PBS", "a@pbs", NOW), None).unwrap();
    assert_eq!(ticket.signature.len(), 256);
    assert!(key.verify(&ticket, None));
    assert!(!key.verify(
        &Ticket {
            time: NOW + 1,
            ..ticket
        },
        None
    ));
}

#[test]
fn broken_keys_are_refused() {
    for broken in [
        "",
        "x",
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ] {
        assert!(AuthKey::from_pem(broken.as_bytes()).is_err(), "{broken:?}");
        assert!(certificate_info(broken.as_bytes()).is_err(), "{broken:?}");
    }
}

#[test]
fn csrf_tokens_have_an_age_and_an_owner() {
    use config::identity::CsrfError;
    let key = CsrfKey::from_file(b"AAECAwQFBgcICQ");
    let token = key.token("a@pbs", NOW);
    let rows = [
        ("a@pbs", NOW, Ok(())),
        ("a@pbs", NOW + 7200, Ok(())),
        ("a@pbs", NOW + 7201, Err(CsrfError::Age)),
        ("a@pbs", NOW - 300, Ok(())),
        ("a@pbs", NOW - 301, Err(CsrfError::Age)),
        ("b@pbs", NOW, Err(CsrfError::Signature)),
    ];
    for (user, now, expected) in rows {
        assert_eq!(key.verify(&token, user, now), expected, "{user} {now}");
    }
    assert_eq!(
        key.verify("nonsense", "a@pbs", NOW),
        Err(CsrfError::Malformed)
    );
    let old = CsrfKey::from_file(b"-----BEGIN PRIVATE KEY-----\n");
    assert_eq!(old.verify(&old.token("a@pbs", NOW), "a@pbs", NOW), Ok(()));
    assert_eq!(old.verify(&token, "a@pbs", NOW), Err(CsrfError::Signature));
}

/// An empty key file was taken as a key, and anybody could make tokens with it.
#[test]
fn a_short_csrf_key_is_refused() {
    let (_temp, dir) = config_dir();
    load(&dir);
    for content in ["", "\n", "AAECAwQFBgcICQ", "x"] {
        std::fs::write(dir.path_of(FileSpec::CSRF_KEY), content).expect("write");
        let error = load_or_create(&dir, "vault", NOW).expect_err(content);
        assert!(error.to_string().contains("csrf.key"), "{error}");
    }
}

/// `cert update --force`, killed between the two files, left a key and a certificate that did not fit, and the server did not start any more.
#[test]
fn a_replacement_that_was_cut_short_is_completed() {
    let (_temp, dir) = config_dir();
    let old = load(&dir);
    let (certificate, key) = config::identity::generate_certificate("vault", NOW).unwrap();
    let at = |name: &str| dir.path().join(name);
    let pair = format!("{certificate}{}", *key);
    // Before the first file, between the two, after the second.
    for replaced in 0..3 {
        std::fs::write(at("proxy.key"), &*old.certificate_key_pem).unwrap();
        std::fs::write(at("proxy.pem"), &old.certificate_pem).unwrap();
        std::fs::write(at("proxy.new"), &pair).unwrap();
        if replaced > 0 {
            std::fs::write(at("proxy.key"), key.as_bytes()).unwrap();
        }
        if replaced > 1 {
            std::fs::write(at("proxy.pem"), &certificate).unwrap();
        }
        let now = load(&dir);
        assert_eq!(now.certificate_pem, certificate.as_bytes(), "{replaced}");
        assert_eq!(
            now.certificate_key_pem.as_slice(),
            key.as_bytes(),
            "{replaced}"
        );
        assert!(!at("proxy.new").exists());
    }
    std::fs::write(at("proxy.new"), "rubbish").unwrap();
    assert_eq!(load(&dir).certificate_pem, certificate.as_bytes());
}

/// What a file of the directory holds, if it is there.
fn bytes(dir: &ConfigDir, name: &str) -> Option<Vec<u8>> {
    std::fs::read(dir.path().join(name)).ok()
}

/// A missing certificate made the server replace the private key beside it, without a word.
#[test]
fn half_a_pair_is_refused_and_stays() {
    for (missing, there) in [
        ("proxy.pem", "proxy.key"),
        ("proxy.key", "proxy.pem"),
        ("authkey.key", "authkey.pub"),
    ] {
        let (_temp, dir) = config_dir();
        load(&dir);
        let at = |name: &str| dir.path().join(name);
        let before = bytes(&dir, there);
        std::fs::remove_file(at(missing)).expect("removed");
        let told = load_or_create(&dir, "vault", NOW).expect_err(missing);
        let expected = format!(
            "{} is missing, and {} is there; put it back",
            at(missing).display(),
            at(there).display()
        );
        assert!(told.to_string().starts_with(&expected), "{told}");
        assert_eq!(bytes(&dir, there), before);
        assert!(!at(missing).exists(), "{missing} was made");
        // What the error says.
        std::fs::rename(at(there), at("old")).expect("away");
        assert_eq!(load(&dir).made.len(), 1, "{there}");
        assert_ne!(bytes(&dir, there), before);
    }
}

#[test]
fn a_new_pair_is_made_by_force_only() {
    use config::identity::ensure_certificate;
    let (_temp, dir) = config_dir();
    let old = load(&dir);
    std::fs::remove_file(dir.path_of(FileSpec::CERTIFICATE)).expect("removed");
    ensure_certificate(&dir, "vault", NOW, false).expect_err("half a pair");
    assert!(ensure_certificate(&dir, "vault", NOW, true).expect("forced"));
    assert_ne!(load(&dir).fingerprint, old.fingerprint);
}

#[test]
fn the_public_half_follows_from_the_private_one() {
    let (_temp, dir) = config_dir();
    assert_eq!(
        load(&dir).made,
        [
            FileSpec::CERTIFICATE_KEY,
            FileSpec::AUTH_KEY,
            FileSpec::CSRF_KEY
        ]
    );
    assert_eq!(load(&dir).made, []);
    let public = bytes(&dir, "authkey.pub");
    let private = bytes(&dir, "authkey.key");
    std::fs::remove_file(dir.path_of(FileSpec::AUTH_PUBLIC_KEY)).expect("removed");
    assert_eq!(load(&dir).made, [FileSpec::AUTH_PUBLIC_KEY]);
    assert_eq!(bytes(&dir, "authkey.pub"), public);
    assert_eq!(bytes(&dir, "authkey.key"), private);
    use x509_parser::prelude::FromDer as _;
    // The same of RSA.
    let pair = aws_lc_rs::rsa::KeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).unwrap();
    let der: aws_lc_rs::encoding::Pkcs8V1Der<'_> =
        aws_lc_rs::encoding::AsDer::as_der(&pair).unwrap();
    let pem = pem::encode(&pem::Pem::new("PRIVATE KEY", der.as_ref()));
    let key = AuthKey::from_pem(pem.as_bytes()).unwrap();
    let public = pem::parse(key.public_pem().unwrap()).expect("PEM");
    let (_, spki) =
        x509_parser::x509::SubjectPublicKeyInfo::from_der(public.contents()).expect("a public key");
    let x509_parser::public_key::PublicKey::RSA(public) = spki.parsed().expect("known") else {
        panic!("no RSA key");
    };
    assert_eq!(public.key_size(), 2048);
}

/// `/etc/letsencrypt` that is not mounted, or is: neither is written over, nor what lies there.
#[test]
fn keys_are_not_written_through_links() {
    use config::identity::ensure_certificate;
    use std::os::unix::fs::symlink;
    let (_temp, dir) = config_dir();
    load(&dir);
    let elsewhere = tempfile::tempdir().expect("tempdir");
    for name in [
        "proxy.pem",
        "proxy.key",
        "authkey.key",
        "authkey.pub",
        "csrf.key",
    ] {
        let (at, real) = (dir.path().join(name), elsewhere.path().join(name));
        let content = bytes(&dir, name).expect("there");
        std::fs::rename(&at, elsewhere.path().join("away")).expect("moved");
        symlink(&real, &at).expect("link");
        let before: Vec<_> = ["proxy.pem", "proxy.key", "authkey.key", "authkey.pub"]
            .map(|name| bytes(&dir, name))
            .into();
        let told = load_or_create(&dir, "vault", NOW).expect_err(name);
        let expected = format!("{} is a link to {}, which", at.display(), real.display());
        assert!(told.to_string().starts_with(&expected), "{told}");
        assert!(!real.exists() && at.is_symlink());
        let after: Vec<_> = ["proxy.pem", "proxy.key", "authkey.key", "authkey.pub"]
            .map(|name| bytes(&dir, name))
            .into();
        assert_eq!(before, after, "{name}");
        std::fs::write(&real, &content).expect("file");
        assert_eq!(load(&dir).made, []);
        if name.starts_with("proxy") {
            let told = ensure_certificate(&dir, "vault", NOW, true).expect_err("a link");
            assert!(
                told.to_string().contains("never written through a link"),
                "{told}"
            );
        }
        assert_eq!(std::fs::read(&real).expect("there"), content);
    }
}
