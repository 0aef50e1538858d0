//! `user generate-token`

use anyhow::Result;
use api::kinds;
use api::rest::access::{TOKEN_CREATE, TokenChange, TokenCreated};
use clap::ArgAction;
use config::edit;
use console::{json, out};
use serde_json::Map;

use crate::context::{Context, ServerArgs};
use crate::members::add;
use crate::values;

/// Generate a new API token with given metadata.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// User ID.
    #[arg(value_parser = values::of(kinds::USERID))]
    userid: String,

    /// Name of the token, without the user.
    #[arg(value_parser = values::of(kinds::TOKEN_NAME))]
    token_name: String,

    /// Comment.
    #[arg(long, value_parser = values::of(kinds::COMMENT))]
    comment: Option<String>,

    /// Enable the token.
    #[arg(long, action = ArgAction::Set, default_value_t = true)]
    enable: bool,

    /// Expiration date (seconds since epoch). '0' means no expiration date.
    #[arg(long, value_parser = values::integer(kinds::EXPIRE), value_name = "<integer> (0 - N)")]
    expire: Option<i64>,

    /// Refuse if the file has another SHA-256 digest.
    #[arg(long, value_parser = values::of(kinds::DIGEST))]
    digest: Option<String>,

    #[command(flatten)]
    server: ServerArgs,
}

pub fn run(args: Args, context: &Context) -> Result<()> {
    let mut members = Map::new();
    add(&mut members, "userid", Some(args.userid));
    add(&mut members, "token-name", Some(args.token_name));
    add(&mut members, "comment", args.comment);
    add(&mut members, "enable", (!args.enable).then_some(false));
    add(&mut members, "expire", args.expire);
    add(&mut members, "digest", args.digest);
    let request: TokenChange = TOKEN_CREATE.check_into(members)?;
    let made = edit::create_token(&args.server.config(context)?, &request)?;
    let shown = TokenCreated {
        tokenid: made.tokenid,
        value: made.secret,
    };
    // Scripts cut this prefix off; the secret is shown only here.
    Ok(out::line(&format!(
        "Result: {}",
        json::pretty(&serde_json::to_value(shown)?)
    ))?)
}
