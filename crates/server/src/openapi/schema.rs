//! JSON schemas of parameters and answers.

use api::pattern;
use api::schema::{Field, Format, Kind, Members, Param, PropertySchema, Returns};
use serde_json::{Map, Value, json};

/// The schema of a parameter's value, with its default.
pub fn of_param(param: &Param) -> Value {
    let mut schema = of_kind(&param.kind);
    if let Some(default) = param.default.and_then(|text| param.kind.parse(text).ok()) {
        schema["default"] = default;
    }
    schema
}

/// The same with what it is for.
pub fn of_described_param(param: &Param) -> Value {
    let mut schema = of_param(param);
    if !param.about.is_empty() {
        schema["description"] = param.about.into();
    }
    schema
}

fn of_kind(kind: &Kind) -> Value {
    match kind {
        Kind::Boolean => json!({ "type": "boolean" }),
        Kind::Integer { min, max } => {
            let mut schema = json!({ "type": "integer" });
            if *min > i64::MIN {
                schema["minimum"] = (*min).into();
            }
            if *max < i64::MAX {
                schema["maximum"] = (*max).into();
            }
            schema
        }
        Kind::Number { min, max } => {
            let mut schema = json!({ "type": "number" });
            if *min > f64::MIN {
                schema["minimum"] = (*min).into();
            }
            if *max < f64::MAX {
                schema["maximum"] = (*max).into();
            }
            schema
        }
        Kind::Text { min, max, format } => of_text(*min, *max, format),
        Kind::Enum(words) => json!({ "type": "string", "enum": words }),
        Kind::Array(item) => json!({ "type": "array", "items": of_kind(item) }),
    }
}

fn of_text(min: usize, max: usize, format: &Format) -> Value {
    let mut schema = json!({ "type": "string" });
    if min > 0 {
        schema["minLength"] = min.into();
    }
    if max < usize::MAX {
        schema["maxLength"] = max.into();
    }
    match format {
        Format::Any | Format::Check(_) => {}
        Format::Pattern(matches) => {
            if let Some(text) = pattern_of(*matches) {
                schema["pattern"] = text.into();
            }
        }
        Format::Property(fields) => schema["description"] = about_fields(fields).into(),
        Format::List(_) => schema["description"] = "Elements joined by commas.".into(),
    }
    schema
}

fn about_fields(fields: &PropertySchema) -> String {
    let names: Vec<String> = fields
        .params
        .iter()
        .map(|field| match fields.default_key {
            Some(key) if key == field.name => format!("[{key}=]VALUE"),
            _ => format!("{}=VALUE", field.name),
        })
        .collect();
    format!("Fields joined by commas: {}.", names.join(", "))
}

type Matches = fn(&str) -> bool;

/// The patterns in words that programs understand. A pattern that is not here is only known to the server.
const PATTERNS: &[(Matches, &str)] = &[
    (pattern::safe_id, r"^[A-Za-z0-9_][A-Za-z0-9._\-]*$"),
    (pattern::user_name, r"^[^\s:/\x00-\x1f\x7f]+$"),
    (
        pattern::userid,
        r"^[^\s:/\x00-\x1f\x7f]+@[A-Za-z0-9_][A-Za-z0-9._\-]*$",
    ),
    (
        pattern::auth_id,
        r"^[^\s:/\x00-\x1f\x7f]+@[A-Za-z0-9_][A-Za-z0-9._\-]*(![A-Za-z0-9_][A-Za-z0-9._\-]*)?$",
    ),
    (
        pattern::namespace,
        r"^(([A-Za-z0-9_][A-Za-z0-9._\-]*/){0,7}[A-Za-z0-9_][A-Za-z0-9._\-]*)?$",
    ),
    (pattern::acl_path, r"^(/|(/[A-Za-z0-9_][A-Za-z0-9._\-]*)+)$"),
    (pattern::sha256, r"^[a-f0-9]{64}$"),
    (
        pattern::fingerprint,
        r"^[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){31}$",
    ),
    (
        pattern::uuid,
        r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$",
    ),
    (pattern::single_line, r"^[^\x00-\x1f\x7f-\x9f]*$"),
    (
        pattern::hostname,
        r"^[a-zA-Z0-9]([a-zA-Z0-9\-]*[a-zA-Z0-9])?$",
    ),
];

