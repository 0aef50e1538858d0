//! Brakes guessing of passwords and tokens: failed logins are counted per client network, and a network that failed too often is refused
//! before any hash is computed. Memory is bounded: the table holds a fixed number of networks and forgets the calmest one when full.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Networks remembered; about 100 bytes each.
const NETWORKS_MAX: usize = 4096;
/// Failures that a network may have before it is refused.
const BURST: u32 = 30;
/// Time after which one failure is forgiven.
const FORGIVE: Duration = Duration::from_secs(4);

/// Counts failed logins per network.
#[derive(Debug, Default)]
pub struct Limiter {
    failures: Mutex<HashMap<IpAddr, Record>>,
}

#[derive(Debug, Clone, Copy)]
struct Record {
    count: u32,
    since: Instant,
}

impl Record {
    /// What is left of the count after the time that passed.
    fn at(self, now: Instant) -> Record {
        let forgiven = u32::try_from(
            now.saturating_duration_since(self.since).as_millis() / FORGIVE.as_millis(),
        )
        .unwrap_or(u32::MAX);
        let count = self.count.saturating_sub(forgiven);
        Record {
            count,
            since: if count == 0 {
                now
            } else {
                self.since + FORGIVE.saturating_mul(forgiven)
            },
        }
    }
}

impl Limiter {
    /// Whether a login from `peer` may be tried.
    pub fn allows(&self, peer: IpAddr, now: Instant) -> bool {
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures
            .get(&network(peer))
            .is_none_or(|record| record.at(now).count < BURST)
    }

    /// Notes that a login from `peer` failed.
    pub fn failed(&self, peer: IpAddr, now: Instant) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let key = network(peer);
        if failures.len() >= NETWORKS_MAX && !failures.contains_key(&key) {
            failures.retain(|_, record| record.at(now).count > 0);
            if failures.len() >= NETWORKS_MAX
                && let Some(calmest) = failures
                    .iter()
                    .min_by_key(|(_, r)| r.at(now).count)
                    .map(|(key, _)| *key)
            {
                failures.remove(&calmest);
            }
        }
        let record = failures.entry(key).or_insert(Record {
            count: 0,
            since: now,
        });
        *record = record.at(now);
        record.count = (record.count + 1).min(BURST);
    }
}

/// An IPv4 address stands for itself; of IPv6 one customer has a /64.
fn network(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V4(v4) => IpAddr::V4(v4),
        IpAddr::V6(v6) => {
            let s = v6.segments();
            IpAddr::from([s[0], s[1], s[2], s[3], 0, 0, 0, 0])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_refused_after_the_burst_and_forgiven_with_time() {
        let limiter = Limiter::default();
        let start = Instant::now();
        let evil: IpAddr = "::ffff:192.0.2.1".parse().expect("address");
        for n in 0..BURST {
            assert!(limiter.allows(evil, start), "failure {n}");
            limiter.failed(evil, start);
        }
        assert!(!limiter.allows(evil, start));
        assert!(
            !limiter.allows("192.0.2.1".parse().expect("address"), start),
            "mapped and plain are one"
        );
        assert!(limiter.allows("192.0.2.2".parse().expect("address"), start));
        assert!(limiter.allows(evil, start + FORGIVE));
    }

    #[test]
    fn neighbours_in_a_v6_network_count_together() {
        let limiter = Limiter::default();
        let now = Instant::now();
        for n in 0..BURST {
            limiter.failed(IpAddr::from([0x2001, 0xdb8, 0, 1, 0, 0, 0, n as u16]), now);
        }
        assert!(!limiter.allows("2001:db8:0:1::ffff".parse().expect("address"), now));
        assert!(limiter.allows("2001:db8:0:2::1".parse().expect("address"), now));
    }

    #[test]
    fn the_table_stays_bounded() {
        let limiter = Limiter::default();
        let now = Instant::now();
        for n in 0..NETWORKS_MAX as u32 + 500 {
            limiter.failed(IpAddr::from((n + 1).to_be_bytes()), now);
        }
        assert_eq!(limiter.failures.lock().expect("lock").len(), NETWORKS_MAX);
    }
}
