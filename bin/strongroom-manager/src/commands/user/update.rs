//! `user update`

use anyhow::Result;
use api::kinds;
use api::rest::access::{USER_UPDATE, UserUpdate};
use api::schema::Kind;
use config::edit;
use console::args::Explicit;
use serde_json::Map;

use super::properties::PropertyArgs;
use crate::context::{Context, ServerArgs};
use crate::members::{add, add_list};
use crate::values;

/// Update user configuration.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// User ID.
    #[arg(value_parser = values::of(kinds::USERID))]
    userid: String,

    /// Ignored; passwords are changed through the server.
    #[arg(long, value_parser = values::of(kinds::PASSWORD))]
    password: Option<String>,

    /// Enable the account. Set it to '0' to disable the account.
    #[arg(long)]
    enable: Option<Explicit>,

    #[command(flatten)]
    properties: PropertyArgs,

    /// Properties to remove, before others are set.
    #[arg(long, value_parser = values::of(Kind::Enum(&["comment", "firstname", "lastname", "email"])))]
    delete: Vec<String>,

    /// Refuse if the file has another SHA-256 digest.
    #[arg(long, value_parser = values::of(kinds::DIGEST))]
    digest: Option<String>,

    #[command(flatten)]
    server: ServerArgs,
}

pub fn run(args: Args, context: &Context) -> Result<()> {
    let mut members = Map::new();
    add(&mut members, "userid", Some(args.userid));
    add(&mut members, "password", args.password);
    add(
        &mut members,
        "enable",
        args.enable.map(|Explicit(enable)| enable),
    );
    args.properties.add_to(&mut members);
    add_list(&mut members, "delete", args.delete);
    add(&mut members, "digest", args.digest);
    let request: UserUpdate = USER_UPDATE.check_into(members)?;
    Ok(edit::update_user(&args.server.config(context)?, &request)?)
}
