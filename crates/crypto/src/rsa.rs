//! Master keys: an RSA pair that wraps the encryption key of every backup (formats.md 7.6).
//!
//! The public half encrypts the text of a key file (without passphrase) by RSAES-PKCS1-v1_5, the private half, itself locked by a password,
//! gets it back. The arithmetic is aws-lc's; the password protection of the private key is PKCS#8 with PBES2.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::{
    KeySize, Pkcs1PrivateDecryptingKey, Pkcs1PublicEncryptingKey, PrivateDecryptingKey,
    PublicEncryptingKey,
};
use pkcs8::der::asn1::{OctetString, UintRef};
use pkcs8::der::{Decode, Document, Encode, Reader, SecretDocument, SliceReader};
use pkcs8::pkcs5::pbes2;
use pkcs8::spki::SubjectPublicKeyInfoRef;
use pkcs8::{EncryptedPrivateKeyInfoOwned, EncryptedPrivateKeyInfoRef, LineEnding};
use zeroize::Zeroizing;

use crate::random::{Random, RandomError, random_array};
use crate::secret::Secret;

const PUBLIC_LABEL: &str = "PUBLIC KEY";
const PRIVATE_LABEL: &str = "PRIVATE KEY";
const LOCKED_LABEL: &str = "ENCRYPTED PRIVATE KEY";

#[derive(Debug, thiserror::Error)]
pub enum RsaError {
    #[error("not a {expected} in PEM form")]
    Pem { expected: &'static str },
    #[error("PEM text holds a {found}, not a {expected}")]
    Label {
        found: String,
        expected: &'static str,
    },
    #[error("not an RSA key of 2048 to 8192 bits")]
    NotRsa,
    #[error("private key is locked, its password is needed")]
    Locked,
    #[error("cannot unlock the private key: wrong password, or a protection other than PBES2")]
    Unlock,
    #[error(
        "RSA key of {bits} bits is too small: it can encrypt {room} bytes, but {len} are needed; use 3072 bits or more"
    )]
    TooSmall {
        bits: usize,
        room: usize,
        len: usize,
    },
    #[error("cannot decrypt: the data was encrypted with another master key, or it is damaged")]
    Decrypt,
    #[error("the cryptographic library refused to {action}")]
    Library { action: &'static str },
    #[error(transparent)]
    Random(#[from] RandomError),
}

pub struct MasterPublicKey {
    key: PublicEncryptingKey,
    modulus: Vec<u8>,
    exponent: Vec<u8>,
}

impl MasterPublicKey {
    /// From `-----BEGIN PUBLIC KEY-----`.
    pub fn from_pem(pem: &str) -> Result<MasterPublicKey, RsaError> {
        let (label, der) = Document::from_pem(pem).map_err(|_| RsaError::Pem {
            expected: PUBLIC_LABEL,
        })?;
        expect_label(label, PUBLIC_LABEL)?;
        MasterPublicKey::from_der(der.as_bytes())
    }

    fn from_der(der: &[u8]) -> Result<MasterPublicKey, RsaError> {
        let key = PublicEncryptingKey::from_der(der).map_err(|_| RsaError::NotRsa)?;
        let (modulus, exponent) = parse_numbers(der).ok_or(RsaError::NotRsa)?;
        Ok(MasterPublicKey {
            key,
            modulus,
            exponent,
        })
    }

    pub fn to_pem(&self) -> Result<String, RsaError> {
        let der: PublicKeyX509Der<'_> = self.key.as_der().map_err(|_| RsaError::Library {
            action: "encode a public key",
        })?;
        Document::try_from(der.as_ref())
            .and_then(|der| der.to_pem(PUBLIC_LABEL, LineEnding::LF))
            .map_err(|_| RsaError::Library {
                action: "encode a public key",
            })
    }

    pub fn bits(&self) -> usize {
        self.key.key_size_bits()
    }

    /// Big-endian, without leading zeros.
    pub fn modulus(&self) -> &[u8] {
        &self.modulus
    }

    /// Big-endian, without leading zeros.
    pub fn exponent(&self) -> &[u8] {
        &self.exponent
    }

    /// Encrypts the text of a key file; the result is as long as the modulus.
    pub fn wrap(&self, key_json: &[u8]) -> Result<Vec<u8>, RsaError> {
        let library = |_| RsaError::Library {
            action: "encrypt with a public key",
        };
        let key = Pkcs1PublicEncryptingKey::new(self.key.clone()).map_err(library)?;
        let room = key.max_plaintext_size();
        if key_json.len() > room {
            return Err(RsaError::TooSmall {
                bits: self.bits(),
                room,
                len: key_json.len(),
            });
        }
        let mut wrapped = vec![0; key.ciphertext_size()];
        let len = key.encrypt(key_json, &mut wrapped).map_err(library)?.len();
        wrapped.truncate(len);
        Ok(wrapped)
    }
}

