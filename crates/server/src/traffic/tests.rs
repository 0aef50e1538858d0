//! Which rule is chosen, and how the bucket counts; the clock is an argument.

use config::files::Rates;

use super::*;

fn rule(name: &str, networks: &[&str]) -> TrafficRule {
    TrafficRule {
        comment: None,
        name: name.to_owned(),
        network: networks.iter().map(|text| (*text).to_owned()).collect(),
        rates: Rates::default(),
        timeframe: Vec::new(),
        users: Vec::new(),
    }
}

const MONDAY_NOON: LocalTime = LocalTime {
    weekday: 0,
    hour: 12,
    minute: 0,
};

#[test]
fn the_closest_rule_is_chosen() {
    let of_user = |rule: TrafficRule, user: &str| TrafficRule {
        users: vec![user.parse().expect("user")],
        ..rule
    };
    let at = |rule: TrafficRule, time: &str| TrafficRule {
        timeframe: vec![time.to_owned()],
        ..rule
    };
    let traffic = Traffic::default();
    traffic.load(&[
        rule("all", &["0.0.0.0/0", "::/0"]),
        rule("site", &["10.0.0.0/8", "192.168.0.0/16"]),
        at(rule("night", &["10.1.0.0/16"]), "22-23:59"),
        at(rule("day", &["10.1.0.0/16"]), "mon..fri 8-18"),
        of_user(rule("hers", &["0.0.0.0/0"]), "a@pbs"),
        rule("same", &["10.0.0.0/8"]),
    ]);
    for (peer, user, expected) in [
        ("1.2.3.4", None, Some("all")),
        ("fd00::1", None, Some("all")),
        ("10.2.0.1", None, Some("site")),
        ("::ffff:10.2.0.1", None, Some("site")),
        ("192.168.3.4", Some("b@pbs"), Some("site")),
        ("10.1.0.1", None, Some("day")),
        ("10.1.0.1", Some("a@pbs"), Some("hers")),
        ("fd00::1", Some("a@pbs"), Some("all")),
    ] {
        let user: Option<Userid> = user.map(|user| user.parse().expect("user"));
        let chosen = traffic.choose(peer.parse().expect("address"), user.as_ref(), MONDAY_NOON);
        let name = chosen.as_ref().map(|rule| rule.name.as_str());
        assert_eq!(name, expected, "{peer} {user:?}");
    }
    traffic.load(&[rule("site", &["10.0.0.0/8"])]);
    let stranger = "1.2.3.4".parse().expect("address");
    assert!(traffic.choose(stranger, None, MONDAY_NOON).is_none());
}

fn limited(rate: &str, burst: Option<&str>) -> Traffic {
    let size = |text: &str| text.parse::<ByteSize>().expect("size");
    let traffic = Traffic::default();
    let rates = Rates {
        rate_in: Some(size(rate)),
        burst_in: burst.map(size),
        ..Rates::default()
    };
    traffic.load(&[TrafficRule {
        rates,
        ..rule("r", &["0.0.0.0/0"])
    }]);
    traffic
}

fn only(traffic: &Traffic) -> Arc<Rule> {
    let peer = "1.2.3.4".parse().expect("address");
    traffic.choose(peer, None, MONDAY_NOON).expect("a rule")
}

/// Rate 1000 a second, bucket 500: each step is a time in milliseconds, bytes that go then, and the wait for the next ones.
#[test]
fn the_bucket_counts() {
    let direction = Arc::clone(&only(&limited("1000", Some("500"))).inward);
    let start = Instant::now();
    for (at_ms, bytes, wait_ms) in [
        (0, 0, 0),
        (0, 9, 0),
        (0, 991, 1000),
        (600, 0, 400),
        (1000, 0, 0),
        (1495, 0, 0),
        (5000, 500, 0),
        (5000, 200, 200),
    ] {
        let now = start + Duration::from_millis(at_ms);
        direction.count(bytes, now);
        let wait = direction.wait(now).as_millis();
        assert_eq!(wait, wait_ms, "at {at_ms} ms, {bytes} bytes");
    }
}

#[test]
fn new_limits_go_on_with_old_buckets() {
    let traffic = limited("1000", None);
    let (rule, now) = (only(&traffic), Instant::now());
    rule.inward.count(3000, now);
    assert_eq!(rule.inward.wait(now), Duration::from_secs(3));
    assert_eq!(rule.outward.wait(now), Duration::ZERO, "no limit there");
    let before = traffic.generation();
    traffic.load(&[TrafficRule {
        rates: Rates {
            rate_in: Some("500".parse().expect("size")),
            ..Rates::default()
        },
        ..super::tests::rule("r", &["0.0.0.0/0"])
    }]);
    assert_ne!(traffic.generation(), before);
    assert_eq!(
        rule.inward.wait(now),
        Duration::ZERO,
        "the smaller bucket holds no more than it can"
    );
    traffic.load(&[super::tests::rule("r", &["0.0.0.0/0"])]);
    rule.inward.count(1 << 40, now);
    assert_eq!(rule.inward.wait(now), Duration::ZERO, "no limit any more");
}

#[test]
fn current_rates() {
    let traffic = limited("1000", None);
    let (rule, start) = (only(&traffic), Instant::now());
    let at = |ms: u64| start + Duration::from_millis(ms);
    for (ms, bytes) in [(0, 100), (100, 100), (400, 200)] {
        rule.inward.count(bytes, at(ms));
    }
    assert_eq!(traffic.current("r", at(500)), (800, 0));
    assert_eq!(
        traffic.current("r", at(600)),
        (800, 0),
        "too short a time for another"
    );
    assert_eq!(traffic.current("r", at(1500)), (0, 0));
    assert_eq!(traffic.current("other", at(1500)), (0, 0));
}
