//! `task ...`: what the server is doing and has done for this user.

use anyhow::Result;
use api::Upid;
use api::upid::TEXT_CHARS_MIN;
use clap::Subcommand;
use console::args::ValueError;

use crate::context::Context;

mod list;
mod log;
mod stop;

/// Tasks of the server.
#[derive(Subcommand, Debug)]
#[command(after_help = "Examples:
  strongroom task list --all")]
pub enum Command {
    List(list::Args),
    Log(log::Args),
    Stop(stop::Args),
}

impl Command {
    pub async fn run(self, context: &Context) -> Result<()> {
        match self {
            Command::List(args) => list::run(args, context).await,
            Command::Log(args) => log::run(args, context).await,
            Command::Stop(args) => stop::run(args, context).await,
        }
    }
}

/// A word on the command line is no task id.
#[derive(Clone, Debug, thiserror::Error)]
enum TaskIdError {
    #[error(transparent)]
    Length(ValueError),
    #[error(transparent)]
    Parts(#[from] api::upid::UpidError),
}

fn task_id(text: &str) -> Result<Upid, TaskIdError> {
    if text.chars().count() < TEXT_CHARS_MIN {
        return Err(TaskIdError::Length(ValueError::TooShort(TEXT_CHARS_MIN)));
    }
    Ok(text.parse()?)
}
