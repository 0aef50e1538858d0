//! `--rate` and `--burst` (cli.md 3.1).

use api::human::{ByteSize, ByteSizeError};
use clap::Args;
use remote::Rate;

#[derive(Args, Clone, Debug, Default)]
pub struct RateArgs {
    /// Limit of the connection's speed, each way, in bytes per second (10MiB, 1.5GB, ...).
    #[arg(long, value_parser = some_bytes)]
    rate: Option<ByteSize>,

    /// What may pass at once after a pause; by default as much as in one second.
    #[arg(long, value_parser = some_bytes)]
    burst: Option<ByteSize>,
}

impl RateArgs {
    pub fn rate(&self) -> Option<Rate> {
        let bytes_per_second = self.rate?.as_u64();
        let burst_bytes = self.burst.map_or(bytes_per_second, ByteSize::as_u64);
        Some(Rate {
            bytes_per_second,
            burst_bytes,
        })
    }
}

#[derive(Debug, thiserror::Error)]
enum RateError {
    #[error(transparent)]
    Size(#[from] ByteSizeError),
    #[error("nothing would ever pass; leave the option out for no limit")]
    Nothing,
}

/// A limit at which nothing passes looks like a server that is dead.
fn some_bytes(text: &str) -> Result<ByteSize, RateError> {
    let size: ByteSize = text.parse()?;
    match size.as_u64() {
        0 => Err(RateError::Nothing),
        _ => Ok(size),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits() {
        for (text, expected) in [
            ("1", Some(1)),
            ("10MiB", Some(10 << 20)),
            ("0", None),
            ("0KiB", None),
            ("0.1", None),
            ("fast", None),
        ] {
            let found = some_bytes(text).ok().map(ByteSize::as_u64);
            assert_eq!(found, expected, "{text}");
        }
    }
}
