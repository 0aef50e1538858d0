//! Every kind of job over the days on which the clocks change, minute by minute of a clock that the test holds; and what goes with time: old lists
//! of tasks and their logs.

use std::time::UNIX_EPOCH;

use jiff::tz::TimeZone;
use serde_json::json;

use super::site::{Login, Site, fixtures};

const DAY: i64 = 86_400;
const KINDS: [&str; 3] = ["garbage_collection", "prunejob", "verificationjob"];

fn berlin() -> TimeZone {
    TimeZone::get("Europe/Berlin").expect("time zone data")
}

/// In Berlin, or in UTC if it says so.
fn at(text: &str) -> i64 {
    if let Ok(instant) = text.parse::<jiff::Timestamp>() {
        return instant.as_second();
    }
    let time: jiff::civil::DateTime = text.parse().expect("time");
    berlin().to_timestamp(time).expect("instant").as_second()
}

/// A server in Berlin whose jobs, one of each kind with these schedules, were made at a time.
async fn with_jobs(schedules: [&str; 3], made: i64) -> Option<(Site, Login)> {
    let site = Site::start_with(&fixtures()?, "", |settings| settings.zone = berlin()).await;
    let admin = site.log_in("test@pbs").await;
    let [collection, prune, verify] = schedules.map(api::form::escape);
    for (verb, path, body) in [
        (
            "PUT",
            "config/datastore/peer",
            format!("gc-schedule={collection}&tuning=gc-atime-safety-check%3D0"),
        ),
        (
            "POST",
            "config/prune",
            format!("id=nightly&store=peer&schedule={prune}&keep-last=9"),
        ),
        (
            "POST",
            "config/verify",
            format!("id=nightly&store=peer&schedule={verify}"),
        ),
    ] {
        let answer = site
            .call(&admin, verb, &format!("/api2/json/{path}"), &body)
            .await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    }
    for (kind, name) in KINDS.into_iter().zip(["peer", "nightly", "nightly"]) {
        let state = site.path(&format!("state/jobstates/{kind}-{name}.json"));
        let text = json!({"created": {"time": made}}).to_string();
        std::fs::write(state, text).expect("state");
    }
    Some((site, admin))
}

/// When the jobs of a kind ran, as the clocks in Berlin showed it.
async fn runs(site: &Site, admin: &Login, kind: &str) -> Vec<String> {
    let target = format!("/api2/json/nodes/localhost/tasks?limit=0&typefilter={kind}");
    let list = site.call(admin, "GET", &target, "").await.json();
    let tasks = list["data"].as_array().expect("list");
    let mut all: Vec<String> = tasks
        .iter()
        .map(|task| {
            assert_eq!(
                (&task["status"], &task["user"]),
                (&json!("OK"), &json!("root@pam")),
                "{task}"
            );
            let start = task["starttime"].as_i64().expect("time");
            let start = jiff::Timestamp::from_second(start).expect("time");
            start
                .to_zoned(berlin())
                .strftime("%m-%d %H:%M%:z")
                .to_string()
        })
        .collect();
    all.reverse();
    all
}

/// Lets the minutes go by, one in five.
async fn pass(site: &Site, from: &str, until: &str) {
    let (mut now, until) = (at(from), at(until));
    while now < until {
        site.minute(now).await;
        now += 300;
    }
}

#[tokio::test]
async fn jobs_run_while_the_clocks_go_forward() {
    // At 02:00 of 2026-03-29 it is 03:00.
    let schedules = ["02:00", "02:30", "*-*-* 0/12:30"];
    let Some((site, admin)) = with_jobs(schedules, at("2026-03-27T20:00:00")).await else {
        return;
    };
    pass(&site, "2026-03-27T20:00:00", "2026-03-30T04:00:00").await;
    let skipped = |minute| {
        vec![
            format!("03-28 02:{minute}+01:00"),
            format!("03-30 02:{minute}+02:00"),
        ]
    };
    let expected = [
        skipped("00"),
        skipped("30"),
        [
            "03-28 00:30+01:00",
            "03-28 12:30+01:00",
            "03-29 00:30+01:00",
            "03-29 12:30+02:00",
            "03-30 00:30+02:00",
        ]
        .map(str::to_owned)
        .to_vec(),
    ];
    for (kind, expected) in KINDS.into_iter().zip(expected) {
        assert_eq!(runs(&site, &admin, kind).await, expected, "{kind}");
    }
    site.end().await;
}

