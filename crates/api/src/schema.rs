//! What parameters a request, a command or a section of a file may have: schemas as data, values checked against them.
//!
//! A value arrives as text (form, query, command line, file) or as JSON and leaves as JSON of the right type, so that one
//! `serde` struct reads all of them. The texts of the errors are those of protocol.md 1.5, to the letter: scripts match them.

mod error;
mod returns;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

pub use error::{ParamError, ParamErrors, ValueError};
pub use returns::{Field, Members, Returns};

use crate::property;

/// The type of one value. Everything in it can stand in a constant.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// `1 on yes true` / `0 off no false`.
    Boolean,
    /// A decimal number within the bounds.
    Integer {
        /// Smallest value.
        min: i64,
        /// Largest value.
        max: i64,
    },
    /// A decimal fraction within the bounds.
    Number {
        /// Smallest value.
        min: f64,
        /// Largest value.
        max: f64,
    },
    /// A text of `min` to `max` characters.
    Text {
        /// Fewest characters.
        min: usize,
        /// Most characters.
        max: usize,
        /// What else must hold.
        format: Format,
    },
    /// One of these words.
    Enum(&'static [&'static str]),
    /// A repeated key, a JSON array.
    Array(&'static Kind),
}

/// What a text must look like.
#[derive(Clone, Copy, Debug)]
pub enum Format {
    /// Anything.
    Any,
    /// A regular expression, as a function.
    Pattern(fn(&str) -> bool),
    /// A grammar with its own message.
    Check(fn(&str) -> Result<(), String>),
    /// Several fields in one string.
    Property(&'static PropertySchema),
    /// Elements joined by `,`, `;` or white space.
    List(&'static Kind),
}

/// The fields of a property string.
#[derive(Clone, Copy, Debug)]
pub struct PropertySchema {
    /// The key that may be left out.
    pub default_key: Option<&'static str>,
    /// All fields.
    pub params: &'static [Param],
}

/// One named parameter.
#[derive(Clone, Copy, Debug)]
pub struct Param {
    /// Its key.
    pub name: &'static str,
    /// Its type.
    pub kind: Kind,
    /// True if it may be missing.
    pub optional: bool,
    /// The value that a missing one has, as text: for help, and for bare boolean options.
    pub default: Option<&'static str>,
    /// One line for help.
    pub about: &'static str,
}

/// The parameters of a request: groups of them, so that shared ones are written once.
#[derive(Clone, Copy, Debug)]
pub struct Schema(pub &'static [&'static [Param]]);

/// Where a value comes from; it decides how a missing one is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Form, query, path, command line.
    Text,
    /// A JSON body.
    Json,
}

impl Param {
    /// A parameter that must be given.
    pub const fn required(name: &'static str, kind: Kind) -> Param {
        Param {
            name,
            kind,
            optional: false,
            default: None,
            about: "",
        }
    }

    /// A parameter that may be missing.
    pub const fn optional(name: &'static str, kind: Kind) -> Param {
        Param {
            name,
            kind,
            optional: true,
            default: None,
            about: "",
        }
    }

    /// Names the value of a missing parameter.
    pub const fn or(self, default: &'static str) -> Param {
        Param {
            default: Some(default),
            ..self
        }
    }

    /// Adds the line for help.
    pub const fn about(self, about: &'static str) -> Param {
        Param { about, ..self }
    }
}

/// The same parameters, none of which must be given: what a creation needs, as a change takes it.
pub const fn all_optional<const N: usize>(mut params: [Param; N]) -> [Param; N] {
    let mut place = 0;
    while place < N {
        params[place].optional = true;
        place += 1;
    }
    params
}

impl Kind {
    /// An integer of at least `min`.
    pub const fn at_least(min: i64) -> Kind {
        Kind::Integer { min, max: i64::MAX }
    }

    /// Text of bounded length that matches a pattern.
    pub const fn pattern(min: usize, max: usize, pattern: fn(&str) -> bool) -> Kind {
        Kind::Text {
            min,
            max,
            format: Format::Pattern(pattern),
        }
    }

