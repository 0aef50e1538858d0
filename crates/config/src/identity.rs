//! Who this server is: its certificate, the key that signs tickets, the key behind tokens against cross-site requests
//! (server.md 1.15).
//!
//! What is missing is made at the first start; what is there, also from the original, is used as it is. A pair of which one half is missing is refused:
//! a new one would destroy the half that is there.

mod auth_key;
mod certificate;
mod csrf;

pub use auth_key::{AuthKey, generate_auth_key};
pub use certificate::{
    CertificateInfo, certificate_info, fingerprint, generate_certificate, leaf_der,
};
pub use csrf::{CsrfError, CsrfKey, generate_csrf_key};

use zeroize::Zeroizing;

use crate::dir::{ConfigDir, FileSpec, Locked};
use crate::error::ConfigError;
use crate::link;

/// Everything that [`load_or_create`] found or made.
#[derive(Debug)]
pub struct Identity {
    /// The certificate chain, leaf first, PEM.
    pub certificate_pem: Vec<u8>,
    /// Its private key, PEM.
    pub certificate_key_pem: Zeroizing<Vec<u8>>,
    /// SHA-256 of the leaf as pairs joined by `:`.
    pub fingerprint: String,
    /// Signs and checks tickets.
    pub auth_key: AuthKey,
    /// Makes and checks tokens against cross-site requests.
    pub csrf_key: CsrfKey,
    /// What was not there and has been made: private keys, and a public half that was missing.
    pub made: Vec<FileSpec>,
}

/// Loads certificate and keys; makes what is missing. `hostname` goes into a new certificate, `now` is its first day.
pub fn load_or_create(dir: &ConfigDir, hostname: &str, now: i64) -> Result<Identity, ConfigError> {
    let mut made = Vec::new();
    if ensure_certificate(dir, hostname, now, false)? {
        made.push(FileSpec::CERTIFICATE_KEY);
    }
    let (certificate_pem, certificate_key_pem) = certificate_pair(dir)?;
    let fingerprint = fingerprint(&leaf_der(&certificate_pem)?);
    Ok(Identity {
        fingerprint,
        certificate_pem,
        certificate_key_pem,
        auth_key: ensure_auth_key(dir, &mut made)?,
        csrf_key: ensure_csrf_key(dir, &mut made)?,
        made,
    })
}

/// What is there, for whoever only works beside the server: nothing is made on the disk. Without a complete identity it is one that is good for this
/// process alone.
pub fn load_or_temporary(
    dir: &ConfigDir,
    hostname: &str,
    now: i64,
) -> Result<Identity, ConfigError> {
    let complete = [
        FileSpec::CERTIFICATE,
        FileSpec::CERTIFICATE_KEY,
        FileSpec::AUTH_KEY,
        FileSpec::AUTH_PUBLIC_KEY,
        FileSpec::CSRF_KEY,
    ];
    if complete.iter().all(|spec| dir.path_of(*spec).exists()) {
        return match load_or_create(dir, hostname, now) {
            Err(ConfigError::Io { source, .. }) if is_write_refused(&source) => load(dir),
            loaded => loaded,
        };
    }
    let (certificate, key) = generate_certificate(hostname, now)?;
    let (auth_key, _) = generate_auth_key()?;
    Ok(Identity {
        fingerprint: fingerprint(&leaf_der(certificate.as_bytes())?),
        certificate_pem: certificate.into_bytes(),
        certificate_key_pem: Zeroizing::new(key.as_bytes().to_vec()),
        auth_key: AuthKey::from_pem(auth_key.as_bytes())?,
        csrf_key: CsrfKey::from_file(generate_csrf_key()?.as_bytes()),
        made: Vec::new(),
    })
}

/// Who may only read cannot lock, and has no need to: files are replaced as a whole.
fn load(dir: &ConfigDir) -> Result<Identity, ConfigError> {
    let certificate_pem = required(dir, FileSpec::CERTIFICATE)?;
    Ok(Identity {
        fingerprint: fingerprint(&leaf_der(&certificate_pem)?),
        certificate_pem,
        certificate_key_pem: Zeroizing::new(required(dir, FileSpec::CERTIFICATE_KEY)?),
        auth_key: AuthKey::from_pem(&Zeroizing::new(required(dir, FileSpec::AUTH_KEY)?))?,
        csrf_key: CsrfKey::checked(&Zeroizing::new(required(dir, FileSpec::CSRF_KEY)?))?,
        made: Vec::new(),
    })
}

