//! Brakes guessing of passwords and tokens: failed logins are counted per client network and account, and less strictly per network alone. What
//! failed too often is refused before any hash is computed. So one stale token or one guesser does not lock out whoever shares his address, as
//! long as he does not fail very often. Memory is bounded: the table has a fixed size and forgets the calmest entries when full.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Entries remembered; about 100 bytes each.
const ENTRIES_MAX: usize = 8192;

/// Failures that are allowed, and how fast they are forgiven.
struct Rule {
    /// Failures before the next try is refused.
    burst: u32,
    /// Time after which one failure is forgiven.
    forgive: Duration,
}

const OF_ACCOUNT: Rule = Rule {
    burst: 30,
    forgive: Duration::from_secs(4),
};
const OF_NETWORK: Rule = Rule {
    burst: 200,
    forgive: Duration::from_secs(1),
};

/// A network, alone or with an account, which is hashed: names come from whoever tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Who {
    Network(IpAddr),
    Account(IpAddr, u64),
}

impl Who {
    fn rule(self) -> &'static Rule {
        match self {
            Who::Network(_) => &OF_NETWORK,
            Who::Account(..) => &OF_ACCOUNT,
        }
    }
}

/// Counts failed logins.
#[derive(Debug, Default)]
pub struct Limiter {
    failures: Mutex<HashMap<Who, Record>>,
    names: RandomState,
}

#[derive(Debug, Clone, Copy)]
struct Record {
    count: u32,
    since: Instant,
}

impl Record {
    /// What is left of the count after the time that passed.
    fn at(self, forgive: Duration, now: Instant) -> Record {
        let forgiven = u32::try_from(
            now.saturating_duration_since(self.since).as_millis() / forgive.as_millis(),
        )
        .unwrap_or(u32::MAX);
        let count = self.count.saturating_sub(forgiven);
        Record {
            count,
            since: if count == 0 {
                now
            } else {
                self.since + forgive.saturating_mul(forgiven)
            },
        }
    }
}

impl Limiter {
    /// Whether a login as `account` may be tried from `peer`.
    pub fn allows(&self, peer: IpAddr, account: &str, now: Instant) -> bool {
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        self.whom(peer, account).iter().all(|who| {
            failures
                .get(who)
                .is_none_or(|record| record.at(who.rule().forgive, now).count < who.rule().burst)
        })
    }

    /// Notes that a login as `account` from `peer` failed.
    pub fn failed(&self, peer: IpAddr, account: &str, now: Instant) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        for who in self.whom(peer, account) {
            make_room(&mut failures, who, now);
            let record = failures.entry(who).or_insert(Record {
                count: 0,
                since: now,
            });
            *record = record.at(who.rule().forgive, now);
            record.count = (record.count + 1).min(who.rule().burst);
        }
    }

    fn whom(&self, peer: IpAddr, account: &str) -> [Who; 2] {
        let network = network(peer);
        let name = self.names.hash_one(account);
        [Who::Network(network), Who::Account(network, name)]
    }
}

fn make_room(failures: &mut HashMap<Who, Record>, who: Who, now: Instant) {
    if failures.len() < ENTRIES_MAX || failures.contains_key(&who) {
        return;
    }
    // Many at once, so that a full table costs each failure next to nothing.
    let mut all: Vec<(u32, Who)> = failures
        .iter()
        .map(|(who, record)| (record.at(who.rule().forgive, now).count, *who))
        .collect();
    all.sort_unstable_by_key(|(count, _)| *count);
    for (_, who) in all.iter().take(ENTRIES_MAX / 4) {
        failures.remove(who);
    }
}

/// An IPv4 address stands for itself; of IPv6 one customer has a /64.
pub fn network(peer: IpAddr) -> IpAddr {
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

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("address")
    }

    #[test]
    fn an_account_is_refused_after_the_burst_and_forgiven_with_time() {
        let limiter = Limiter::default();
        let start = Instant::now();
        let evil = ip("::ffff:192.0.2.1");
        for n in 0..OF_ACCOUNT.burst {
            assert!(limiter.allows(evil, "a@pbs", start), "failure {n}");
            limiter.failed(evil, "a@pbs", start);
        }
        for (peer, account, time, expected) in [
            (evil, "a@pbs", start, false),
            (ip("192.0.2.1"), "a@pbs", start, false),
            (evil, "b@pbs", start, true),
            (ip("192.0.2.2"), "a@pbs", start, true),
            (evil, "a@pbs", start + OF_ACCOUNT.forgive, true),
        ] {
            assert_eq!(
                limiter.allows(peer, account, time),
                expected,
                "{peer} {account}"
            );
        }
    }

    #[test]
    fn a_network_that_tries_many_names_is_refused_for_all() {
        let limiter = Limiter::default();
        let now = Instant::now();
        for n in 0..OF_NETWORK.burst {
            let peer = IpAddr::from([0x2001, 0xdb8, 0, 1, 0, 0, 0, n as u16]);
            limiter.failed(peer, &format!("user{n}@pbs"), now);
        }
        assert!(!limiter.allows(ip("2001:db8:0:1::ffff"), "new@pbs", now));
        assert!(limiter.allows(ip("2001:db8:0:2::1"), "new@pbs", now));
    }

    #[test]
    fn the_table_stays_bounded_and_keeps_the_worst() {
        let limiter = Limiter::default();
        let now = Instant::now();
        let evil = ip("192.0.2.1");
        for _ in 0..OF_ACCOUNT.burst {
            limiter.failed(evil, "a@pbs", now);
        }
        for n in 0..ENTRIES_MAX as u32 {
            limiter.failed(IpAddr::from((n + 1).to_be_bytes()), "a@pbs", now);
            assert!(limiter.failures.lock().expect("lock").len() <= ENTRIES_MAX);
        }
        assert!(!limiter.allows(evil, "a@pbs", now));
    }
}
