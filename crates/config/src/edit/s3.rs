//! Object stores: their parameters, and that those with a datastore stay (server.md 1.12).

use api::kinds;
use api::schema::{Kind, Param, Schema, all_optional};

use super::entry::remove_entry_if;
use super::error::EditError;
use crate::dir::{ConfigDir, FileSpec};
use crate::files::{Datastores, S3_DELETABLE, S3_OPTIONAL, S3_REQUIRED, S3_SECRET, S3Endpoint};

const ID: &[Param] = &[Param::required("id", kinds::JOB_ID).about("Endpoint ID.")];
const CHANGED: [Param; 2] = all_optional(S3_REQUIRED);
const CHANGED_SECRET: [Param; 1] = all_optional(S3_SECRET);

/// Parameters of the creation of an endpoint.
pub const S3_CREATE: Schema = Schema(&[ID, &S3_REQUIRED, &S3_SECRET, S3_OPTIONAL, kinds::RATES]);

/// Parameters of a change of an endpoint.
pub const S3_UPDATE: Schema = Schema(&[
    ID,
    &CHANGED,
    &CHANGED_SECRET,
    S3_OPTIONAL,
    kinds::RATES,
    &[
        Param::optional("delete", Kind::Array(&Kind::Enum(S3_DELETABLE)))
            .about("Properties to delete."),
        Param::optional("digest", kinds::DIGEST)
            .about("Change nothing if the configuration has another SHA-256 than this."),
    ],
]);

/// Removes an endpoint that no datastore lies in.
pub fn remove_s3_endpoint(
    dir: &ConfigDir,
    id: &str,
    digest: &Option<String>,
) -> Result<(), EditError> {
    let lock = dir.lock(FileSpec::DATASTORE)?;
    remove_entry_if::<S3Endpoint>(dir, id, digest, |_| {
        let datastores = Datastores::parse(&lock.read(None)?.0)?;
        for datastore in datastores.list()? {
            if datastore.s3_client()?.as_deref() == Some(id) {
                return Err(EditError::EndpointInUse(datastore.name));
            }
        }
        Ok(())
    })
}
