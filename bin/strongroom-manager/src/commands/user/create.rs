//! `user create`

use anyhow::Result;
use api::kinds;
use api::rest::access::{USER_CREATE, UserCreate};
use clap::ArgAction;
use config::edit;
use serde_json::Map;

use super::properties::PropertyArgs;
use crate::context::{Context, ServerArgs};
use crate::members::add;
use crate::values;

/// Create new user.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// User ID.
    #[arg(value_parser = values::of(kinds::USERID))]
    userid: String,

    /// User Password.
    #[arg(long, value_parser = values::of(kinds::NEW_PASSWORD))]
    password: Option<String>,

    /// Enable the account.
    #[arg(long, action = ArgAction::Set, default_value_t = true)]
    enable: bool,

    #[command(flatten)]
    properties: PropertyArgs,

    #[command(flatten)]
    server: ServerArgs,
}

pub fn run(args: Args, context: &Context) -> Result<()> {
    let mut members = Map::new();
    add(&mut members, "userid", Some(args.userid));
    add(&mut members, "password", args.password);
    // What is true anyway is not stored.
    add(&mut members, "enable", (!args.enable).then_some(false));
    args.properties.add_to(&mut members);
    let request: UserCreate = USER_CREATE.check_into(members)?;
    Ok(edit::create_user(&args.server.config(context)?, &request)?)
}
