//! Where random bytes come from: the system in programs, a fixed sequence in tests.

use aws_lc_rs::rand::SecureRandom;

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the system gives no random bytes")]
pub struct RandomError;

/// Fills a buffer with bytes that nobody can foresee and that never come twice.
pub trait Random {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), RandomError>;
}

/// The generator of the cryptographic library, seeded by the system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), RandomError> {
        aws_lc_rs::rand::SystemRandom::new()
            .fill(bytes)
            .map_err(|_| RandomError)
    }
}

pub(crate) fn random_array<const N: usize>(
    random: &mut (impl Random + ?Sized),
) -> Result<[u8; N], RandomError> {
    let mut bytes = [0; N];
    random.fill(&mut bytes)?;
    Ok(bytes)
}
