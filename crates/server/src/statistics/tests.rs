//! Statistics from observation to answer: slots, time frames, restarts, damage, clocks that go back, usage and its forecast.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt as _;

use api::rest::statistics::Consolidation;
use serde_json::{Value, json};

use super::*;
use crate::machine::{CpuTimes, DiskCounters, Memory, Space, Traffic};

/// A full week, half hour and minute begin here.
const START: i64 = 604_800 * 2_900;

fn store() -> StoreName {
    "vault".parse().expect("name")
}

fn disk(used: u64, read_bytes: u64) -> DiskObservation {
    DiskObservation {
        space: Some(Space {
            total: 1000,
            used,
            avail: 900 - used,
        }),
        counters: Some(DiskCounters {
            read_bytes,
            ..DiskCounters::default()
        }),
    }
}

fn answer(statistics: &Statistics, frame: Timeframe, how: Consolidation, now: i64) -> Value {
    let series = statistics
        .series(&Object::Store(store()), frame, now)
        .expect("series");
    serde_json::to_value(series.consolidated(how)).expect("json")
}

/// What has values of an answer.
fn filled(answer: &Value) -> Vec<&Value> {
    let slots = answer.as_array().expect("list").iter();
    slots.filter(|slot| slot.get("used").is_some()).collect()
}

#[test]
fn slots_are_averages_and_maxima_and_survive_a_restart() {
    let folder = tempfile::tempdir().expect("tempdir");
    let statistics = Statistics::new(folder.path().join("statistics"));
    for (second, used, read) in [
        (0, 100, 0),
        (10, 200, 5000),
        (20, 600, 5000),
        (60, 700, 1000),
    ] {
        statistics
            .note_store(START + second, &store(), disk(used, read))
            .expect("note");
    }
    let now = START + 61;
    let hour = answer(&statistics, Timeframe::Hour, Consolidation::Average, now);
    assert_eq!(hour.as_array().map(Vec::len), Some(61));
    assert_eq!(hour[0], json!({"time": now - 3600}));
    // The counter began anew at the last one, so there is no rate.
    let first = json!({"time": START + 1, "total": 1000.0, "used": 300.0, "available": 600.0, "read_bytes": 250.0,
        "read_ios": 0.0, "write_ios": 0.0, "write_bytes": 0.0, "io_ticks": 0.0});
    let second = json!({"time": now, "total": 1000.0, "used": 700.0, "available": 200.0,
        "read_ios": 0.0, "write_ios": 0.0, "write_bytes": 0.0, "io_ticks": 0.0});
    assert_eq!(filled(&hour), [&first, &second]);
    let most = answer(&statistics, Timeframe::Hour, Consolidation::Max, now);
    assert_eq!(
        (&most[59]["used"], &most[59]["read_bytes"]),
        (&json!(600.0), &json!(500.0))
    );
    statistics.flush().expect("flush");
    drop(statistics);

    let again = Statistics::new(folder.path().join("statistics"));
    assert_eq!(
        answer(&again, Timeframe::Hour, Consolidation::Average, now),
        hour
    );
    // The open slots go on: the average counts all five.
    again
        .note_store(START + 70, &store(), disk(400, 0))
        .expect("note");
    let week = answer(&again, Timeframe::Week, Consolidation::Average, now + 9);
    assert_eq!(filled(&week)[0]["used"], json!(400.0));
}

