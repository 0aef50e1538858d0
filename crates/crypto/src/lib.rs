//! Keys: what is done with them, and how they are kept.
//!
//! [`Sealer`] turns chunks into blobs and [`Opener`] blobs into chunks; [`manifest`] signs and checks manifests; [`keyfile`] locks and
//! unlocks key files; [`rsa`] wraps a key for a master key. All of it is pure: passphrases, times and random bytes come in as arguments, and
//! [`SystemRandom`] is what programs pass for the last. Secrets are wiped when dropped, never printed, and compared in constant time.

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
pub use open::Opener;
pub use random::{Random, RandomError, SystemRandom};
pub use seal::Sealer;
pub use secret::Secret;
