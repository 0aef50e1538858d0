//! Entries of section files, one like the other: find, list, create, change, remove (server.md 1.1, 1.2, 3.3).
//!
//! Each step checks, holds the lock of the file and replaces it as a whole. Whoever needs other words or further checks wraps these.

use api::schema::{ParamErrors, ValueError};
use format::Digest;
use serde_json::{Map, Value};

use super::error::EditError;
use super::user::parse_digest;
use crate::dir::ConfigDir;
use crate::entry::Entry;
use crate::section_config::Sections;

fn no_such<E: Entry>(id: &str) -> EditError {
    EditError::NoSuchEntry(E::SECTION.name, id.to_owned())
}

/// All entries of this type in the order of the file, and the file's digest.
pub fn entries<E: Entry>(dir: &ConfigDir) -> Result<(Vec<E>, Digest), EditError> {
    let (text, digest) = dir.read(E::FILE)?;
    let sections = E::SYNTAX.parse(&text)?;
    let all: Result<Vec<E>, _> = sections
        .of_kind(E::SECTION.name)
        .map(|(id, section)| E::SYNTAX.typed(id, section))
        .collect();
    Ok((all?, digest))
}

/// An entry, and the digest of its file.
pub fn find_entry<E: Entry>(dir: &ConfigDir, id: &str) -> Result<(E, Digest), EditError> {
    let (text, digest) = dir.read(E::FILE)?;
    let sections = E::SYNTAX.parse(&text)?;
    Ok((existing(&sections, id)?, digest))
}

/// Adds an entry. An id is in use if any type of the file has it.
pub fn create_entry<E: Entry>(
    dir: &ConfigDir,
    members: Map<String, Value>,
) -> Result<E, EditError> {
    create_entry_if(dir, members, |_| Ok(()))
}

/// The same if `allowed` finds nothing against it, with the lock held.
pub fn create_entry_if<E: Entry>(
    dir: &ConfigDir,
    members: Map<String, Value>,
    allowed: impl FnOnce(&E) -> Result<(), EditError>,
) -> Result<E, EditError> {
    let entry: E = typed(members)?;
    let lock = dir.lock(E::FILE)?;
    allowed(&entry)?;
    let mut sections = E::SYNTAX.parse(&lock.read(None)?.0)?;
    if sections.contains(entry.id()) {
        let exists = ValueError::Other(format!("{} '{}' already exists.", E::NOUN, entry.id()));
        return Err(ParamErrors::one(E::SECTION.id_name, exists).into());
    }
    set(&mut sections, &entry)?;
    lock.replace(E::SYNTAX.print(&sections)?.as_bytes())?;
    Ok(entry)
}

/// Changes an entry: `members` are the checked parameters with the id, `delete` and `digest`. Deletions come before sets. Gives the entry as it
/// was and as it is; `allowed` looks at both before anything is written.
pub fn update_entry<E: Entry, F: From<EditError>>(
    dir: &ConfigDir,
    members: Map<String, Value>,
    allowed: impl FnOnce(&E, &E) -> Result<(), F>,
) -> Result<(E, E), F> {
    amend_entry(dir, members, |before, after| {
        allowed(before, &after)?;
        Ok(after)
    })
}

/// The same where what is written depends on what was: `amend` gets the entry as it was and as it was asked for.
pub fn amend_entry<E: Entry, F: From<EditError>>(
    dir: &ConfigDir,
    members: Map<String, Value>,
    amend: impl FnOnce(&E, E) -> Result<E, F>,
) -> Result<(E, E), F> {
    let change = Change::of::<E>(members)?;
    let lock = dir.lock(E::FILE).map_err(EditError::from)?;
    let (text, _) = lock
        .read(parse_digest(&change.digest).as_ref())
        .map_err(EditError::from)?;
    let mut sections = E::SYNTAX.parse(&text).map_err(EditError::from)?;
    let before: E = existing(&sections, &change.id)?;
    let properties = sections.get(&change.id).map(|s| s.properties.clone());
    let after: E = typed(change.apply::<E>(properties.unwrap_or_default()))?;
    let after = amend(&before, after)?;
    set(&mut sections, &after)?;
    let text = E::SYNTAX.print(&sections).map_err(EditError::from)?;
    lock.replace(text.as_bytes()).map_err(EditError::from)?;
    Ok((before, after))
}

