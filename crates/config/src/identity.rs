//! Who this server is: its certificate, the key that signs tickets, the key behind tokens against cross-site requests
//! (server.md 1.15).
//!
//! What is missing is made at the first start; what is there, also from the original, is used as it is.

mod auth_key;
mod certificate;
mod csrf;

pub use auth_key::{AuthKey, generate_auth_key};
pub use certificate::{
    CertificateInfo, certificate_info, fingerprint, generate_certificate, leaf_der,
};
pub use csrf::{CsrfError, CsrfKey, generate_csrf_key};

use zeroize::Zeroizing;

use crate::dir::{ConfigDir, FileSpec};
use crate::error::ConfigError;

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
}

/// Loads certificate and keys; makes what is missing. `hostname` goes into a new certificate, `now` is its first day.
pub fn load_or_create(dir: &ConfigDir, hostname: &str, now: i64) -> Result<Identity, ConfigError> {
    ensure_certificate(dir, hostname, now, false)?;
    let certificate_pem = required(dir, FileSpec::CERTIFICATE)?;
    let fingerprint = fingerprint(&leaf_der(&certificate_pem)?);
    Ok(Identity {
        fingerprint,
        certificate_pem,
        certificate_key_pem: Zeroizing::new(required(dir, FileSpec::CERTIFICATE_KEY)?),
        auth_key: ensure_auth_key(dir)?,
        csrf_key: ensure_csrf_key(dir)?,
    })
}

fn required(dir: &ConfigDir, spec: FileSpec) -> Result<Vec<u8>, ConfigError> {
    let missing = || std::io::Error::from(std::io::ErrorKind::NotFound);
    dir.read_bytes(spec)?
        .ok_or_else(|| ConfigError::io("read", dir.path_of(spec))(missing()))
}

/// Makes certificate and key if one is missing or if `force` is set; true if it did.
pub fn ensure_certificate(
    dir: &ConfigDir,
    hostname: &str,
    now: i64,
    force: bool,
) -> Result<bool, ConfigError> {
    let lock = dir.lock(FileSpec::CERTIFICATE)?;
    if !force
        && dir.read_bytes(FileSpec::CERTIFICATE)?.is_some()
        && dir.read_bytes(FileSpec::CERTIFICATE_KEY)?.is_some()
    {
        return Ok(false);
    }
    let (certificate, key) = generate_certificate(hostname, now)?;
    lock.replace_companion(FileSpec::CERTIFICATE_KEY, key.as_bytes())?;
    lock.replace(certificate.as_bytes())?;
    Ok(true)
}

fn ensure_auth_key(dir: &ConfigDir) -> Result<AuthKey, ConfigError> {
    let lock = dir.lock(FileSpec::AUTH_KEY)?;
    if let (Some(key), Some(_)) = (
        dir.read_bytes(FileSpec::AUTH_KEY)?,
        dir.read_bytes(FileSpec::AUTH_PUBLIC_KEY)?,
    ) {
        return AuthKey::from_pem(&Zeroizing::new(key));
    }
    let (private, public) = generate_auth_key()?;
    lock.replace_companion(FileSpec::AUTH_PUBLIC_KEY, public.as_bytes())?;
    lock.replace(private.as_bytes())?;
    AuthKey::from_pem(private.as_bytes())
}

fn ensure_csrf_key(dir: &ConfigDir) -> Result<CsrfKey, ConfigError> {
    let lock = dir.lock(FileSpec::CSRF_KEY)?;
    if let Some(content) = dir.read_bytes(FileSpec::CSRF_KEY)? {
        return Ok(CsrfKey::from_file(&content));
    }
    let content = generate_csrf_key()?;
    lock.replace(content.as_bytes())?;
    Ok(CsrfKey::from_file(content.as_bytes()))
}
