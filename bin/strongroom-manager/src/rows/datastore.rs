//! `datastore` and `garbage-collection` (cli.md 5.3, 5.4).

use api::kinds;
use api::schema::Param;

use crate::row::{Col, Render, Row};

const LIST: &str = "config/datastore";
const ONE: &str = "config/datastore/{name}";
const DIGEST: &[Param] = &[Param::optional("digest", kinds::DIGEST)
    .about("Refuse if the file has another SHA-256 digest.")];

#[rustfmt::skip]
pub const ROWS: &[Row] = &[
    Row::get("datastore list", LIST).list(&[Col::text("name"), Col::text("path"), Col::text("comment")]).about("Datastore list."),
    Row::get("datastore show", ONE).takes(&["name"]).object(&["name", "path"]).about("Show datastore configuration."),
    Row::post("datastore create", LIST).takes(&["name", "path"]).at_server().task().about("Create new datastore config."),
    Row::put("datastore update", ONE).takes(&["name"]).at_server().task().about("Update datastore config."),
    Row::delete("datastore remove", ONE).takes(&["name"]).at_server().task().plain()
        .about("Remove a datastore configuration and optionally delete all its contents."),
    Row::post("datastore mount", "admin/datastore/{store}/mount").takes(&["store"]).guarded(LIST, DIGEST).at_server().task()
        .about("Mount a removable datastore."),
    Row::post("datastore unmount", "admin/datastore/{store}/unmount").takes(&["store"]).guarded(LIST, DIGEST).at_server().task().plain()
        .about("Unmount a removable datastore."),
    Row::put("datastore s3-refresh", "admin/datastore/{store}/s3-refresh").takes(&["store"]).at_server().task().plain()
        .about("Read the content of an object store again into its local cache."),
    Row::get("datastore usage", "admin/datastore/{store}/usage").takes(&["store"]).list(&[
        Col::text("level"),
        Col::text("ns"),
        Col::text("name"),
        Col::number("unique").with(Render::BytesLeft),
        Col::number("shared").with(Render::BytesLeft),
        Col::number("files").with(Render::BytesLeft),
    ]).about("Show what snapshots, groups and namespaces cost: what only they need, and what they share."),
    Row::post("datastore count-usage", "admin/datastore/{store}/usage").takes(&["store"]).at_server().task()
        .about("Count what `datastore usage` shows."),
    Row::post("garbage-collection start", "admin/datastore/{store}/gc").takes(&["store"]).at_server().task()
        .about("Start garbage collection for a specific datastore."),
    Row::get("garbage-collection status", "admin/datastore/{store}/gc").takes(&["store"])
        .object(&["store", "disk-bytes", "disk-chunks", "index-data-bytes", "index-file-count", "pending-bytes", "pending-chunks",
            "removed-bad", "removed-bytes", "removed-chunks", "still-bad"])
        .about("Show garbage collection status for a specific datastore."),
    Row::get("garbage-collection list", "admin/gc").without(&["store"]).list(&[
        Col::text("store"),
        Col::number("last-run-endtime").with(Render::Time),
        Col::number("duration").with(Render::Duration),
        Col::number("removed-bytes").with(Render::BytesLeft),
        Col::number("pending-bytes").with(Render::BytesLeft),
        Col::text("last-run-state"),
        Col::text("schedule"),
        Col::number("next-run").with(Render::Time),
    ]).about("List garbage collection job status for all datastores."),
];
