//! The section syntax of most files: `type: id`, then indented `key value` lines (server.md 1.1).
//!
//! There are no comments and no quoting, and one wrong line refuses the whole file: a typing mistake must not silently drop a
//! datastore. Order and duplicates survive reading and writing.

use std::collections::{BTreeMap, BTreeSet};

use api::schema::{Kind, Schema, to_text};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::error::ConfigError;

/// One type of section.
#[derive(Clone, Copy, Debug)]
pub struct SectionType {
    /// The word before the colon.
    pub name: &'static str,
    /// The member that holds the id in JSON.
    pub id_name: &'static str,
    /// What an id must be.
    pub id: Kind,
    /// The other properties.
    pub schema: Schema,
}

/// All types of a file.
#[derive(Clone, Copy, Debug)]
pub struct Syntax {
    /// Name of the file, for errors.
    pub file: &'static str,
    /// Its section types.
    pub types: &'static [SectionType],
}

/// One section: its properties are JSON of the types that its schema names.
#[derive(Clone, Debug, PartialEq)]
pub struct Section {
    /// Name of its type.
    pub kind: &'static str,
    /// All properties but the id.
    pub properties: Map<String, Value>,
}

/// The sections of a file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sections {
    /// Ids in the order of the file; an id that stands twice is written twice.
    order: Vec<String>,
    sections: BTreeMap<String, Section>,
}

impl Sections {
    /// The section of this id.
    pub fn get(&self, id: &str) -> Option<&Section> {
        self.sections.get(id)
    }

    /// True if the id is in use, by any type.
    pub fn contains(&self, id: &str) -> bool {
        self.sections.contains_key(id)
    }

    /// Sets a section; a new one comes last.
    pub fn set(&mut self, id: &str, section: Section) {
        if self.sections.insert(id.to_owned(), section).is_none() {
            self.order.push(id.to_owned());
        }
    }

    /// Removes a section.
    pub fn remove(&mut self, id: &str) -> Option<Section> {
        self.order.retain(|known| known != id);
        self.sections.remove(id)
    }

    /// Sections in the order of the file, each once.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Section)> {
        let mut seen = BTreeSet::new();
        self.order
            .iter()
            .filter(move |id| seen.insert(*id))
            .map(|id| (id.as_str(), &self.sections[id]))
    }

    /// Sections of one type.
    pub fn of_kind(&self, kind: &str) -> impl Iterator<Item = (&str, &Section)> {
        self.iter().filter(move |(_, section)| section.kind == kind)
    }
}

impl Syntax {
    /// Reads a file.
    pub fn parse(&self, text: &str) -> Result<Sections, ConfigError> {
        let mut sections = Sections::default();
        let mut open: Option<OpenSection> = None;
        for (place, line) in text.lines().enumerate() {
            let number = place + 1;
            let line = Line {
                syntax: self,
                text: line,
                number,
            };
            match &mut open {
                None if line.is_blank() => {}
                None => open = Some(line.header()?),
                Some(_) if line.is_blank() => line.close(open.take(), &mut sections)?,
                Some(section) => line.property(section)?,
            }
        }
        Line {
            syntax: self,
            text: "",
            number: text.lines().count(),
        }
        .close(open, &mut sections)?;
        Ok(sections)
    }

    /// Writes a file; it reads back to the same sections.
    pub fn print(&self, sections: &Sections) -> Result<String, ConfigError> {
        let mut out = String::new();
        for id in &sections.order {
            let section = &sections.sections[id];
            if !out.is_empty() {
                out.push('\n');
            }
            self.print_section(id, section, &mut out)
                .map_err(|reason| ConfigError::Print {
                    file: self.file.to_owned(),
                    reason: format!("section '{id}' - {reason}"),
                })?;
        }
        Ok(out)
    }

    fn print_section(&self, id: &str, section: &Section, out: &mut String) -> Result<(), String> {
        let kind = self
            .kind(section.kind)
            .ok_or_else(|| format!("unknown section type '{}'", section.kind))?;
        kind.id.parse(id).map_err(|e| e.to_string())?;
        let mut present = section.properties.clone();
        present.retain(|_, value| !value.is_null());
        kind.schema
            .check(present.clone())
            .map_err(|e| e.to_string())?;
        check_printable(id)?;
        out.push_str(&format!("{}: {id}\n", kind.name));
        // The map is sorted by its keys' bytes.
        for (key, value) in &present {
            let single = std::slice::from_ref(value);
            for item in value.as_array().map_or(single, Vec::as_slice) {
                let text = to_text(item).ok_or_else(|| format!("property '{key}' is no scalar"))?;
                check_printable(&text)?;
                if text.trim() != text {
                    return Err(format!(
                        "property '{key}' begins or ends with white space, which would be lost"
                    ));
                }
                out.push_str(&format!("\t{key} {text}\n"));
            }
        }
        Ok(())
    }

