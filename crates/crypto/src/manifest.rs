//! Signing manifests and checking their signatures (formats.md 6.3).
//!
//! An unsigned manifest is no error here, as it is none to the original: [`Trust`] says what was shown, and the caller decides what he
//! accepts.

use format::manifest::signed_bytes;
use format::{Fingerprint, Manifest, ManifestError};

use crate::error::CryptoError;
use crate::key::Key;

/// What a check has shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// The signature is the key's.
    Signed,
    /// There is a key, but the manifest carries no signature.
    Unsigned,
    /// There is no key to check with.
    Unchecked,
}

#[derive(Debug, thiserror::Error)]
pub enum ManifestCheckError {
    #[error("wrong key - manifest's key {} does not match provided key {}", manifest.short(), key.short())]
    WrongKey {
        manifest: Fingerprint,
        key: Fingerprint,
    },
    #[error("missing key - manifest was created with key {}", manifest.short())]
    MissingKey { manifest: Fingerprint },
    #[error("signature of the manifest is wrong: it was changed after it was signed")]
    WrongSignature,
    #[error(transparent)]
    Manifest(#[from] ManifestError),
}

/// Puts the key's fingerprint and its signature into the manifest; to be done last.
pub fn sign(manifest: &mut Manifest, key: &Key) -> Result<(), CryptoError> {
    manifest.set_key_fingerprint(Some(key.fingerprint()));
    let signature = format::Digest(key.sign(&manifest.canonical()?));
    manifest.signature = Some(signature.to_string());
    Ok(())
}

/// Checks the signature, if there are one and a key. `json` is the text that `manifest` was read from.
///
/// The signature may cover the text as it stands or as this program would write it again: servers write manifests anew through a fixed
/// schema, and both kinds of signer exist.
pub fn check(
    manifest: &Manifest,
    json: &[u8],
    key: Option<&Key>,
) -> Result<Trust, ManifestCheckError> {
    let Some(key) = key else {
        return Ok(Trust::Unchecked);
    };
    let Some(signature) = &manifest.signature else {
        return Ok(Trust::Unsigned);
    };
    check_fingerprint(manifest, Some(key))?;
    let signature: format::Digest = signature
        .parse()
        .map_err(|_| ManifestCheckError::WrongSignature)?;
    let signed = key.verify_signature(&manifest.canonical()?, signature.as_bytes())
        || key.verify_signature(&signed_bytes(json)?, signature.as_bytes());
    if signed {
        Ok(Trust::Signed)
    } else {
        Err(ManifestCheckError::WrongSignature)
    }
}

/// Whether the key at hand is the one the manifest names; a manifest that names none fits every key and none.
pub fn check_fingerprint(manifest: &Manifest, key: Option<&Key>) -> Result<(), ManifestCheckError> {
    let Some(named) = manifest.key_fingerprint()? else {
        return Ok(());
    };
    match key.map(Key::fingerprint) {
        None => Err(ManifestCheckError::MissingKey { manifest: named }),
        Some(key) if key != named => Err(ManifestCheckError::WrongKey {
            manifest: named,
            key,
        }),
        Some(_) => Ok(()),
    }
}
