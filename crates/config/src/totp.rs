//! One-time passwords that change with time (RFC 6238), and the URI in which their secret travels and is stored (server.md 8.1).
//!
//! Pure: the time is an argument. That a code counts only once is for whoever keeps the last count: [`Totp::matching_count`] says which one it was.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::hmac;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Digits of a code that a new secret may ask for at least; shorter ones are guessed.
pub const NEW_DIGITS_MIN: u8 = 6;
/// Bytes of a new secret at least: what common generators make, 80 bits.
pub const NEW_SECRET_BYTES_MIN: usize = 10;
/// More digits than a code has.
const DIGITS_MAX: u8 = 10;
const SECRET_BYTES_MAX: usize = 1024;
const PERIOD_S_MAX: u32 = 24 * 3600;
/// Longest URI that is looked at.
const URI_BYTES_MAX: usize = 4096;

const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// Which hash makes the codes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Algorithm {
    /// What nearly all devices do, and in an HMAC still sound.
    #[default]
    Sha1,
    Sha256,
    Sha512,
}

impl Algorithm {
    const ALL: [Algorithm; 3] = [Algorithm::Sha1, Algorithm::Sha256, Algorithm::Sha512];

    fn name(self) -> &'static str {
        match self {
            Algorithm::Sha1 => "SHA1",
            Algorithm::Sha256 => "SHA256",
            Algorithm::Sha512 => "SHA512",
        }
    }

    fn hmac(self) -> hmac::Algorithm {
        match self {
            Algorithm::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            Algorithm::Sha256 => hmac::HMAC_SHA256,
            Algorithm::Sha512 => hmac::HMAC_SHA512,
        }
    }
}

/// A secret with how codes are made of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Totp {
    secret: Zeroizing<Vec<u8>>,
    digits: u8,
    period_s: u32,
    algorithm: Algorithm,
    issuer: Option<String>,
    account: String,
}

/// The secret is not shown.
impl fmt::Debug for Totp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Totp")
            .field("account", &self.account)
            .finish_non_exhaustive()
    }
}

/// Why a text is no such URI. Never quotes it: it holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TotpError {
    #[error("not an 'otpauth://totp/' URI")]
    Scheme,
    #[error("the URI is longer than {URI_BYTES_MAX} bytes")]
    TooLong,
    #[error("the URI is not UTF-8 after percent-decoding")]
    Utf8,
    #[error("the URI names no secret")]
    NoSecret,
    #[error("the secret is not base32 of 1 to {SECRET_BYTES_MAX} bytes")]
    Secret,
    #[error("the parameter '{0}' is unknown or given twice")]
    Parameter(String),
    #[error("the parameter '{0}' has no usable value")]
    Value(&'static str),
}

impl Totp {
    /// Whether a new secret is too easy to guess.
    pub fn is_weak(&self) -> bool {
        self.digits < NEW_DIGITS_MIN || self.secret.len() < NEW_SECRET_BYTES_MIN
    }

    /// The code of a count of periods.
    pub fn code(&self, count: u64) -> String {
        let key = hmac::Key::new(self.algorithm.hmac(), &self.secret);
        let tag = hmac::sign(&key, &count.to_be_bytes());
        let bytes = tag.as_ref();
        let offset = bytes
            .last()
            .map_or(0, |last| usize::from(last & 0x0f))
            .min(bytes.len().saturating_sub(4));
        let mut word = [0; 4];
        word.copy_from_slice(&bytes[offset..offset + 4]);
        let number = u64::from(u32::from_be_bytes(word) & 0x7fff_ffff);
        let number = number % 10_u64.pow(u32::from(self.digits));
        format!("{number:0digits$}", digits = usize::from(self.digits))
    }

    /// The count of the period that `now` lies in.
    pub fn count_at(&self, now: i64) -> u64 {
        u64::try_from(now).unwrap_or(0) / u64::from(self.period_s)
    }

    /// The count whose code this is: of the period of `now`, the one before or the one after. All three are compared, in constant time.
    pub fn matching_count(&self, given: &str, now: i64) -> Option<u64> {
        let current = self.count_at(now);
        let counts = [
            current.saturating_sub(1),
            current,
            current.saturating_add(1),
        ];
        counts.into_iter().fold(None, |found, count| {
            let same: bool = self.code(count).as_bytes().ct_eq(given.as_bytes()).into();
            if same { Some(count) } else { found }
        })
    }
}

/// The form in which it is stored: all parameters, in this order.
impl fmt::Display for Totp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("otpauth://totp/")?;
        let issuer = self
            .issuer
            .as_ref()
            .map(|issuer| utf8_percent_encode(issuer, NON_ALPHANUMERIC).to_string());
        if let Some(issuer) = &issuer {
            write!(f, "{issuer}:")?;
        }
        write!(
            f,
            "{}?secret={}&digits={}&algorithm={}&period={}",
            utf8_percent_encode(&self.account, NON_ALPHANUMERIC),
            base32(&self.secret),
            self.digits,
            self.algorithm.name(),
            self.period_s
        )?;
        match &issuer {
            Some(issuer) => write!(f, "&issuer={issuer}"),
            None => Ok(()),
        }
    }
}

