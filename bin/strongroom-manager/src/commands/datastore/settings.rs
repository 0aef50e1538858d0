//! The settings that `datastore create` and `datastore update` share.

use api::kinds;
use api::schema::Kind;
use config::files::PROPERTIES;
use serde_json::{Map, Value};

use crate::members::add;
use crate::values;

/// The kind of a setting, as the server knows it.
const fn kind(name: &str) -> Kind {
    let mut place = 0;
    while place < PROPERTIES.len() {
        if same(PROPERTIES[place].name, name) {
            return PROPERTIES[place].kind;
        }
        place += 1;
    }
    panic!("there is no such setting")
}

const fn same(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let mut place = 0;
    while place < a.len() && place < b.len() && a[place] == b[place] {
        place += 1;
    }
    place == a.len() && place == b.len()
}

#[derive(clap::Args, Debug)]
pub struct SettingsArgs {
    /// Comment.
    #[arg(long, value_parser = values::of(kinds::COMMENT))]
    comment: Option<String>,

    /// Run garbage collection job at specified schedule.
    #[arg(long, value_parser = values::of(kinds::CALENDAR_EVENT))]
    gc_schedule: Option<String>,

    /// Collect garbage when the datastore is unmounted.
    #[arg(long)]
    gc_on_unmount: Option<bool>,

    /// Run prune job at specified schedule.
    #[arg(long, value_parser = values::of(kinds::CALENDAR_EVENT))]
    prune_schedule: Option<String>,

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

    /// Verify each new backup right after its end.
    #[arg(long)]
    verify_new: Option<bool>,

    /// About what to notify: never, always or error for each kind of job.
    #[arg(long, value_parser = values::of(kind("notify")))]
    notify: Option<String>,

    /// Who gets mails.
    #[arg(long, value_parser = values::of(kinds::USERID))]
    notify_user: Option<String>,

    /// How notifications are sent.
    #[arg(long, value_parser = ["legacy-sendmail", "notification-system"])]
    notification_mode: Option<String>,

    /// Tuning options; they replace those set before.
    #[arg(long, value_parser = values::of(kind("tuning")))]
    tuning: Option<String>,

    /// What is refused for now, and why.
    #[arg(long, value_parser = values::of(kind("maintenance-mode")))]
    maintenance_mode: Option<String>,

    /// When to notify about requests to an object store.
    #[arg(long, value_parser = values::of(kind("notification-thresholds")))]
    notification_thresholds: Option<String>,

    /// When to reset the request counters of an object store.
    #[arg(long, value_parser = values::of(kinds::CALENDAR_EVENT))]
    counter_reset_schedule: Option<String>,
}

impl SettingsArgs {
    /// The settings that were given.
    pub fn add_to(self, members: &mut Map<String, Value>) {
        add(members, "comment", self.comment);
        add(members, "gc-schedule", self.gc_schedule);
        add(members, "gc-on-unmount", self.gc_on_unmount);
        add(members, "prune-schedule", self.prune_schedule);
        add(members, "keep-last", self.keep_last);
        add(members, "keep-hourly", self.keep_hourly);
        add(members, "keep-daily", self.keep_daily);
        add(members, "keep-weekly", self.keep_weekly);
        add(members, "keep-monthly", self.keep_monthly);
        add(members, "keep-yearly", self.keep_yearly);
        add(members, "verify-new", self.verify_new);
        add(members, "notify", self.notify);
        add(members, "notify-user", self.notify_user);
        add(members, "notification-mode", self.notification_mode);
        add(members, "tuning", self.tuning);
        add(members, "maintenance-mode", self.maintenance_mode);
        add(
            members,
            "notification-thresholds",
            self.notification_thresholds,
        );
        add(
            members,
            "counter-reset-schedule",
            self.counter_reset_schedule,
        );
    }
}

/// Every setting of the server has its option here.
#[cfg(test)]
mod tests {
    use super::*;
    use clap::Args as _;

    #[test]
    fn all_settings_are_options() {
        let command = SettingsArgs::augment_args(clap::Command::new("x"));
        let known: Vec<String> = command
            .get_arguments()
            .filter_map(|arg| arg.get_long())
            .map(str::to_owned)
            .collect();
        let all = PROPERTIES
            .iter()
            .chain(kinds::KEEP_OPTIONS)
            .map(|param| param.name);
        for name in all {
            assert!(known.iter().any(|known| known == name), "--{name}");
        }
    }
}
