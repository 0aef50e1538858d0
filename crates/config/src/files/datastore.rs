//! `datastore.cfg`: the datastores with their settings (server.md 1.5, 5.1, 5.2).
//!
//! Every property of the newest version is kept, also those that nothing here acts on yet, so that a file survives editing.

use api::calendar;
use api::kinds;
use api::schema::{Format, Kind, Param, ParamErrors, PropertySchema, Schema};
use format::{StoreName, Userid};
use serde::{Deserialize, Serialize};

use crate::error::ConfigError;
use crate::section_config::{SectionType, Sections, Syntax};

const NOTIFY_WORD: Kind = Kind::Enum(&["never", "always", "error"]);
const NOTIFY: PropertySchema = PropertySchema {
    default_key: None,
    params: &[
        Param::optional("gc", NOTIFY_WORD),
        Param::optional("prune", NOTIFY_WORD),
        Param::optional("sync", NOTIFY_WORD),
        Param::optional("verify", NOTIFY_WORD),
    ],
};

/// Fields of `tuning`.
pub const TUNING: PropertySchema = PropertySchema {
    default_key: None,
    params: &[
        Param::optional("chunk-order", Kind::Enum(&["none", "inode"])).or("inode"),
        Param::optional("default-verification-readers", kinds::THREADS).or("1"),
        Param::optional("default-verification-workers", kinds::THREADS).or("4"),
        Param::optional("gc-atime-cutoff", Kind::Integer { min: 1, max: 2880 }).or("1445"),
        Param::optional("gc-atime-safety-check", Kind::Boolean).or("true"),
        Param::optional(
            "gc-cache-capacity",
            Kind::Integer {
                min: 0,
                max: 8_388_608,
            },
        )
        .or("1048576"),
        Param::optional("sync-level", Kind::Enum(&["none", "file", "filesystem"])).or("filesystem"),
    ],
};

/// Fields of `maintenance-mode`.
pub const MAINTENANCE: PropertySchema = PropertySchema {
    default_key: Some("type"),
    params: &[
        Param::required(
            "type",
            Kind::Enum(&["read-only", "offline", "delete", "unmount", "s3-refresh"]),
        ),
        Param::optional("message", Kind::pattern(0, 64, api::pattern::single_line)),
    ],
};

const BACKEND: PropertySchema = PropertySchema {
    default_key: Some("type"),
    params: &[
        Param::optional("type", Kind::Enum(&["filesystem", "s3"])).or("filesystem"),
        Param::optional("client", kinds::JOB_ID),
        Param::optional("bucket", kinds::S3_BUCKET),
        Param::optional("max-cache-size", kinds::BYTE_SIZE),
    ],
};

const COUNT: Kind = Kind::at_least(0);
const THRESHOLDS: PropertySchema = PropertySchema {
    default_key: None,
    params: &[
        Param::optional("s3-delete", COUNT),
        Param::optional("s3-download", kinds::BYTE_SIZE),
        Param::optional("s3-get", COUNT),
        Param::optional("s3-head", COUNT),
        Param::optional("s3-post", COUNT),
        Param::optional("s3-put", COUNT),
        Param::optional("s3-upload", kinds::BYTE_SIZE),
    ],
};

const fn property_string(schema: &'static PropertySchema) -> Kind {
    Kind::Text {
        min: 0,
        max: usize::MAX,
        format: Format::Property(schema),
    }
}

/// Settings that both creation and update take.
pub const PROPERTIES: &[Param] = &[
    Param::optional("comment", kinds::COMMENT).about("Comment."),
    Param::optional("gc-schedule", kinds::CALENDAR_EVENT).about("Run garbage collection job at specified schedule."),
    Param::optional("gc-on-unmount", Kind::Boolean).or("false").about("Run garbage collection when the datastore is unmounted."),
    Param::optional("prune-schedule", kinds::CALENDAR_EVENT).about("Run prune job at specified schedule."),
    Param::optional("verify-new", Kind::Boolean).about("If enabled, all new backups will be verified right after completion."),
    Param::optional("notify-user", kinds::USERID).about("User ID"),
    Param::optional("notify", property_string(&NOTIFY)).about("Datastore notification setting, enum can be one of 'always', 'never', or 'error'."),
    Param::optional("notification-mode", Kind::Enum(&["legacy-sendmail", "notification-system"])).about("Configure how notifications for this datastore should be sent."),
    Param::optional("tuning", property_string(&TUNING)).about("Datastore tuning options"),
    Param::optional("maintenance-mode", property_string(&MAINTENANCE)).about("Maintenance mode, type is either 'offline' or 'read-only', message should be enclosed in \""),
    Param::optional("notification-thresholds", property_string(&THRESHOLDS)).about("Thresholds for notifications about requests to an object store."),
    Param::optional("counter-reset-schedule", kinds::CALENDAR_EVENT).about("When to reset the request counters of an object store."),
];

