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

    /// Its id.
    fn id(&self) -> &str;

    /// Takes out of the parameters of a creation or change what says nothing: an empty comment, the root namespace.
    fn tidy(members: &mut Map<String, Value>) {
        members.retain(|name, value| match name.as_str() {
            "comment" | "ns" => value.as_str().is_none_or(|text| !text.trim().is_empty()),
            _ => true,
        });
    }
}
