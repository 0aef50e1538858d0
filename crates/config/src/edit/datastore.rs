//! Datastores: create, change, remove (server.md 1.5, 5.1, 5.3). The data itself is made and removed by the caller's function.

mod mounts;

mod place;

use std::error::Error;
use std::path::{Component, Path};
use std::time::Duration;

use api::rest::snapshot::KeepOptions;
use api::schema::{Kind, Param, ParamErrors, Schema, ValueError};
use api::{acl, kinds};
use format::{Namespace, StoreName};
use serde_json::{Map, Value};

use super::error::EditError;
use super::user::parse_digest;
use crate::dir::{ConfigDir, FileSpec};
use crate::files::{
    DATASTORE, DELETABLE, Datastore, Datastores, Maintenance, MaintenanceKind, PROPERTIES,
    PRUNE_JOB, PruneJob, jobs_syntax, parse_acl, print_acl,
};

pub use place::{check_place, shares_place};

/// Parameters of the creation of a datastore.
pub const DATASTORE_CREATE: Schema = Schema(&[
    &[
        Param::required("name", kinds::STORE).about("Datastore name."),
        Param::optional("reuse-datastore", Kind::Boolean)
            .or("false")
            .about("Re-use existing datastore directory."),
        Param::optional("overwrite-in-use", Kind::Boolean)
            .or("false")
            .about("Overwrite in use marker (S3 backed datastores only)."),
    ],
    DATASTORE.schema.0[0],
    PROPERTIES,
    kinds::KEEP_OPTIONS,
]);

/// Parameters of a change of a datastore.
pub const DATASTORE_UPDATE: Schema = Schema(&[
    &[
        Param::required("name", kinds::STORE).about("Datastore name."),
        Param::optional("delete", Kind::Array(&Kind::Enum(DELETABLE)))
            .about("List of properties to delete."),
        Param::optional("digest", kinds::DIGEST)
            .about("Prevent changes if current configuration file has different SHA256 digest."),
    ],
    PROPERTIES,
    kinds::KEEP_OPTIONS,
]);

/// Parameters of the removal of a datastore.
pub const DATASTORE_DELETE: Schema = Schema(&[&[
    Param::required("name", kinds::STORE).about("Datastore name."),
    Param::optional("keep-job-configs", Kind::Boolean)
        .or("false")
        .about("If enabled, the job configurations related to this datastore will be kept."),
    Param::optional("destroy-data", Kind::Boolean)
        .or("false")
        .about("Delete the datastore's underlying contents."),
    Param::optional("digest", kinds::DIGEST)
        .about("Prevent changes if current configuration file has different SHA256 digest."),
]]);

/// What the caller's function may fail with.
type Failure = Box<dyn Error + Send + Sync>;

/// Schedule of the prune job that a creation makes when only "keep" numbers are given.
const PRUNE_SCHEDULE: &str = "daily";
/// Longest id of a job.
const JOB_ID_CHARS_MAX: usize = 32;

/// Held by whoever creates a datastore, so that two never make the same or nested ones. Nothing else waits for it: making the chunk store takes
/// long on slow disks, and others may change the file meanwhile.
const CREATION: FileSpec = FileSpec {
    name: FileSpec::DATASTORE.name,
    lock: ".datastore-create.lck",
    mode: FileSpec::DATASTORE.mode,
};
/// How long a creation waits for another one.
const CREATION_TIMEOUT: Duration = Duration::from_secs(600);

/// Creates a datastore: what is wanted is checked, `make` makes the chunk store without a lock on the file, then the section is written, unless
/// the file came to hold something in between that forbids it. "Keep" numbers and a prune schedule become a prune job.
pub fn create_datastore(
    dir: &ConfigDir,
    datastore: &Datastore,
    make: impl FnOnce(&Datastore) -> Result<(), Failure>,
) -> Result<Option<PruneJob>, EditError> {
    let patient = dir.clone().with_lock_timeout(CREATION_TIMEOUT);
    let _creation = patient.lock(CREATION)?;
    let mut datastore = datastore.clone();
    let job = take_prune_job(&mut datastore);
    // What is refused, or cannot be written, is found out before anything is made.
    with_section(dir.read(FileSpec::DATASTORE)?.0, &datastore)?;
    check_place(dir, &datastore)?;
    make(&datastore).map_err(|source| EditError::Data {
        action: "create",
        name: datastore.name.clone(),
        source,
    })?;
    let lock = dir.lock(FileSpec::DATASTORE)?;
    let text = with_section(lock.read(None)?.0, &datastore)?;
    let made = match job {
        Some(job) => add_prune_job(dir, job)?,
        None => None,
    };
    lock.replace(text.as_bytes())?;
    Ok(made)
}

