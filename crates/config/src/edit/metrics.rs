//! Parameters of servers that take statistics (server.md 1.10, 7.4).

use api::kinds;
use api::schema::{Kind, Param, Schema, all_optional};

use crate::files::{
    INFLUX_HTTP_DELETABLE, INFLUX_HTTP_OPTIONAL, INFLUX_HTTP_REQUIRED, INFLUX_UDP_DELETABLE,
    INFLUX_UDP_OPTIONAL, INFLUX_UDP_REQUIRED,
};

const NAME: &[Param] = &[Param::required("name", kinds::JOB_ID).about("Metric server ID.")];
const DIGEST: &[Param] = &[Param::optional("digest", kinds::DIGEST)
    .about("Change nothing if the configuration has another SHA-256 than this.")];
const CHANGED_HTTP: [Param; 1] = all_optional(INFLUX_HTTP_REQUIRED);
const CHANGED_UDP: [Param; 1] = all_optional(INFLUX_UDP_REQUIRED);

/// Parameters of the creation of a server over HTTP.
pub const INFLUX_HTTP_CREATE: Schema = Schema(&[
    NAME,
    &INFLUX_HTTP_REQUIRED,
    INFLUX_HTTP_OPTIONAL[0],
    INFLUX_HTTP_OPTIONAL[1],
]);

/// Parameters of a change of a server over HTTP.
pub const INFLUX_HTTP_UPDATE: Schema = Schema(&[
    NAME,
    &CHANGED_HTTP,
    INFLUX_HTTP_OPTIONAL[0],
    INFLUX_HTTP_OPTIONAL[1],
    &[
        Param::optional("delete", Kind::Array(&Kind::Enum(INFLUX_HTTP_DELETABLE)))
            .about("Properties to delete."),
    ],
    DIGEST,
]);

/// Parameters of the creation of a server over UDP.
pub const INFLUX_UDP_CREATE: Schema = Schema(&[
    NAME,
    &INFLUX_UDP_REQUIRED,
    INFLUX_UDP_OPTIONAL[0],
    INFLUX_UDP_OPTIONAL[1],
]);

/// Parameters of a change of a server over UDP.
pub const INFLUX_UDP_UPDATE: Schema = Schema(&[
    NAME,
    &CHANGED_UDP,
    INFLUX_UDP_OPTIONAL[0],
    INFLUX_UDP_OPTIONAL[1],
    &[
        Param::optional("delete", Kind::Array(&Kind::Enum(INFLUX_UDP_DELETABLE)))
            .about("Properties to delete."),
    ],
    DIGEST,
]);