impl FromStr for Totp {
    type Err = TotpError;

    fn from_str(text: &str) -> Result<Totp, TotpError> {
        if text.len() > URI_BYTES_MAX {
            return Err(TotpError::TooLong);
        }
        let rest = text
            .strip_prefix("otpauth://totp/")
            .ok_or(TotpError::Scheme)?;
        let (label, query) = rest.split_once('?').ok_or(TotpError::NoSecret)?;
        // Only a literal colon parts the label; an encoded one belongs to a name.
        let (issuer, account) = match label.split_once(':') {
            Some((issuer, account)) => (Some(decoded(issuer)?), decoded(account)?),
            None => (None, decoded(label)?),
        };
        let query = Query::parse(query)?;
        Ok(Totp {
            secret: query.secret.ok_or(TotpError::NoSecret)?,
            digits: query.digits.unwrap_or(6),
            period_s: query.period_s.unwrap_or(30),
            algorithm: query.algorithm.unwrap_or_default(),
            issuer: query.issuer.or(issuer),
            account,
        })
    }
}

/// The parameters of a URI.
#[derive(Default)]
struct Query {
    secret: Option<Zeroizing<Vec<u8>>>,
    digits: Option<u8>,
    period_s: Option<u32>,
    algorithm: Option<Algorithm>,
    issuer: Option<String>,
}

impl Query {
    fn parse(text: &str) -> Result<Query, TotpError> {
        let mut query = Query::default();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let again = match name {
                "secret" => set(&mut query.secret, from_base32(value)?),
                "digits" => set(&mut query.digits, digits(value)?),
                "period" => set(&mut query.period_s, period(value)?),
                "algorithm" => set(&mut query.algorithm, algorithm(value)?),
                "issuer" => set(&mut query.issuer, decoded(value)?),
                other => return Err(TotpError::Parameter(other.to_owned())),
            };
            if again {
                return Err(TotpError::Parameter(name.to_owned()));
            }
        }
        Ok(query)
    }
}

/// True if it had a value already.
fn set<T>(slot: &mut Option<T>, value: T) -> bool {
    slot.replace(value).is_some()
}

fn digits(text: &str) -> Result<u8, TotpError> {
    let digits = text.parse().ok();
    digits
        .filter(|digits| (1..=DIGITS_MAX).contains(digits))
        .ok_or(TotpError::Value("digits"))
}

fn period(text: &str) -> Result<u32, TotpError> {
    let period = text.parse().ok();
    period
        .filter(|period| (1..=PERIOD_S_MAX).contains(period))
        .ok_or(TotpError::Value("period"))
}

fn algorithm(text: &str) -> Result<Algorithm, TotpError> {
    let named = |algorithm: &Algorithm| algorithm.name() == text;
    let known = Algorithm::ALL.into_iter().find(named);
    known.ok_or(TotpError::Value("algorithm"))
}

fn decoded(text: &str) -> Result<String, TotpError> {
    let decoded = percent_decode_str(text).decode_utf8();
    decoded
        .map(|text| text.into_owned())
        .map_err(|_| TotpError::Utf8)
}

/// Upper case, without padding.
fn base32(bytes: &[u8]) -> String {
    let mut out = String::new();
    for group in bytes.chunks(5) {
        let mut word = [0; 8];
        word[3..3 + group.len()].copy_from_slice(group);
        let word = u64::from_be_bytes(word);
        let letters = (group.len() * 8).div_ceil(5);
        out.extend((0..letters).map(|place| {
            let five = (word >> (35 - 5 * place)) & 31;
            char::from(ALPHABET[usize::try_from(five).unwrap_or(0)])
        }));
    }
    out
}