/// Settings that are fixed once the datastore exists.
const FIXED: &[Param] = &[
    Param::required(
        "path",
        Kind::Text {
            min: 1,
            max: 4096,
            format: Format::Any,
        },
    ),
    Param::optional("backing-device", kinds::UUID),
    Param::optional("backend", property_string(&BACKEND)),
];

/// Properties that an update may remove.
pub const DELETABLE: &[&str] = &[
    "comment",
    "gc-schedule",
    "gc-on-unmount",
    "prune-schedule",
    "keep-last",
    "keep-hourly",
    "keep-daily",
    "keep-weekly",
    "keep-monthly",
    "keep-yearly",
    "verify-new",
    "notify-user",
    "notify",
    "notification-mode",
    "tuning",
    "maintenance-mode",
    "notification-thresholds",
    "counter-reset-schedule",
];

/// The section type.
pub const DATASTORE: SectionType = SectionType {
    name: "datastore",
    id_name: "name",
    id: kinds::STORE,
    schema: Schema(&[FIXED, PROPERTIES, kinds::KEEP_OPTIONS]),
};

const SYNTAX: Syntax = Syntax {
    file: "datastore.cfg",
    types: &[DATASTORE],
};

/// Where mails about a datastore go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NotificationMode {
    /// Mails to one user.
    LegacySendmail,
    /// By the rules of `notifications.cfg`.
    NotificationSystem,
}

/// One datastore; strings with fields stay strings, as they are shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Datastore {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backend: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backing_device: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counter_reset_schedule: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gc_on_unmount: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gc_schedule: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep_daily: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep_hourly: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep_last: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep_monthly: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep_weekly: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep_yearly: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maintenance_mode: Option<String>,
    pub name: StoreName,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notification_mode: Option<NotificationMode>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notification_thresholds: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notify: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notify_user: Option<Userid>,
    /// Absolute, or relative to the backing device.
    pub path: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prune_schedule: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tuning: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verify_new: Option<bool>,
}

/// How much is written through to disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SyncLevel {
    /// Nothing.
    None,
    /// Each chunk.
    File,
    /// The file system at the end of a backup.
    #[default]
    Filesystem,
}

/// The settings in `tuning`, with their defaults.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Tuning {
    /// Read chunks in the order of their inodes.
    #[serde(deserialize_with = "inode_order")]
    pub chunk_order: bool,
    /// Threads that read.
    pub default_verification_readers: usize,
    /// Threads that check.
    pub default_verification_workers: usize,
    /// Minutes that a chunk must be unused before it is swept.
    pub gc_atime_cutoff: u64,
    /// Look whether the file system keeps access times.
    pub gc_atime_safety_check: bool,
    /// Digests remembered as touched.
    pub gc_cache_capacity: usize,
    /// When data is written through.
    pub sync_level: SyncLevel,
}

fn inode_order<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    String::deserialize(deserializer).map(|word| word == "inode")
}

impl Default for Tuning {
    fn default() -> Tuning {
        Tuning {
            chunk_order: true,
            default_verification_readers: 1,
            default_verification_workers: 4,
            gc_atime_cutoff: 1445,
            gc_atime_safety_check: true,
            gc_cache_capacity: 1_048_576,
            sync_level: SyncLevel::default(),
        }
    }
}

/// What is refused in a maintenance mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MaintenanceKind {
    /// Writing.
    ReadOnly,
    /// Reading and writing.
    Offline,
    /// All; the datastore is going away.
    Delete,
    /// All; its device is going away.
    Unmount,
    /// Reading and writing, while a cache is filled.
    S3Refresh,
}

/// `maintenance-mode`, taken apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Maintenance {
    /// Which.
    #[serde(rename = "type")]
    pub kind: MaintenanceKind,
    /// Why, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

impl Maintenance {
    /// True if an operation that only reads is refused.
    pub fn refuses_read(&self) -> bool {
        self.kind != MaintenanceKind::ReadOnly
    }

