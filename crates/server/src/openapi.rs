//! The description of the REST interface for programs: an OpenAPI 3.1 document made of the same rows that answer requests, so that it cannot
//! differ from them. Served at `/api2/openapi.json`, to anyone: it holds no secrets. The types are `schema`'s.

mod schema;

use std::collections::BTreeMap;

use api::defaults::{API_RELEASE, API_VERSION};
use api::schema::{Param, Returns};
use http::Method;
use serde_json::{Map, Value, json};

use crate::route::{Handler, Needs, Route, Tree};

const ABOUT: &str = "\
The interface of Proxmox Backup Server as this server speaks it. Parameters of GET and DELETE stand in the query, those of POST and PUT in a form, \
a JSON object or the query. A result stands in the member `data`, what describes it beside it. A refusal is a plain text, although its content type \
says JSON. Below `/api2/extjs` the same answers come with status 200 and the members `success`, `status`, `message` and `errors`.";

/// The whole document as JSON.
pub fn document(tree: &Tree) -> Value {
    let mut paths: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    for route in tree.routes() {
        let item = paths.entry(format!("/{}", route.path)).or_default();
        item.insert(verb(&route.verb), operation(route));
    }
    for path in tree.inner_nodes() {
        let item = paths.entry(format!("/{path}")).or_default();
        item.insert("get".to_owned(), index(&path));
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Strongroom",
            "version": format!("{API_VERSION}.{API_RELEASE}"),
            "description": ABOUT,
        },
        "servers": [{ "url": "/api2/json" }],
        "paths": paths,
        "components": {
            "schemas": { "Index": schema::of_returns(&api::rest::node::returns::INDEX) },
            "responses": refusals(),
            "securitySchemes": security_schemes(),
        },
    })
}

fn verb(method: &Method) -> String {
    method.as_str().to_ascii_lowercase()
}

/// `get_admin_datastore_by_store_status`: follows from verb and path alone, so that generated clients keep their names.
fn operation_id(verb: &str, path: &str) -> String {
    let parts = path.split('/').filter(|part| !part.is_empty());
    parts.fold(verb.to_owned(), |id, part| match part.strip_prefix('{') {
        Some(name) => format!("{id}_by_{}", word(name.trim_end_matches('}'))),
        None => format!("{id}_{}", word(part)),
    })
}

fn word(part: &str) -> String {
    part.replace(|c: char| !c.is_ascii_alphanumeric(), "_")
}

fn tag(path: &str) -> &str {
    path.split('/')
        .next()
        .filter(|tag| !tag.is_empty())
        .unwrap_or("index")
}

fn operation(route: &Route) -> Value {
    let verb = verb(&route.verb);
    let (in_path, others): (Vec<&Param>, Vec<&Param>) = route
        .params
        .params()
        .partition(|param| route.path.contains(&format!("{{{}}}", param.name)));
    let has_body = matches!(route.verb, Method::POST | Method::PUT) && !is_raw(route);
    let mut parameters: Vec<Value> = in_path
        .iter()
        .map(|param| parameter(param, "path"))
        .collect();
    if !has_body {
        parameters.extend(others.iter().map(|param| parameter(param, "query")));
    }
    let mut operation = json!({
        "operationId": operation_id(&verb, route.path),
        "tags": [tag(route.path)],
        "description": format!("Who may call: {}.", route.needs),
        "parameters": parameters,
        "responses": responses(route),
        "security": security(route),
    });
    let body = match route.handler {
        Handler::Payload(..) => Some(json!({
            "required": true,
            "content": { "application/octet-stream": { "schema": {} } },
        })),
        _ if has_body && !others.is_empty() => Some(body(&others)),
        _ => None,
    };
    if let Some(body) = body {
        operation["requestBody"] = body;
    }
    operation
}

/// Whether parameters stand in the query alone, whatever the verb.
fn is_raw(route: &Route) -> bool {
    !matches!(
        route.handler,
        Handler::Call(_) | Handler::Async(_) | Handler::Absent(_)
    )
}

fn parameter(param: &Param, place: &str) -> Value {
    let mut value = json!({
        "name": param.name,
        "in": place,
        "required": !param.optional,
        "schema": schema::of_param(param),
    });
    if !param.about.is_empty() {
        value["description"] = param.about.into();
    }
    value
}

fn body(params: &[&Param]) -> Value {
    let properties: Map<String, Value> = params
        .iter()
        .map(|param| (param.name.to_owned(), schema::of_described_param(param)))
        .collect();
    let required: Vec<&str> = params
        .iter()
        .filter(|param| !param.optional)
        .map(|param| param.name)
        .collect();
    let schema = json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    });
    json!({
        "required": !required.is_empty(),
        "content": {
            "application/json": { "schema": schema },
            "application/x-www-form-urlencoded": { "schema": schema },
        },
    })
}

