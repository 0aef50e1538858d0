//! Recovery codes: ten texts that let in once each when the second factor is lost (server.md 8.1). Only keyed hashes of them are stored.

use aws_lc_rs::hmac;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::password::PasswordError;

/// Codes of a set.
pub const CODES: usize = 10;

/// A set as its owner sees it, once.
pub struct NewCodes {
    /// The key of the hashes.
    pub secret: String,
    /// What is stored.
    pub hashes: Vec<String>,
    /// What is shown.
    pub codes: Vec<Zeroizing<String>>,
}

/// Makes a set out of random bytes.
pub fn new_codes() -> Result<NewCodes, PasswordError> {
    let secret = hex(&random()?);
    let mut codes = Vec::with_capacity(CODES);
    for _ in 0..CODES {
        codes.push(Zeroizing::new(code_text(&random()?)));
    }
    let hashes = codes.iter().map(|code| hash(&secret, code)).collect();
    Ok(NewCodes {
        secret,
        hashes,
        codes,
    })
}

/// What is stored of a code: the key is the text of the secret, not the bytes that it names.
pub fn hash(secret: &str, code: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    hex(hmac::sign(&key, code.as_bytes()).as_ref())
}

/// The place of the unused hash that this code belongs to. All are compared, in constant time.
pub fn find(secret: &str, hashes: &[Option<String>], given: &str) -> Option<usize> {
    let wanted = hash(secret, given);
    hashes
        .iter()
        .enumerate()
        .fold(None, |found, (place, hash)| {
            let hash = hash.as_deref().unwrap_or_default();
            let same: bool = hash.as_bytes().ct_eq(wanted.as_bytes()).into();
            if same { Some(place) } else { found }
        })
}

fn random() -> Result<[u8; 8], PasswordError> {
    let mut bytes = [0; 8];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| PasswordError::Hash)?;
    Ok(bytes)
}

/// `xxxx-xxxx-xxxx-xxxx`
fn code_text(bytes: &[u8; 8]) -> String {
    let pairs: Vec<String> = bytes.chunks(2).map(hex).collect();
    pairs.join("-")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_their_form_and_are_found_once() {
        let made = new_codes().expect("random");
        assert_eq!((made.codes.len(), made.secret.len()), (CODES, 16));
        let mut hashes: Vec<_> = made.hashes.iter().cloned().map(Some).collect();
        for (place, code) in made.codes.iter().enumerate() {
            let parts: Vec<&str> = code.split('-').collect();
            let form = |part: &&str| part.len() == 4 && part.bytes().all(|b| b.is_ascii_hexdigit());
            assert!(parts.len() == 4 && parts.iter().all(form), "{}", code.len());
            assert_eq!(find(&made.secret, &hashes, code), Some(place));
        }
        hashes[3] = None;
        assert_eq!(find(&made.secret, &hashes, &made.codes[3]), None);
        for wrong in ["", "0000-0000-0000-0000", &format!("{} ", *made.codes[0])] {
            assert_eq!(find(&made.secret, &hashes[1..], wrong), None);
        }
    }

    /// Computed with Python: `hmac.new(b"0123456789abcdef", b"0011-2233-4455-6677", "sha256").hexdigest()`.
    #[test]
    fn the_key_is_the_text_of_the_secret() {
        assert_eq!(
            hash(
                "0123456789abcdef",
                &code_text(&[0, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77])
            ),
            "fd37d359ffbd1fce921035c09a386ae02e67c6e39ea3b8f608777daed41756c4"
        );
    }
}