fn from_base32(text: &str) -> Result<Zeroizing<Vec<u8>>, TotpError> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len() * 5 / 8 + 1));
    let (mut word, mut bits) = (0_u32, 0);
    for letter in text.trim_end_matches('=').bytes() {
        let letter = letter.to_ascii_uppercase();
        let five = ALPHABET.iter().position(|known| *known == letter);
        let five = five.and_then(|five| u32::try_from(five).ok());
        word = (word << 5 | five.ok_or(TotpError::Secret)?) & 0xfff;
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(word >> bits & 0xff).map_err(|_| TotpError::Secret)?);
        }
    }
    if bytes.is_empty() || bytes.len() > SECRET_BYTES_MAX {
        return Err(TotpError::Secret);
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(secret: &str, more: &str) -> Totp {
        format!(
            "otpauth://totp/x?secret={}{more}",
            base32(secret.as_bytes())
        )
        .parse()
        .expect("uri")
    }

    /// The vectors of RFC 6238, appendix B.
    #[test]
    fn codes_of_the_standard() {
        let sha1 = uri("12345678901234567890", "&digits=8");
        let sha256 = uri(
            "12345678901234567890123456789012",
            "&digits=8&algorithm=SHA256",
        );
        let long = "1234567890123456789012345678901234567890123456789012345678901234";
        let sha512 = uri(long, "&digits=8&algorithm=SHA512");
        for (now, expected) in [
            (59, ["94287082", "46119246", "90693936"]),
            (1_111_111_109, ["07081804", "68084774", "25091201"]),
            (1_111_111_111, ["14050471", "67062674", "99943326"]),
            (1_234_567_890, ["89005924", "91819424", "93441116"]),
            (2_000_000_000, ["69279037", "90698825", "38618901"]),
            (20_000_000_000, ["65353130", "77737706", "47863826"]),
        ] {
            for (totp, expected) in [&sha1, &sha256, &sha512].into_iter().zip(expected) {
                assert_eq!(totp.code(totp.count_at(now)), expected, "{now}");
            }
        }
    }

    #[test]
    fn a_code_counts_in_its_period_and_beside_it() {
        let totp = uri("12345678901234567890", "");
        let code = totp.code(100);
        for (now, expected) in [
            (98 * 30, None),
            (99 * 30, Some(100)),
            (100 * 30 + 29, Some(100)),
            (101 * 30 + 29, Some(100)),
            (102 * 30, None),
        ] {
            assert_eq!(totp.matching_count(&code, now), expected, "{now}");
        }
        for wrong in [
            "",
            "0",
            &code[1..],
            &format!(" {code}"),
            &format!("{code}0"),
        ] {
            assert_eq!(totp.matching_count(wrong, 3000), None, "{wrong:?}");
        }
        // Before the epoch, and at its end, there is no wrap.
        assert_eq!(totp.matching_count("000000", i64::MIN), None);
        assert_eq!(totp.matching_count("000000", i64::MAX), None);
    }

    #[test]
    fn uris_are_read_and_written() {
        for (given, printed) in [
            (
                "otpauth://totp/a%40pbs?secret=GEZDGNBVGY3TQOJQ",
                "otpauth://totp/a%40pbs?secret=GEZDGNBVGY3TQOJQ&digits=6&algorithm=SHA1&period=30",
            ),
            (
                "otpauth://totp/My%20Host:a%3Ab?issuer=My%20Host&period=60&secret=gezdgnbvgy3tqojq==&digits=8&algorithm=SHA512",
                "otpauth://totp/My%20Host:a%3Ab?secret=GEZDGNBVGY3TQOJQ&digits=8&algorithm=SHA512&period=60&issuer=My%20Host",
            ),
            (
                "otpauth://totp/Host:a?secret=GE",
                "otpauth://totp/Host:a?secret=GE&digits=6&algorithm=SHA1&period=30&issuer=Host",
            ),
        ] {
            let totp: Totp = given.parse().expect(given);
            assert_eq!(totp.to_string(), printed);
            assert_eq!(printed.parse(), Ok(totp), "{printed}");
        }
        for (wrong, expected) in [
            ("otpauth://hotp/a?secret=GE", TotpError::Scheme),
            ("otpauth://totp/a", TotpError::NoSecret),
            ("otpauth://totp/a?digits=6", TotpError::NoSecret),
            ("otpauth://totp/a?secret=", TotpError::Secret),
            ("otpauth://totp/a?secret=G1", TotpError::Secret),
            (
                "otpauth://totp/a?secret=GE&secret=GE",
                TotpError::Parameter("secret".into()),
            ),
            (
                "otpauth://totp/a?secret=GE&image=x",
                TotpError::Parameter("image".into()),
            ),
            (
                "otpauth://totp/a?secret=GE&digits=0",
                TotpError::Value("digits"),
            ),
            (
                "otpauth://totp/a?secret=GE&digits=11",
                TotpError::Value("digits"),
            ),
            (
                "otpauth://totp/a?secret=GE&period=0",
                TotpError::Value("period"),
            ),
            (
                "otpauth://totp/a?secret=GE&algorithm=MD5",
                TotpError::Value("algorithm"),
            ),
            ("otpauth://totp/%ff?secret=GE", TotpError::Utf8),
        ] {
            assert_eq!(wrong.parse::<Totp>(), Err(expected), "{wrong}");
        }
        let long = format!("otpauth://totp/{}?secret=GE", "a".repeat(URI_BYTES_MAX));
        assert_eq!(long.parse::<Totp>(), Err(TotpError::TooLong));
    }

    #[test]
    fn base32_of_the_standard() {
        // RFC 4648, section 10, without padding.
        for (plain, text) in [
            ("f", "MY"),
            ("fo", "MZXQ"),
            ("foo", "MZXW6"),
            ("foob", "MZXW6YQ"),
            ("fooba", "MZXW6YTB"),
            ("foobar", "MZXW6YTBOI"),
        ] {
            assert_eq!(base32(plain.as_bytes()), text);
            assert_eq!(*from_base32(text).expect("base32"), plain.as_bytes());
        }
    }
}
