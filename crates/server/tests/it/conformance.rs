//! The REST tree against the original's own description of its own (`api-4.2.jsonl`, united with `api.jsonl` of 3.2): every row is there,
//! takes the same parameters, refuses what that refuses in the same words, is open to the same users, and gives what it should.
//!
//! What is missing stands in the files of `conformance/pending`, what differs in `conformance/exceptions.rs`; both must be exactly true.
//! `STRONGROOM_CONFORMANCE=/config/remote,/admin/s3` looks at rows below these paths alone; `STRONGROOM_SPEC` says where the specification is.

mod exceptions;
mod line;
mod params;
mod pending;
mod returns;
mod rights;
mod rows;
mod site;
mod spec;
mod texts;

mod answers;
mod faults;
mod roles;

use std::collections::{BTreeMap, BTreeSet};

use api::schema::Param;
use exceptions::Complaints;
use rows::{Found, Served};

#[test]
fn every_row_is_served_or_pending() {
    let Some(served) = Served::read() else { return };
    let pending = pending::read();
    let mut complaints = Complaints::about("row");
    let (mut by_file, mut there) = (BTreeMap::<&str, usize>::new(), 0);
    for row in &served.spec.rows {
        let name = row.name();
        match (served.find(row), pending.get(&name)) {
            (Found::Nothing, None) => complaints.add(&name, "", "is not served and not pending"),
            (Found::Nothing, Some(file)) => *by_file.entry(file.as_str()).or_default() += 1,
            (_, Some(file)) => {
                complaints.add(&name, "", format!("is served: take it out of {file}"))
            }
            (_, None) => there += 1,
        }
    }
    let known: BTreeSet<String> = served.spec.rows.iter().map(spec::Row::name).collect();
    for name in pending.keys().filter(|name| !known.contains(*name)) {
        complaints.add(name, "", "is pending, but no row of the specification");
    }
    for route in served.tree.routes() {
        let name = format!("{} /{}", route.verb, route.path);
        if !known.contains(&name) && rows::is_wanted(&format!("/{}", route.path)) {
            complaints.add(&name, "", "is ours alone");
        }
    }
    let missing: usize = by_file.values().sum();
    eprintln!(
        "rows of the original: {there} served, {missing} pending {by_file:?}, {} left out (tapes; calls inside of sessions)",
        served.spec.left_out
    );
    complaints.settle(&served);
}

#[test]
fn parameters_are_the_specified_ones() {
    let Some(served) = Served::read() else { return };
    let mut complaints = Complaints::about("param");
    for (row, route) in served.routes() {
        let ours: Vec<&Param> = route.params.params().collect();
        for (param, text) in params::differences(row, &ours) {
            complaints.add(&row.name(), &param, text);
        }
    }
    complaints.settle(&served);
}

#[test]
fn returns_are_the_specified_ones() {
    let Some(served) = Served::read() else { return };
    let mut complaints = Complaints::about("returns");
    for (row, route) in served.routes() {
        // Of many lists the dump says nothing but `null`; real answers must fit what is declared.
        if row.is_get() && row.returns.kind == "null" {
            continue;
        }
        for (member, text) in returns::differences(&row.returns, &route.returns) {
            complaints.add(&row.name(), &member, text);
        }
    }
    complaints.settle(&served);
}

#[test]
fn permissions_are_the_specified_ones() {
    let Some(served) = Served::read() else { return };
    let mut complaints = Complaints::about("permission");
    for (row, route) in served.routes() {
        if let Err(text) = rights::compare(row, &route.needs) {
            complaints.add(&row.name(), "", text);
        }
    }
    complaints.settle(&served);
}