fn is_write_refused(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem};
    matches!(error.kind(), PermissionDenied | ReadOnlyFilesystem)
}

fn required(dir: &ConfigDir, spec: FileSpec) -> Result<Vec<u8>, ConfigError> {
    let missing = || std::io::Error::from(std::io::ErrorKind::NotFound);
    dir.read_bytes(spec)?
        .ok_or_else(|| ConfigError::io("read", dir.path_of(spec))(missing()))
}

/// Makes certificate and key if both are missing or if `force` is set; true if it did. Without `force` it replaces nothing, so that one without the
/// other is an error.
pub fn ensure_certificate(
    dir: &ConfigDir,
    hostname: &str,
    now: i64,
    force: bool,
) -> Result<bool, ConfigError> {
    let lock = dir.lock(FileSpec::CERTIFICATE)?;
    complete_pair(dir, &lock)?;
    if !force {
        let certificate = dir.read_bytes(FileSpec::CERTIFICATE)?;
        let key = dir.read_bytes(FileSpec::CERTIFICATE_KEY)?;
        match (certificate, key.map(Zeroizing::new)) {
            (Some(_), Some(_)) => return Ok(false),
            (Some(_), None) => {
                return Err(half(dir, FileSpec::CERTIFICATE_KEY, FileSpec::CERTIFICATE));
            }
            (None, Some(_)) => {
                return Err(half(dir, FileSpec::CERTIFICATE, FileSpec::CERTIFICATE_KEY));
            }
            (None, None) => {}
        }
    }
    let (certificate, key) = generate_certificate(hostname, now)?;
    put_pair(dir, &lock, certificate.as_bytes(), key.as_bytes())?;
    Ok(true)
}

/// Certificate chain and key of an administrator's own, both PEM, which the caller has found to fit.
pub fn replace_certificate(
    dir: &ConfigDir,
    certificate_pem: &[u8],
    key_pem: &[u8],
) -> Result<(), ConfigError> {
    let lock = dir.lock(FileSpec::CERTIFICATE)?;
    complete_pair(dir, &lock)?;
    put_pair(dir, &lock, certificate_pem, key_pem)
}

fn half(dir: &ConfigDir, missing: FileSpec, there: FileSpec) -> ConfigError {
    ConfigError::Half {
        missing: dir.path_of(missing),
        there: dir.path_of(there),
    }
}

/// Through a link this would destroy a key that others keep, such as a client of a certificate authority.
fn refuse_links(dir: &ConfigDir) -> Result<(), ConfigError> {
    for spec in [FileSpec::CERTIFICATE_KEY, FileSpec::CERTIFICATE] {
        let path = dir.path_of(spec);
        if let Some(target) = link::target(&path) {
            return Err(ConfigError::Link { path, target });
        }
    }
    Ok(())
}

fn put_pair(
    dir: &ConfigDir,
    lock: &Locked<'_>,
    certificate: &[u8],
    key: &[u8],
) -> Result<(), ConfigError> {
    refuse_links(dir)?;
    // Only the blocks: between them stands what programs and people have written there.
    let mut pair = Zeroizing::new(pem_blocks(certificate, |tag| tag == CERTIFICATE_TAG)?);
    pair.push_str(&Zeroizing::new(pem_blocks(key, |tag| {
        tag.ends_with(KEY_TAG)
    })?));
    lock.replace_companion(PAIR, pair.as_bytes())?;
    complete_pair(dir, lock)
}

/// The blocks of these kinds, written anew. There must be one at least.
fn pem_blocks(text: &[u8], wanted: impl Fn(&str) -> bool) -> Result<String, ConfigError> {
    let not_pem = || ConfigError::Key {
        what: "server certificate".to_owned(),
        reason: "the text is not PEM, or lacks certificate or key".to_owned(),
    };
    let blocks = pem::parse_many(text).map_err(|_| not_pem())?;
    let line_end = pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF);
    let blocks: String = blocks
        .iter()
        .filter(|block| wanted(block.tag()))
        .map(|block| pem::encode_config(block, line_end))
        .collect();
    if blocks.is_empty() {
        return Err(not_pem());
    }
    Ok(blocks)
}

