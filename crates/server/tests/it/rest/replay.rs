//! The captures, sent in their order to a server in the state of the original, and the answers compared: status, headers that matter, body.
//! What may differ stands in `rules`, with the reason.

use std::collections::HashMap;
use std::path::Path;

use serde_json::Value;

use super::message::{Answer, send};
use super::rules::{How, RULES, Rule};
use super::rules_of_tasks;
use super::site::{Login, Site, TOKEN_SECRET, fixtures};

/// Headers that must be the same on both sides.
const HEADERS: [&str; 2] = ["content-type", "content-disposition"];

/// Captures of tasks: they are replayed against the recorded list.
fn is_about_tasks(number: u16) -> bool {
    (138..=152).contains(&number)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn captures_get_the_recorded_answers() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start(&fixtures, "").await;
    let compared = replay(&fixtures, &site, RULES, |number| !is_about_tasks(number)).await;
    assert!(compared >= 124, "only {compared} captures were compared");
    site.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn captures_of_tasks_get_the_recorded_answers() {
    let Some(fixtures) = fixtures() else { return };
    let recorded = std::fs::read(fixtures.join("http/138-tasks.response.txt")).expect("capture");
    let list = Answer::parse(&recorded, true).expect("answer").json();
    let site = Site::start(&fixtures, &rules_of_tasks::archive(&list)).await;
    let compared = replay(&fixtures, &site, rules_of_tasks::RULES, is_about_tasks).await;
    assert_eq!(compared, 15);
    site.end().await;
}

/// Sends the chosen captures and compares; gives how many were compared.
async fn replay(
    fixtures: &Path,
    site: &Site,
    rules: &[Rule],
    wanted: impl Fn(u16) -> bool,
) -> usize {
    let logins = site.log_all_in().await;
    let index = std::fs::read_to_string(fixtures.join("http/INDEX.txt")).expect("index");
    let (mut compared, mut skipped, mut failures) = (0, Vec::new(), Vec::new());
    for name in index.lines().filter_map(|line| line.split('\t').next()) {
        let number: u16 = name[..3].parse().expect("number");
        if !wanted(number) {
            continue;
        }
        let rule = rules.iter().find(|rule| rule.numbers.contains(&number));
        if let Some(Rule {
            how: How::Skip,
            why,
            ..
        }) = rule
        {
            skipped.push(format!("{name} ({why})"));
            continue;
        }
        let read = |kind: &str| {
            std::fs::read(fixtures.join(format!("http/{name}.{kind}.txt"))).expect("capture")
        };
        let recorded = Answer::parse(&read("response"), true).expect("recorded answer");
        let live = send(site.address, &refreshed(&read("request"), &logins)).await;
        site.idle().await;
        compared += 1;
        if let Err(difference) = compare(&recorded, &live, rule) {
            failures.push(format!("{name}: {difference}"));
        }
    }
    println!(
        "{compared} captures compared, {} of later routes skipped:\n  {}",
        skipped.len(),
        skipped.join("\n  ")
    );
    assert!(
        failures.is_empty(),
        "{} captures differ:\n{}",
        failures.len(),
        failures.join("\n\n")
    );
    compared
}

fn compare(recorded: &Answer, live: &Answer, rule: Option<&Rule>) -> Result<(), String> {
    let expected_status = match rule.map(|rule| &rule.how) {
        Some(How::Text(status, _)) => *status,
        _ => recorded.status,
    };
    if live.status != expected_status {
        return Err(format!(
            "status {} instead of {expected_status}: {}",
            live.status,
            live.text()
        ));
    }
    for name in HEADERS {
        let same_type =
            matches!(rule.map(|rule| &rule.how), Some(How::AnyType(_))) && name == "content-type";
        if !same_type && live.header(name) != recorded.header(name) {
            return Err(format!(
                "{name} {:?} instead of {:?}",
                live.header(name),
                recorded.header(name)
            ));
        }
    }
    let adjust = match rule.map(|rule| &rule.how) {
        Some(How::Text(_, text)) => return equal(text, &live.text()),
        Some(How::Check(check)) => return check(recorded, live),
        Some(How::Json(adjust) | How::AnyType(adjust)) => Some(adjust),
        Some(How::Skip) | None => None,
    };
    match (adjust, serde_json::from_slice::<Value>(&recorded.body)) {
        (adjust, Ok(mut expected)) if recorded.status == 200 => {
            let mut got = live.json();
            if let Some(adjust) = adjust {
                adjust(&mut expected);
                adjust(&mut got);
            }
            equal(&pretty(&expected), &pretty(&got))
        }
        _ => equal(&recorded.text(), &live.text()),
    }
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).expect("JSON")
}

fn equal(expected: &str, got: &str) -> Result<(), String> {
    if expected == got {
        Ok(())
    } else {
        Err(format!("expected\n{expected}\nbut got\n{got}"))
    }
}

/// The recorded request with credentials of today, where it had valid ones.
fn refreshed(request: &[u8], logins: &HashMap<String, Login>) -> Vec<u8> {
    let text = std::str::from_utf8(request).expect("text");
    // The recordings of requests have plain line ends.
    let (head, body) = text.split_once("\n\n").expect("head");
    let body = body.trim_matches('\n');
    let user = if head.contains("low%40pbs") {
        "low@pbs"
    } else {
        "test@pbs"
    };
    let login = &logins[user];
    let body = match body.find("&password=PBS%3A") {
        Some(start) => {
            let start = start + "&password=".len();
            let end = body[start..].find('&').map_or(body.len(), |n| start + n);
            format!(
                "{}{}{}",
                &body[..start],
                api::form::escape(&login.ticket),
                &body[end..]
            )
        }
        None => body.to_owned(),
    };
    let line = |line: &str| -> String {
        let lower = line.to_ascii_lowercase();
        if lower.starts_with("cookie:") && !line.contains("%3A00000000%3A") {
            login.cookie()
        } else if lower.starts_with("csrfpreventiontoken:") && !line.contains("00000000:AAAA") {
            login.csrf()
        } else if lower.starts_with("content-length:") {
            format!("content-length: {}", body.len())
        } else {
            line.replace("<token secret>", TOKEN_SECRET)
        }
    };
    let head: Vec<String> = head.lines().map(line).collect();
    format!("{}\r\n\r\n{body}", head.join("\r\n")).into_bytes()
}
