//! The kinds of values that many schemas share: names, digests, passwords, paths (protocol.md 0, server.md 6.1).
//!
//! A kind that only one schema needs stands with that schema.

use crate::schema::{Format, Kind, Param};
use crate::{calendar, group_filter, human, network, pattern, repository, role, upid};

/// Length bound of texts that the original leaves unbounded; requests are bounded anyway.
const ANY: usize = usize::MAX;

/// A datastore's name.
pub const STORE: Kind = Kind::pattern(3, 32, pattern::safe_id);
/// Ids of jobs, remotes and rules.
pub const JOB_ID: Kind = Kind::pattern(3, 32, pattern::safe_id);
/// A namespace; the empty text is the root.
pub const NAMESPACE: Kind = Kind::pattern(0, 256, pattern::namespace);
/// One new component of a namespace.
pub const NAMESPACE_NAME: Kind = Kind::pattern(1, 32, pattern::safe_id);
/// `vm`, `ct` or `host`.
pub const BACKUP_TYPE: Kind = Kind::Enum(&["vm", "ct", "host"]);
/// The id of a group.
pub const BACKUP_ID: Kind = Kind::pattern(0, ANY, pattern::safe_id);
/// Seconds since the epoch.
pub const BACKUP_TIME: Kind = Kind::at_least(1);
/// The stored name of an archive or a file.
pub const FILE_NAME: Kind = Kind::pattern(0, ANY, pattern::safe_id);
/// A SHA-256, or the digest of a configuration file.
pub const DIGEST: Kind = Kind::pattern(0, ANY, pattern::sha256);
/// Fingerprint of a certificate.
pub const FINGERPRINT: Kind = Kind::pattern(0, ANY, pattern::fingerprint);
/// UUID in lower case.
pub const UUID: Kind = Kind::pattern(0, ANY, pattern::uuid);
/// A user.
pub const USERID: Kind = Kind::pattern(3, 64, pattern::userid);
/// A user or an API token.
pub const AUTH_ID: Kind = Kind::pattern(3, 64, pattern::auth_id);
/// The name of an API token, without its user; only the whole token id has a length.
pub const TOKEN_NAME: Kind = Kind::pattern(0, ANY, pattern::safe_id);
/// A group of users.
pub const GROUP_ID: Kind = Kind::pattern(3, 64, pattern::user_name);
/// A realm.
pub const REALM: Kind = Kind::pattern(2, 32, pattern::safe_id);
/// One line about a thing.
pub const COMMENT: Kind = Kind::pattern(0, 128, pattern::single_line);
/// A name of a person, an e-mail address.
pub const PERSONAL: Kind = Kind::pattern(2, 64, pattern::single_line);
/// A password when it is set.
pub const NEW_PASSWORD: Kind = Kind::pattern(8, 64, pattern::single_line);
/// A password when it is checked.
pub const PASSWORD: Kind = Kind::pattern(1, 1024, pattern::single_line);
/// End of validity in seconds since the epoch; 0 is never.
pub const EXPIRE: Kind = Kind::at_least(0);
/// A path of the access control tree.
pub const ACL_PATH: Kind = Kind::pattern(1, 128, pattern::acl_path);
/// A role.
pub const ROLE: Kind = Kind::Enum(role::Role::NAMES);
/// A task id.
pub const UPID: Kind = Kind::pattern(upid::TEXT_CHARS_MIN, ANY, pattern::upid);
/// Levels of namespaces below the given one.
pub const MAX_DEPTH: Kind = Kind::Integer { min: 0, max: 7 };
/// How many snapshots to keep.
pub const KEEP: Kind = Kind::at_least(1);
/// Worker threads.
pub const THREADS: Kind = Kind::Integer { min: 1, max: 32 };
/// A size such as `10MiB`.
pub const BYTE_SIZE: Kind = Kind::Text {
    min: 1,
    max: human::TEXT_CHARS_MAX,
    format: Format::Check(check_byte_size),
};
/// A calendar event such as `mon..fri 22:30`.
pub const CALENDAR_EVENT: Kind = Kind::Text {
    min: 1,
    max: ANY,
    format: Format::Check(check_calendar_event),
};
/// A part of days such as `mon..fri 8:00-17:30`.
pub const DAILY_DURATION: Kind = Kind::Text {
    min: 0,
    max: ANY,
    format: Format::Check(check_daily_duration),
};
/// A network such as `10.0.0.0/8`.
pub const NETWORK: Kind = Kind::pattern(0, network::TEXT_CHARS_MAX, is_network);
/// Which groups, such as `exclude:type:vm`.
pub const GROUP_FILTER: Kind = Kind::Text {
    min: 0,
    max: ANY,
    format: Format::Check(check_group_filter),
};
/// A host by name or address; IPv6 without brackets.
pub const HOST: Kind = Kind::pattern(0, ANY, pattern::host);
/// A TCP or UDP port.
pub const PORT: Kind = Kind::Integer { min: 0, max: 65535 };
/// The name of a bucket in an object store.
pub const S3_BUCKET: Kind = Kind::pattern(3, 63, pattern::s3_bucket);
/// A repository.
pub const REPOSITORY: Kind = Kind::Text {
    min: 0,
    max: repository::TEXT_CHARS_MAX,
    format: Format::Check(check_repository),
};
/// Several lines of notes.
pub const NOTES: Kind = TEXT;
/// Any text.
pub const TEXT: Kind = Kind::Text {
    min: 0,
    max: ANY,
    format: Format::Any,
};
/// The host name in paths; any value is accepted there.
pub const NODE: Kind = Kind::pattern(0, ANY, pattern::hostname);

