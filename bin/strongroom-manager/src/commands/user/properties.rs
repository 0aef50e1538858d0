//! The properties of a user that `user create` and `user update` share.

use api::kinds;
use serde_json::{Map, Value};

use crate::members::add;
use crate::values;

#[derive(clap::Args, Debug)]
pub struct PropertyArgs {
    /// Comment.
    #[arg(long, value_parser = values::of(kinds::COMMENT))]
    comment: Option<String>,

    /// E-Mail Address.
    #[arg(long, value_parser = values::of(kinds::PERSONAL))]
    email: Option<String>,

    /// Account expiration date (seconds since epoch). '0' means no expiration date.
    #[arg(long, value_parser = values::integer(kinds::EXPIRE), value_name = "<integer> (0 - N)")]
    expire: Option<i64>,

    /// First name.
    #[arg(long, value_parser = values::of(kinds::PERSONAL))]
    firstname: Option<String>,

    /// Last name.
    #[arg(long, value_parser = values::of(kinds::PERSONAL))]
    lastname: Option<String>,
}

impl PropertyArgs {
    /// The properties that were given.
    pub fn add_to(self, members: &mut Map<String, Value>) {
        add(members, "comment", self.comment);
        add(members, "email", self.email);
        add(members, "expire", self.expire);
        add(members, "firstname", self.firstname);
        add(members, "lastname", self.lastname);
    }
}
