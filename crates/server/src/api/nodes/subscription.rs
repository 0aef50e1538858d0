//! `GET /nodes/{node}/subscription`: there is none to have.

use api::rest::host::Subscription;

use crate::fault::Fault;
use crate::reply::Answer;
use crate::route::Call;

/// `GET`
pub fn read(_: &Call) -> Result<Answer, Fault> {
    Answer::data(&Subscription {
        message: "Strongroom is free software; there is no subscription to buy or to check."
            .to_owned(),
        status: "notfound".to_owned(),
    })
}
