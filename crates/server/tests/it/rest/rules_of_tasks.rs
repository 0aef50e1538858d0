//! What may differ in the captures of tasks, and the list of finished tasks as the recorded answer tells it.

use serde_json::Value;

use super::rules::{How, Rule};

pub const RULES: &[Rule] = &[
    Rule {
        numbers: 142..=142,
        why: "member of 4.2",
        how: How::Json(without_end),
    },
    Rule {
        numbers: 144..=144,
        why: "member of 4.2",
        how: How::Json(without_end),
    },
    Rule {
        numbers: 149..=149,
        why: "member of 4.2",
        how: How::Json(without_end),
    },
];

fn without_end(value: &mut Value) {
    if let Some(data) = value["data"].as_object_mut() {
        data.remove("endtime");
    }
}

/// The file `archive`: a line per task, the oldest first.
pub fn archive(list: &Value) -> String {
    let tasks = list["data"].as_array().expect("list");
    let line = |task: &Value| {
        let text = |name: &str| task[name].as_str().expect("text").to_owned();
        let end = task["endtime"].as_i64().expect("time");
        format!("{} {end:08X} {}\n", text("upid"), text("status"))
    };
    tasks.iter().rev().map(line).collect()
}
