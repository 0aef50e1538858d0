//! Traffic control on real connections: a rule takes effect while the server runs, is counted, and makes answers as slow as it says.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::site::{Login, Site, fixtures};

const RULES: &str = "config/traffic-control";
/// Looks until a rule is seen to be in force; each takes some milliseconds.
const TRIES: usize = 1000;

async fn set(site: &Site, login: &Login, verb: &str, target: &str, body: &str) {
    let answer = site
        .call(login, verb, &format!("/api2/json/{target}"), body)
        .await;
    assert_eq!(answer.status, 200, "{target} {body}: {}", answer.text());
}

/// The current rates of a rule.
async fn current(site: &Site, login: &Login, name: &str) -> (u64, u64) {
    let answer = site
        .call(login, "GET", "/api2/json/admin/traffic-control", "")
        .await;
    let rules = answer.json()["data"].take();
    let rule = rules.as_array().expect("list").iter();
    let rule = rule.clone().find(|rule| rule["name"] == name);
    let rate = |key: &str| {
        rule.and_then(|rule: &Value| rule[key].as_u64())
            .expect("a rate")
    };
    (rate("cur-rate-in"), rate("cur-rate-out"))
}

#[tokio::test]
async fn rules_count_and_slow_down() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start(&fixtures, "").await;
    let admin = site.log_in("test@pbs").await;
    set(
        &site,
        &admin,
        "POST",
        RULES,
        "name=all&network=127.0.0.0/8&network=::1/128",
    )
    .await;
    let mut tries = 0;
    while current(&site, &admin, "all").await.0 == 0 {
        tries += 1;
        assert!(tries < TRIES, "the rule never counts");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }

    // A rule for the user wins once the server knows who asks: the answers are counted there.
    set(
        &site,
        &admin,
        "POST",
        RULES,
        "name=hers&network=0.0.0.0/0&users=test@pbs",
    )
    .await;
    let mut tries = 0;
    while current(&site, &admin, "hers").await.1 == 0 {
        tries += 1;
        assert!(tries < TRIES, "the user's rule never counts");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }

    // What is sent at a rate takes its time, whoever asks and however often. No login is needed here, so the rule is the one for all.
    let size = site
        .call(&admin, "GET", "/api2/openapi.json", "")
        .await
        .body
        .len();
    let rate = size * 2;
    set(
        &site,
        &admin,
        "PUT",
        &format!("{RULES}/all"),
        &format!("rate-out={rate}&burst-out=1"),
    )
    .await;
    let least = Duration::from_millis(200);
    let mut tries = 0;
    loop {
        let start = Instant::now();
        let answer = site.call(&admin, "GET", "/api2/openapi.json", "").await;
        assert_eq!(answer.body.len(), size);
        if start.elapsed() >= least {
            break;
        }
        tries += 1;
        assert!(tries < TRIES, "nothing slows down");
    }
    for _ in 0..2 {
        let start = Instant::now();
        site.call(&admin, "GET", "/api2/openapi.json", "").await;
        assert!(start.elapsed() >= least, "{:?}", start.elapsed());
    }
    let (_, out) = current(&site, &admin, "all").await;
    assert!(out > 0, "it is seen");
    set(&site, &admin, "DELETE", &format!("{RULES}/hers"), "").await;
    site.end().await;
}

/// A rule that lets nearly nothing through would lock out whoever made it: the bucket is in debt for minutes, yet he logs in and takes it back.
#[tokio::test]
async fn a_rule_too_narrow_can_be_taken_back() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start(&fixtures, "").await;
    let admin = site.log_in("test@pbs").await;
    let narrow = "name=narrow&network=127.0.0.0/8&rate-in=1&burst-in=1&rate-out=1&burst-out=1";
    set(&site, &admin, "POST", RULES, narrow).await;
    let mut tries = 0;
    while current(&site, &admin, "narrow").await.0 == 0 {
        tries += 1;
        assert!(tries < TRIES, "the rule never counts");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let begin = Instant::now();
    for _ in 0..20 {
        current(&site, &admin, "narrow").await;
    }
    let admin = site.log_in("test@pbs").await;
    set(&site, &admin, "DELETE", &format!("{RULES}/narrow"), "").await;
    // At the slowest rate one of these connections alone would take longer.
    let elapsed = begin.elapsed();
    assert!(elapsed < Duration::from_secs(10), "{elapsed:?}");
    site.end().await;
}
