//! The document against the rows that it is made of.

use std::collections::BTreeSet;

use super::*;

fn made() -> (Tree, Value) {
    let tree = Tree::new(&crate::api::tables());
    let document = document(&tree);
    (tree, document)
}

#[test]
fn every_row_is_in_it_once() {
    let (tree, document) = made();
    let mut ids = BTreeSet::new();
    for route in tree.routes() {
        let operation = &document["paths"][format!("/{}", route.path)][verb(&route.verb)];
        let id = operation["operationId"].as_str();
        let id = id.unwrap_or_else(|| panic!("{} {} is missing", route.verb, route.path));
        assert!(ids.insert(id.to_owned()), "{id} is there twice");
        let place = |name: &str| {
            let named = operation["parameters"].as_array().into_iter().flatten();
            named.filter(|p| p["name"] == name).count()
                + operation["requestBody"]["content"]["application/json"]["schema"]["properties"]
                    .get(name)
                    .map_or(0, |_| 1)
        };
        for param in route.params.params() {
            assert_eq!(place(param.name), 1, "{id}: {}", param.name);
        }
    }
    for path in tree.inner_nodes() {
        let id = &document["paths"][format!("/{path}")]["get"]["operationId"];
        let id = id.as_str().unwrap_or_else(|| panic!("/{path} is missing"));
        assert!(ids.insert(id.to_owned()), "{id} is there twice");
    }
    let operations = document["paths"].as_object().into_iter().flatten();
    let count: usize = operations
        .map(|(_, item)| item.as_object().map_or(0, Map::len))
        .sum();
    assert_eq!(ids.len(), count);
}

fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get("$ref").and_then(Value::as_str));
            members.values().for_each(|value| references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

#[test]
fn every_reference_leads_somewhere() {
    let (_, document) = made();
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.len() > 100, "only {} references", found.len());
    for reference in found {
        let pointer = reference
            .strip_prefix('#')
            .expect("a reference into the document");
        assert!(
            document.pointer(pointer).is_some(),
            "{reference} leads nowhere"
        );
    }
}

/// The names of operations are what generated clients call; they must not change by accident.
#[test]
fn names_follow_from_paths() {
    for (verb, path, expected) in [
        ("get", "", "get"),
        ("get", "ping", "get_ping"),
        (
            "put",
            "admin/datastore/{store}/group-notes",
            "put_admin_datastore_by_store_group_notes",
        ),
        (
            "delete",
            "nodes/{node}/tasks/{upid}",
            "delete_nodes_by_node_tasks_by_upid",
        ),
    ] {
        assert_eq!(operation_id(verb, path), expected);
    }
}

#[test]
fn an_operation_says_how_it_is_called() {
    let (_, document) = made();
    let prune = &document["paths"]["/admin/datastore/{store}/prune"]["post"];
    assert_eq!(prune["parameters"].as_array().map(Vec::len), Some(1));
    let body = &prune["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"];
    assert_eq!(body["required"], json!(["backup-type", "backup-id"]));
    assert_eq!(
        body["properties"]["dry-run"],
        json!({ "type": "boolean", "default": false })
    );
    assert_eq!(
        prune["security"],
        json!([{ "token": [] }, { "ticket": [], "csrf": [] }])
    );
    let log = &document["paths"]["/nodes/{node}/tasks/{upid}/log"]["get"];
    let content = log["responses"]["200"]["content"]
        .as_object()
        .expect("content");
    assert_eq!(
        content.keys().collect::<Vec<_>>(),
        ["application/json", "text/plain"]
    );
    let ping = &document["paths"]["/ping"]["get"];
    assert_eq!(ping["security"], json!([]));
    let backup = &document["paths"]["/backup"]["get"]["responses"];
    assert!(backup.get("101").is_some() && backup.get("200").is_none());
}

/// One path a line, so that changes can be read and merged.
fn in_lines(document: &Value) -> String {
    let members = document.as_object().into_iter().flatten();
    let lines = members.map(|(name, value)| {
        let value = match (name.as_str(), value.as_object()) {
            ("paths", Some(paths)) => {
                let paths = paths.iter().map(|(path, item)| format!("{path:?}:{item}"));
                format!("{{\n{}\n}}", paths.collect::<Vec<_>>().join(",\n"))
            }
            _ => value.to_string(),
        };
        format!("{name:?}:{value}")
    });
    format!("{{\n{}\n}}\n", lines.collect::<Vec<_>>().join(",\n"))
}

/// The browser's app is written against a copy of the document. It was not made anew when `/events` came, and nobody noticed.
#[test]
fn the_apps_copy_is_this_document() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../web/openapi.json");
    let (_, document) = made();
    let text = in_lines(&document);
    assert_eq!(
        serde_json::from_str::<Value>(&text).expect("JSON"),
        document
    );
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(path, &text).expect("web/openapi.json");
    }
    let copy = std::fs::read_to_string(path).expect("web/openapi.json");
    assert!(
        copy == text,
        "web/openapi.json is stale: run this test with UPDATE_GOLDEN=1, then `npm run api` in web/, and look at the difference"
    );
}
