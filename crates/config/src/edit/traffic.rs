//! Parameters of rules of traffic control (server.md 1.10).

use api::kinds;
use api::schema::{Kind, Param, Schema, all_optional};

use crate::files::{TRAFFIC_DELETABLE, TRAFFIC_OPTIONAL, TRAFFIC_REQUIRED};

const NAME: &[Param] = &[Param::required("name", kinds::JOB_ID).about("Rule ID.")];
const CHANGED: [Param; 1] = all_optional(TRAFFIC_REQUIRED);

/// Parameters of the creation of a rule.
pub const TRAFFIC_CREATE: Schema =
    Schema(&[NAME, &TRAFFIC_REQUIRED, TRAFFIC_OPTIONAL, kinds::RATES]);

/// Parameters of a change of a rule.
pub const TRAFFIC_UPDATE: Schema = Schema(&[
    NAME,
    &CHANGED,
    TRAFFIC_OPTIONAL,
    kinds::RATES,
    &[
        Param::optional("delete", Kind::Array(&Kind::Enum(TRAFFIC_DELETABLE)))
            .about("Properties to delete."),
        Param::optional("digest", kinds::DIGEST)
            .about("Change nothing if the configuration has another SHA-256 than this."),
    ],
]);
