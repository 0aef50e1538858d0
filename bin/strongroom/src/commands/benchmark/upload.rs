//! How fast a server takes data that it throws away, in bytes per second.

use std::time::{Duration, Instant};

use anyhow::Result;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use remote::BackupSession;

const TIME: Duration = Duration::from_secs(5);
const BODY: usize = 4 << 20;
/// Requests on their way at once, so that no answer has to be waited for.
const PARALLEL: usize = 8;

/// Sends for five seconds.
pub async fn speed(session: BackupSession) -> Result<f64> {
    let body = bytes::Bytes::from(pattern());
    let started = Instant::now();
    let mut running = FuturesUnordered::new();
    for _ in 0..PARALLEL {
        running.push(session.speedtest(body.clone()));
    }
    let mut done = 0u32;
    while let Some(answer) = running.next().await {
        answer?;
        done += 1;
        if started.elapsed() < TIME {
            running.push(session.speedtest(body.clone()));
        }
    }
    let elapsed = started.elapsed().as_secs_f64();
    tracing::info!("Uploaded {done} chunks in {elapsed:.0} seconds.");
    let each = elapsed * 1e6 / f64::from(done.max(1));
    tracing::info!("Time per request: {each:.0} microseconds.");
    Ok(f64::from(done) * BODY as f64 / elapsed)
}

fn pattern() -> Vec<u8> {
    let byte = |at: usize| at.to_le_bytes()[0] ^ at.to_le_bytes()[1];
    (0..BODY).map(byte).collect()
}
