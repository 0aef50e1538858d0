//! Why a change was refused, in the original's words.

use api::rest::access::TfaType;
use api::schema::ParamErrors;
use format::{AuthId, NameError, Realm, StoreName, Userid};

use crate::error::ConfigError;
use crate::password::PasswordError;

/// A refused or failed change.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// Reading or writing a file failed, or its digest is not the expected one.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A parameter is wrong.
    #[error(transparent)]
    Parameters(#[from] ParamErrors),
    /// A name that is put together is too long.
    #[error(transparent)]
    Name(#[from] NameError),
    /// No random bytes, or hashing failed.
    #[error(transparent)]
    Password(#[from] PasswordError),
    #[error("user '{0}' already exists.")]
    UserExists(Userid),
    /// To read or to change it.
    #[error("no such user '{0}'")]
    NoSuchUser(Userid),
    /// To remove it.
    #[error("user '{0}' does not exist.")]
    UserMissing(Userid),
    #[error("realm '{0}' does not exist.")]
    RealmMissing(Realm),
    #[error(
        "realm '{0}' is no directory: only users of LDAP and Active Directory realms can be taken over"
    )]
    RealmNoSync(Realm),
    /// Passwords of the realm are kept elsewhere.
    #[error("passwords of realm '{0}' are not kept here, change it where the realm keeps them")]
    ForeignPassword(Realm),
    #[error("token '{0}' already exists.")]
    TokenExists(AuthId),
    #[error("no such token '{0}'")]
    NoSuchToken(AuthId),
    #[error("token '{0}' does not exist.")]
    TokenMissing(AuthId),
    /// A kind of second factor that this program cannot check; it is kept where it stands already.
    #[error("this build cannot check second factors of type '{}' yet; use TOTP and recovery codes", .0.name())]
    TfaNotBuilt(TfaType),
    #[error("no such tfa entry: '{0}'")]
    TfaMissing(String),
    /// To add a secret a current code must be shown.
    #[error(
        "the code does not belong to this secret now; check the clock of the device, then give the current code"
    )]
    TfaCode,
    #[error("no more than {0} second factors of one type per user; delete one first")]
    TfaTooMany(usize),
    #[error("recovery codes have no properties to change; delete them, or make new ones")]
    TfaRecoveryChange,
    #[error("invalid acl path '{0}'.")]
    AclPath(String),
    #[error("no such user.")]
    AclUser,
    #[error("no such API token.")]
    AclToken,
    #[error("parameter 'group' - groups are currently not supported.")]
    AclGroup,
    #[error("missing 'userid' or 'group' parameter.")]
    AclNobody,
    #[error("no such datastore '{0}'")]
    NoSuchDatastore(StoreName),
    #[error("datastore '{0}' does not exist.")]
    DatastoreMissing(StoreName),
    /// To read, change or run it; first the word of its section.
    #[error("no such {0} '{1}'")]
    NoSuchEntry(&'static str, String),
    /// To read, change or remove it; first what it would be. The server tells such a path apart from a wrong parameter.
    #[error("no such {0} '{1}'")]
    NoSuchNotification(&'static str, String),
    /// Matchers send something there.
    #[error("target '{name}' is still used by {}; take it out of there first", matchers.join(", "))]
    TargetInUse {
        /// The target.
        name: String,
        /// Which matchers.
        matchers: Vec<String>,
    },
    /// To remove it; first what it is called.
    #[error("{0} '{1}' does not exist.")]
    EntryMissing(&'static str, String),
    #[error("remote '{remote}' is used by sync job '{job}'; remove the job first")]
    RemoteInUse {
        /// Which.
        remote: String,
        /// By which.
        job: String,
    },
    #[error("in-use by datastore {0}")]
    EndpointInUse(StoreName),
    #[error("encryption key '{key}' is used by sync job '{job}'; change the job first")]
    KeyInUse {
        /// Which.
        key: String,
        /// By which.
        job: String,
    },
    /// Only such keys can be removed.
    #[error("encryption key '{0}' is not archived; archive it before it is removed")]
    KeyNotArchived(String),
    #[error(
        "encryption key '{0}' is protected by a password, which a job cannot enter; import one without"
    )]
    KeyProtected(String),
    #[error("plugin 'standalone' is built in and cannot be changed")]
    Standalone,
    /// Of an authority for certificates.
    #[error("no such ACME account '{0}'")]
    NoSuchAccount(String),
    #[error("cannot read {}", path.display())]
    Account {
        /// Its file.
        path: std::path::PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// Set once, never taken back.
    #[error("datastore is being deleted")]
    BeingDeleted,
    /// The text that a session gets.
    #[error("datastore '{name}' is unavailable: {mode}")]
    InMaintenance { name: StoreName, mode: String },
    #[error("datastore prune settings have been replaced by prune jobs")]
    PruneSettings,
    /// Relative or the root, or absolute on a removable device.
    #[error(
        "datastore path '{0}' must be absolute and not the root directory, or relative on a removable device, and without '..'"
    )]
    DatastorePath(String),
    /// One would lie inside the other.
    #[error("nested datastores not allowed: '{path}' and '{other_path}' of datastore '{other}'")]
    NestedDatastore {
        /// The new one's path.
        path: String,
        /// The other's name.
        other: StoreName,
        /// The other's path.
        other_path: String,
    },
    /// Nobody knows whether one would lie inside the other.
    #[error(
        "cannot see whether '{path}' shares its place with '{other_path}' of datastore '{other}', whose disk does not answer; try again when it does, or unmount it"
    )]
    UnseenDatastore {
        /// The new one's path.
        path: String,
        /// The other's name.
        other: StoreName,
        /// The other's path.
        other_path: String,
    },
    /// Nobody knows what is there.
    #[error("the disk of '{0}' does not answer; try again when it does")]
    SilentPlace(String),
    /// Making or removing the data failed; the configuration says what was reached.
    #[error("cannot {action} datastore '{name}'")]
    Data {
        /// `create` or `remove`.
        action: &'static str,
        /// Which.
        name: StoreName,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}