/// Also of inner nodes: the names below.
fn index(path: &str) -> Value {
    let names = path.split('/').filter_map(|part| part.strip_prefix('{'));
    let text = || json!({ "type": "string" });
    let parameters: Vec<Value> = names
        .map(|name| json!({ "name": name.trim_end_matches('}'), "in": "path", "required": true, "schema": text() }))
        .collect();
    json!({
        "operationId": operation_id("get", path),
        "tags": [tag(path)],
        "description": "The names below. Who may call: any login.",
        "parameters": parameters,
        "responses": without_501(all_responses(json!({
            "application/json": { "schema": envelope(json!({ "$ref": "#/components/schemas/Index" })) }
        }))),
        "security": [{ "token": [] }, { "ticket": [] }],
    })
}

fn envelope(data: Value) -> Value {
    json!({
        "type": "object",
        "required": ["data"],
        "properties": {
            "data": data,
            "digest": { "type": "string", "description": "SHA-256 of the configuration file that the data came from." },
            "total": { "type": "integer", "description": "Number of elements without the limit." },
            "active": { "description": "Whether the task of a log still runs." },
        },
    })
}

fn responses(route: &Route) -> Value {
    match route.not_all {
        true => responses_of(route),
        false => without_501(responses_of(route)),
    }
}

fn without_501(mut responses: Value) -> Value {
    if let Some(responses) = responses.as_object_mut() {
        responses.remove("501");
    }
    responses
}

fn responses_of(route: &Route) -> Value {
    match &route.returns {
        Returns::Upgrade => {
            let mut responses = all_responses(json!({}));
            if let Some(responses) = responses.as_object_mut() {
                responses.remove("200");
                responses.insert(
                    "101".to_owned(),
                    json!({ "description": "The connection changes its protocol." }),
                );
            }
            responses
        }
        returns => all_responses(content(returns)),
    }
}

/// Content types with their schemas.
fn content(returns: &Returns) -> Value {
    let (bytes, data) = split(returns);
    let mut content: Map<String, Value> = bytes
        .into_iter()
        .map(|kind| (kind.to_owned(), json!({ "schema": {} })))
        .collect();
    if let Some(data) = data {
        content.insert(
            "application/json".to_owned(),
            json!({ "schema": envelope(schema::of_returns(&data)) }),
        );
    }
    Value::Object(content)
}

/// What comes as bytes, and what in the envelope.
fn split(returns: &Returns) -> (Vec<&'static str>, Option<Returns>) {
    match returns {
        Returns::Bytes(kind) => (vec![kind], None),
        Returns::AnyOf(several) => {
            let (mut bytes, mut data) = (Vec::new(), Vec::new());
            for one in several.iter() {
                match one {
                    Returns::Bytes(kind) => bytes.push(*kind),
                    other => data.push(*other),
                }
            }
            match data.as_slice() {
                [one] => (bytes, Some(*one)),
                // The types of bytes among them say nothing in a schema.
                _ => (bytes, Some(*returns)),
            }
        }
        other => (Vec::new(), Some(*other)),
    }
}

fn all_responses(content: Value) -> Value {
    json!({
        "200": { "description": "Done.", "content": content },
        "400": { "$ref": "#/components/responses/Refused" },
        "401": { "$ref": "#/components/responses/NoLogin" },
        "403": { "$ref": "#/components/responses/Forbidden" },
        "404": { "$ref": "#/components/responses/NotThere" },
        "501": { "$ref": "#/components/responses/NotHere" },
    })
}

fn refusals() -> Value {
    let refusal = |text: &str| {
        json!({
            "description": text,
            "content": { "application/json": { "schema": { "type": "string" } } },
        })
    };
    json!({
        "Refused": refusal("A parameter is wrong, or what is asked for cannot be done. The body is the reason as plain text."),
        "NoLogin": refusal("There is no login, or it is not valid."),
        "Forbidden": refusal("The caller lacks a privilege."),
        "NotThere": refusal("There is no such path or thing."),
        "NotHere": refusal("This build or this installation does not do that; the body says what is missing."),
    })
}

fn security(route: &Route) -> Value {
    match (&route.needs, &route.verb) {
        (Needs::World, _) => json!([]),
        (_, &Method::GET) => json!([{ "token": [] }, { "ticket": [] }]),
        _ => json!([{ "token": [] }, { "ticket": [], "csrf": [] }]),
    }
}

fn security_schemes() -> Value {
    json!({
        "token": {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "An API token: `PBSAPIToken=user@realm!name:secret`.",
        },
        "ticket": {
            "type": "apiKey",
            "in": "cookie",
            "name": api::defaults::COOKIE,
            "description": "The ticket of POST /access/ticket, percent-encoded.",
        },
        "csrf": {
            "type": "apiKey",
            "in": "header",
            "name": "CSRFPreventionToken",
            "description": "Goes with a ticket wherever something is changed.",
        },
    })
}

#[cfg(test)]
mod tests;