/// Sees whether a datastore could be created, as far as the file and the disks tell.
pub fn check_datastore(dir: &ConfigDir, datastore: &Datastore) -> Result<(), EditError> {
    let mut datastore = datastore.clone();
    take_prune_job(&mut datastore);
    with_section(dir.read(FileSpec::DATASTORE)?.0, &datastore)?;
    check_place(dir, &datastore)
}

/// The file's text with one more datastore.
fn with_section(text: String, datastore: &Datastore) -> Result<String, EditError> {
    let mut datastores = Datastores::parse(&text)?;
    check_new(&datastores, datastore)?;
    datastores.set(datastore)?;
    Ok(datastores.print()?)
}

fn check_new(datastores: &Datastores, new: &Datastore) -> Result<(), EditError> {
    if datastores.get(&new.name)?.is_some() {
        let exists = ValueError::Other(format!("datastore '{}' already exists.", new.name));
        return Err(ParamErrors::one("name", exists).into());
    }
    let path = Path::new(&new.path);
    let goes_up = path.components().any(|part| part == Component::ParentDir);
    let is_removable = new.backing_device.is_some();
    if new.path.chars().any(char::is_control) {
        let control = ValueError::Other(
            "a path has no line ends, tabs or other control characters".to_owned(),
        );
        return Err(ParamErrors::one("path", control).into());
    }
    if goes_up || path.is_absolute() == is_removable || path == Path::new("/") {
        return Err(EditError::DatastorePath(new.path.clone()));
    }
    for other in datastores.list()? {
        let same_device = is_removable && new.backing_device == other.backing_device;
        let nested = is_nested(&new.directory(), &other.directory())
            || same_device && is_nested(path, Path::new(&other.path));
        if nested {
            return Err(EditError::NestedDatastore {
                path: new.path.clone(),
                other: other.name,
                other_path: other.path,
            });
        }
    }
    Ok(())
}

fn is_nested(a: &Path, b: &Path) -> bool {
    a.starts_with(b) || b.starts_with(a)
}

fn take_prune_job(datastore: &mut Datastore) -> Option<PruneJob> {
    let keep = KeepOptions {
        keep_last: datastore.keep_last.take(),
        keep_hourly: datastore.keep_hourly.take(),
        keep_daily: datastore.keep_daily.take(),
        keep_weekly: datastore.keep_weekly.take(),
        keep_monthly: datastore.keep_monthly.take(),
        keep_yearly: datastore.keep_yearly.take(),
    };
    let schedule = datastore.prune_schedule.take();
    if schedule.is_none() && !keep.keeps_something() {
        return None;
    }
    let id: String = format!("default-{}-{}", datastore.name, uuid::Uuid::new_v4())
        .chars()
        .take(JOB_ID_CHARS_MAX)
        .collect();
    Some(PruneJob {
        comment: None,
        disable: None,
        id,
        keep,
        max_depth: None,
        ns: Namespace::root(),
        schedule: schedule.unwrap_or_else(|| PRUNE_SCHEDULE.to_owned()),
        store: datastore.name.to_string(),
    })
}

/// Gives the job back if it was needed.
fn add_prune_job(dir: &ConfigDir, job: PruneJob) -> Result<Option<PruneJob>, EditError> {
    let [(spec, syntax), ..] = jobs_syntax();
    let lock = dir.lock(spec)?;
    let mut sections = syntax.parse(&lock.read(None)?.0)?;
    let has_job = sections.iter().any(|(_, section)| {
        section.properties.get("store") == Some(&Value::from(job.store.as_str()))
    });
    if has_job && !job.keep.keeps_something() {
        return Ok(None);
    }
    const KIND: &crate::section_config::SectionType = &PRUNE_JOB;
    let (id, section) = syntax.section(KIND, &job)?;
    sections.set(&id, section);
    lock.replace(syntax.print(&sections)?.as_bytes())?;
    Ok(Some(job))
}

