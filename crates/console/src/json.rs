//! The `json` and `json-pretty` output formats (cli.md 1.7).
//!
//! Keys are always sorted, also where another crate of the build switches `serde_json` to
//! insertion order, since scripts compare this text.

use std::str::FromStr;

use clap::ValueEnum;
use clap::builder::PossibleValue;
use serde_json::{Map, Value};

/// What a command prints its result as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Text,
    Json,
    JsonPretty,
}

/// The word is none of `text`, `json`, `json-pretty`.
#[derive(Debug, thiserror::Error)]
#[error("undefined output format '{0}'")]
pub struct UnknownFormat(pub String);

impl ValueEnum for Format {
    fn value_variants<'a>() -> &'a [Format] {
        &[Format::Text, Format::Json, Format::JsonPretty]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(match self {
            Format::Text => "text",
            Format::Json => "json",
            Format::JsonPretty => "json-pretty",
        }))
    }
}

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(word: &str) -> Result<Format, UnknownFormat> {
        match word {
            "text" => Ok(Format::Text),
            "json" => Ok(Format::Json),
            "json-pretty" => Ok(Format::JsonPretty),
            _ => Err(UnknownFormat(word.into())),
        }
    }
}

/// One line without blanks, no line end.
///
/// ```
/// let value = serde_json::json!({"b": 1, "a": [null, true]});
/// assert_eq!(console::json::line(&value), r#"{"a":[null,true],"b":1}"#);
/// ```
pub fn line(value: &Value) -> String {
    sorted(value).to_string()
}

/// Indented by two blanks, no line end.
pub fn pretty(value: &Value) -> String {
    format!("{:#}", sorted(value))
}

/// The text of `value` in a JSON format, with its line end; `None` for [`Format::Text`], which
/// is the caller's own.
pub fn render(value: &Value, format: Format) -> Option<String> {
    match format {
        Format::Text => None,
        Format::Json => Some(line(value) + "\n"),
        Format::JsonPretty => Some(pretty(value) + "\n"),
    }
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(sorted).collect(),
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by_key(|(key, _)| key.as_str());
            entries
                .into_iter()
                .map(|(key, item)| (key.clone(), sorted(item)))
                .collect::<Map<_, _>>()
                .into()
        }
        other => other.clone(),
    }
}
