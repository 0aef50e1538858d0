//! The encryption key and everything derived from it (formats.md 7.3).
//!
//! The raw key encrypts. All else comes from one derived value, the id key: chunk digests, manifest signatures and the fingerprint.

use std::fmt;
use std::num::NonZeroU32;

use aes_gcm::aead::consts::U16;
use aes_gcm::aead::{AeadInOut, Tag};
use aes_gcm::aes::Aes256;
use aes_gcm::{AesGcm, KeyInit};
use aws_lc_rs::{hmac, pbkdf2};
use format::{Digest, DigestWriter, Fingerprint};
use zeroize::Zeroizing;

use crate::error::CryptoError;
use crate::random::{Random, RandomError};

/// AES-256-GCM with the formats' 16-byte IV.
type Cipher = AesGcm<Aes256, U16>;

/// SHA-256 of "Proxmox Backup Encryption Key Fingerprint".
const FINGERPRINT_INPUT: [u8; 32] = [
    0x6e, 0xd0, 0xef, 0x77, 0x47, 0x1f, 0xff, 0x4d, 0x55, 0xc7, 0xa8, 0xfe, 0x4a, 0x9d, 0xb6, 0x21,
    0x61, 0x40, 0x7f, 0x13, 0x4c, 0x72, 0x5d, 0xdf, 0x30, 0x99, 0x2d, 0x25, 0xec, 0x45, 0xed, 0x26,
];

pub struct Key {
    raw: Zeroizing<[u8; 32]>,
    id_key: Zeroizing<[u8; 32]>,
    signer: hmac::Key,
    cipher: Cipher,
}

impl Key {
    pub fn from_bytes(raw: [u8; 32]) -> Key {
        const ID_KEY_SALT: &[u8] = b"_id_key";
        const ID_KEY_ROUNDS: NonZeroU32 = NonZeroU32::new(10).expect("ten is not zero");
        let raw = Zeroizing::new(raw);
        let mut id_key = Zeroizing::new([0; 32]);
        pbkdf2::derive(
            pbkdf2::PBKDF2_HMAC_SHA256,
            ID_KEY_ROUNDS,
            ID_KEY_SALT,
            raw.as_slice(),
            id_key.as_mut_slice(),
        );
        let signer = hmac::Key::new(hmac::HMAC_SHA256, id_key.as_slice());
        let cipher = Cipher::new(&(*raw).into());
        Key {
            raw,
            id_key,
            signer,
            cipher,
        }
    }

    pub fn generate(random: &mut (impl Random + ?Sized)) -> Result<Key, RandomError> {
        Ok(Key::from_bytes(crate::random::random_array(random)?))
    }

    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.raw
    }

    /// The digest that names an encrypted chunk: SHA-256 of the content with the id key behind it.
    pub fn digest(&self, data: &[u8]) -> Digest {
        let mut writer = self.digest_writer();
        writer.update(data);
        self.finish_digest(writer)
    }

    /// The same over content that comes in pieces: update the writer, then hand it to [`Key::finish_digest`].
    pub fn digest_writer(&self) -> DigestWriter {
        DigestWriter::new()
    }

    pub fn finish_digest(&self, mut writer: DigestWriter) -> Digest {
        writer.update(self.id_key.as_slice());
        writer.finish()
    }

    /// What stands behind the content in [`Key::digest`]: the id key.
    pub(crate) fn digest_suffix(&self) -> &[u8] {
        self.id_key.as_slice()
    }

    pub fn fingerprint(&self) -> Fingerprint {
        let mut writer = DigestWriter::new();
        writer.update(&FINGERPRINT_INPUT);
        Fingerprint::new(self.finish_digest(writer).0)
    }

    /// The signature over canonical bytes of a manifest.
    pub fn sign(&self, canonical: &[u8]) -> [u8; 32] {
        hmac::sign(&self.signer, canonical)
            .as_ref()
            .try_into()
            .expect("HMAC-SHA256 has 32 bytes")
    }

    /// In constant time.
    pub fn verify_signature(&self, canonical: &[u8], signature: &[u8]) -> bool {
        hmac::verify(&self.signer, canonical, signature).is_ok()
    }

    /// Encrypts `data` in place and returns the tag.
    pub(crate) fn encrypt(&self, iv: &[u8; 16], data: &mut [u8]) -> Result<[u8; 16], CryptoError> {
        let len = data.len();
        self.cipher
            .encrypt_inout_detached(iv.into(), &[], data.into())
            .map(Into::into)
            .map_err(|_| CryptoError::TooLong { len })
    }

    /// Decrypts `data` in place after its tag was checked.
    pub(crate) fn decrypt(
        &self,
        iv: &[u8; 16],
        tag: &[u8; 16],
        data: &mut [u8],
    ) -> Result<(), CryptoError> {
        let tag: &Tag<Cipher> = tag.into();
        self.cipher
            .decrypt_inout_detached(iv.into(), &[], data.into(), tag)
            .map_err(|_| CryptoError::Decrypt)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.fingerprint().short())
    }
}
