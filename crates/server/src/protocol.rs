//! The backup and the reader protocol (protocol.md 3 and 4): what happens after `GET backup` or `GET reader` left HTTP/1.1.
//! Each session is a task with a log; its requests come in by `exchange`, one file per step; whatever way a session ends, its locks are
//! released and an unfinished backup leaves nothing behind but chunks. How bytes travel is for `transfer`, what lies on disk for `store`.

mod exchange;
mod opening;

pub mod backup;
pub mod reader;

use api::schema::Returns;
use http::Method;

use crate::route::{Handler, Needs, Route};

/// The two upgrades. They check privileges themselves, since their refusals have forms of their own.
pub const ROUTES: &[Route] = &[
    Route::new(
        Method::GET,
        "backup",
        Needs::Anybody,
        api::backup::OPEN,
        Handler::Upgrade(backup::open),
    )
    .returns(Returns::Upgrade),
    Route::new(
        Method::GET,
        "reader",
        Needs::Anybody,
        api::reader::OPEN,
        Handler::Upgrade(reader::open),
    )
    .returns(Returns::Upgrade),
];
