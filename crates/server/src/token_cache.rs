//! Remembers for a minute which API token secrets were found right (protocol.md 2.5), because clients send them with every request and a
//! check takes tens of milliseconds. Only digests of secrets are held; a change of the file of secrets forgets everything.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use config::Stamp;
use format::{AuthId, Digest};
use subtle::ConstantTimeEq as _;

/// How long a check counts.
const AGE_MAX: Duration = Duration::from_secs(60);
/// Tokens remembered.
const TOKENS_MAX: usize = 1024;

/// The memory.
#[derive(Debug, Default)]
pub struct TokenCache {
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    stamp: Stamp,
    tokens: HashMap<AuthId, (Digest, Instant)>,
}

impl TokenCache {
    /// Whether this secret was found right a short time ago, in the file that has this stamp.
    pub fn knows(&self, token: &AuthId, secret: &str, stamp: Stamp, now: Instant) -> bool {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let digest = Digest::of(secret.as_bytes());
        known.stamp == stamp
            && known.tokens.get(token).is_some_and(|(right, since)| {
                bool::from(right.as_bytes().ct_eq(digest.as_bytes()))
                    && now.saturating_duration_since(*since) < AGE_MAX
            })
    }

    /// Notes that this secret is right in the file that has this stamp.
    pub fn learn(&self, token: &AuthId, secret: &str, stamp: Stamp, now: Instant) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.stamp != stamp || known.tokens.len() >= TOKENS_MAX {
            known.tokens.clear();
            known.stamp = stamp;
        }
        known
            .tokens
            .insert(token.clone(), (Digest::of(secret.as_bytes()), now));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_known_for_a_minute_while_the_file_stays() {
        let cache = TokenCache::default();
        let token: AuthId = "test@pbs!tok".parse().expect("token");
        let other: AuthId = "test@pbs!other".parse().expect("token");
        let folder = tempfile::tempdir().expect("tempdir");
        let dir = config::ConfigDir::open(folder.path()).expect("dir");
        let before = dir.stamp(config::FileSpec::TOKEN_SHADOW).expect("stamp");
        std::fs::write(folder.path().join("token.shadow"), "{}").expect("write");
        let after = dir.stamp(config::FileSpec::TOKEN_SHADOW).expect("stamp");
        let now = Instant::now();
        cache.learn(&token, "secret", before, now);
        for (id, secret, stamp, time, expected) in [
            (&token, "secret", before, now, true),
            (&token, "secret", before, now + AGE_MAX, false),
            (&token, "wrong", before, now, false),
            (&other, "secret", before, now, false),
            (&token, "secret", after, now, false),
        ] {
            assert_eq!(
                cache.knows(id, secret, stamp, time),
                expected,
                "{id} {secret}"
            );
        }
        cache.learn(&other, "secret", after, now);
        assert!(
            !cache.knows(&token, "secret", after, now),
            "a new file forgets the old ones"
        );
    }
}
