//! What rows really answer: lists of inner nodes, and everything that can be read, on a server that has something of everything.

use std::collections::BTreeSet;

use api::schema::Returns;
use serde_json::{Value, json};

use super::exceptions::{self, Complaints};
use super::returns;
use super::rows::{Found, Served, is_whole};
use super::site::Door;

#[tokio::test]
async fn answers_fit_what_is_declared() {
    let Some(served) = Served::read() else { return };
    let Some(mut door) = Door::open().await else {
        return;
    };
    door.prepare(&served).await;
    let mut complaints = Complaints::about("answer");
    let (mut answered, mut unavailable) = (0, Vec::new());
    for (row, route) in served.routes().filter(|(row, _)| row.is_get()) {
        if matches!(route.returns, Returns::Bytes(_) | Returns::Upgrade) {
            continue;
        }
        let (path, query) = (door.path(row, None), door.query(row, None).join("&"));
        let answer = door.ask("GET", &path, &query, None).await;
        match answer.status {
            200 => answered += 1,
            501 if route.not_all => unavailable.push(row.name()),
            status => complaints.add(&row.name(), "", format!("is {status} {:?}", answer.text())),
        }
        if answer.status == 200 {
            let data = serde_json::from_slice::<Value>(&answer.body);
            let data = data.map_or_else(|_| "not JSON".into(), |mut answer| answer["data"].take());
            for text in returns::misfits("data", &route.returns, &data) {
                complaints.add(&row.name(), "", text);
            }
        }
    }
    eprintln!("{answered} rows answered, not available here: {unavailable:?}");
    complaints.settle(&served);
    door.site.end().await;
}

/// Every node without a row of its own lists what is below it: the specification's names, as far as they are built.
#[tokio::test]
async fn inner_nodes_list_what_is_below() {
    let Some(served) = Served::read() else { return };
    let Some(mut door) = Door::open().await else {
        return;
    };
    if !is_whole() {
        return;
    }
    for node in served.inner_nodes() {
        let start = format!("{}/", node.path.trim_end_matches('/'));
        let built = served.spec.rows.iter();
        let built = built.filter(|row| !matches!(served.find(row), Found::Nothing));
        let ours = exceptions::TABLE
            .iter()
            .filter(|(_, about, _)| *about == "row");
        let ours = ours.filter_map(|(row, ..)| Some(row.split_once(' ')?.1));
        let names: BTreeSet<&str> = built
            .map(|row| row.path.as_str())
            .chain(ours)
            .filter_map(|path| path.strip_prefix(&start)?.split('/').next())
            .filter(|name| !name.is_empty() && !name.starts_with('{'))
            .collect();
        let path = door.path(node, None);
        let answer = door.ask("GET", &path, "", None).await;
        let expected: Vec<Value> = names.iter().map(|name| json!({ "subdir": name })).collect();
        assert_eq!(answer.json(), json!({ "data": expected }), "{}", node.path);
    }
    door.site.end().await;
}
