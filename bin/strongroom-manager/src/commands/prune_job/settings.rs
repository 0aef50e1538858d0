//! The settings that `prune-job create` and `prune-job update` share.

use api::kinds;
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

    /// Disable this job.
    #[arg(long)]
    disable: Option<bool>,

    /// Number of backups to keep.
    #[arg(long, value_parser = values::integer(kinds::KEEP), value_name = "<integer> (1 - N)")]
    keep_last: Option<i64>,

    /// Number of hourly backups to keep.
    #[arg(long, value_parser = values::integer(kinds::KEEP), value_name = "<integer> (1 - N)")]
    keep_hourly: Option<i64>,

    /// Number of daily backups to keep.
    #[arg(long, value_parser = values::integer(kinds::KEEP), value_name = "<integer> (1 - N)")]
    keep_daily: Option<i64>,

    /// Number of weekly backups to keep.
    #[arg(long, value_parser = values::integer(kinds::KEEP), value_name = "<integer> (1 - N)")]
    keep_weekly: Option<i64>,

    /// Number of monthly backups to keep.
    #[arg(long, value_parser = values::integer(kinds::KEEP), value_name = "<integer> (1 - N)")]
    keep_monthly: Option<i64>,

    /// Number of yearly backups to keep.
    #[arg(long, value_parser = values::integer(kinds::KEEP), value_name = "<integer> (1 - N)")]
    keep_yearly: Option<i64>,
}

impl SettingsArgs {
    /// The settings that were given.
    pub fn add_to(self, members: &mut Map<String, Value>) {
        add(members, "comment", self.comment);
        add(members, "ns", self.ns);
        add(members, "max-depth", self.max_depth);
        add(members, "disable", self.disable);
        add(members, "keep-last", self.keep_last);
        add(members, "keep-hourly", self.keep_hourly);
        add(members, "keep-daily", self.keep_daily);
        add(members, "keep-weekly", self.keep_weekly);
        add(members, "keep-monthly", self.keep_monthly);
        add(members, "keep-yearly", self.keep_yearly);
    }
}
