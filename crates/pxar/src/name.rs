//! Names of members: what is a valid one, and the hash by which goodbye tables find it.
//!
//! A name is raw bytes without an encoding. What is checked here holds for every name that the encoder writes or a reader hands
//! out, so nobody above has to fear a slash, a NUL, `.` or `..`.

use std::hash::Hasher;

use siphasher::sip::SipHasher24;

use crate::item::NAME_MAX;

const KEY_0: u64 = 0x83ac_3f1c_fbb4_50db;
const KEY_1: u64 = 0xaa4f_1b68_7936_9fbd;

/// Why a name cannot stand in an archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    #[error("the name is empty")]
    Empty,
    #[error("the name is a dot directory")]
    Dots,
    #[error("the name contains a slash")]
    Slash,
    #[error("the name contains a NUL byte")]
    Nul,
    #[error("the name is longer than {NAME_MAX} bytes")]
    TooLong,
}

/// Checks a member's name.
pub fn check(name: &[u8]) -> Result<(), NameError> {
    if name.is_empty() {
        return Err(NameError::Empty);
    }
    if name == b"." || name == b".." {
        return Err(NameError::Dots);
    }
    if name.len() > NAME_MAX {
        return Err(NameError::TooLong);
    }
    match name.iter().find(|b| matches!(b, b'/' | 0)) {
        Some(b'/') => Err(NameError::Slash),
        Some(_) => Err(NameError::Nul),
        None => Ok(()),
    }
}

/// SipHash-2-4 over the name with the format's key.
pub fn hash(name: &[u8]) -> u64 {
    let mut hasher = SipHasher24::new_with_keys(KEY_0, KEY_1);
    hasher.write(name);
    hasher.finish()
}
