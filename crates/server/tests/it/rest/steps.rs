//! What tests of routes do again and again: a request that is granted, one that is refused, a task until its end.

use serde_json::Value;

use super::site::{Login, Site};

pub async fn done(site: &Site, login: &Login, verb: &str, target: &str, body: &str) -> Value {
    let answer = site
        .call(login, verb, &format!("/api2/json/{target}"), body)
        .await;
    assert_eq!(answer.status, 200, "{verb} {target}: {}", answer.text());
    answer.json()
}

pub async fn refused(
    site: &Site,
    login: &Login,
    verb: &str,
    target: &str,
    body: &str,
) -> (u16, String) {
    let answer = site
        .call(login, verb, &format!("/api2/json/{target}"), body)
        .await;
    (answer.status, answer.text())
}

/// The lines of a task's log without their times.
pub async fn log_lines(site: &Site, login: &Login, upid: &str) -> Vec<String> {
    let target = format!(
        "/api2/json/nodes/localhost/tasks/{}/log?limit=0",
        api::form::escape(upid)
    );
    let answer = site.call(login, "GET", &target, "").await.json();
    let text = |line: &Value| {
        line["t"]
            .as_str()
            .expect("text")
            .split_once(": ")
            .expect("time")
            .1
            .to_owned()
    };
    answer["data"]
        .as_array()
        .expect("lines")
        .iter()
        .map(text)
        .collect()
}

/// Starts a task, waits for its end, gives the lines of its log.
pub async fn task(site: &Site, login: &Login, verb: &str, target: &str, body: &str) -> Vec<String> {
    let started = done(site, login, verb, target, body).await;
    let upid = started["data"].as_str().expect("task id").to_owned();
    site.idle().await;
    log_lines(site, login, &upid).await
}
