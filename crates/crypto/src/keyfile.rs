//! Locking a key into a key file and unlocking it again (formats.md 7.1, 7.2).
//!
//! A passphrase is turned into a key by scrypt or PBKDF2, and that key encrypts the encryption key. A file may ask for no more memory
//! and work than the limits here, so that a hostile one cannot stop the machine.

use std::num::NonZeroU32;

use aws_lc_rs::pbkdf2;
use format::time::OffsetTime;
use format::{Fingerprint, Kdf, KeyFile, KeyFileError};
use zeroize::Zeroizing;

use crate::key::Key;
use crate::random::{Random, RandomError, random_array};
use crate::secret::Secret;

/// Shortest passphrase, in bytes.
pub const PASSPHRASE_LEN_MIN: usize = 5;

const SCRYPT_N: u64 = 65_536;
const SCRYPT_R: u32 = 8;
const SCRYPT_P: u32 = 1;
const SCRYPT_MEMORY_MAX: u64 = 1025 << 20;
/// Sixteen times the memory is walked through at most.
const SCRYPT_P_MAX: u32 = 16;
const PBKDF2_ITER: u32 = 65_535;
const PBKDF2_ITER_MAX: u32 = 10_000_000;

/// Why asking for the passphrase failed; the asker's business.
pub type PassphraseError = Box<dyn std::error::Error + Send + Sync>;