#[test]
fn every_time_frame_has_its_slots() {
    for (frame, slots, step) in [
        (Timeframe::Hour, 61, 60),
        (Timeframe::Day, 1441, 60),
        (Timeframe::Week, 337, 1800),
        (Timeframe::Month, 1441, 1800),
        (Timeframe::Year, 1461, 21_600),
        (Timeframe::Decade, 523, 604_800),
    ] {
        let folder = tempfile::tempdir().expect("tempdir");
        let statistics = Statistics::new(folder.path().to_owned());
        for known in [false, true] {
            if known {
                statistics
                    .note_store(START, &store(), disk(1, 1))
                    .expect("note");
            }
            let answer = answer(&statistics, frame, Consolidation::Average, START + 5);
            let list = answer.as_array().expect("list");
            assert_eq!(list.len(), slots, "{frame:?}");
            let last = list.last().expect("slot");
            let is_decade = frame == Timeframe::Decade;
            // Ten years are no whole number of weeks.
            let end = START + 5 - if is_decade { 6 * 86_400 } else { 0 };
            assert_eq!(last["time"], end, "{frame:?}");
            assert_eq!(list[slots - 2]["time"], end - step, "{frame:?}");
            assert_eq!(last.get("used").is_some(), known && !is_decade, "{frame:?}");
        }
    }
}

/// A ring comes round: what is older than it is long is gone, and is not shown as new.
#[test]
fn old_slots_are_overwritten() {
    let folder = tempfile::tempdir().expect("tempdir");
    let statistics = Statistics::new(folder.path().to_owned());
    let note = |time, used| {
        statistics
            .note_store(time, &store(), disk(used, 0))
            .expect("note");
    };
    note(START, 1);
    note(START + 60, 2);
    let size = || {
        std::fs::metadata(folder.path().join("datastore-vault"))
            .expect("file")
            .len()
    };
    let before = size();
    let day = 1440 * 60;
    note(START + day + 30, 3);
    note(START + day + 60, 4);
    let values = |now| {
        let seen = answer(&statistics, Timeframe::Day, Consolidation::Average, now);
        let used = |slot: &&Value| slot["used"].clone();
        filled(&seen).iter().map(used).collect::<Vec<_>>()
    };
    assert_eq!(
        values(START + day + 60),
        [json!(2.0), json!(3.0), json!(4.0)]
    );
    // What was first is overwritten, and what lies there now is of another day.
    assert_eq!(values(START + 60), [json!(2.0)]);
    assert_eq!(size(), before, "the file never grows");
}

/// A clock that is set back goes on with the slots of that time.
#[test]
fn a_clock_may_go_back() {
    let folder = tempfile::tempdir().expect("tempdir");
    let statistics = Statistics::new(folder.path().to_owned());
    for (second, used) in [(0, 100), (60, 200), (10, 300)] {
        statistics
            .note_store(START + second, &store(), disk(used, 0))
            .expect("note");
    }
    let hour = answer(
        &statistics,
        Timeframe::Hour,
        Consolidation::Average,
        START + 60,
    );
    assert_eq!(hour[59]["used"], json!(200.0));
    assert_eq!(hour[60]["used"], json!(200.0));
}

#[test]
fn damage_costs_a_slot_and_a_foreign_file_is_put_away() {
    let folder = tempfile::tempdir().expect("tempdir");
    let path = folder.path().join("datastore-vault");
    let statistics = Statistics::new(folder.path().to_owned());
    for minute in 0..3 {
        statistics
            .note_store(START + minute * 60, &store(), disk(1, 0))
            .expect("note");
    }
    statistics.flush().expect("flush");
    drop(statistics);
    let place = (START / 60).rem_euclid(1440) + 1;
    let at = 1024 + u64::try_from(place).expect("place") * row::Row::bytes(8) as u64 + 20;
    let file = OpenOptions::new().write(true).open(&path).expect("open");
    file.write_all_at(b"torn", at).expect("write");
    let statistics = Statistics::new(folder.path().to_owned());
    let hour = answer(
        &statistics,
        Timeframe::Hour,
        Consolidation::Average,
        START + 120,
    );
    assert_eq!(filled(&hour).len(), 2);
    drop(statistics);

    let whole = std::fs::read(&path).expect("read");
    for wrong in [&b""[..], b"RRD", &whole[..whole.len() - 1]] {
        std::fs::write(&path, wrong).expect("write");
        let statistics = Statistics::new(folder.path().to_owned());
        statistics
            .note_store(START, &store(), disk(1, 0))
            .expect("note");
        let old = std::fs::read(folder.path().join("datastore-vault.old")).expect("old");
        assert_eq!(old, wrong);
    }
}

