//! Brakes guessing of passwords and tokens: failed logins are counted per client network and account, and less strictly per network alone. What
//! failed too often is refused before any hash is computed. So one stale token or one guesser does not lock out whoever shares his address, as
//! long as he does not fail very often. An account that is guessed from everywhere at once is closed to networks where nobody has logged in as it
//! before. Memory is bounded: the tables have a fixed size and forget the calmest entries, and the oldest, when full.

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

/// From everywhere together; whoever guesses with a thousand addresses gets no more tries than this.
const OF_ANYWHERE: Rule = Rule {
    burst: 500,
    forgive: Duration::from_secs(2),
};

/// Accounts at networks where they have logged in; about 50 bytes each.
const KNOWN_MAX: usize = 4096;
/// How long a network stays known.
const KNOWN_FOR: Duration = Duration::from_secs(30 * 24 * 3600);

/// A network, alone or with an account, which is hashed: names come from whoever tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Who {
    Network(IpAddr),
    Account(IpAddr, u64),
    Anywhere(u64),
}

impl Who {
    fn rule(self) -> &'static Rule {
        match self {
            Who::Network(_) => &OF_NETWORK,
            Who::Account(..) => &OF_ACCOUNT,
            Who::Anywhere(_) => &OF_ANYWHERE,
        }
    }
}

/// Counts failed logins.
#[derive(Debug, Default)]
pub struct Limiter {
    tables: Mutex<Tables>,
    names: RandomState,
}

#[derive(Debug, Default)]
struct Tables {
    failures: HashMap<Who, Record>,
    /// When an account logged in from a network last.
    known: HashMap<(IpAddr, u64), Instant>,
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
        let tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        let too_many = |who: &Who| {
            let record = tables.failures.get(who);
            record
                .is_some_and(|record| record.at(who.rule().forgive, now).count >= who.rule().burst)
        };
        !self.whom(&tables, peer, account, now).iter().any(too_many)
    }

    /// Notes that a login as `account` from `peer` failed.
    pub fn failed(&self, peer: IpAddr, account: &str, now: Instant) {
        let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        for who in self.whom(&tables, peer, account, now) {
            make_room(&mut tables.failures, who, now);
            let record = tables.failures.entry(who).or_insert(Record {
                count: 0,
                since: now,
            });
            *record = record.at(who.rule().forgive, now);
            record.count = (record.count + 1).min(who.rule().burst);
        }
    }

    /// Notes that `account` has logged in from `peer`.
    pub fn succeeded(&self, peer: IpAddr, account: &str, now: Instant) {
        let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (network(peer), self.names.hash_one(account));
        if tables.known.len() >= KNOWN_MAX && !tables.known.contains_key(&key) {
            let mut times: Vec<Instant> = tables.known.values().copied().collect();
            times.sort_unstable();
            let oldest = times[KNOWN_MAX / 4];
            tables.known.retain(|_, time| *time > oldest);
        }
        // All of them may be of the same moment.
        if tables.known.len() < KNOWN_MAX {
            tables.known.insert(key, now);
        }
    }

    /// What counts for a login: of everywhere only what comes from where the account is not at home.
    fn whom(&self, tables: &Tables, peer: IpAddr, account: &str, now: Instant) -> Vec<Who> {
        let network = network(peer);
        let name = self.names.hash_one(account);
        let mut whom = vec![Who::Network(network), Who::Account(network, name)];
        let known = tables.known.get(&(network, name));
        if known.is_none_or(|time| now.saturating_duration_since(*time) > KNOWN_FOR) {
            whom.push(Who::Anywhere(name));
        }
        whom
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
            assert!(limiter.tables.lock().expect("lock").failures.len() <= ENTRIES_MAX);
        }
        assert!(!limiter.allows(evil, "a@pbs", now));
    }

    #[test]
    fn an_account_that_is_guessed_from_everywhere_is_open_where_it_is_at_home() {
        let limiter = Limiter::default();
        let start = Instant::now();
        let home = ip("198.51.100.7");
        limiter.succeeded(home, "a@pbs", start);
        for n in 0..OF_ANYWHERE.burst {
            let peer = IpAddr::from((0x0a00_0000 + n).to_be_bytes());
            assert!(limiter.allows(peer, "a@pbs", start), "failure {n}");
            limiter.failed(peer, "a@pbs", start);
        }
        let later = start + KNOWN_FOR + Duration::from_secs(1);
        for (peer, account, time, expected) in [
            (ip("203.0.113.1"), "a@pbs", start, false),
            (ip("203.0.113.1"), "b@pbs", start, true),
            (home, "a@pbs", start, true),
            (
                ip("203.0.113.1"),
                "a@pbs",
                start + OF_ANYWHERE.forgive,
                true,
            ),
        ] {
            assert_eq!(
                limiter.allows(peer, account, time),
                expected,
                "{peer} {account}"
            );
        }
        for n in 0..OF_ANYWHERE.burst {
            limiter.failed(IpAddr::from((n + 1).to_be_bytes()), "a@pbs", later);
        }
        assert!(!limiter.allows(home, "a@pbs", later), "not for ever");
        // At home, too, there is an end to guessing, and that does not count elsewhere.
        limiter.succeeded(home, "c@pbs", start);
        for _ in 0..OF_ACCOUNT.burst {
            limiter.failed(home, "c@pbs", start);
        }
        assert!(!limiter.allows(home, "c@pbs", start));
    }

    #[test]
    fn known_networks_stay_bounded_and_the_newest_are_kept() {
        let limiter = Limiter::default();
        let start = Instant::now();
        for n in 0..3 * KNOWN_MAX as u32 {
            let peer = IpAddr::from(n.to_be_bytes());
            let now = start + Duration::from_secs(n.into());
            limiter.succeeded(peer, "a@pbs", now);
            let tables = limiter.tables.lock().expect("lock");
            assert!(tables.known.len() <= KNOWN_MAX);
            assert!(
                tables
                    .known
                    .contains_key(&(peer, limiter.names.hash_one("a@pbs")))
            );
        }
    }
}
