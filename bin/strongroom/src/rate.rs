//! `--rate` and `--burst` (cli.md 3.1).

use api::human::ByteSize;
use clap::Args;
use remote::Rate;

#[derive(Args, Clone, Debug, Default)]
pub struct RateArgs {
    /// Limit of the connection's speed, each way, in bytes per second (10MiB, 1.5GB, ...).
    #[arg(long)]
    rate: Option<ByteSize>,

    /// What may pass at once after a pause; by default as much as in one second.
    #[arg(long)]
    burst: Option<ByteSize>,
}

impl RateArgs {
    pub fn rate(&self) -> Option<Rate> {
        let bytes_per_second = self.rate?.as_u64().max(1);
        let burst_bytes = self.burst.map_or(bytes_per_second, ByteSize::as_u64).max(1);
        Some(Rate {
            bytes_per_second,
            burst_bytes,
        })
    }
}
