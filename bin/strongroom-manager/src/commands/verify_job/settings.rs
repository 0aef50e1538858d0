//! The settings that `verify-job create` and `verify-job update` share.

use api::kinds;
use api::schema::Kind;
use serde_json::{Map, Value};

use crate::members::add;
use crate::values;

#[derive(clap::Args, Debug)]
pub struct SettingsArgs {
    /// Comment.
    #[arg(long, value_parser = values::of(kinds::COMMENT))]
    comment: Option<String>,

    /// Namespace.
    #[arg(long, value_parser = values::of(kinds::NAMESPACE))]
    ns: Option<String>,

    /// How many levels of namespaces should be operated on (0 == no recursion).
    #[arg(long, value_parser = values::integer(kinds::MAX_DEPTH), value_name = "<integer> (0 - 7)")]
    max_depth: Option<i64>,

    /// Do not verify backups that are already verified if their verification is not outdated.
    #[arg(long)]
    ignore_verified: Option<bool>,

    /// Days after that a verification becomes outdated.
    #[arg(long, value_parser = values::integer(Kind::at_least(0)), value_name = "<integer> (0 - N)")]
    outdated_after: Option<i64>,

    /// The number of threads to use for reading chunks.
    #[arg(long, value_parser = values::integer(kinds::THREADS), value_name = "<integer> (1 - 32)")]
    read_threads: Option<i64>,

    /// The number of threads to use for verifying chunks.
    #[arg(long, value_parser = values::integer(kinds::THREADS), value_name = "<integer> (1 - 32)")]
    verify_threads: Option<i64>,
}

impl SettingsArgs {
    /// The settings that were given.
    pub fn add_to(self, members: &mut Map<String, Value>) {
        add(members, "comment", self.comment);
        add(members, "ns", self.ns);
        add(members, "max-depth", self.max_depth);
        add(members, "ignore-verified", self.ignore_verified);
        add(members, "outdated-after", self.outdated_after);
        add(members, "read-threads", self.read_threads);
        add(members, "verify-threads", self.verify_threads);
    }
}
