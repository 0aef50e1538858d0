//! `prune-job ...`: rules by which old snapshots go, and when.

use anyhow::Result;
use clap::Subcommand;
use config::files::PruneJob;
use console::table::Column;

use super::job;
use crate::context::Context;

mod create;
mod run;
mod settings;
mod update;

/// Jobs of `prune.cfg`.
#[derive(Subcommand, Debug)]
pub enum Command {
    Create(Box<create::Args>),
    List(job::All),
    Remove(job::Removal),
    Run(run::Args),
    Show(job::Named),
    Update(Box<update::Args>),
}

impl Command {
    pub fn run(self, context: &Context) -> Result<()> {
        match self {
            Command::Create(args) => create::run(*args, context),
            Command::List(args) => job::list::<PruneJob>(&args, context, &columns()),
            Command::Remove(args) => job::remove::<PruneJob>(&args, context),
            Command::Run(args) => run::run(args, context),
            Command::Show(args) => job::show::<PruneJob>(&args, context),
            Command::Update(args) => update::run(*args, context),
        }
    }
}

fn columns() -> Vec<Column<'static>> {
    vec![
        Column::text("id"),
        Column::boolean("disable"),
        Column::text("store"),
        Column::text("ns"),
        Column::text("schedule"),
        Column::number("max-depth"),
        Column::number("keep-last"),
        Column::number("keep-hourly"),
        Column::number("keep-daily"),
        Column::number("keep-weekly"),
        Column::number("keep-monthly"),
        Column::number("keep-yearly"),
    ]
}