#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error(transparent)]
    File(#[from] KeyFileError),
    #[error("cannot get the passphrase of the key")]
    Passphrase(#[source] PassphraseError),
    #[error("passphrase is too short, it has at least {PASSPHRASE_LEN_MIN} bytes")]
    PassphraseTooShort,
    #[error("wrong passphrase for the key{}", hint_text(hint.as_deref()))]
    WrongPassphrase { hint: Option<String> },
    #[error("key file asks for {what}, which is not allowed")]
    Kdf { what: &'static str },
    #[error("key data has {len} bytes instead of {expected}")]
    DataLength { len: usize, expected: usize },
    #[error("key file says its key is {}, but it holds {}", stored.short(), computed.short())]
    Fingerprint {
        stored: Fingerprint,
        computed: Fingerprint,
    },
}

#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    #[error("passphrase is too short, it needs at least {PASSPHRASE_LEN_MIN} bytes")]
    PassphraseTooShort,
    #[error("a password hint needs a passphrase")]
    HintWithoutPassphrase,
    #[error(transparent)]
    Random(#[from] RandomError),
}

/// What a key file tells beside its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyInfo {
    pub kdf: Option<Kdf>,
    pub created: OffsetTime,
    pub modified: OffsetTime,
    pub fingerprint: Fingerprint,
    pub hint: Option<String>,
}

/// How a new key file protects its key.
#[derive(Debug, Clone, Copy)]
pub enum Protection<'a> {
    None,
    Scrypt(&'a Secret),
    Pbkdf2(&'a Secret),
}

/// Reads a key file. `passphrase` is asked only if the file needs one.
pub fn load(
    json: &[u8],
    passphrase: impl FnOnce() -> Result<Secret, PassphraseError>,
) -> Result<(Key, KeyInfo), LoadError> {
    let file = KeyFile::from_json(json)?;
    let key = unlock(&file, passphrase)?;
    let computed = key.fingerprint();
    if let Some(stored) = file.fingerprint.filter(|stored| *stored != computed) {
        return Err(LoadError::Fingerprint { stored, computed });
    }
    let info = KeyInfo {
        kdf: file.kdf,
        created: file.created,
        modified: file.modified,
        fingerprint: computed,
        hint: file.hint,
    };
    Ok((key, info))
}

/// Makes a key file. Changing a passphrase is making a new file with the old `created`; what a master key wraps is made with
/// [`Protection::None`].
pub fn create(
    key: &Key,
    protection: Protection<'_>,
    hint: Option<String>,
    created: OffsetTime,
    modified: OffsetTime,
    random: &mut (impl Random + ?Sized),
) -> Result<KeyFile, CreateError> {
    let (kdf, data) = match protection {
        Protection::None if hint.is_some() => return Err(CreateError::HintWithoutPassphrase),
        Protection::None => (None, Zeroizing::new(key.as_bytes().to_vec())),
        Protection::Scrypt(passphrase) => {
            let salt = random_array::<32>(random)?.to_vec();
            let kdf = Kdf::Scrypt {
                n: SCRYPT_N,
                r: SCRYPT_R,
                p: SCRYPT_P,
                salt,
            };
            let data = lock(key, &kdf, passphrase, random)?;
            (Some(kdf), data)
        }
        Protection::Pbkdf2(passphrase) => {
            let salt = random_array::<32>(random)?.to_vec();
            let kdf = Kdf::Pbkdf2 {
                iter: PBKDF2_ITER,
                salt,
            };
            let data = lock(key, &kdf, passphrase, random)?;
            (Some(kdf), data)
        }
    };
    Ok(KeyFile {
        kdf,
        created,
        modified,
        data,
        fingerprint: Some(key.fingerprint()),
        hint,
    })
}

const IV_LEN: usize = 16;
const TAG_LEN: usize = 16;
const KEY_LEN: usize = 32;

fn lock(
    key: &Key,
    kdf: &Kdf,
    passphrase: &Secret,
    random: &mut (impl Random + ?Sized),
) -> Result<Zeroizing<Vec<u8>>, CreateError> {
    if passphrase.as_bytes().len() < PASSPHRASE_LEN_MIN {
        return Err(CreateError::PassphraseTooShort);
    }
    let locker = derive(kdf, passphrase).expect("our own parameters are allowed");
    let iv: [u8; IV_LEN] = random_array(random)?;
    let mut body = Zeroizing::new(*key.as_bytes());
    let tag = locker
        .encrypt(&iv, body.as_mut_slice())
        .expect("a key is short");
    Ok(Zeroizing::new(
        [&iv[..], &tag[..], body.as_slice()].concat(),
    ))
}

fn unlock(
    file: &KeyFile,
    passphrase: impl FnOnce() -> Result<Secret, PassphraseError>,
) -> Result<Key, LoadError> {
    let wrong_len = |expected| LoadError::DataLength {
        len: file.data.len(),
        expected,
    };
    let Some(kdf) = &file.kdf else {
        let raw = file
            .data
            .as_slice()
            .try_into()
            .map_err(|_| wrong_len(KEY_LEN))?;
        return Ok(Key::from_bytes(raw));
    };
    let parts = file
        .data
        .split_first_chunk::<IV_LEN>()
        .and_then(|(iv, rest)| {
            let (tag, body) = rest.split_first_chunk::<TAG_LEN>()?;
            Some((iv, tag, <[u8; KEY_LEN]>::try_from(body).ok()?))
        });
    let (iv, tag, body) = parts.ok_or_else(|| wrong_len(IV_LEN + TAG_LEN + KEY_LEN))?;
    let passphrase = passphrase().map_err(LoadError::Passphrase)?;
    if passphrase.as_bytes().len() < PASSPHRASE_LEN_MIN {
        return Err(LoadError::PassphraseTooShort);
    }
    let mut raw = Zeroizing::new(body);
    derive(kdf, &passphrase)?
        .decrypt(iv, tag, raw.as_mut_slice())
        .map_err(|_| LoadError::WrongPassphrase {
            hint: file.hint.clone(),
        })?;
    Ok(Key::from_bytes(*raw))
}

/// The key that encrypts the key.
fn derive(kdf: &Kdf, passphrase: &Secret) -> Result<Key, LoadError> {
    let not_allowed = |what| LoadError::Kdf { what };
    let mut derived = Zeroizing::new([0; KEY_LEN]);
    match kdf {
        Kdf::Scrypt { n, r, p, salt } => {
            let params = scrypt_params(*n, *r, *p)
                .ok_or_else(|| not_allowed("scrypt parameters out of bounds"))?;
            scrypt::scrypt(passphrase.as_bytes(), salt, &params, derived.as_mut_slice())
                .expect("scrypt can make 32 bytes");
        }
        Kdf::Pbkdf2 { iter, salt } => {
            let iter = NonZeroU32::new(*iter)
                .filter(|iter| iter.get() <= PBKDF2_ITER_MAX)
                .ok_or_else(|| not_allowed("a number of PBKDF2 rounds out of bounds"))?;
            pbkdf2::derive(
                pbkdf2::PBKDF2_HMAC_SHA256,
                iter,
                salt,
                passphrase.as_bytes(),
                derived.as_mut_slice(),
            );
        }
    }
    Ok(Key::from_bytes(*derived))
}

fn scrypt_params(n: u64, r: u32, p: u32) -> Option<scrypt::Params> {
    // A table of n blocks, and one block for each of the p lanes.
    let blocks = n.checked_add(p.into())?;
    let memory = blocks.checked_mul(128)?.checked_mul(r.into())?;
    if n < 2 || !n.is_power_of_two() || memory > SCRYPT_MEMORY_MAX || p > SCRYPT_P_MAX {
        return None;
    }
    scrypt::Params::new(u8::try_from(n.ilog2()).ok()?, r, p).ok()
}

fn hint_text(hint: Option<&str>) -> String {
    hint.map(|hint| format!(" (hint: {hint})"))
        .unwrap_or_default()
}
