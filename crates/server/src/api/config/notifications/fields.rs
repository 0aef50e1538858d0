//! What matchers can look at: the fields of notifications, and values that this server's configuration gives them.

use config::files::jobs_syntax;
use serde::{Deserialize, Serialize};

use crate::fault::Fault;
use crate::reply::Answer;
use crate::route::Call;

/// The fields (server.md 7.1).
const NAMES: [&str; 5] = ["datastore", "hostname", "job-id", "media-pool", "type"];
/// The values of `type`.
const TYPES: [&str; 10] = [
    "acme",
    "gc",
    "package-updates",
    "prune",
    "sync",
    "system-mail",
    "tape-backup",
    "tape-load",
    "thresholds",
    "verify",
];

#[derive(Serialize)]
struct FieldName {
    name: &'static str,
}

#[derive(Serialize)]
struct FieldValue {
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
    field: &'static str,
    value: String,
}

/// What is asked of a job here.
#[derive(Deserialize)]
struct Commented {
    id: String,
    comment: Option<String>,
}

/// `GET matcher-fields`
pub fn names(_: &Call) -> Result<Answer, Fault> {
    Answer::data(&NAMES.map(|name| FieldName { name }))
}

/// `GET matcher-field-values`
pub fn values(call: &Call) -> Result<Answer, Fault> {
    let value = |field, value: &str, comment| FieldValue {
        comment,
        field,
        value: value.to_owned(),
    };
    let mut values = Vec::new();
    for datastore in call.ctx.configuration().datastores()?.value.list()? {
        values.push(value(
            "datastore",
            datastore.name.as_str(),
            datastore.comment,
        ));
    }
    values.push(value("hostname", &call.ctx.settings().node, None));
    for job in jobs(call)? {
        values.push(value("job-id", &job.id, job.comment));
    }
    values.extend(TYPES.map(|ty| value("type", ty, None)));
    Answer::data(&values)
}

fn jobs(call: &Call) -> Result<Vec<Commented>, Fault> {
    let mut jobs = Vec::new();
    for (file, syntax) in jobs_syntax() {
        let (text, _) = call.ctx.configuration().dir().read(file)?;
        for (id, section) in syntax.parse(&text)?.iter() {
            jobs.push(syntax.typed(id, section)?);
        }
    }
    Ok(jobs)
}
