//! The rows in which an object is printed: its name, what it must have, then all else, by name. What an object has is told by the route that makes
//! one, else by what the answer is said to be; whatever else is there follows.

use api::schema::{Kind, Members, Param, Returns, Schema};
use console::table::{Column, Kind as Shown};
use http::Method;
use serde_json::Value;
use server::route::Route;

/// A member: does it come first, its key, its kind.
struct Known {
    key: &'static str,
    kind: Shown,
    optional: bool,
}

/// The columns for what `route` gave; `first` are the keys that stand on top.
pub fn of_object<'a>(
    route: &'static Route,
    first: &[&'static str],
    data: &'a Value,
) -> Vec<Column<'a>> {
    let mut known = described(route);
    known.sort_by_key(|member| (member.optional, member.key));
    let mut columns: Vec<Column<'a>> = Vec::new();
    let mut seen: Vec<&str> = Vec::new();
    for key in first {
        let member = known.iter().find(|member| member.key == *key);
        let kind = member.map_or_else(|| kind_of(&data[*key]), |member| member.kind);
        columns.push(Column::new(key, kind));
        seen.push(key);
    }
    for member in &known {
        if !seen.contains(&member.key) {
            let column = Column::new(member.key, member.kind);
            columns.push(if member.optional {
                column.optional()
            } else {
                column
            });
            seen.push(member.key);
        }
    }
    let members = data.as_object().into_iter().flatten();
    let rest = members.filter(|(key, _)| !seen.contains(&key.as_str()));
    columns.extend(rest.map(|(key, value)| Column::new(key, kind_of(value)).optional()));
    columns
}

fn described(route: &Route) -> Vec<Known> {
    let parent =
        route.path.rsplit_once('/').map_or(
            "",
            |(parent, last)| {
                if last.starts_with('{') { parent } else { "" }
            },
        );
    if let Returns::Object(Members { params, fields }) = route.returns {
        let params = params.iter().copied().flatten().map(known);
        let fields = fields.iter().map(|field| Known {
            key: field.name,
            kind: match field.returns {
                Returns::Value(kind) => shown(kind),
                _ => Shown::Text,
            },
            optional: field.optional,
        });
        return params.chain(fields).collect();
    }
    let maker = server::local::route(&Method::POST, parent)
        .or_else(|| server::local::route(&Method::PUT, route.path));
    // What is only asked for when it is made is not shown, since the answer has no such member.
    maker.map_or_else(Vec::new, |maker| of_schema(maker.params))
}

fn of_schema(schema: Schema) -> Vec<Known> {
    let is_setting = |param: &&Param| !matches!(param.name, "digest" | "delete" | "node");
    schema.params().filter(is_setting).map(known).collect()
}

fn known(param: &Param) -> Known {
    Known {
        key: param.name,
        kind: shown(param.kind),
        optional: param.optional,
    }
}

fn shown(kind: Kind) -> Shown {
    match kind {
        Kind::Boolean => Shown::Boolean,
        Kind::Integer { .. } | Kind::Number { .. } => Shown::Number,
        _ => Shown::Text,
    }
}

fn kind_of(value: &Value) -> Shown {
    match value {
        Value::Bool(_) => Shown::Boolean,
        Value::Number(_) => Shown::Number,
        _ => Shown::Text,
    }
}
