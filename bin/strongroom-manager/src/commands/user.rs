//! `user ...`: users and their API tokens.

use anyhow::Result;
use clap::Subcommand;

use crate::context::Context;

mod create;
mod delete_token;
mod generate_token;
mod list;
mod list_tokens;
mod permissions;
mod properties;
mod remove;
mod update;

/// Users and their API tokens.
#[derive(Subcommand, Debug)]
pub enum Command {
    Create(create::Args),
    DeleteToken(delete_token::Args),
    GenerateToken(generate_token::Args),
    List(list::Args),
    ListTokens(list_tokens::Args),
    Permissions(permissions::Args),
    Remove(remove::Args),
    Update(update::Args),
}

impl Command {
    pub fn run(self, context: &Context) -> Result<()> {
        match self {
            Command::Create(args) => create::run(args, context),
            Command::DeleteToken(args) => delete_token::run(args, context),
            Command::GenerateToken(args) => generate_token::run(args, context),
            Command::List(args) => list::run(args, context),
            Command::ListTokens(args) => list_tokens::run(args, context),
            Command::Permissions(args) => permissions::run(args, context),
            Command::Remove(args) => remove::run(args, context),
            Command::Update(args) => update::run(args, context),
        }
    }
}
