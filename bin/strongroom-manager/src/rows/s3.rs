//! `s3` (cli.md 5.10).

use crate::row::{Col, Row};

const ONE: &str = "config/s3/{id}";

#[rustfmt::skip]
pub const ROWS: &[Row] = &[
    Row::put("s3 check", "admin/s3/{s3-endpoint-id}/check").takes(&["s3-endpoint-id", "bucket"]).about("Perform basic sanity checks on a bucket."),
    Row::get("s3 endpoint list", "config/s3").list(&[
        Col::text("id"), Col::text("endpoint"), Col::number("port"), Col::text("region"), Col::text("access-key"), Col::text("fingerprint"),
        Col::boolean("path-style"),
    ]).about("List configured S3 endpoints."),
    Row::post("s3 endpoint create", "config/s3").takes(&["id"]).about("Create a new S3 endpoint."),
    Row::put("s3 endpoint update", ONE).takes(&["id"]).about("Update an S3 endpoint."),
    Row::delete("s3 endpoint remove", ONE).takes(&["id"]).about("Remove an S3 endpoint."),
    Row::get("s3 endpoint list-buckets", "config/s3/{id}/list-buckets").takes(&["id"]).result().about("List the buckets that an S3 endpoint shows."),
    Row::put("s3 endpoint reset-counters", "admin/s3/{s3-endpoint-id}/reset-counters").takes(&["s3-endpoint-id", "bucket"])
        .about("Reset the request counters of a bucket."),
];
