//! `node` (cli.md 5.6).

use crate::row::Row;

#[rustfmt::skip]
pub const ROWS: &[Row] = &[
    Row::get("node show", "nodes/{node}/config").node().object(&[]).about("Show node configuration"),
    Row::put("node update", "nodes/{node}/config").node().about("Update the node configuration"),
    Row::get("node server-identity", "nodes/{node}/identity").node().object(&["pbs-instance-id"]).about("Show the server's instance ID"),
];