/// Functions are told apart by their addresses. The compiler may give one function two addresses, and then its pattern is not found; or two
/// functions of the same code one address, and then their patterns are the same.
fn pattern_of(matches: Matches) -> Option<&'static str> {
    PATTERNS
        .iter()
        .find(|(known, _)| std::ptr::fn_addr_eq(*known, matches))
        .map(|(_, text)| *text)
}

/// The schema of an answer.
pub fn of_returns(returns: &Returns) -> Value {
    match returns {
        Returns::Null => json!({ "type": "null" }),
        Returns::Value(kind) => of_kind(kind),
        Returns::Object(members) => of_members(members),
        Returns::List(item) => json!({ "type": "array", "items": of_returns(item) }),
        Returns::Map(item) => json!({ "type": "object", "additionalProperties": of_returns(item) }),
        Returns::Nullable(inner) => {
            json!({ "anyOf": [of_returns(inner), { "type": "null" }] })
        }
        Returns::AnyOf(several) => {
            let all: Vec<Value> = several.iter().map(of_returns).collect();
            json!({ "anyOf": all })
        }
        Returns::Any | Returns::Bytes(_) | Returns::Upgrade => json!({}),
    }
}

fn of_members(members: &Members) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    let mut add = |name: &'static str, schema: Value, optional: bool| {
        properties.insert(name.to_owned(), schema);
        if !optional {
            required.push(name);
        }
    };
    for param in members.params.iter().flat_map(|group| group.iter()) {
        add(param.name, of_described_param(param), param.optional);
    }
    for Field {
        name,
        returns,
        optional,
    } in members.fields
    {
        add(name, of_returns(returns), *optional);
    }
    json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_become_schemas() {
        for (kind, expected) in [
            (Kind::Boolean, json!({ "type": "boolean" })),
            (
                Kind::at_least(1),
                json!({ "type": "integer", "minimum": 1 }),
            ),
            (
                Kind::Integer { min: 0, max: 7 },
                json!({ "type": "integer", "minimum": 0, "maximum": 7 }),
            ),
            (
                Kind::Enum(&["vm", "ct"]),
                json!({ "type": "string", "enum": ["vm", "ct"] }),
            ),
            (
                Kind::Array(&Kind::Boolean),
                json!({ "type": "array", "items": { "type": "boolean" } }),
            ),
            (api::kinds::TEXT, json!({ "type": "string" })),
            (
                api::kinds::BYTE_SIZE,
                json!({ "type": "string", "minLength": 1, "maxLength": 64 }),
            ),
        ] {
            assert_eq!(of_kind(&kind), expected, "{kind:?}");
        }
    }

    /// What the document says of a text is what the server does with it.
    #[test]
    fn patterns_say_what_the_functions_do() {
        for (matches, text) in PATTERNS {
            let regex = regex_automata::meta::Regex::new(text).expect(text);
            for sample in [
                "",
                "a",
                "abc",
                "-a",
                ".a",
                "a b",
                "a/b",
                "a/b/c/d/e/f/g/h",
                "a/b/c/d/e/f/g/h/i",
                "/",
                "/a",
                "/a/b",
                "//a",
                "a@b",
                "a@b!c",
                "a@b!",
                "a:b@c",
                "host",
                "host-",
                "a\tb",
                "a\u{7f}",
                "a\u{85}",
                "\u{e4}",
                "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
                "123e4567-e89b-12d3-a456-426614174000",
            ] {
                assert_eq!(regex.is_match(sample), matches(sample), "{text} {sample:?}");
            }
        }
    }

    #[test]
    fn answers_become_schemas() {
        const RETURNS: Returns = Returns::List(&Returns::item(
            &[&[Param::optional("ns", Kind::Boolean)]],
            &[Field::new("store", Returns::Nullable(&Returns::INTEGER))],
        ));
        let store = json!({ "anyOf": [{ "type": "integer" }, { "type": "null" }] });
        let item = json!({
            "type": "object",
            "properties": { "ns": { "type": "boolean" }, "store": store },
            "required": ["store"],
            "additionalProperties": false,
        });
        assert_eq!(
            of_returns(&RETURNS),
            json!({ "type": "array", "items": item })
        );
    }
}
