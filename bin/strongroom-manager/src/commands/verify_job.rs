//! `verify-job ...`: what is read again and compared, and when.

use anyhow::Result;
use clap::Subcommand;
use config::files::VerifyJob;
use console::table::Column;

use super::job;
use crate::context::Context;

mod create;
mod run;
mod settings;
mod update;

/// Jobs of `verification.cfg`.
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
            Command::List(args) => job::list::<VerifyJob>(&args, context, &columns()),
            Command::Remove(args) => job::remove::<VerifyJob>(&args, context),
            Command::Run(args) => run::run(args, context),
            Command::Show(args) => job::show::<VerifyJob>(&args, context),
            Command::Update(args) => update::run(*args, context),
        }
    }
}

fn columns() -> Vec<Column<'static>> {
    vec![
        Column::text("id"),
        Column::text("store"),
        Column::text("schedule"),
        Column::boolean("ignore-verified"),
        Column::number("outdated-after"),
        Column::text("comment"),
    ]
}
