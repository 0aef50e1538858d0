//! `datastore uuid-mount`: what the system calls when a disk appears.

use anyhow::Result;
use api::kinds;
use console::output::OutputArgs;
use http::Method;
use serde_json::{Map, json};

use crate::context::{Context, TaskServerArgs};
use crate::row::At;
use crate::{follow, run, values};

/// Mount the removable datastores on the file system of this UUID; there may be none.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The UUID of the file system.
    #[arg(value_parser = values::of(kinds::UUID))]
    uuid: String,

    #[command(flatten)]
    server: TaskServerArgs,
    #[command(flatten)]
    output: OutputArgs,
}

pub fn run(args: Args, context: &Context) -> Result<()> {
    let output = context.output(&args.output)?;
    run::on_site(At::Server, &args.server, context, async |site| {
        let said = site
            .call(&Method::GET, "config/datastore", Map::new())
            .await?;
        for store in said.data.as_array().into_iter().flatten() {
            if store["backing-device"] != args.uuid.as_str() {
                continue;
            }
            let mut members = Map::new();
            members.insert("store".to_owned(), json!(store["name"]));
            let path = "admin/datastore/{store}/mount";
            let started = site.call(&Method::POST, path, members).await?;
            if let Some(upid) = started.data.as_str() {
                follow::started(site, upid, output.format).await?;
            }
        }
        Ok(())
    })
}