    /// Reads a value from text. Arrays take one element here; a caller with repeated keys collects them.
    pub fn parse(&self, text: &str) -> Result<Value, ValueError> {
        match self {
            Kind::Boolean => parse_bool(text).map(Value::Bool),
            Kind::Integer { min, max } => {
                check_range(text.parse::<i64>()?, *min, *max).map(Value::from)
            }
            Kind::Number { min, max } => check_number(text.parse::<f64>()?, *min, *max),
            Kind::Text { .. } | Kind::Enum(_) => {
                self.check_text(text)?;
                Ok(Value::from(text))
            }
            Kind::Array(item) => Ok(Value::Array(vec![item.parse(text)?])),
        }
    }

    /// Checks a JSON value; types are strict.
    pub fn check(&self, value: &Value) -> Result<(), ValueError> {
        match self {
            Kind::Boolean => value
                .as_bool()
                .map(|_| ())
                .ok_or(ValueError::Expected("boolean")),
            Kind::Integer { min, max } => {
                let number = value.as_i64().ok_or(ValueError::Expected("integer"))?;
                check_range(number, *min, *max).map(|_| ())
            }
            Kind::Number { min, max } => {
                let number = value.as_f64().ok_or(ValueError::Expected("number"))?;
                check_number(number, *min, *max).map(|_| ())
            }
            Kind::Text { .. } | Kind::Enum(_) => {
                self.check_text(value.as_str().ok_or(ValueError::Expected("string"))?)
            }
            Kind::Array(item) => {
                let items = value.as_array().ok_or(ValueError::Expected("array"))?;
                items.iter().try_for_each(|element| item.check(element))
            }
        }
    }

    fn check_text(&self, text: &str) -> Result<(), ValueError> {
        match self {
            Kind::Enum(words) if words.contains(&text) => Ok(()),
            Kind::Enum(_) => Err(ValueError::NotInEnumeration(text.to_owned())),
            Kind::Text { min, max, format } => {
                let chars = text.chars().count();
                if chars < *min {
                    return Err(ValueError::TooShort(*min));
                }
                if chars > *max {
                    return Err(ValueError::TooLong(*max));
                }
                format.check(text)
            }
            _ => Ok(()),
        }
    }
}

impl Format {
    fn check(&self, text: &str) -> Result<(), ValueError> {
        match self {
            Format::Any => Ok(()),
            Format::Pattern(matches) => matches(text).then_some(()).ok_or(ValueError::Pattern),
            Format::Check(check) => check(text).map_err(ValueError::Format),
            Format::Property(schema) => schema
                .parse(text)
                .map(|_| ())
                .map_err(|e| ValueError::Format(e.to_string())),
            Format::List(item) => {
                property::split_list(text).try_for_each(|element| item.parse(element).map(|_| ()))
            }
        }
    }
}

impl PropertySchema {
    /// Reads a property string into JSON members.
    pub fn parse(&self, text: &str) -> Result<Map<String, Value>, ParamErrors> {
        let elements = property::split(text).map_err(|e| ParamErrors::text(e.to_string()))?;
        let mut pairs = Vec::new();
        for (key, value) in &elements {
            let key = key.or(self.default_key);
            let key = key.ok_or_else(|| {
                ParamErrors::text(property::PropertyError::NoDefaultKey.to_string())
            })?;
            pairs.push((key, value.as_ref()));
        }
        collect(
            |name| self.params.iter().find(|param| param.name == name),
            self.params.iter(),
            pairs,
        )
    }

    /// Reads a property string into a struct.
    pub fn decode<T: DeserializeOwned>(&self, text: &str) -> Result<T, ParamErrors> {
        decode(self.parse(text)?)
    }

    /// Prints members in the order of the schema, the default key first and without its name. Members the schema does not
    /// know and `null` are left out.
    pub fn print(&self, members: &Map<String, Value>) -> String {
        let mut out = String::new();
        let is_default = |param: &&Param| self.default_key == Some(param.name);
        let first = self.params.iter().filter(|param| is_default(param));
        let others = self.params.iter().filter(|param| !is_default(param));
        for param in first.chain(others) {
            if let Some(text) = members.get(param.name).and_then(to_text) {
                property::push(
                    &mut out,
                    Some(param.name).filter(|name| self.default_key != Some(*name)),
                    &text,
                );
            }
        }
        out
    }
}

/// The text of a scalar: how forms, files and property strings write it. Nothing for `null`, lists and objects.
pub fn to_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

