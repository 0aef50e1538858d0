//! `/ping` and `/version`.

use api::rest::node::{Ping, Version, returns};
use api::schema::Schema;
use http::Method;

use crate::fault::Fault;
use crate::reply::Answer;
use crate::route::{Call, Handler, Needs, Route};

/// The interface has an identifier of the sources behind it; ours has none, and clients only print it.
const REPOSITORY_ID: &str = "0000000000000000000000000000000000000000";

pub const ROUTES: &[Route] = &[
    Route::new(
        Method::GET,
        "ping",
        Needs::World,
        Schema(&[]),
        Handler::Call(ping),
    )
    .returns(returns::PING),
    Route::new(
        Method::GET,
        "version",
        Needs::Anybody,
        Schema(&[]),
        Handler::Call(version),
    )
    .returns(returns::VERSION),
];

fn ping(_: &Call) -> Result<Answer, Fault> {
    Answer::data(&Ping { pong: true })
}

fn version(_: &Call) -> Result<Answer, Fault> {
    Answer::data(&Version::current(REPOSITORY_ID))
}
