//! Parameters of a request, printed in the order of their names and percent-encoded like the original's client does.

use std::fmt::Write as _;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde_json::{Map, Value};

/// Everything but letters, digits, `-`, `.`, `_` and `~`.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Named parameters; a value is whatever JSON calls one.
///
/// ```
/// let query = remote::Query::new().set("wid", 1).set("archive-name", "a b.didx").opt("ns", None::<&str>);
/// assert_eq!(query.to_string(), "archive-name=a%20b.didx&wid=1");
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Query(Map<String, Value>);

impl Query {
    pub fn new() -> Query {
        Query::default()
    }

    /// The members of a request type of `api`, without those that are null. What is no struct has none.
    pub fn of(request: &impl Serialize) -> Query {
        match serde_json::to_value(request) {
            Ok(Value::Object(mut members)) => {
                members.retain(|_, value| !value.is_null());
                Query(members)
            }
            _ => Query::default(),
        }
    }

    /// Adds a parameter.
    pub fn set(mut self, name: &str, value: impl Into<Value>) -> Query {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    /// Adds a parameter if there is a value.
    pub fn opt(self, name: &str, value: Option<impl Into<Value>>) -> Query {
        match value {
            Some(value) => self.set(name, value),
            None => self,
        }
    }

    /// Adds a parameter as its text.
    pub fn text(self, name: &str, value: impl ToString) -> Query {
        self.set(name, value.to_string())
    }

    /// Adds all parameters of another query.
    pub fn merge(mut self, other: Query) -> Query {
        self.0.extend(other.0);
        self
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As the JSON object of a body.
    pub fn to_json(&self) -> Value {
        Value::Object(self.0.clone())
    }

    /// `path?query`, or the path alone if there is no parameter.
    pub(crate) fn target(&self, path: &str) -> String {
        if self.is_empty() {
            path.to_owned()
        } else {
            format!("{path}?{self}")
        }
    }
}

impl std::fmt::Display for Query {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut parts = Vec::new();
        for (name, value) in &self.0 {
            match value {
                Value::Array(items) => items.iter().for_each(|item| parts.push((name, item))),
                single => parts.push((name, single)),
            }
        }
        for (i, (name, value)) in parts.into_iter().enumerate() {
            if i > 0 {
                f.write_char('&')?;
            }
            let plain = match value {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            write!(f, "{}={}", escape(name), escape(&plain))?;
        }
        Ok(())
    }
}

/// Percent-encodes one component of a path or one value.
pub fn escape(text: &str) -> impl std::fmt::Display + '_ {
    utf8_percent_encode(text, ESCAPED)
}

#[cfg(test)]
mod tests {
    use super::Query;

    #[test]
    fn printed_in_order_and_escaped() {
        let rows = [
            (Query::new(), "/x", "/x"),
            (
                Query::new().set("b", true).set("a", 7),
                "/x",
                "/x?a=7&b=true",
            ),
            (
                Query::new().text("ns", "a/b").set("notes", "x y+z&ü"),
                "/n",
                "/n?notes=x%20y%2Bz%26%C3%BC&ns=a%2Fb",
            ),
            (
                Query::new().set("keep", vec!["1", "2"]),
                "/p",
                "/p?keep=1&keep=2",
            ),
        ];
        for (query, path, expected) in rows {
            assert_eq!(query.target(path), expected);
        }
    }
}
