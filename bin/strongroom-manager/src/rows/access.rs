//! `acl` and `user` (cli.md 5.2).

use api::kinds;
use api::schema::Param;
use serde_json::Value;

use crate::row::{Col, Render, Row};

const USER: &str = "access/users/{userid}";
const TOKENS: &str = "access/users/{userid}/token";
const TOKEN: &str = "access/users/{userid}/token/{token-name}";
const PASSWORD: Param = Param::optional("password", kinds::NEW_PASSWORD).about("A new password.");
const ENABLE: Col = Col::boolean("enable").with(Render::Enabled);
const EXPIRE: Col = Col::number("expire").with(Render::Expire);

#[rustfmt::skip]
pub const ROWS: &[Row] = &[
    Row::get("acl list", "access/acl").without(&["path", "exact"]).list(&[
        Col::text("ugid").with(Render::With(ugid)), Col::text("path"), Col::boolean("propagate"), Col::text("roleid"),
    ]).about("Access Control list."),
    Row::put("acl update", "access/acl").takes(&["path", "role"]).about("Update Access Control List (ACLs)."),
    Row::get("user list", "access/users").without(&["include_tokens"]).list(&[
        Col::text("userid"), ENABLE, EXPIRE, Col::text("firstname"), Col::text("lastname"), Col::text("email"), Col::text("comment"),
    ]).about("List configured users."),
    Row::post("user create", "access/users").takes(&["userid"]).about("Create new user."),
    // The original's route takes a password and ignores it since 4.0, before it set it: whoever may write the files may set it.
    Row::put("user update", USER).takes(&["userid"]).also_put(&PASSWORD, "access/password", &["userid", "password"])
        .about("Update user configuration."),
    Row::delete("user remove", USER).takes(&["userid"]).about("Remove a user from the configuration file."),
    Row::get("user list-tokens", TOKENS).takes(&["userid"]).list(&[
        Col::text("tokenid"), ENABLE, EXPIRE, Col::text("comment"),
    ]).about("List tokens associated with user."),
    Row::post("user generate-token", TOKEN).takes(&["userid", "token-name"]).result().about("Generate a new API token with given metadata."),
    Row::delete("user delete-token", TOKEN).takes(&["userid", "token-name"]).about("Delete a user's API token."),
    Row::get("user permissions", "access/permissions").takes(&["auth-id"]).text(permissions).about("List permissions of user/token."),
    Row::get("user tfa list", "access/tfa/{userid}").takes(&["userid"]).list(&[
        Col::text("id"), Col::text("type"), Col::text("description"), Col::number("created").with(Render::Time),
    ]).forgives().about("List a user's second factors."),
    Row::delete("user tfa delete", "access/tfa/{userid}/{id}").takes(&["userid", "id"]).about("Delete a second factor of a user."),
    Row::put("user tfa unlock", "access/users/{userid}/unlock-tfa").takes(&["userid"]).about("Unlock a user's second factors."),
];

/// Groups are marked by `@`.
fn ugid(value: &Value, record: &Value) -> String {
    let id = value.as_str().unwrap_or_default();
    if record["ugid_type"] == "group" {
        format!("@{id}")
    } else {
        id.to_owned()
    }
}

fn permissions(data: &Value) -> String {
    let mut out = String::from("Privileges with (*) have the propagate flag set\n");
    for (path, privileges) in data.as_object().into_iter().flatten() {
        out += &format!("\nPath: {path}\n");
        let privileges = privileges.as_object();
        if privileges.is_none_or(serde_json::Map::is_empty) {
            out += "- NoAccess\n";
        }
        for (name, propagates) in privileges.into_iter().flatten() {
            let mark = if propagates == true { " (*)" } else { "" };
            out += &format!("- {name}{mark}\n");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn text_is_the_originals() {
        let permissions = json!({
            "/": {},
            "/datastore/tank": {"Datastore.Audit": true, "Datastore.Backup": false},
        });
        let expected = "Privileges with (*) have the propagate flag set\n\nPath: /\n- NoAccess\n\nPath: /datastore/tank\n- Datastore.Audit (*)\n- Datastore.Backup\n";
        assert_eq!(super::permissions(&permissions), expected);
    }
}
