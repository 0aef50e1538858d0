//! The declared parameters of a row against the specification's: names, optionality, types, and what they accept and refuse.

use api::schema::{Format, Kind, Param};
use serde_json::Value;

use super::spec::{Row, Shape};
use super::texts;

/// What differs: the parameter, and how.
pub fn differences(row: &Row, ours: &[&Param]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (name, shape) in &row.params {
        match ours.iter().find(|param| param.name == name) {
            None => found.push((name.clone(), "is not there".to_owned())),
            Some(param) => found.extend(
                param_differences(shape, param, row.in_path(name))
                    .into_iter()
                    .map(|text| (name.clone(), text)),
            ),
        }
    }
    for param in ours {
        // Some rows of the dump leave out what stands in their path.
        if !row.params.contains_key(param.name) && !row.in_path(param.name) {
            found.push((param.name.to_owned(), "is ours alone".to_owned()));
        }
    }
    found
}

fn param_differences(shape: &Shape, param: &Param, in_path: bool) -> Vec<String> {
    let mut found = kind_differences(shape, &param.kind);
    // What stands in the path is there; the dump calls some of it optional.
    if shape.is_optional() != param.optional && !in_path {
        let word = |optional| if optional { "optional" } else { "mandatory" };
        found.push(format!(
            "is {}, not {}",
            word(param.optional),
            word(shape.is_optional())
        ));
    }
    if let (Some(theirs), Some(ours)) = (&shape.default, param.default) {
        let theirs = match theirs {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        if theirs != ours {
            found.push(format!("has default {ours}, not {theirs}"));
        }
    }
    found
}

/// The name of a type in the dump.
pub fn class(kind: &Kind) -> &'static str {
    match kind {
        Kind::Boolean => "boolean",
        Kind::Integer { .. } => "integer",
        Kind::Number { .. } => "number",
        Kind::Text { .. } | Kind::Enum(_) => "string",
        Kind::Array(_) => "array",
    }
}

fn kind_differences(shape: &Shape, kind: &Kind) -> Vec<String> {
    if class(kind) != shape.kind {
        return vec![format!("is {}, not {}", class(kind), shape.kind)];
    }
    if let (Kind::Array(item), Some(items)) = (kind, &shape.items)
        && class(item) != items.kind
    {
        return vec![format!("has {} elements, not {}", class(item), items.kind)];
    }
    let mut found = format_differences(shape, kind);
    for text in texts::borders(shape) {
        match (texts::takes(shape, &text), kind.parse(&text)) {
            (Some(true), Err(error)) if !is_code(kind) => {
                found.push(format!("refuses {text:?}: {error}"));
            }
            (Some(false), Ok(_)) => found.push(format!("accepts {text:?}")),
            _ => {}
        }
    }
    found
}

/// A grammar in code, of which the dump shows at most the length.
fn is_code(kind: &Kind) -> bool {
    match kind {
        Kind::Text { format, .. } => !matches!(format, Format::Any | Format::Pattern(_)),
        Kind::Array(item) => is_code(item),
        _ => false,
    }
}

fn format_differences(shape: &Shape, kind: &Kind) -> Vec<String> {
    let (Some(theirs), Kind::Text { format, .. }) = (&shape.format, kind) else {
        return Vec::new();
    };
    match (format, theirs.items.as_deref()) {
        (Format::Property(schema), None) => {
            let mut found = Vec::new();
            if schema.default_key != theirs.default_key.as_deref() {
                found.push(format!("has default key {:?}", schema.default_key));
            }
            let field = |name: &str| schema.params.iter().find(|param| param.name == name);
            for (name, shape) in &theirs.properties {
                match field(name) {
                    None => found.push(format!("has no field {name}")),
                    Some(param) => found.extend(
                        param_differences(shape, param, false)
                            .into_iter()
                            .map(|text| format!("field {name} {text}")),
                    ),
                }
            }
            let alone = schema
                .params
                .iter()
                .filter(|param| !theirs.properties.contains_key(param.name));
            found.extend(alone.map(|param| format!("has a field {}", param.name)));
            found
        }
        (Format::List(item), Some(items)) => kind_differences(items, item),
        // A parser that looks closer than lists and fields can say.
        (Format::Check(_), _) => Vec::new(),
        (Format::Property(_), Some(_)) => vec!["is fields, not a list".to_owned()],
        (Format::List(_), None) => vec!["is a list, not fields".to_owned()],
        (Format::Any | Format::Pattern(_), _) => {
            vec!["is one text, not fields or a list".to_owned()]
        }
    }
}