#[tokio::test]
async fn jobs_run_while_the_clocks_go_back() {
    // At 03:00 of 2026-10-25 it is 02:00 again.
    let schedules = ["02:00", "02:30", "sun 2..3:15/30"];
    let Some((site, admin)) = with_jobs(schedules, at("2026-10-23T20:00:00")).await else {
        return;
    };
    pass(&site, "2026-10-23T20:00:00", "2026-10-26T04:00:00").await;
    let once = |minute| {
        vec![
            format!("10-24 02:{minute}+02:00"),
            format!("10-25 02:{minute}+02:00"),
            format!("10-26 02:{minute}+01:00"),
        ]
    };
    let expected = [
        once("00"),
        once("30"),
        [
            "10-25 02:15+02:00",
            "10-25 02:45+02:00",
            "10-25 03:15+01:00",
            "10-25 03:45+01:00",
        ]
        .map(str::to_owned)
        .to_vec(),
    ];
    for (kind, expected) in KINDS.into_iter().zip(expected) {
        assert_eq!(runs(&site, &admin, kind).await, expected, "{kind}");
    }
    site.end().await;
}

/// A server that was off over the change, and over many runs, catches up by one run of each job.
#[tokio::test]
async fn missed_runs_are_caught_up_once() {
    for (off, on, shown) in [
        (
            "2026-03-28T12:00:00",
            "2026-03-31T09:00:00",
            "03-31 09:00+02:00",
        ),
        (
            "2026-10-24T12:00:00",
            "2026-10-25T09:00:00",
            "10-25 09:00+01:00",
        ),
        // In the second of the two hours.
        (
            "2026-10-24T12:00:00",
            "2026-10-25T01:30:00Z",
            "10-25 02:30+01:00",
        ),
    ] {
        let Some((site, admin)) = with_jobs(["hourly", "02:30", "*:20"], at(off)).await else {
            return;
        };
        assert_eq!(site.minute(at(on)).await, 3, "{on}");
        for minute in 1..20 {
            assert_eq!(
                site.minute(at(on) + 60 * minute).await,
                0,
                "{on} and {minute} minutes"
            );
        }
        for kind in KINDS {
            assert_eq!(runs(&site, &admin, kind).await, [shown], "{kind}");
        }
        site.end().await;
    }
}

/// `task-log-max-days` of `node.cfg` was not looked at.
#[tokio::test]
async fn old_lists_of_tasks_go_once_a_day() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start(&fixtures, "").await;
    let now = i64::try_from(UNIX_EPOCH.elapsed().expect("clock").as_secs()).expect("time");
    let tasks = site.path("log/tasks");
    let old = tasks.join("archive.1.zst");
    let put_away = |days: i64| {
        let end = now - days * DAY;
        let line = format!(
            "UPID:pbs:7FFFFFFF:00000042:00000001:60000000:verify:x:test@pbs: {end:08X} OK\n"
        );
        std::fs::write(&old, zstd::encode_all(line.as_bytes(), 0).expect("zstd")).expect("write");
    };
    put_away(40);
    site.minute(now).await;
    assert!(old.exists(), "nobody asked for it");
    std::fs::write(site.path("etc/node.cfg"), "task-log-max-days: 30\n").expect("write");
    site.minute(now + 60).await;
    assert!(old.exists(), "once a day");
    site.minute(now + 2 * DAY).await;
    assert!(!old.exists());
    put_away(20);
    site.minute(now + 3 * DAY).await;
    assert!(old.exists(), "it is young enough");
    // A mistake in the file removes nothing.
    std::fs::write(site.path("etc/node.cfg"), "task-log-max-days: never\n").expect("write");
    site.minute(now + 4 * DAY).await;
    assert!(old.exists());
    site.end().await;
}
