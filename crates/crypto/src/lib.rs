//! Keys: what is done with them, and how they are kept.
//!
//! [`Sealer`] turns chunks into blobs and [`Opener`] blobs into chunks; [`manifest`] signs and checks manifests; [`keyfile`] locks and
//! unlocks key files; [`rsa`] wraps a key for a master key. All of it is pure: passphrases, times and random bytes come in as arguments, and
//! [`SystemRandom`] is what programs pass for the last. Secrets are wiped when dropped, never printed, and compared in constant time.
//!
//! ```
//! use std::sync::Arc;
//! use crypto::{Key, Opener, Sealer, SystemRandom};
//! use format::{CHUNK_RAW_MAX, CryptMode};
//!
//! let key = Arc::new(Key::generate(&mut SystemRandom)?);
//! let mut sealer = Sealer::new(Some(key.clone()), CryptMode::Encrypt)?;
//! let (mut blob, mut content) = (Vec::new(), Vec::new());
//! let digest = sealer.digest(b"a chunk");
//! sealer.seal(b"a chunk", true, &mut blob)?;
//! Opener::new(Some(key)).open(&blob, CHUNK_RAW_MAX, Some(&digest), &mut content)?;
//! assert_eq!(content, b"a chunk");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod random;
mod secret;

mod error;

mod key;

pub mod keyfile;
pub mod manifest;
mod open;
pub mod rsa;
mod seal;

pub use error::CryptoError;
pub use key::Key;
pub use open::{Opener, SealedChunk};
pub use random::{Random, RandomError, SystemRandom};
pub use seal::Sealer;
pub use secret::Secret;
