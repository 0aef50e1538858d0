//! Plugins with which this server proves its name, and the accounts that were made elsewhere (server.md 1.16).

use std::fs;
use std::io;

use api::kinds;
use api::schema::{Kind, Param, ParamErrors, Schema, ValueError, all_optional};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

use super::entry::{create_entry, remove_entry, update_entry};
use super::error::EditError;
use crate::dir::{ConfigDir, read_file};
use crate::error::ConfigError;
use crate::files::{
    ACME_ACCOUNTS_FOLDER, ACME_DNS, ACME_PLUGIN_DELETABLE, ACME_PLUGIN_ID, ACME_PLUGIN_OPTIONAL,
    ACME_PLUGIN_REQUIRED, AcmeAccount, DnsPlugin, STANDALONE,
};

const ID: &[Param] = &[Param::required("id", ACME_PLUGIN_ID).about("Plugin ID.")];
const CHANGED: [Param; 2] = all_optional(ACME_PLUGIN_REQUIRED);

/// Parameters of the creation of a plugin.
pub const ACME_PLUGIN_CREATE: Schema = Schema(&[
    ID,
    &ACME_PLUGIN_REQUIRED,
    ACME_PLUGIN_OPTIONAL,
    &[
        Param::required("type", Kind::Enum(&[ACME_DNS.name, STANDALONE]))
            .about("Always dns: the other one is there already."),
    ],
]);

/// Parameters of a change of a plugin.
pub const ACME_PLUGIN_UPDATE: Schema = Schema(&[
    ID,
    &CHANGED,
    ACME_PLUGIN_OPTIONAL,
    &[
        Param::optional("delete", Kind::Array(&Kind::Enum(ACME_PLUGIN_DELETABLE)))
            .about("Properties to delete."),
        Param::optional("digest", kinds::DIGEST)
            .about("Change nothing if the configuration has another SHA-256 than this."),
    ],
]);

/// Adds a plugin.
pub fn create_acme_plugin(
    dir: &ConfigDir,
    mut members: Map<String, Value>,
) -> Result<DnsPlugin, EditError> {
    refuse_standalone(&members)?;
    match members.remove("type") {
        Some(Value::String(kind)) if kind == ACME_DNS.name => {}
        Some(Value::String(kind)) if kind == STANDALONE => return Err(EditError::Standalone),
        Some(Value::String(kind)) => {
            let error = ValueError::NotInEnumeration(kind);
            return Err(ParamErrors::one("type", error).into());
        }
        _ => return Err(ParamErrors::one("type", ValueError::Missing).into()),
    }
    create_entry(dir, encoded(members)?)
}

/// Changes a plugin.
pub fn update_acme_plugin(
    dir: &ConfigDir,
    members: Map<String, Value>,
) -> Result<DnsPlugin, EditError> {
    refuse_standalone(&members)?;
    let changed = update_entry(dir, encoded(members)?, |_: &DnsPlugin, _: &DnsPlugin| {
        Ok::<(), EditError>(())
    });
    Ok(changed?.1)
}

/// Removes a plugin.
pub fn remove_acme_plugin(dir: &ConfigDir, id: &str) -> Result<(), EditError> {
    if id == STANDALONE {
        return Err(EditError::Standalone);
    }
    remove_entry::<DnsPlugin>(dir, id, &None)
}

fn refuse_standalone(members: &Map<String, Value>) -> Result<(), EditError> {
    match members.get("id").and_then(Value::as_str) {
        Some(STANDALONE) => Err(EditError::Standalone),
        _ => Ok(()),
    }
}

/// The data comes in ordinary base64 and is kept in the URL-safe one.
fn encoded(mut members: Map<String, Value>) -> Result<Map<String, Value>, EditError> {
    if let Some(Value::String(data)) = members.get_mut("data") {
        let plain = STANDARD.decode(data.as_bytes()).map_err(|error| {
            ParamErrors::one("data", ValueError::Format(format!("no base64: {error}")))
        })?;
        *data = URL_SAFE_NO_PAD.encode(plain);
    }
    Ok(members)
}

/// The names of all accounts, sorted. What begins with `_` was given up.
pub fn acme_accounts(dir: &ConfigDir) -> Result<Vec<String>, EditError> {
    let path = dir.path().join(ACME_ACCOUNTS_FOLDER);
    let entries = match fs::read_dir(&path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(ConfigError::io("list", path)(error).into()),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(ConfigError::io("list", &path))?;
        let name = entry.file_name();
        let name = name.to_str().filter(|name| api::pattern::safe_id(name));
        names.extend(
            name.filter(|name| !name.starts_with('_'))
                .map(str::to_owned),
        );
    }
    names.sort();
    Ok(names)
}

/// An account; `name` is a single component of a path.
pub fn acme_account(dir: &ConfigDir, name: &str) -> Result<AcmeAccount, EditError> {
    let path = dir.path().join(ACME_ACCOUNTS_FOLDER).join(name);
    let Some(text) = read_file(&path)? else {
        return Err(EditError::NoSuchAccount(name.to_owned()));
    };
    serde_json::from_slice(&text).map_err(|source| EditError::Account { path, source })
}
