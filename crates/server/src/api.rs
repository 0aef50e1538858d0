//! The REST interface: one folder per part of the URL, one file per last component, one table of rows per folder. Parameters, replies and
//! their texts are those of the crate `api`; who may call what is in the rows.

mod access;
mod admin;
mod basics;
mod config;
mod events;
mod nodes;
mod status;
mod sync;

use crate::protocol;
use crate::route::Route;

/// All tables of rows.
pub fn tables() -> Vec<&'static [Route]> {
    vec![
        basics::ROUTES,
        access::ROUTES,
        admin::ROUTES,
        admin::datastore::ROUTES,
        admin::job::ROUTES,
        config::ROUTES,
        config::acme::ROUTES,
        config::encryption_keys::ROUTES,
        config::jobs::ROUTES,
        config::metrics::ROUTES,
        config::notifications::ROUTES,
        config::access::ROUTES,
        config::remote::ROUTES,
        config::s3::ROUTES,
        config::traffic_control::ROUTES,
        events::ROUTES,
        nodes::ROUTES,
        status::ROUTES,
        protocol::ROUTES,
        sync::ROUTES,
    ]
}