impl Schema {
    /// All parameters, group by group.
    pub fn params(&self) -> impl Iterator<Item = &'static Param> + use<> {
        self.0.iter().flat_map(|group| group.iter())
    }

    /// The parameter of this name.
    pub fn find(&self, name: &str) -> Option<&'static Param> {
        self.params().find(|param| param.name == name)
    }

    /// Reads keys and texts, in their order. All errors are collected.
    pub fn parse<'a>(
        &self,
        pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Map<String, Value>, ParamErrors> {
        collect(|name| self.find(name), self.params(), pairs)
    }

    /// Checks a JSON object. All errors are collected.
    pub fn check(&self, members: Map<String, Value>) -> Result<Map<String, Value>, ParamErrors> {
        let mut errors = ParamErrors::default();
        for (name, value) in &members {
            match self.find(name) {
                None => errors.push(name, ValueError::Unknown),
                Some(param) => {
                    if let Err(error) = param.kind.check(value) {
                        errors.push(name, error);
                    }
                }
            }
        }
        report_missing(self.params(), &members, Source::Json, &mut errors);
        errors.or(members)
    }

    /// [`Schema::parse`], then into a struct.
    pub fn parse_into<'a, T: DeserializeOwned>(
        &self,
        pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<T, ParamErrors> {
        decode(self.parse(pairs)?)
    }

    /// [`Schema::check`], then into a struct.
    pub fn check_into<T: DeserializeOwned>(
        &self,
        members: Map<String, Value>,
    ) -> Result<T, ParamErrors> {
        decode(self.check(members)?)
    }
}

/// Turns checked members into a struct. A type may be stricter than the schema (a namespace of depth 8 matches its pattern); then
/// its own message is the error.
pub fn decode<T: DeserializeOwned>(members: Map<String, Value>) -> Result<T, ParamErrors> {
    serde_json::from_value(Value::Object(members)).map_err(|e| ParamErrors::text(e.to_string()))
}

fn collect<'a>(
    find: impl Fn(&str) -> Option<&'static Param>,
    params: impl Iterator<Item = &'static Param>,
    pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<Map<String, Value>, ParamErrors> {
    let mut members = Map::new();
    let mut errors = ParamErrors::default();
    for (name, text) in pairs {
        let Some(param) = find(name) else {
            errors.push(name, ValueError::Unknown);
            continue;
        };
        match (param.kind.parse(text), members.get_mut(name)) {
            (Err(error), _) => {
                errors.push(name, error);
                // A wrong value is reported once, not also as missing.
                members.entry(name).or_insert(Value::Null);
            }
            (Ok(Value::Array(mut items)), Some(Value::Array(known))) => known.append(&mut items),
            (Ok(_), Some(_)) => errors.push(name, ValueError::Duplicate),
            (Ok(value), None) => {
                members.insert(name.to_owned(), value);
            }
        }
    }
    report_missing(params, &members, Source::Text, &mut errors);
    errors.or(members)
}

fn report_missing(
    params: impl Iterator<Item = &'static Param>,
    members: &Map<String, Value>,
    source: Source,
    errors: &mut ParamErrors,
) {
    for param in params.filter(|param| !param.optional && !members.contains_key(param.name)) {
        errors.push(
            param.name,
            if source == Source::Json {
                ValueError::MissingProperty
            } else {
                ValueError::Missing
            },
        );
    }
}

fn parse_bool(text: &str) -> Result<bool, ValueError> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "on" | "yes" | "true" => Ok(true),
        "0" | "off" | "no" | "false" => Ok(false),
        _ => Err(ValueError::Boolean),
    }
}

fn check_range(number: i64, min: i64, max: i64) -> Result<i64, ValueError> {
    if number < min {
        return Err(ValueError::Minimum {
            bound: min.to_string(),
            got: number.to_string(),
        });
    }
    if number > max {
        return Err(ValueError::Maximum {
            bound: max.to_string(),
            got: number.to_string(),
        });
    }
    Ok(number)
}

fn check_number(number: f64, min: f64, max: f64) -> Result<Value, ValueError> {
    if number < min {
        return Err(ValueError::Minimum {
            bound: min.to_string(),
            got: number.to_string(),
        });
    }
    if number > max {
        return Err(ValueError::Maximum {
            bound: max.to_string(),
            got: number.to_string(),
        });
    }
    serde_json::Number::from_f64(number)
        .map(Value::Number)
        .ok_or(ValueError::Expected("number"))
}
