//! Requests that are wrong in one thing each, to every row.

use super::exceptions::Complaints;
use super::rights;
use super::rows::{Served, is_raw};
use super::site::{Door, pair};
use super::spec::Row;
use super::texts;
use crate::rest::message::Answer;

/// Texts of protocol.md 1.5.
const MISSING: &str = "parameter is missing and it is not optional.";
const MISSING_JSON: &str = "property is missing and it is not optional";
const UNKNOWN: &str = "schema does not allow additional properties.";

#[tokio::test]
async fn faulty_requests_are_refused() {
    let Some(served) = Served::read() else { return };
    let Some(mut door) = Door::open().await else {
        return;
    };
    let mut complaints = Complaints::about("fault");
    for (row, route) in served.routes() {
        missing(&mut door, row, &mut complaints).await;
        unknown(&mut door, row, &mut complaints).await;
        malformed(&mut door, row, &mut complaints).await;
        if row.method != "GET" && row.method != "DELETE" && !is_raw(route) {
            faulty_json(&mut door, row, &mut complaints).await;
        }
    }
    complaints.settle(&served);
    door.site.end().await;
}

/// The one text for these faults; their order is the server's.
fn text_of(faults: &[(&str, &str)]) -> String {
    match faults {
        [(name, text)] => format!("parameter verification failed - '{name}': {text}"),
        several => several.iter().fold(
            "parameter verification failed:".to_owned(),
            |all, (name, text)| format!("{all}\n- '{name}': {text}"),
        ),
    }
}

fn sorted(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.split('\n').collect();
    lines.sort_unstable();
    lines
}

/// Whether the answer is 400 with this text, whatever the order of its lines.
fn expect(answer: &Answer, text: &str) -> Result<(), String> {
    if answer.status == 400 && sorted(&answer.text()) == sorted(text) {
        return Ok(());
    }
    Err(format!(
        "gets {} {:?}, not 400 {text:?}",
        answer.status,
        answer.text()
    ))
}

fn mandatory(row: &Row) -> Vec<&str> {
    row.params
        .iter()
        .filter(|(name, shape)| !shape.is_optional() && !row.in_path(name))
        .map(|(name, _)| name.as_str())
        .collect()
}

async fn missing(door: &mut Door, row: &Row, complaints: &mut Complaints) {
    let names = mandatory(row);
    if names.is_empty() {
        return;
    }
    let path = door.path(row, None);
    let answer = door.ask(&row.method, &path, "", None).await;
    let faults: Vec<_> = names.iter().map(|name| (*name, MISSING)).collect();
    if let Err(text) = expect(&answer, &text_of(&faults)) {
        complaints.add(&row.name(), "missing", text);
    }
}

async fn unknown(door: &mut Door, row: &Row, complaints: &mut Complaints) {
    let path = door.path(row, None);
    let mut query = door.query(row, None);
    query.push("nope=1".to_owned());
    let answer = door.ask(&row.method, &path, &query.join("&"), None).await;
    if let Err(text) = expect(&answer, &text_of(&[("nope", UNKNOWN)])) {
        complaints.add(&row.name(), "unknown", text);
    }
}

async fn malformed(door: &mut Door, row: &Row, complaints: &mut Complaints) {
    for (name, shape) in &row.params {
        let in_path = row.in_path(name);
        // A component that starts with a dot never gets as far as a schema.
        let Some(wrong) = texts::wrong(shape).filter(|text| !in_path || !text.starts_with('.'))
        else {
            continue;
        };
        let (path, mut query) = if in_path {
            (door.path(row, Some((name, &wrong))), door.query(row, None))
        } else {
            (door.path(row, None), door.query(row, Some(name)))
        };
        if !in_path {
            query.push(pair(name, &wrong));
        }
        let answer = door.ask(&row.method, &path, &query.join("&"), None).await;
        let start = text_of(&[(name, &texts::complaint(shape, &wrong))]);
        if answer.status != 400 || !answer.text().starts_with(&start) {
            let (status, text) = (answer.status, answer.text());
            let text = format!("with {wrong:?} gets {status} {text:?}, not 400 {start:?}");
            complaints.add(&row.name(), name, text);
        }
    }
}

async fn faulty_json(door: &mut Door, row: &Row, complaints: &mut Complaints) {
    let path = door.path(row, None);
    let names = mandatory(row);
    if !names.is_empty() {
        let answer = door.ask_json(&row.method, &path, "{}").await;
        let faults: Vec<_> = names.iter().map(|name| (*name, MISSING_JSON)).collect();
        if let Err(text) = expect(&answer, &text_of(&faults)) {
            complaints.add(&row.name(), "missing", text);
        }
    }
    for (name, shape) in row.params.iter().filter(|(name, _)| !row.in_path(name)) {
        let mut body = serde_json::Map::new();
        body.insert(name.clone(), serde_json::json!({}));
        let body = serde_json::Value::Object(body).to_string();
        let answer = door.ask_json(&row.method, &path, &body).await;
        let expected = format!("Expected {} value.", shape.kind);
        let mut faults = vec![(name.as_str(), expected.as_str())];
        let others = names.iter().filter(|other| **other != name.as_str());
        faults.extend(others.map(|name| (*name, MISSING_JSON)));
        if let Err(text) = expect(&answer, &text_of(&faults)) {
            complaints.add(&row.name(), name, text);
        }
    }
}

#[tokio::test]
async fn nothing_is_open_without_login() {
    let Some(served) = Served::read() else { return };
    let Some(mut door) = Door::open().await else {
        return;
    };
    let mut complaints = Complaints::about("login");
    let routes = served.routes().map(|(row, _)| row);
    for row in routes.chain(served.inner_nodes()) {
        let target = format!("/api2/json/{}?nope=1", door.path(row, None));
        let answer = door.line.ask(&row.method, &target, &[], "").await;
        let refused = answer.status == 401 && answer.text() == "authentication failed";
        if refused == rights::is_open(row) {
            let text = format!("without one gets {} {:?}", answer.status, answer.text());
            complaints.add(&row.name(), "", text);
        }
    }
    complaints.settle(&served);
    door.site.end().await;
}
