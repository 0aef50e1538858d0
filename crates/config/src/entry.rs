//! What a section of a file is as a type: its file, its syntax, its members. `edit` has the steps that all of them share.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::dir::FileSpec;
use crate::section_config::{SectionType, Syntax};

/// What a section of a file is as a type. Its members in JSON are those of the routes, the id among them.
pub trait Entry: Serialize + DeserializeOwned {
    /// Its file.
    const FILE: FileSpec;
    /// The syntax of the file.
    const SYNTAX: Syntax;
    /// The type of its sections.
    const SECTION: &'static SectionType;
    /// What it is called when one of its id exists already; elsewhere it is the name of its section.
    const NOUN: &'static str;

    /// Members that no answer shows.
    const HIDDEN: &'static [&'static str] = &[];

    /// Its id.
    fn id(&self) -> &str;

    /// Takes out of the parameters of a creation or change what says nothing and is not written.
    fn tidy(members: &mut Map<String, Value>) {
        drop_blank(members);
    }

    /// Its members as answers show them.
    fn shown(&self) -> Result<Value, serde_json::Error> {
        let mut value = serde_json::to_value(self)?;
        if let Value::Object(members) = &mut value {
            members.retain(|name, _| !Self::HIDDEN.contains(&name.as_str()));
        }
        Ok(value)
    }
}

/// Takes out an empty comment, the root namespace and lists of nothing.
pub fn drop_blank(members: &mut Map<String, Value>) {
    members.retain(|name, value| match value {
        Value::String(text) if ["comment", "ns", "remote-ns"].contains(&name.as_str()) => {
            !text.trim().is_empty()
        }
        Value::Array(items) => !items.is_empty(),
        _ => true,
    });
}