#[test]
fn usage_and_the_day_it_is_full() {
    let folder = tempfile::tempdir().expect("tempdir");
    let statistics = Statistics::new(folder.path().to_owned());
    let half_hour = 1800;
    // Of 900 bytes that can be used, 9 more every half hour: one hundredth.
    let mut now = START;
    for n in 0..7u32 {
        now = START + i64::from(n) * half_hour;
        let history = statistics.usage_history(&store(), now).expect("history");
        assert_eq!(history.full_at(), None, "{n} points are too few");
        statistics
            .note_store(now, &store(), disk(90 + 9 * u64::from(n), 0))
            .expect("note");
    }
    now += half_hour;
    let history = statistics.usage_history(&store(), now).expect("history");
    assert_eq!((history.delta, history.usage.len()), (1800, 1440));
    assert_eq!(history.start, now - 1440 * half_hour);
    assert_eq!(history.usage[1432], None);
    assert!((history.usage[1433].expect("value") - 0.1).abs() < 1e-9);
    let full = history.full_at().expect("a line");
    assert!((full - (START + 90 * half_hour)).abs() <= 1, "{full}");
    let flat = UsageHistory {
        usage: vec![Some(0.5); 9],
        ..history.clone()
    };
    assert_eq!(flat.full_at(), Some(0));
    let falling = UsageHistory {
        usage: history.usage.iter().rev().copied().collect(),
        ..history
    };
    assert!(falling.full_at().expect("a line") < now, "never");
}

#[test]
fn the_host_and_its_last_half_hour() {
    let folder = tempfile::tempdir().expect("tempdir");
    let statistics = Statistics::new(folder.path().to_owned());
    let seen = |n: u32| HostObservation {
        cpu: CpuTimes {
            total: 100.0 * f64::from(n),
            idle: 75.0 * f64::from(n),
            wait: 5.0 * f64::from(n),
        },
        memory: Memory {
            total: 10,
            free: 4,
            ..Memory::default()
        },
        load: [0.5, 0.25, 0.125],
        traffic: Traffic {
            received: u64::from(n) * 1000,
            sent: u64::from(n) * 2000,
        },
        root: DiskObservation::default(),
    };
    assert_eq!(statistics.cpu(), None);
    for n in 0..200 {
        statistics
            .note_host(START + i64::from(n) * 10, seen(n))
            .expect("note");
    }
    let load = statistics.cpu().expect("load");
    assert_eq!((load.busy, load.wait), (0.2, 0.05));
    let now = START + 1990;
    let series = statistics
        .series(&Object::Host, Timeframe::Hour, now)
        .expect("series");
    let answer = serde_json::to_value(series.consolidated(Consolidation::Average)).expect("json");
    // There is no root file system here, so its values are missing.
    let expected = json!({"time": now, "cpu": 0.2, "iowait": 0.05, "memtotal": 10.0, "memused": 6.0, "swaptotal": 0.0,
        "swapused": 0.0, "netin": 100.0, "netout": 200.0, "loadavg": 0.5});
    assert_eq!(answer[60], expected);

    let newest = statistics.recent(&Object::Host, false, i64::MIN);
    assert!(newest.iter().all(|point| point.time == now));
    let net = newest.iter().find(|point| point.metric == "net_in");
    assert_eq!(
        net.map(|point| (point.kind, point.value)),
        Some((Kind::Derive, 199_000.0))
    );
    let all = statistics.recent(&Object::Host, true, i64::MIN);
    assert_eq!(all[0].time, START + 200, "the oldest are gone");
    assert_eq!(statistics.recent(&Object::Host, true, now - 10), newest);
    assert_eq!(statistics.recent(&Object::Store(store()), true, 0), []);
}
