//! The declared answer of a row against the specification's, and real answers against what is declared.

use api::schema::{Kind, Members, Returns};
use serde_json::Value;

use super::params::class;
use super::spec::Shape;
use super::texts::UPID;

/// What differs: the member (empty for the whole), and how.
pub fn differences(shape: &Shape, ours: &Returns) -> Vec<(String, String)> {
    compare("", shape, ours)
}

fn compare(at: &str, shape: &Shape, ours: &Returns) -> Vec<(String, String)> {
    let whole = |text: String| vec![(at.to_owned(), text)];
    match (shape.kind.as_str(), ours) {
        // An open object says nothing.
        ("object", Returns::Map(_) | Returns::Any | Returns::Object(_))
            if shape.additional_properties =>
        {
            Vec::new()
        }
        ("object", Returns::Object(members)) => compare_members(at, shape, members),
        ("array", Returns::List(item)) => {
            let items = shape.items.as_deref().expect("an array has items");
            compare(at, items, item)
        }
        ("array", Returns::Value(Kind::Array(item))) => {
            let items = shape.items.as_deref().expect("an array has items");
            compare(at, items, &Returns::Value(**item))
        }
        (_, Returns::Value(kind)) if class(kind) == shape.kind => compare_words(at, shape, kind),
        (_, Returns::Nullable(inner)) => compare(at, shape, inner),
        (_, Returns::AnyOf(several)) => {
            let all: Vec<_> = several.iter().map(|one| compare(at, shape, one)).collect();
            all.into_iter().min_by_key(Vec::len).unwrap_or_default()
        }
        ("null", Returns::Null) => Vec::new(),
        // Nor does the dump tell of all tasks.
        ("null", Returns::Value(kind)) if is_task(kind) => Vec::new(),
        (theirs, ours) => whole(format!("is {}, not {theirs}", word(ours))),
    }
}

fn is_task(kind: &Kind) -> bool {
    kind.parse(UPID).is_ok() && kind.parse("anything").is_err()
}

fn compare_words(at: &str, shape: &Shape, kind: &Kind) -> Vec<(String, String)> {
    match (&shape.words, kind) {
        (Some(theirs), Kind::Enum(ours)) => ours
            .iter()
            .filter(|word| !theirs.iter().any(|theirs| theirs == *word))
            .map(|word| (at.to_owned(), format!("may be {word:?}")))
            .collect(),
        _ => Vec::new(),
    }
}

fn compare_members(at: &str, shape: &Shape, ours: &Members) -> Vec<(String, String)> {
    let path = |name: &str| {
        if at.is_empty() {
            name.to_owned()
        } else {
            format!("{at}.{name}")
        }
    };
    let mut found = Vec::new();
    let known = members(ours);
    for (name, shape) in &shape.properties {
        let Some((_, returns, optional)) = known.iter().find(|(n, ..)| n == name) else {
            found.push((path(name), "is not there".to_owned()));
            continue;
        };
        if *optional && !shape.is_optional() {
            found.push((path(name), "is optional, not always there".to_owned()));
        }
        found.extend(compare(&path(name), shape, returns));
    }
    for (name, ..) in known {
        if !shape.properties.contains_key(name) {
            found.push((path(name), "is ours alone".to_owned()));
        }
    }
    found
}

fn members(members: &Members) -> Vec<(&'static str, Returns, bool)> {
    let params = members.params.iter().flat_map(|group| group.iter());
    let params = params.map(|param| (param.name, Returns::Value(param.kind), param.optional));
    let fields = members.fields.iter();
    params
        .chain(fields.map(|field| (field.name, field.returns, field.optional)))
        .collect()
}

fn word(returns: &Returns) -> &'static str {
    match returns {
        Returns::Null => "null",
        Returns::Value(kind) => class(kind),
        Returns::Object(_) => "object",
        Returns::List(_) => "array",
        Returns::Map(_) => "map",
        Returns::Nullable(_) => "nullable",
        Returns::AnyOf(_) => "any of several",
        Returns::Any => "anything",
        Returns::Bytes(_) => "bytes",
        Returns::Upgrade => "upgrade",
    }
}

/// What in a real answer is not as declared.
pub fn misfits(at: &str, ours: &Returns, value: &Value) -> Vec<String> {
    let wrong = |text: String| vec![format!("{at}: {text}")];
    match (ours, value) {
        (Returns::Any, _) | (Returns::Null, Value::Null) | (Returns::Nullable(_), Value::Null) => {
            Vec::new()
        }
        (Returns::Nullable(inner), _) => misfits(at, inner, value),
        (Returns::Value(kind), _) => match kind.check(value) {
            Ok(()) => Vec::new(),
            Err(error) => wrong(format!("{value}: {error}")),
        },
        (Returns::List(item), Value::Array(items)) => items
            .iter()
            .enumerate()
            .flat_map(|(n, element)| misfits(&format!("{at}[{n}]"), item, element))
            .collect(),
        (Returns::Map(item), Value::Object(items)) => items
            .iter()
            .flat_map(|(name, element)| misfits(&format!("{at}.{name}"), item, element))
            .collect(),
        (Returns::AnyOf(several), _) => {
            let all = several.iter().map(|one| misfits(at, one, value));
            all.min_by_key(Vec::len).unwrap_or_default()
        }
        (Returns::Object(declared), Value::Object(given)) => {
            let known = members(declared);
            let mut found = Vec::new();
            for (name, returns, optional) in &known {
                match given.get(*name) {
                    Some(value) => found.extend(misfits(&format!("{at}.{name}"), returns, value)),
                    None if *optional => {}
                    None => found.push(format!("{at}.{name}: is missing")),
                }
            }
            let alone = given
                .keys()
                .filter(|name| !known.iter().any(|(known, ..)| known == name));
            found.extend(alone.map(|name| format!("{at}.{name}: is not declared")));
            found
        }
        (ours, _) => wrong(format!("{value} is not {}", word(ours))),
    }
}
