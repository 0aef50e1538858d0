//! Every command that is one call of the API, a file for each family of them. A row whose route this build does not have is no command.

mod access;
mod acme;
mod datastore;
mod host;
mod jobs;
mod node;
mod notification;
mod realm;
mod remote;
mod s3;

use crate::row::Row;

/// All rows, also those without a route.
pub fn all() -> impl Iterator<Item = &'static Row> {
    [
        access::ROWS,
        acme::ROWS,
        datastore::ROWS,
        host::ROWS,
        jobs::ROWS,
        node::ROWS,
        notification::ROWS,
        realm::ROWS,
        remote::ROWS,
        s3::ROWS,
    ]
    .into_iter()
    .flatten()
}

/// Those that can be run.
pub fn present() -> impl Iterator<Item = &'static Row> {
    all().filter(|row| server::local::route(&row.verb, row.path).is_some())
}

/// The command of these words.
pub fn find(words: &str) -> Option<&'static Row> {
    present().find(|row| row.words == words)
}
