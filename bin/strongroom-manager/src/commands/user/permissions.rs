//! `user permissions`

use anyhow::Result;
use api::kinds;
use api::rest::access::{Permissions, permissions};
use config::FileSpec;
use config::files::parse_acl;
use console::output::OutputArgs;
use serde_json::json;

use crate::context::{Context, ServerArgs};
use crate::values;

/// List permissions of user/token.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// User or API token.
    #[arg(value_parser = values::of(kinds::AUTH_ID))]
    auth_id: String,

    /// Access control path.
    #[arg(long, value_parser = values::of(kinds::ACL_PATH))]
    path: Option<String>,

    #[command(flatten)]
    server: ServerArgs,
    #[command(flatten)]
    output: OutputArgs,
}

pub fn run(args: Args, context: &Context) -> Result<()> {
    let output = context.output(&args.output)?;
    let tree = parse_acl(&args.server.config(context)?.read(FileSpec::ACL)?.0)?;
    let found = permissions(&tree, &args.auth_id.parse()?, args.path.as_deref());
    Ok(output.value(&json!(found), || text(&found))?)
}

fn text(permissions: &Permissions) -> String {
    let mut out = String::from("Privileges with (*) have the propagate flag set\n");
    for (path, privileges) in permissions {
        out += &format!("\nPath: {path}\n");
        if privileges.is_empty() {
            out += "- NoAccess\n";
        }
        for (name, propagates) in privileges {
            out += &format!("- {name}{}\n", if *propagates { " (*)" } else { "" });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn text_is_the_originals() {
        let permissions = [
            ("/".to_owned(), [].into()),
            (
                "/datastore/tank".to_owned(),
                [
                    ("Datastore.Audit".to_owned(), true),
                    ("Datastore.Backup".to_owned(), false),
                ]
                .into(),
            ),
        ];
        let expected = "Privileges with (*) have the propagate flag set\n\nPath: /\n- NoAccess\n\nPath: /datastore/tank\n- Datastore.Audit (*)\n- Datastore.Backup\n";
        assert_eq!(super::text(&permissions.into()), expected);
    }
}