const CERTIFICATE_TAG: &str = "CERTIFICATE";
const KEY_TAG: &str = "PRIVATE KEY";

/// A new certificate with its key, until both have their places: whoever ends in between leaves it, and the next one goes on. A key without its
/// certificate would keep the server from starting.
const PAIR: FileSpec = FileSpec {
    name: "proxy.new",
    lock: FileSpec::CERTIFICATE.lock,
    mode: 0o600,
};

fn complete_pair(dir: &ConfigDir, lock: &Locked<'_>) -> Result<(), ConfigError> {
    let Some(pair) = dir.read_bytes(PAIR)?.map(Zeroizing::new) else {
        return Ok(());
    };
    let text = String::from_utf8_lossy(&pair);
    // It was written as a whole, so both parts are there; anything else did not come from us.
    if let Some(at) = key_begin(&text) {
        refuse_links(dir)?;
        lock.replace_companion(FileSpec::CERTIFICATE_KEY, text[at..].as_bytes())?;
        lock.replace_companion(FileSpec::CERTIFICATE, text[..at].as_bytes())?;
    }
    let path = dir.path_of(PAIR);
    std::fs::remove_file(&path).map_err(ConfigError::io("remove", path))
}

/// Where the PEM of the key begins: `PRIVATE KEY`, `RSA PRIVATE KEY`, `EC PRIVATE KEY`.
fn key_begin(text: &str) -> Option<usize> {
    text.match_indices("-----BEGIN ")
        .map(|(at, _)| at)
        .find(|at| {
            let line = text[*at..].lines().next().unwrap_or_default();
            line.ends_with("PRIVATE KEY-----")
        })
}

/// Certificate and key as they are now, a pair: they are read under their lock.
pub fn certificate_pair(dir: &ConfigDir) -> Result<(Vec<u8>, Zeroizing<Vec<u8>>), ConfigError> {
    let lock = dir.lock(FileSpec::CERTIFICATE)?;
    complete_pair(dir, &lock)?;
    Ok((
        required(dir, FileSpec::CERTIFICATE)?,
        Zeroizing::new(required(dir, FileSpec::CERTIFICATE_KEY)?),
    ))
}

fn ensure_auth_key(dir: &ConfigDir, made: &mut Vec<FileSpec>) -> Result<AuthKey, ConfigError> {
    let lock = dir.lock(FileSpec::AUTH_KEY)?;
    let key = dir.read_bytes(FileSpec::AUTH_KEY)?.map(Zeroizing::new);
    let public = dir.read_bytes(FileSpec::AUTH_PUBLIC_KEY)?;
    match (key, public) {
        (Some(key), Some(_)) => AuthKey::from_pem(&key),
        (Some(key), None) => {
            let key = AuthKey::from_pem(&key)?;
            lock.replace_companion(FileSpec::AUTH_PUBLIC_KEY, key.public_pem()?.as_bytes())?;
            made.push(FileSpec::AUTH_PUBLIC_KEY);
            Ok(key)
        }
        (None, Some(_)) => Err(half(dir, FileSpec::AUTH_KEY, FileSpec::AUTH_PUBLIC_KEY)),
        (None, None) => {
            let (private, public) = generate_auth_key()?;
            // In this order: the public half follows from the private one, should this end in between.
            lock.replace(private.as_bytes())?;
            lock.replace_companion(FileSpec::AUTH_PUBLIC_KEY, public.as_bytes())?;
            made.push(FileSpec::AUTH_KEY);
            AuthKey::from_pem(private.as_bytes())
        }
    }
}

fn ensure_csrf_key(dir: &ConfigDir, made: &mut Vec<FileSpec>) -> Result<CsrfKey, ConfigError> {
    let lock = dir.lock(FileSpec::CSRF_KEY)?;
    if let Some(content) = dir.read_bytes(FileSpec::CSRF_KEY)? {
        return CsrfKey::checked(&Zeroizing::new(content));
    }
    let content = generate_csrf_key()?;
    lock.replace(content.as_bytes())?;
    made.push(FileSpec::CSRF_KEY);
    Ok(CsrfKey::from_file(content.as_bytes()))
}
