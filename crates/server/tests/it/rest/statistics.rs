//! Statistics of host and datastores over the REST interface.

use super::site::{Site, fixtures};

#[tokio::test]
async fn what_was_observed_is_shown() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start(&fixtures, "").await;
    let admin = site.log_in("test@pbs").await;
    let get = async |path: &str| {
        let answer = site
            .call(&admin, "GET", &format!("/api2/json/{path}"), "")
            .await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.json()["data"].take()
    };
    let now = jiff::Timestamp::now().as_second();
    site.observe(now - 120).await;
    site.observe(now - 60).await;
    let store = "admin/datastore/peer/rrd?timeframe=hour&cf=MAX";
    let slots = get(store).await;
    let slots = slots.as_array().expect("list");
    assert_eq!(slots.len(), 61);
    let seen: Vec<_> = slots.iter().filter(|slot| slot["used"].is_f64()).collect();
    assert_eq!(seen.len(), 2);
    assert!(seen[0]["total"].as_f64() > Some(0.0) && seen[0]["available"].is_f64());
    assert_eq!(
        slots[0].as_object().map(serde_json::Map::len),
        Some(1),
        "only its time"
    );

    let host = get("nodes/localhost/rrd?timeframe=hour&cf=AVERAGE").await;
    let host = host.as_array().expect("list");
    let seen: Vec<_> = host
        .iter()
        .filter(|slot| slot["memtotal"].is_f64())
        .collect();
    assert_eq!(seen.len(), 2);
    for field in [
        "memused",
        "loadavg",
        "total",
        "used",
        "swaptotal",
        "swapused",
    ] {
        assert!(seen[0][field].is_f64(), "{field}: {}", seen[0]);
    }
    // Rates need two observations.
    assert!(seen[0].get("cpu").is_none() && seen[1]["netin"].is_f64());

    let status = get("nodes/localhost/status").await;
    let busy = status["cpu"].as_f64().expect("cpu");
    assert!((0.0..=1.0).contains(&busy), "{busy}");
    for (path, text) in [
        (
            "admin/datastore/none/rrd?timeframe=hour&cf=MAX",
            "no such datastore 'none'",
        ),
        (
            "admin/datastore/peer/rrd?timeframe=hour&cf=MIN",
            "parameter verification failed - 'cf': value 'MIN' is not defined in the enumeration.",
        ),
        (
            "nodes/localhost/rrd?cf=MAX",
            "parameter verification failed - 'timeframe': parameter is missing and it is not optional.",
        ),
    ] {
        let refused = site
            .call(&admin, "GET", &format!("/api2/json/{path}"), "")
            .await;
        assert_eq!((refused.status, refused.text().as_str()), (400, text));
    }
    site.end().await;
}
