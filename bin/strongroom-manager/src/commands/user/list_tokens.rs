//! `user list-tokens`

use anyhow::Result;
use api::kinds;
use api::rest::access::TokenItem;
use config::FileSpec;
use config::files::Users;
use console::output::OutputArgs;
use console::table::Column;
use serde_json::json;

use super::list::{enabled, expires};
use crate::context::{Context, ServerArgs};
use crate::values;

/// List tokens associated with user.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// User ID.
    #[arg(value_parser = values::of(kinds::USERID))]
    userid: String,

    #[command(flatten)]
    server: ServerArgs,
    #[command(flatten)]
    output: OutputArgs,
}

pub fn run(args: Args, context: &Context) -> Result<()> {
    let output = context.output(&args.output)?;
    let users = Users::parse(&args.server.config(context)?.read(FileSpec::USER)?.0)?;
    let tokens = users.tokens_of(&args.userid.parse()?)?;
    let items: Vec<TokenItem> = tokens.into_iter().map(|token| token.item(true)).collect();
    let columns = [
        Column::text("tokenid"),
        Column::boolean("enable").render(enabled),
        Column::number("expire").render(|value, _| expires(value, context)),
        Column::text("comment"),
    ];
    Ok(output.list(&json!(items), &columns, &[])?)
}
