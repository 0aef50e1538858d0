//! Remotes: the password comes in clear and is kept in base64; who is used by a sync job stays (server.md 1.8).

use api::kinds;
use api::schema::{Kind, Param, Schema, all_optional};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::entry::{create_entry, entries, remove_entry_if, update_entry};
use super::error::EditError;
use crate::dir::{ConfigDir, FileSpec};
use crate::files::{REMOTE_DELETABLE, REMOTE_OPTIONAL, REMOTE_REQUIRED, Remote, SyncJob};

const NAME: &[Param] = &[Param::required("name", kinds::JOB_ID).about("Remote ID.")];
const PASSWORD: [Param; 1] = [Param::required("password", kinds::PASSWORD)
    .about("Password of the user, or secret of the API token.")];
const CHANGED: [Param; 2] = all_optional(REMOTE_REQUIRED);
const CHANGED_PASSWORD: [Param; 1] = all_optional(PASSWORD);

/// Parameters of the creation of a remote.
pub const REMOTE_CREATE: Schema = Schema(&[NAME, &REMOTE_REQUIRED, REMOTE_OPTIONAL, &PASSWORD]);

/// Parameters of a change of a remote.
pub const REMOTE_UPDATE: Schema = Schema(&[
    NAME,
    &CHANGED,
    REMOTE_OPTIONAL,
    &CHANGED_PASSWORD,
    &[
        Param::optional("delete", Kind::Array(&Kind::Enum(REMOTE_DELETABLE)))
            .about("Properties to delete."),
        Param::optional("digest", kinds::DIGEST)
            .about("Change nothing if the configuration has another SHA-256 than this."),
    ],
]);

/// Adds a remote.
pub fn create_remote(dir: &ConfigDir, members: Map<String, Value>) -> Result<Remote, EditError> {
    create_entry(dir, encoded(members))
}

/// Changes a remote.
pub fn update_remote(dir: &ConfigDir, members: Map<String, Value>) -> Result<Remote, EditError> {
    let changed = update_entry(dir, encoded(members), |_: &Remote, _: &Remote| {
        Ok::<(), EditError>(())
    });
    Ok(changed?.1)
}

/// Removes a remote that no sync job uses.
pub fn remove_remote(
    dir: &ConfigDir,
    name: &str,
    digest: &Option<String>,
) -> Result<(), EditError> {
    let _jobs = dir.lock(FileSpec::SYNC)?;
    remove_entry_if::<Remote>(dir, name, digest, |_| {
        let (jobs, _) = entries::<SyncJob>(dir)?;
        match jobs
            .into_iter()
            .find(|job| job.remote.as_deref() == Some(name))
        {
            Some(job) => Err(EditError::RemoteInUse {
                remote: name.to_owned(),
                job: job.id,
            }),
            None => Ok(()),
        }
    })
}

fn encoded(mut members: Map<String, Value>) -> Map<String, Value> {
    if let Some(Value::String(password)) = members.get_mut("password") {
        *password = STANDARD.encode(password.as_bytes());
    }
    members
}