/// Removes an entry; its digest, if one is given, must be the file's.
pub fn remove_entry<E: Entry>(
    dir: &ConfigDir,
    id: &str,
    digest: &Option<String>,
) -> Result<(), EditError> {
    remove_entry_if::<E>(dir, id, digest, |_| Ok(()))
}

/// The same if `allowed` finds nothing against it, with the lock held.
pub fn remove_entry_if<E: Entry>(
    dir: &ConfigDir,
    id: &str,
    digest: &Option<String>,
    allowed: impl FnOnce(&E) -> Result<(), EditError>,
) -> Result<(), EditError> {
    let lock = dir.lock(E::FILE)?;
    let mut sections = E::SYNTAX.parse(&lock.read(parse_digest(digest).as_ref())?.0)?;
    let entry = existing::<E>(&sections, id).map_err(|error| match error {
        EditError::NoSuchEntry(..) => EditError::EntryMissing(E::NOUN, id.to_owned()),
        error => error,
    })?;
    allowed(&entry)?;
    sections.remove(id);
    Ok(lock.replace(E::SYNTAX.print(&sections)?.as_bytes())?)
}

/// What a change asks for.
pub(super) struct Change {
    pub id: String,
    pub digest: Option<String>,
    pub delete: Vec<String>,
    members: Map<String, Value>,
}

impl Change {
    pub fn of<E: Entry>(mut members: Map<String, Value>) -> Result<Change, EditError> {
        let id_name = E::SECTION.id_name;
        let Some(Value::String(id)) = members.remove(id_name) else {
            return Err(ParamErrors::one(id_name, ValueError::Missing).into());
        };
        let digest = members.remove("digest");
        let delete = members.remove("delete").unwrap_or_default();
        let delete = delete.as_array().into_iter().flatten();
        Ok(Change {
            id,
            digest: digest.and_then(|digest| digest.as_str().map(str::to_owned)),
            delete: delete
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect(),
            members,
        })
    }

    pub fn apply<E: Entry>(self, mut properties: Map<String, Value>) -> Map<String, Value> {
        for name in &self.delete {
            properties.remove(name);
        }
        properties.extend(self.members);
        properties.insert(E::SECTION.id_name.to_owned(), Value::from(self.id));
        properties
    }
}

/// The entry of this id, if it is of this type.
pub(super) fn existing<E: Entry>(sections: &Sections, id: &str) -> Result<E, EditError> {
    let section = sections
        .get(id)
        .filter(|section| section.kind == E::SECTION.name)
        .ok_or_else(|| no_such::<E>(id))?;
    Ok(E::SYNTAX.typed(id, section)?)
}

pub(super) fn typed<E: Entry>(mut members: Map<String, Value>) -> Result<E, EditError> {
    E::tidy(&mut members);
    // A list that must be there may have been given empty: nothing would be written, and the file could not be read again.
    let missing = E::SECTION
        .schema
        .params()
        .find(|param| !param.optional && !members.contains_key(param.name));
    if let Some(param) = missing {
        return Err(ParamErrors::one(param.name, ValueError::Missing).into());
    }
    let entry = serde_json::from_value(Value::Object(members));
    Ok(entry.map_err(|error| ParamErrors::text(error.to_string()))?)
}

pub(super) fn set<E: Entry>(sections: &mut Sections, entry: &E) -> Result<(), EditError> {
    let (id, section) = E::SYNTAX.section(E::SECTION, entry)?;
    sections.set(&id, section);
    Ok(())
}
