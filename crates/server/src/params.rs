//! The parameters of a request: gathered from path, query and body by the rules of protocol.md 1.5, checked against the schema of the route,
//! and read into a struct. No handler takes a parameter by its name.

use std::fmt;

use api::schema::{ParamErrors, Schema, ValueError};
use serde::de::{DeserializeOwned, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::fault::Fault;

/// Parameter that browsers add so that nothing is cached; it is dropped.
const CACHE_BUSTER: &str = "_dc";

/// Which parts of a request hold parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The body is payload.
    QueryOnly,
    /// Form or JSON body, and the query unless the body is JSON.
    QueryAndBody,
}

/// Everything that parameters can stand in.
#[derive(Debug, Clone, Copy)]
pub struct Parts<'a> {
    /// Values of the variables in the path, decoded.
    pub path: &'a [(&'static str, String)],
    pub query: Option<&'a str>,
    pub content_type: Option<&'a str>,
    pub body: &'a [u8],
}

/// Checked parameters.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Params(Map<String, Value>);

impl Params {
    /// Checks parameters that are JSON already.
    pub fn check(schema: &Schema, members: Map<String, Value>) -> Result<Params, Fault> {
        Ok(Params(schema.check(members)?))
    }

    /// Reads them into a struct whose fields are those of the schema.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        api::schema::decode(self.0.clone()).map_err(Fault::from)
    }
}

enum Body {
    Form,
    Json,
}

/// Gathers and checks the parameters of a request.
pub fn collect(schema: &Schema, source: Source, parts: Parts<'_>) -> Result<Params, Fault> {
    match (source, body_kind(parts.content_type)) {
        (Source::QueryOnly, _) => from_text(schema, parts, &[]),
        (Source::QueryAndBody, Some(Body::Form)) => from_text(schema, parts, parts.body),
        (Source::QueryAndBody, Some(Body::Json)) => from_json(schema, parts),
        (Source::QueryAndBody, None) => Err(Fault::ContentType(
            parts.content_type.unwrap_or_default().to_owned(),
        )),
    }
}

fn body_kind(content_type: Option<&str>) -> Option<Body> {
    let Some(content_type) = content_type else {
        return Some(Body::Form);
    };
    if content_type.starts_with("application/x-www-form-urlencoded") {
        return Some(Body::Form);
    }
    (content_type.split(';').next().map(str::trim) == Some("application/json"))
        .then_some(Body::Json)
}

fn from_text(schema: &Schema, parts: Parts<'_>, form: &[u8]) -> Result<Params, Fault> {
    let form = api::form::decode(form)?;
    let query = api::form::decode(parts.query.unwrap_or_default().as_bytes())?;
    let path = parts
        .path
        .iter()
        .map(|(name, value)| (*name, value.as_str()));
    let rest = form
        .iter()
        .chain(&query)
        .map(|(name, value)| (name.as_str(), value.as_str()));
    Ok(Params(schema.parse(
        path.chain(rest).filter(|(name, _)| *name != CACHE_BUSTER),
    )?))
}

/// A JSON body. Which of two values for one name would count is nobody's guess, so it is told that there are two.
enum Json {
    Members(Map<String, Value>),
    Twice(String),
    Other,
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Json, D::Error> {
        deserializer.deserialize_any(JsonVisitor)
    }
}

struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
        let (mut members, mut twice) = (Map::new(), None);
        while let Some((name, value)) = map.next_entry::<String, Value>()? {
            if members.contains_key(&name) {
                twice.get_or_insert(name);
            } else {
                members.insert(name, value);
            }
        }
        Ok(twice.map_or(Json::Members(members), Json::Twice))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Json::Other)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Json, E> {
        Ok(Json::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Json, E> {
        Ok(Json::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Json, E> {
        Ok(Json::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Json, E> {
        Ok(Json::Other)
    }

    fn visit_str<E>(self, _: &str) -> Result<Json, E> {
        Ok(Json::Other)
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Other)
    }
}

fn from_json(schema: &Schema, parts: Parts<'_>) -> Result<Params, Fault> {
    let mut members = match parts.body {
        [] => Map::new(),
        body => match serde_json::from_slice(body)? {
            Json::Members(members) => members,
            Json::Twice(name) => {
                return Err(ParamErrors::one(&name, ValueError::Duplicate).into());
            }
            Json::Other => return Err(Fault::JsonNotObject),
        },
    };
    members.remove(CACHE_BUSTER);
    for (name, value) in parts.path {
        if members
            .insert((*name).to_owned(), Value::from(value.as_str()))
            .is_some()
        {
            return Err(ParamErrors::one(name, ValueError::Duplicate).into());
        }
    }
    Ok(Params(schema.check(members)?))
}

#[cfg(test)]
mod tests {
    use api::kinds;
    use api::schema::{Kind, Param};

    use super::*;

    const SCHEMA: Schema = Schema(&[
        kinds::IN_NAMESPACE,
        &[
            Param::optional("verbose", Kind::Boolean),
            Param::optional("limit", Kind::at_least(0)),
            Param::optional("list", Kind::Array(&kinds::TEXT)),
            Param::optional("notes", kinds::NOTES),
        ],
    ]);

    fn given(query: &str, content_type: Option<&str>, body: &str) -> Result<Value, String> {
        let path = [("store", "peer".to_owned())];
        let parts = Parts {
            path: &path,
            query: Some(query),
            content_type,
            body: body.as_bytes(),
        };
        collect(&SCHEMA, Source::QueryAndBody, parts)
            .map(|p| Value::Object(p.0))
            .map_err(|e| e.to_string())
    }

    #[test]
    fn parameters_come_from_where_they_may() {
        let form = Some("application/x-www-form-urlencoded");
        let json = Some("application/json; charset=UTF-8");
        for (query, content_type, body, expected) in [
            ("", None, "", r#"{"store":"peer"}"#),
            (
                "verbose=On&_dc=17",
                None,
                "",
                r#"{"store":"peer","verbose":true}"#,
            ),
            (
                "ns=",
                form,
                "limit=7",
                r#"{"store":"peer","ns":"","limit":7}"#,
            ),
            (
                "list=a&list=b",
                None,
                "",
                r#"{"store":"peer","list":["a","b"]}"#,
            ),
            (
                "notes=a+b%0Ac",
                None,
                "",
                r#"{"store":"peer","notes":"a b\nc"}"#,
            ),
            ("limit=9", json, "", r#"{"store":"peer"}"#),
            (
                "limit=nope",
                json,
                r#"{"limit":3}"#,
                r#"{"store":"peer","limit":3}"#,
            ),
        ] {
            let expected: Value = serde_json::from_str(expected).expect("json");
            assert_eq!(
                given(query, content_type, body),
                Ok(expected),
                "{query} {body}"
            );
        }
        for (query, content_type, body, expected) in [
            (
                "nope=1",
                None,
                "",
                "parameter verification failed - 'nope': schema does not allow additional properties.",
            ),
            (
                "",
                json,
                r#"{"limit":1,"verbose":true,"limit":1}"#,
                "parameter verification failed - 'limit': duplicate parameter.",
            ),
            ("", json, "7", "request body is not a JSON object"),
            ("", json, r#"["a",{}]"#, "request body is not a JSON object"),
            ("", json, "null", "request body is not a JSON object"),
            (
                "limit=1",
                form,
                "limit=2",
                "parameter verification failed - 'limit': duplicate parameter.",
            ),
            (
                "store=other",
                None,
                "",
                "parameter verification failed - 'store': duplicate parameter.",
            ),
            (
                "",
                json,
                r#"{"limit":"3"}"#,
                "parameter verification failed - 'limit': Expected integer value.",
            ),
            (
                "",
                json,
                r#"{"store":"other"}"#,
                "parameter verification failed - 'store': duplicate parameter.",
            ),
            ("", json, "[]", "request body is not a JSON object"),
            (
                "",
                json,
                r#"{"limit""#,
                "EOF while parsing an object at line 1 column 8",
            ),
            (
                "",
                Some("text/plain"),
                "x",
                "unsupported content type Ok(\"text/plain\")",
            ),
        ] {
            assert_eq!(
                given(query, content_type, body),
                Err(expected.to_owned()),
                "{query} {body}"
            );
        }
    }

    #[test]
    fn payload_is_no_parameter() {
        let path = [("store", "peer".to_owned())];
        let parts = Parts {
            path: &path,
            query: Some("limit=1"),
            content_type: Some("application/octet-stream"),
            body: b"limit=2",
        };
        let params = collect(&SCHEMA, Source::QueryOnly, parts).expect("collected");
        #[derive(serde::Deserialize)]
        struct Typed {
            store: format::StoreName,
            limit: u64,
        }
        let typed: Typed = params.read().expect("typed");
        assert_eq!((typed.store.to_string().as_str(), typed.limit), ("peer", 1));
    }
}
