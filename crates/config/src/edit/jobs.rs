//! Prune and verification jobs: create, change, remove (server.md 1.10). When a job ran last is kept elsewhere, by who runs it.

use api::kinds;
use api::schema::{Kind, Param, ParamErrors, Schema, ValueError};
use serde_json::{Map, Value};

use super::error::EditError;
use super::user::parse_digest;
use crate::dir::ConfigDir;
use crate::files::{Job, PRUNE_DELETABLE, VERIFY_DELETABLE};
use crate::section_config::{Sections, Syntax};

const ID: &[Param] = &[Param::required("id", kinds::JOB_ID).about("Job ID.")];
const STORE: &[Param] = &[Param::required("store", kinds::STORE).about("Datastore name.")];
const NEW_STORE: &[Param] = &[Param::optional("store", kinds::STORE).about("Datastore name.")];
const PLACE: &[Param] = &[
    Param::optional("comment", kinds::COMMENT).about("Comment."),
    Param::optional("ns", kinds::NAMESPACE).about("Namespace."),
    Param::optional("max-depth", kinds::MAX_DEPTH)
        .about("How many levels of namespaces should be operated on (0 == no recursion)"),
];
const SCHEDULE: &[Param] =
    &[Param::optional("schedule", kinds::CALENDAR_EVENT)
        .about("Run the job at specified schedule.")];
const DIGEST: &[Param] = &[Param::optional("digest", kinds::DIGEST)
    .about("Prevent changes if current configuration file has different SHA256 digest.")];
const DISABLE: &[Param] = &[Param::optional("disable", Kind::Boolean)
    .or("false")
    .about("Disable this job.")];
const VERIFY: &[Param] = &[
    Param::optional("ignore-verified", Kind::Boolean)
        .or("true")
        .about("Do not verify backups that are already verified if their verification is not outdated."),
    Param::optional("outdated-after", Kind::at_least(0))
        .about("Days after that a verification becomes outdated."),
    Param::optional("read-threads", kinds::THREADS)
        .about("The number of threads to use for reading chunks."),
    Param::optional("verify-threads", kinds::THREADS)
        .about("The number of threads to use for verifying chunks."),
];

/// Parameters of the creation of a prune job.
pub const PRUNE_JOB_CREATE: Schema = Schema(&[
    ID,
    STORE,
    &[Param::required("schedule", kinds::CALENDAR_EVENT)
        .about("Run the job at specified schedule.")],
    DISABLE,
    PLACE,
    kinds::KEEP_OPTIONS,
]);

/// Parameters of a change of a prune job.
pub const PRUNE_JOB_UPDATE: Schema = Schema(&[
    ID,
    NEW_STORE,
    SCHEDULE,
    DISABLE,
    PLACE,
    kinds::KEEP_OPTIONS,
    &[
        Param::optional("delete", Kind::Array(&Kind::Enum(PRUNE_DELETABLE)))
            .about("List of properties to delete."),
    ],
    DIGEST,
]);

/// Parameters of the creation of a verification job.
pub const VERIFY_JOB_CREATE: Schema = Schema(&[ID, STORE, SCHEDULE, PLACE, VERIFY]);

/// Parameters of a change of a verification job.
pub const VERIFY_JOB_UPDATE: Schema = Schema(&[
    ID,
    NEW_STORE,
    SCHEDULE,
    PLACE,
    VERIFY,
    &[
        Param::optional("delete", Kind::Array(&Kind::Enum(VERIFY_DELETABLE)))
            .about("List of properties to delete."),
    ],
    DIGEST,
]);

/// Parameters of the removal of a job.
pub const JOB_DELETE: Schema = Schema(&[ID, DIGEST]);

fn no_such<J: Job>(id: &str) -> EditError {
    EditError::NoSuchJob(J::KIND.section().name, id.to_owned())
}

/// A job, and the digest of its file.
pub fn find_job<J: Job>(dir: &ConfigDir, id: &str) -> Result<(J, format::Digest), EditError> {
    let (spec, syntax) = J::KIND.file();
    let (text, digest) = dir.read(spec)?;
    let sections = syntax.parse(&text)?;
    let section = sections.get(id).ok_or_else(|| no_such::<J>(id))?;
    Ok((syntax.typed(id, section)?, digest))
}