pub struct MasterPrivateKey {
    key: PrivateDecryptingKey,
}

impl MasterPrivateKey {
    /// A new pair of 4096 bits. This takes a second or more.
    pub fn generate() -> Result<MasterPrivateKey, RsaError> {
        PrivateDecryptingKey::generate(KeySize::Rsa4096)
            .map(|key| MasterPrivateKey { key })
            .map_err(|_| RsaError::Library {
                action: "make an RSA key",
            })
    }

    /// From `-----BEGIN ENCRYPTED PRIVATE KEY-----` with its password, or from `-----BEGIN PRIVATE KEY-----` without one.
    pub fn from_pem(pem: &str, password: Option<&Secret>) -> Result<MasterPrivateKey, RsaError> {
        let (label, der) = SecretDocument::from_pem(pem).map_err(|_| RsaError::Pem {
            expected: LOCKED_LABEL,
        })?;
        let der = match label {
            PRIVATE_LABEL => der,
            _ => {
                expect_label(label, LOCKED_LABEL)?;
                let password = password.ok_or(RsaError::Locked)?;
                EncryptedPrivateKeyInfoRef::try_from(der.as_bytes())
                    .and_then(|locked| locked.decrypt(password.as_bytes()))
                    .map_err(|_| RsaError::Unlock)?
            }
        };
        PrivateDecryptingKey::from_pkcs8(der.as_bytes())
            .map(|key| MasterPrivateKey { key })
            .map_err(|_| RsaError::NotRsa)
    }

    /// Locked with the password: PBKDF2 with SHA-256, then AES-256-CBC.
    pub fn to_pem(
        &self,
        password: &Secret,
        random: &mut (impl Random + ?Sized),
    ) -> Result<String, RsaError> {
        const ROUNDS: u32 = 600_000;
        let library = || RsaError::Library {
            action: "encode a private key",
        };
        let salt: [u8; 16] = random_array(random)?;
        let iv: [u8; 16] = random_array(random)?;
        let der: Pkcs8V1Der<'_> = self.key.as_der().map_err(|_| library())?;
        let params = pbes2::Parameters::generate_pbkdf2_sha256_aes256cbc(ROUNDS, &salt, iv)
            .map_err(|_| library())?;
        let body = params
            .encrypt(password.as_bytes(), der.as_ref())
            .map_err(|_| library())?;
        let locked = EncryptedPrivateKeyInfoOwned {
            encryption_algorithm: params.into(),
            encrypted_data: OctetString::new(body).map_err(|_| library())?,
        };
        let der = locked.to_der().map_err(|_| library())?;
        Document::try_from(der)
            .and_then(|der| der.to_pem(LOCKED_LABEL, LineEnding::LF))
            .map_err(|_| library())
    }

    pub fn public_key(&self) -> Result<MasterPublicKey, RsaError> {
        let library = |_| RsaError::Library {
            action: "encode a public key",
        };
        let der: PublicKeyX509Der<'_> = self.key.public_key().as_der().map_err(library)?;
        MasterPublicKey::from_der(der.as_ref())
    }

    /// The text of the key file that [`MasterPublicKey::wrap`] encrypted.
    pub fn unwrap(&self, wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, RsaError> {
        let key =
            Pkcs1PrivateDecryptingKey::new(self.key.clone()).map_err(|_| RsaError::Library {
                action: "use a private key",
            })?;
        let mut json = Zeroizing::new(vec![0; key.min_output_size()]);
        let len = key
            .decrypt(wrapped, &mut json)
            .map_err(|_| RsaError::Decrypt)?
            .len();
        json.truncate(len);
        Ok(json)
    }
}

fn expect_label(found: &str, expected: &'static str) -> Result<(), RsaError> {
    if found == expected {
        return Ok(());
    }
    Err(RsaError::Label {
        found: found.to_owned(),
        expected,
    })
}

/// Modulus and exponent out of a SubjectPublicKeyInfo.
fn parse_numbers(der: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let info = SubjectPublicKeyInfoRef::from_der(der).ok()?;
    let key = info.subject_public_key.as_bytes()?;
    let numbers: Result<_, pkcs8::der::Error> = SliceReader::new(key).and_then(|mut reader| {
        reader.sequence(|reader| {
            let modulus: UintRef<'_> = reader.decode()?;
            let exponent: UintRef<'_> = reader.decode()?;
            Ok((modulus.as_bytes().to_vec(), exponent.as_bytes().to_vec()))
        })
    });
    numbers.ok()
}
