//! Sync jobs: their parameters, and what must hold between them (server.md 1.9, 1.13, 4.7).

use api::defaults::NAMESPACE_DEPTH_MAX;
use api::kinds;
use api::schema::{Kind, Param, ParamErrors, Schema, ValueError, all_optional};
use format::Namespace;
use serde_json::{Map, Value};

use super::entry::{amend_entry, create_entry_if, find_entry};
use super::error::EditError;
use crate::dir::ConfigDir;
use crate::files::{
    EncryptionKey, SYNC_DELETABLE, SYNC_OPTIONAL, SYNC_REQUIRED, SyncDirection, SyncJob,
};

const ID: &[Param] = &[Param::required("id", kinds::JOB_ID).about("Job ID.")];
const CHANGED: [Param; 2] = all_optional(SYNC_REQUIRED);

/// Parameters of the creation of a sync job.
pub const SYNC_JOB_CREATE: Schema = Schema(&[
    ID,
    &SYNC_REQUIRED,
    SYNC_OPTIONAL[0],
    SYNC_OPTIONAL[1],
    SYNC_OPTIONAL[2],
]);

/// Parameters of a change of a sync job.
pub const SYNC_JOB_UPDATE: Schema = Schema(&[
    ID,
    &CHANGED,
    SYNC_OPTIONAL[0],
    SYNC_OPTIONAL[1],
    SYNC_OPTIONAL[2],
    &[
        Param::optional("delete", Kind::Array(&Kind::Enum(SYNC_DELETABLE)))
            .about("Properties to delete."),
        Param::optional("digest", kinds::DIGEST)
            .about("Change nothing if the configuration has another SHA-256 than this."),
    ],
]);

/// Creates a sync job, if its sides fit together and the key that it encrypts with may do so.
pub fn create_sync_job(dir: &ConfigDir, members: Map<String, Value>) -> Result<SyncJob, EditError> {
    create_entry_if(dir, members, |job: &SyncJob| {
        check(job)?;
        check_active_key(dir, job)
    })
}

/// Changes a sync job. A key that it encrypted with becomes one that it decrypts with, so that what it wrote can be read.
pub fn update_sync_job<F: From<EditError>>(
    dir: &ConfigDir,
    members: Map<String, Value>,
    allowed: impl FnOnce(&SyncJob, &SyncJob) -> Result<(), F>,
) -> Result<(SyncJob, SyncJob), F> {
    amend_entry(dir, members, |before: &SyncJob, mut after: SyncJob| {
        allowed(before, &after)?;
        check(&after)?;
        // A key that it has already is not asked again: that it was archived by hand is no reason to refuse a new comment.
        if before.active_encryption_key != after.active_encryption_key {
            check_active_key(dir, &after)?;
            let old = before.active_encryption_key.clone();
            let lost = old.filter(|key| !after.associated_key.contains(key));
            after.associated_key.extend(lost);
        }
        Ok(after)
    })
}

fn wrong(name: &str, text: &str) -> EditError {
    ParamErrors::one(name, ValueError::Other(text.to_owned())).into()
}

fn check(job: &SyncJob) -> Result<(), EditError> {
    if job.direction() == SyncDirection::Push && job.remote.is_none() {
        return Err(wrong("remote", "a push job needs a remote"));
    }
    let stores = (job.store.as_str(), job.remote_store.as_str());
    check_sides(
        job.remote.as_deref(),
        stores,
        job.max_depth,
        [&job.ns, &job.remote_ns],
    )
}

/// What must hold of the two sides of a sync: other datastores if both are of this server, and namespaces that are not too deep.
pub fn check_sides(
    remote: Option<&str>,
    (store, remote_store): (&str, &str),
    max_depth: Option<usize>,
    namespaces: [&Namespace; 2],
) -> Result<(), EditError> {
    if remote.is_none() && store == remote_store {
        return Err(ParamErrors::text("can't sync to same datastore".to_owned()).into());
    }
    let depth = max_depth.unwrap_or(0);
    match namespaces
        .iter()
        .any(|ns| ns.depth() + depth > NAMESPACE_DEPTH_MAX)
    {
        true => Err(wrong(
            "max-depth",
            &format!("namespace and levels below it are together more than {NAMESPACE_DEPTH_MAX}"),
        )),
        false => Ok(()),
    }
}

fn check_active_key(dir: &ConfigDir, job: &SyncJob) -> Result<(), EditError> {
    let Some(id) = &job.active_encryption_key else {
        return Ok(());
    };
    let (key, _) = find_entry::<EncryptionKey>(dir, id)?;
    match key.archived_at {
        Some(_) => Err(wrong(
            "active-encryption-key",
            "an archived key does not encrypt",
        )),
        None => Ok(()),
    }
}
