//! `task log`

use anyhow::Result;
use api::Upid;

use crate::context::{Context, TaskServerArgs};
use crate::row::At;
use crate::{follow, run};

/// Display the task log.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Unique process/task ID.
    upid: Upid,

    #[command(flatten)]
    server: TaskServerArgs,
}

pub fn run(args: Args, context: &Context) -> Result<()> {
    let upid = args.upid.to_string();
    run::on_site(At::Server, &args.server, context, async |site| {
        follow::watched(site, &upid).await
    })
}