    /// The part of the error after `datastore 'x' is unavailable: `.
    pub fn reason(&self) -> String {
        let message = self.message.as_deref().unwrap_or_default();
        match self.kind {
            MaintenanceKind::ReadOnly => format!("read-only maintenance mode: {message}"),
            MaintenanceKind::Offline => format!("offline maintenance mode: {message}"),
            MaintenanceKind::S3Refresh => format!("S3 refresh maintenance mode: {message}"),
            MaintenanceKind::Delete => "datastore is being deleted".to_owned(),
            MaintenanceKind::Unmount => "datastore is being unmounted".to_owned(),
        }
    }

    /// As a property string: `offline,message="disk swap"`.
    pub fn print(&self) -> String {
        let members = serde_json::to_value(self)
            .ok()
            .and_then(|value| value.as_object().cloned());
        MAINTENANCE.print(&members.unwrap_or_default())
    }
}

impl Datastore {
    /// A datastore without settings.
    pub fn new(name: StoreName, path: String) -> Datastore {
        Datastore {
            backend: None,
            backing_device: None,
            comment: None,
            counter_reset_schedule: None,
            gc_on_unmount: None,
            gc_schedule: None,
            keep_daily: None,
            keep_hourly: None,
            keep_last: None,
            keep_monthly: None,
            keep_weekly: None,
            keep_yearly: None,
            maintenance_mode: None,
            name,
            notification_mode: None,
            notification_thresholds: None,
            notify: None,
            notify_user: None,
            path,
            prune_schedule: None,
            tuning: None,
            verify_new: None,
        }
    }

    /// The settings in `tuning`.
    pub fn tuning(&self) -> Result<Tuning, ParamErrors> {
        self.tuning
            .as_deref()
            .map_or_else(|| Ok(Tuning::default()), |text| TUNING.decode(text))
    }

    /// The maintenance mode, if one is set.
    pub fn maintenance(&self) -> Result<Option<Maintenance>, ParamErrors> {
        self.maintenance_mode
            .as_deref()
            .map(|text| MAINTENANCE.decode(text))
            .transpose()
    }

    /// The object store that it lies in, if it lies in one.
    pub fn s3_client(&self) -> Result<Option<String>, ParamErrors> {
        let backend = self.backend.as_deref().map(|text| BACKEND.parse(text));
        let backend = backend.transpose()?.unwrap_or_default();
        let client = backend.get("client").and_then(|client| client.as_str());
        Ok(client.map(str::to_owned))
    }

    /// The directory of the data: `path`, or the mount point of a removable device.
    pub fn directory(&self) -> std::path::PathBuf {
        match self.backing_device {
            Some(_) => std::path::Path::new("/mnt/datastore").join(self.name.as_str()),
            None => std::path::PathBuf::from(&self.path),
        }
    }

    /// When garbage is collected.
    pub fn gc_schedule(&self) -> Option<calendar::Event> {
        self.gc_schedule
            .as_deref()
            .and_then(|text| text.parse().ok())
    }
}

/// The file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Datastores(pub Sections);

impl Datastores {
    /// Reads it.
    pub fn parse(text: &str) -> Result<Datastores, ConfigError> {
        SYNTAX.parse(text).map(Datastores)
    }

    /// Writes it.
    pub fn print(&self) -> Result<String, ConfigError> {
        SYNTAX.print(&self.0)
    }

    /// One datastore.
    pub fn get(&self, name: &StoreName) -> Result<Option<Datastore>, ConfigError> {
        self.0
            .get(name.as_str())
            .map(|section| SYNTAX.typed(name.as_str(), section))
            .transpose()
    }

    /// All datastores in the order of the file.
    pub fn list(&self) -> Result<Vec<Datastore>, ConfigError> {
        self.0
            .iter()
            .map(|(id, section)| SYNTAX.typed(id, section))
            .collect()
    }

    /// Adds or replaces one. Strings with fields are brought into their normal form.
    pub fn set(&mut self, datastore: &Datastore) -> Result<(), ConfigError> {
        let (id, mut section) = SYNTAX.section(&DATASTORE, datastore)?;
        for param in DATASTORE.schema.params() {
            let Kind::Text {
                format: Format::Property(schema),
                ..
            } = param.kind
            else {
                continue;
            };
            let Some(serde_json::Value::String(text)) = section.properties.get_mut(param.name)
            else {
                continue;
            };
            let members = schema.parse(text).map_err(|e| ConfigError::Print {
                file: SYNTAX.file.to_owned(),
                reason: format!("{}: {e}", param.name),
            })?;
            *text = schema.print(&members);
        }
        self.0.set(&id, section);
        Ok(())
    }
}