/// Changes a datastore: `members` are the checked parameters of [`DATASTORE_UPDATE`]. Deletions come before sets.
pub fn update_datastore(
    dir: &ConfigDir,
    mut members: Map<String, Value>,
) -> Result<Datastore, EditError> {
    let name: StoreName = match members.remove("name") {
        Some(Value::String(name)) => name.parse()?,
        _ => return Err(ParamErrors::one("name", ValueError::Missing).into()),
    };
    let digest = members
        .remove("digest")
        .and_then(|digest| digest.as_str().map(str::to_owned));
    let delete = members.remove("delete").unwrap_or_default();
    if members
        .keys()
        .any(|key| key == "prune-schedule" || key.starts_with("keep-"))
    {
        return Err(EditError::PruneSettings);
    }
    let lock = dir.lock(FileSpec::DATASTORE)?;
    let mut datastores = Datastores::parse(&lock.read(parse_digest(&digest).as_ref())?.0)?;
    let current = datastores
        .get(&name)?
        .ok_or_else(|| EditError::NoSuchDatastore(name.clone()))?;
    let is_deleting = current
        .maintenance()?
        .is_some_and(|mode| mode.kind == MaintenanceKind::Delete);
    let changed = apply(current, &members, &delete)?;
    let stays_deleting = changed
        .maintenance()?
        .is_some_and(|mode| mode.kind == MaintenanceKind::Delete);
    if is_deleting && !stays_deleting {
        return Err(EditError::BeingDeleted);
    }
    datastores.set(&changed)?;
    lock.replace(datastores.print()?.as_bytes())?;
    Ok(changed)
}

fn apply(
    current: Datastore,
    members: &Map<String, Value>,
    delete: &Value,
) -> Result<Datastore, EditError> {
    let text = |error: serde_json::Error| ParamErrors::text(error.to_string());
    let Value::Object(mut properties) = serde_json::to_value(current).map_err(text)? else {
        return Err(ParamErrors::text("datastore is no object".to_owned()).into());
    };
    for name in delete
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
    {
        properties.remove(name);
    }
    for (key, value) in members {
        let blank = key == "comment"
            && value
                .as_str()
                .is_some_and(|comment| comment.trim().is_empty());
        if blank {
            properties.remove(key);
        } else {
            properties.insert(key.clone(), value.clone());
        }
    }
    Ok(serde_json::from_value(Value::Object(properties)).map_err(text)?)
}

/// How a datastore is removed.
#[derive(Clone, Debug, Default)]
pub struct DatastoreRemoval {
    /// Leave its jobs and access control entries.
    pub keep_job_configs: bool,
    /// Expected digest of the file.
    pub digest: Option<String>,
}

/// Removes a datastore: marked as going away, it is emptied of users by `free`, then its jobs and access control entries go, then its data by
/// `destroy`, then its section. Until `free` has succeeded nothing is lost, so when it fails the datastore is as before. When something fails later
/// the mark stays and only removing it again helps, as in the original.
pub fn remove_datastore<T>(
    dir: &ConfigDir,
    name: &StoreName,
    removal: &DatastoreRemoval,
    free: impl FnOnce(&Datastore) -> Result<T, Failure>,
    destroy: impl FnOnce(T) -> Result<(), Failure>,
) -> Result<(), EditError> {
    let failed = |source| EditError::Data {
        action: "remove",
        name: name.clone(),
        source,
    };
    let (datastore, before) = mark_deleted(dir, name, &removal.digest)?;
    // Both take long; the mark keeps others away without the lock.
    let freed = free(&datastore).map_err(|source| match unmark_deleted(dir, name, before) {
        Ok(()) => failed(source),
        Err(error) => failed(format!("{source}; and its mark stays: {error}").into()),
    })?;
    if !removal.keep_job_configs {
        remove_acl_entries(dir, name)?;
        remove_jobs(dir, name)?;
    }
    destroy(freed).map_err(failed)?;
    let lock = dir.lock(FileSpec::DATASTORE)?;
    let mut datastores = Datastores::parse(&lock.read(None)?.0)?;
    datastores.0.remove(name.as_str());
    Ok(lock.replace(datastores.print()?.as_bytes())?)
}

/// Gives the datastore, and the mode that it had.
fn mark_deleted(
    dir: &ConfigDir,
    name: &StoreName,
    digest: &Option<String>,
) -> Result<(Datastore, Option<String>), EditError> {
    let lock = dir.lock(FileSpec::DATASTORE)?;
    let mut datastores = Datastores::parse(&lock.read(parse_digest(digest).as_ref())?.0)?;
    let mut datastore = datastores
        .get(name)?
        .ok_or_else(|| EditError::DatastoreMissing(name.clone()))?;
    let mark = Maintenance {
        kind: MaintenanceKind::Delete,
        message: None,
    };
    let before = datastore.maintenance_mode.replace(mark.print());
    datastores.set(&datastore)?;
    lock.replace(datastores.print()?.as_bytes())?;
    Ok((datastore, before))
}