    fn kind(&self, name: &str) -> Option<&'static SectionType> {
        self.types.iter().find(|kind| kind.name == name)
    }

    /// A section as a struct, the id being one of its members.
    pub fn typed<T: DeserializeOwned>(
        &self,
        id: &str,
        section: &Section,
    ) -> Result<T, ConfigError> {
        let mut members = section.properties.clone();
        if let Some(kind) = self.kind(section.kind) {
            members.insert(kind.id_name.to_owned(), Value::from(id));
        }
        serde_json::from_value(Value::Object(members)).map_err(|e| ConfigError::Parse {
            file: self.file.to_owned(),
            line: 0,
            reason: format!("section '{id}' - {e}"),
        })
    }

    /// A struct as id and section.
    pub fn section<T: Serialize>(
        &self,
        kind: &'static SectionType,
        value: &T,
    ) -> Result<(String, Section), ConfigError> {
        let error = |reason: String| ConfigError::Print {
            file: self.file.to_owned(),
            reason,
        };
        let value = serde_json::to_value(value).map_err(|e| error(e.to_string()))?;
        let Value::Object(mut properties) = value else {
            return Err(error("section is no object".to_owned()));
        };
        let id = properties.remove(kind.id_name).as_ref().and_then(to_text);
        let id = id.ok_or_else(|| error(format!("section has no member '{}'", kind.id_name)))?;
        Ok((
            id,
            Section {
                kind: kind.name,
                properties,
            },
        ))
    }
}

/// A section that is being read.
struct OpenSection {
    kind: &'static SectionType,
    id: String,
    properties: Map<String, Value>,
    line: usize,
}

struct Line<'a> {
    syntax: &'a Syntax,
    text: &'a str,
    number: usize,
}

impl Line<'_> {
    fn is_blank(&self) -> bool {
        self.text.trim().is_empty()
    }

    fn error(&self, reason: impl Into<String>) -> ConfigError {
        ConfigError::Parse {
            file: self.syntax.file.to_owned(),
            line: self.number,
            reason: reason.into(),
        }
    }

    fn header(&self) -> Result<OpenSection, ConfigError> {
        let header = self
            .text
            .starts_with(char::is_alphabetic)
            .then(|| self.text.split_once(':'))
            .flatten();
        let (kind, id) = header.ok_or_else(|| self.error("syntax error (expected header)"))?;
        let (kind, id) = (kind.trim(), id.trim());
        let kind = self
            .syntax
            .kind(kind)
            .ok_or_else(|| self.error(format!("unknown section type '{kind}'")))?;
        kind.id
            .parse(id)
            .map_err(|e| self.error(format!("section '{id}' - invalid id: {e}")))?;
        Ok(OpenSection {
            kind,
            id: id.to_owned(),
            properties: Map::new(),
            line: self.number,
        })
    }

    fn property(&self, section: &mut OpenSection) -> Result<(), ConfigError> {
        if !self.text.starts_with(char::is_whitespace) {
            return Err(self.error("syntax error - missing indentation"));
        }
        let (key, rest) = self
            .text
            .trim_start()
            .split_once(char::is_whitespace)
            .ok_or_else(|| self.error("syntax error - missing value"))?;
        let at = |reason: String| self.error(format!("section '{}' - {reason}", section.id));
        let param = section
            .kind
            .schema
            .find(key)
            .ok_or_else(|| at(format!("unknown property '{key}'")))?;
        let value = param
            .kind
            .parse(rest.trim())
            .map_err(|e| at(format!("property '{key}': {e}")))?;
        match (section.properties.get_mut(key), value) {
            (Some(Value::Array(known)), Value::Array(mut more)) => known.append(&mut more),
            (Some(_), _) => return Err(at(format!("duplicate property '{key}'"))),
            (None, value) => {
                section.properties.insert(key.to_owned(), value);
            }
        }
        Ok(())
    }

    fn close(&self, section: Option<OpenSection>, into: &mut Sections) -> Result<(), ConfigError> {
        let Some(section) = section else {
            return Ok(());
        };
        let missing = section
            .kind
            .schema
            .params()
            .find(|param| !param.optional && !section.properties.contains_key(param.name));
        if let Some(param) = missing {
            let reason = format!(
                "section '{}' - missing property '{}'",
                section.id, param.name
            );
            return Err(ConfigError::Parse {
                file: self.syntax.file.to_owned(),
                line: section.line,
                reason,
            });
        }
        into.order.push(section.id.clone());
        into.sections.insert(
            section.id,
            Section {
                kind: section.kind.name,
                properties: section.properties,
            },
        );
        Ok(())
    }
}

fn check_printable(text: &str) -> Result<(), String> {
    if text.contains(char::is_control) {
        Err("detected unexpected control character".to_owned())
    } else {
        Ok(())
    }
}
