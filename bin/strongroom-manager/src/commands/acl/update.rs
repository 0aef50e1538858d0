//! `acl update`

use anyhow::Result;
use api::kinds;
use api::rest::access::{ACL_UPDATE, AclUpdate};
use clap::ArgAction;
use config::edit;
use serde_json::{Map, json};

use crate::context::{Context, ServerArgs};
use crate::members::add;
use crate::values;

/// Update Access Control List (ACLs).
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Access control path.
    #[arg(value_parser = values::of(kinds::ACL_PATH))]
    path: String,

    /// Role.
    #[arg(value_parser = values::of(kinds::ROLE), value_name = "<role>")]
    role: String,

    /// User or API token.
    #[arg(long, value_parser = values::of(kinds::AUTH_ID))]
    auth_id: Option<String>,

    /// Group.
    #[arg(long, value_parser = values::of(kinds::GROUP_ID))]
    group: Option<String>,

    /// Allow to propagate (inherit) permissions.
    #[arg(long, action = ArgAction::Set, default_value_t = true)]
    propagate: bool,

    /// Remove permissions (instead of adding it).
    #[arg(long)]
    delete: Option<bool>,

    /// Refuse if the file has another SHA-256 digest.
    #[arg(long, value_parser = values::of(kinds::DIGEST))]
    digest: Option<String>,

    #[command(flatten)]
    server: ServerArgs,
}

pub fn run(args: Args, context: &Context) -> Result<()> {
    let mut members = Map::new();
    add(&mut members, "path", Some(args.path));
    add(&mut members, "role", Some(args.role));
    add(&mut members, "auth-id", args.auth_id);
    add(&mut members, "group", args.group);
    add(&mut members, "propagate", Some(json!(args.propagate)));
    add(&mut members, "delete", args.delete);
    add(&mut members, "digest", args.digest);
    let request: AclUpdate = ACL_UPDATE.check_into(members)?;
    Ok(edit::update_acl(&args.server.config(context)?, &request)?)
}