/// Adds a job. What is its default, and would be read as such, is left out.
pub fn create_job<J: Job>(dir: &ConfigDir, members: Map<String, Value>) -> Result<J, EditError> {
    let job: J = typed(members)?;
    let (spec, syntax) = J::KIND.file();
    let lock = dir.lock(spec)?;
    let mut sections = syntax.parse(&lock.read(None)?.0)?;
    if sections.contains(job.id()) {
        let exists = ValueError::Other(format!("job '{}' already exists.", job.id()));
        return Err(ParamErrors::one("id", exists).into());
    }
    set(&syntax, &mut sections, &job)?;
    lock.replace(syntax.print(&sections)?.as_bytes())?;
    Ok(job)
}

/// Changes a job: `members` are the checked parameters. Deletions come before sets. Gives the job as it was and as it is; `allowed` looks at both
/// before anything is written.
pub fn update_job<J: Job, E: From<EditError>>(
    dir: &ConfigDir,
    mut members: Map<String, Value>,
    allowed: impl FnOnce(&J, &J) -> Result<(), E>,
) -> Result<(J, J), E> {
    let mut take = || -> Result<_, EditError> {
        let id = match members.remove("id") {
            Some(Value::String(id)) => id,
            _ => return Err(ParamErrors::one("id", ValueError::Missing).into()),
        };
        let digest = members.remove("digest");
        let digest = digest.and_then(|digest| digest.as_str().map(str::to_owned));
        Ok((id, digest, members.remove("delete").unwrap_or_default()))
    };
    let (id, digest, delete) = take()?;
    let (spec, syntax) = J::KIND.file();
    let lock = dir.lock(spec).map_err(EditError::from)?;
    let (text, _) = lock
        .read(parse_digest(&digest).as_ref())
        .map_err(EditError::from)?;
    let mut sections = syntax.parse(&text).map_err(EditError::from)?;
    let section = sections.get(&id).ok_or_else(|| no_such::<J>(&id))?;
    let before: J = syntax.typed(&id, section).map_err(EditError::from)?;
    let mut properties = section.properties.clone();
    let deleted = delete.as_array().into_iter().flatten();
    for name in deleted.filter_map(Value::as_str) {
        properties.remove(name);
    }
    properties.extend(members);
    properties.insert("id".to_owned(), Value::from(id));
    let after: J = typed(properties)?;
    allowed(&before, &after)?;
    set(&syntax, &mut sections, &after)?;
    let text = syntax.print(&sections).map_err(EditError::from)?;
    lock.replace(text.as_bytes()).map_err(EditError::from)?;
    Ok((before, after))
}

/// Removes a job; its digest, if one is given, must be the file's.
pub fn remove_job<J: Job>(
    dir: &ConfigDir,
    id: &str,
    digest: &Option<String>,
) -> Result<(), EditError> {
    let (spec, syntax) = J::KIND.file();
    let lock = dir.lock(spec)?;
    let mut sections = syntax.parse(&lock.read(parse_digest(digest).as_ref())?.0)?;
    sections.remove(id).ok_or_else(|| no_such::<J>(id))?;
    Ok(lock.replace(syntax.print(&sections)?.as_bytes())?)
}

/// From members to a job. What says nothing is left out: no comment, the root namespace, a job that is not disabled.
fn typed<J: Job>(mut members: Map<String, Value>) -> Result<J, EditError> {
    members.retain(|name, value| match name.as_str() {
        "comment" | "ns" => value.as_str().is_none_or(|text| !text.trim().is_empty()),
        "disable" => value.as_bool() != Some(false),
        _ => true,
    });
    let job = serde_json::from_value(Value::Object(members));
    Ok(job.map_err(|error| ParamErrors::text(error.to_string()))?)
}

fn set<J: Job>(syntax: &Syntax, sections: &mut Sections, job: &J) -> Result<(), EditError> {
    let (id, section) = syntax.section(J::KIND.section(), job)?;
    sections.set(&id, section);
    Ok(())
}
