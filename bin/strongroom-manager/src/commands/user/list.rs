//! `user list`

use anyhow::Result;
use api::rest::access::UserItem;
use config::FileSpec;
use config::files::Users;
use console::output::OutputArgs;
use console::table::Column;
use serde_json::{Value, json};

use crate::context::{Context, ServerArgs};

/// List configured users.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    server: ServerArgs,
    #[command(flatten)]
    output: OutputArgs,
}

pub fn run(args: Args, context: &Context) -> Result<()> {
    let output = context.output(&args.output)?;
    let users = Users::parse(&args.server.config(context)?.read(FileSpec::USER)?.0)?;
    let items: Vec<UserItem> = users.users()?.into_iter().map(UserItem::from).collect();
    let columns = [
        Column::text("userid"),
        Column::boolean("enable").render(enabled),
        Column::number("expire").render(|value, _| expires(value, context)),
        Column::text("firstname"),
        Column::text("lastname"),
        Column::text("email"),
        Column::text("comment"),
    ];
    Ok(output.list(&json!(items), &columns, &[])?)
}

/// Missing is true.
pub fn enabled(value: &Value, _: &Value) -> String {
    u8::from(value.as_bool().unwrap_or(true)).to_string()
}

/// Missing is never, and so is 0.
pub fn expires(value: &Value, context: &Context) -> String {
    match value.as_i64() {
        None | Some(0) => "never".to_owned(),
        Some(time) => context.ctime(time),
    }
}