/// The group of a backup.
pub const GROUP: &[Param] = &[
    Param::required("backup-type", BACKUP_TYPE),
    Param::required("backup-id", BACKUP_ID),
];
/// A snapshot: group and time.
pub const SNAPSHOT: &[Param] = &[
    Param::required("backup-type", BACKUP_TYPE),
    Param::required("backup-id", BACKUP_ID),
    Param::required("backup-time", BACKUP_TIME),
];
/// The datastore from the path.
pub const IN_STORE: &[Param] = &[Param::required("store", STORE)];
/// The datastore from the path and the namespace.
pub const IN_NAMESPACE: &[Param] = &[
    Param::required("store", STORE),
    Param::optional("ns", NAMESPACE),
];
/// Limits of traffic. In is what the server receives.
pub const RATES: &[Param] = &[
    Param::optional("rate-in", BYTE_SIZE).about("Most bytes received per second."),
    Param::optional("burst-in", BYTE_SIZE)
        .about("So many bytes may be received at once; the rate if missing."),
    Param::optional("rate-out", BYTE_SIZE).about("Most bytes sent per second."),
    Param::optional("burst-out", BYTE_SIZE)
        .about("So many bytes may be sent at once; the rate if missing."),
];
/// How many snapshots of each kind a prune keeps.
pub const KEEP_OPTIONS: &[Param] = &[
    Param::optional("keep-last", KEEP).about("Number of backups to keep."),
    Param::optional("keep-hourly", KEEP).about("Number of hourly backups to keep."),
    Param::optional("keep-daily", KEEP).about("Number of daily backups to keep."),
    Param::optional("keep-weekly", KEEP).about("Number of weekly backups to keep."),
    Param::optional("keep-monthly", KEEP).about("Number of monthly backups to keep."),
    Param::optional("keep-yearly", KEEP).about("Number of yearly backups to keep."),
];

fn check_byte_size(text: &str) -> Result<(), String> {
    text.parse::<human::ByteSize>()
        .map(|_| ())
        .map_err(|e| e.to_string())
}

fn check_calendar_event(text: &str) -> Result<(), String> {
    text.parse::<calendar::Event>()
        .map(|_| ())
        .map_err(|e| e.to_string())
}

fn check_daily_duration(text: &str) -> Result<(), String> {
    text.parse::<calendar::DailyDuration>()
        .map(|_| ())
        .map_err(|e| e.to_string())
}

fn check_group_filter(text: &str) -> Result<(), String> {
    text.parse::<group_filter::GroupFilter>()
        .map(|_| ())
        .map_err(|e| e.to_string())
}

fn is_network(text: &str) -> bool {
    text.parse::<network::Network>().is_ok()
}

fn check_repository(text: &str) -> Result<(), String> {
    text.parse::<repository::Repository>()
        .map(|_| ())
        .map_err(|e| e.to_string())
}