/// A datastore whose removal was begun earlier stays marked, since that is its former mode.
fn unmark_deleted(
    dir: &ConfigDir,
    name: &StoreName,
    before: Option<String>,
) -> Result<(), EditError> {
    let lock = dir.lock(FileSpec::DATASTORE)?;
    let mut datastores = Datastores::parse(&lock.read(None)?.0)?;
    let Some(mut datastore) = datastores.get(name)? else {
        return Ok(());
    };
    datastore.maintenance_mode = before;
    datastores.set(&datastore)?;
    Ok(lock.replace(datastores.print()?.as_bytes())?)
}

/// Sets the mode of a datastore whose device is going away. One that was left by a server that died is taken over; any other is somebody's wish
/// and stays.
pub fn begin_unmount(dir: &ConfigDir, name: &StoreName) -> Result<(), EditError> {
    let lock = dir.lock(FileSpec::DATASTORE)?;
    let mut datastores = Datastores::parse(&lock.read(None)?.0)?;
    let mut datastore = datastores
        .get(name)?
        .ok_or_else(|| EditError::NoSuchDatastore(name.clone()))?;
    match datastore.maintenance()? {
        Some(mode) if mode.kind == MaintenanceKind::Unmount => return Ok(()),
        Some(mode) => {
            return Err(EditError::InMaintenance {
                name: name.clone(),
                mode: mode.reason(),
            });
        }
        None => {}
    }
    let mode = Maintenance {
        kind: MaintenanceKind::Unmount,
        message: None,
    };
    datastore.maintenance_mode = Some(mode.print());
    datastores.set(&datastore)?;
    Ok(lock.replace(datastores.print()?.as_bytes())?)
}

/// Clears the mode that [`begin_unmount`] set, unless somebody has set another one since.
pub fn end_unmount(dir: &ConfigDir, name: &StoreName) -> Result<(), EditError> {
    let lock = dir.lock(FileSpec::DATASTORE)?;
    let mut datastores = Datastores::parse(&lock.read(None)?.0)?;
    let mut datastore = datastores
        .get(name)?
        .ok_or_else(|| EditError::NoSuchDatastore(name.clone()))?;
    let is_unmount = |mode: Maintenance| mode.kind == MaintenanceKind::Unmount;
    if !datastore.maintenance()?.is_some_and(is_unmount) {
        return Ok(());
    }
    datastore.maintenance_mode = None;
    datastores.set(&datastore)?;
    Ok(lock.replace(datastores.print()?.as_bytes())?)
}

/// Sees whether a datastore could be removed, as far as the file tells.
pub fn check_removable(
    dir: &ConfigDir,
    name: &StoreName,
    digest: &Option<String>,
) -> Result<(), EditError> {
    let (text, current) = dir.read(FileSpec::DATASTORE)?;
    if parse_digest(digest).is_some_and(|expected| expected != current) {
        return Err(crate::error::ConfigError::Modified.into());
    }
    match Datastores::parse(&text)?.get(name)? {
        Some(_) => Ok(()),
        None => Err(EditError::DatastoreMissing(name.clone())),
    }
}

fn remove_acl_entries(dir: &ConfigDir, name: &StoreName) -> Result<(), EditError> {
    let lock = dir.lock(FileSpec::ACL)?;
    let mut tree = parse_acl(&lock.read(None)?.0)?;
    let before = tree.clone();
    tree.remove_subtree(&acl::datastore_path(name.as_str(), std::iter::empty()));
    if tree != before {
        lock.replace(print_acl(&tree).as_bytes())?;
    }
    Ok(())
}

fn remove_jobs(dir: &ConfigDir, name: &StoreName) -> Result<(), EditError> {
    for (spec, syntax) in jobs_syntax() {
        let lock = dir.lock(spec)?;
        let mut sections = syntax.parse(&lock.read(None)?.0)?;
        let of_store = |section: &crate::section_config::Section| {
            section.properties.get("store") == Some(&Value::from(name.as_str()))
        };
        let ids: Vec<String> = sections
            .iter()
            .filter(|(_, section)| of_store(section))
            .map(|(id, _)| id.to_owned())
            .collect();
        if !ids.is_empty() {
            ids.iter().for_each(|id| drop(sections.remove(id)));
            lock.replace(syntax.print(&sections)?.as_bytes())?;
        }
    }
    Ok(())
}
