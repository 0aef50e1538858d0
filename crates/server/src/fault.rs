//! Why a request is refused: one typed error for all handlers. `Display` is the text that the client gets; which status and delay belong to
//! it is told by `reply` alone. Variants are situations; errors of the crates below travel inside.

use std::fmt;

use api::Privileges;
use api::schema::ParamErrors;
use format::{AuthId, Digest, Realm, StoreName, Userid};

use crate::blocking::Broken;
use crate::tasks::TaskError;

/// Why credentials are not accepted. The text goes to the log only: clients are told nothing but "authentication failed".
#[derive(Debug, thiserror::Error)]
pub enum AuthFailure {
    #[error("no authentication credentials provided.")]
    Missing,
    #[error("missing CSRF prevention token")]
    CsrfMissing,
    #[error("{0}")]
    Csrf(String),
    #[error("ticket with invalid signature")]
    TicketSignature,
    #[error("invalid ticket - expired")]
    TicketExpired,
    #[error("invalid ticket - {0}")]
    TicketForm(String),
    #[error("invalid credentials")]
    Credentials,
    #[error("user account or token disabled or expired.")]
    Inactive,
    #[error("invalid token name")]
    TokenName,
    #[error("the realm of this user keeps no passwords here")]
    Realm,
    #[error("none of the user's second factors can be checked by this build")]
    SecondFactorKind,
    #[error("invalid second factor")]
    SecondFactor,
    #[error("too many wrong second factors; they are locked")]
    SecondFactorLocked,
    /// Realms whose users this build cannot log in.
    #[error("this build does not {0} yet")]
    NotYet(&'static str),
    #[error("too many failed logins as this user or from this network")]
    TooMany,
    #[error("cannot check credentials: {0}")]
    Unchecked(String),
    /// Nobody's can be checked: a file of the configuration cannot be read. Which one stands in the server's own log.
    #[error("cannot check credentials: the configuration is damaged or cannot be read")]
    Damaged,
}

/// What a caller lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Missing {
    /// A static check of the route.
    Unnamed,
    /// Any of these on this path.
    AnyOf(Privileges, String),
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("permission check failed")?;
        match self {
            Missing::Unnamed => Ok(()),
            Missing::AnyOf(privileges, path) => {
                write!(f, " - missing {} on {path}", privileges.join("|"))
            }
        }
    }
}

/// The refusal of a request.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    // who
    #[error("authentication failed")]
    Unauthenticated(AuthFailure),
    /// A login with wrong name, password or second factor; the cause is for the log.
    #[error("permission check failed.")]
    LoginRefused {
        user: Option<String>,
        cause: AuthFailure,
    },
    /// Neither can be told, as a file of the configuration cannot be read. Who asks is nobody yet, so he is not told which.
    #[error(
        "this server cannot check logins now, because a file of its configuration is damaged or cannot be read; its log says which, and what is wrong there"
    )]
    Uncheckable,
    #[error("{0}")]
    Forbidden(Missing),
    /// The form that protocol upgrades use.
    #[error("missing permissions '{}' on '{path}'", privileges.join("|"))]
    UpgradeForbidden {
        privileges: Privileges,
        path: String,
    },
    /// A check inside a handler that the original answers with 400.
    #[error("no permissions on {path}")]
    NoPermissions { path: String },
    /// The rights for a sync job, which are several at several places.
    #[error("permission check failed")]
    SyncForbidden,
    #[error("backup owner check failed ({} != {})", .0.0, .0.1)]
    NotOwner(Box<(AuthId, AuthId)>),
    #[error("backup owner check failed!")]
    NotReaderOwner,
    #[error("no permission to change the owner from '{}' to '{}'", .0.0, .0.1)]
    OwnerChange(Box<(AuthId, AuthId)>),
    #[error("task access not allowed")]
    TaskAccess,
    /// In the middle of a session.
    #[error("'{0}' is disabled, expired or gone")]
    Gone(AuthId),
    #[error("a login with a cookie must come from this server's own pages")]
    CrossSite,
    #[error(
        "no datastore is made below {1} over the network, as '{0}' would be; choose another folder, or run `strongroom-manager datastore create` on the server"
    )]
    SystemPlace(String, &'static str),
    /// A reader session asks for a chunk that none of its indexes names.
    #[error("download chunk {0} not allowed")]
    ChunkNotAllowed(Digest),

    // what
    #[error("Path '{0}' not found.")]
    NoPath(String),
    #[error("no such file: '{0}'")]
    NoStaticFile(String),
    #[error("invalid http method for path")]
    StaticMethod,
    #[error("invalid api path '{0}'")]
    ApiPath(String),
    #[error("Unsupported output format '{0}'.")]
    OutputFormat(String),
    #[error("path contains illegal components")]
    IllegalPath,
    #[error("path is longer than the server accepts")]
    TargetTooLong,
    #[error(transparent)]
    Params(#[from] ParamErrors),
    #[error("Request body too large")]
    BodyTooLarge,
    #[error("request body did not arrive in time")]
    BodyTooSlow,
    #[error("too many requests of this user are waiting; try again later")]
    TooManyRequests,
    #[error("the 'Host' header is missing, or there are several")]
    Host,
    #[error(
        "the server has no room now for this request or its answer: other answers to this user, or in all, are not read; try again later"
    )]
    NoRoom,
    /// The same while an answer is made; it is made again if there is room in time.
    #[error("the server has no room now for this answer; try again later")]
    Crowded,
    #[error(
        "this list would have more than {0} bytes; ask for the folders below, or restore the catalog and look there"
    )]
    ListTooLong(usize),
    #[error("reading the request body failed: {0}")]
    BodyBroken(String),
    #[error("unsupported content type Ok({0:?})")]
    ContentType(String),
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    #[error("request body is not a JSON object")]
    JsonNotObject,
    #[error(transparent)]
    Form(#[from] api::form::NotUtf8),

    /// A step of the server says itself why it cannot be.
    #[error(transparent)]
    Refused(Box<dyn std::error::Error + Send + Sync>),
    /// What a later step of the roadmap brings.
    #[error("this build does not {0} yet")]
    NotYet(&'static str),
    /// What would need a server that owns its machine; with what to do instead.
    #[error("not available on this installation: {0}")]
    NotHere(&'static str),
    /// A thing of the machine: what it is, and its name.
    #[error("no such {0} '{1}'")]
    NoSuch(&'static str, String),
    #[error(transparent)]
    Certificate(#[from] crate::certificate::ReloadError),

    // upgrades
    #[error("missing Upgrade header")]
    UpgradeMissing,
    #[error("invalid protocol name")]
    UpgradeProtocol,
    #[error("unexpected http version '{0:?}' (expected version < 2)")]
    UpgradeVersion(http::Version),

    // datastores
    #[error("no such datastore '{0}'")]
    NoDatastore(StoreName),
    #[error("datastore '{store}' is unavailable: {mode}")]
    Maintenance { store: StoreName, mode: String },
    #[error(
        "the disk of datastore '{0}' does not answer, or has too much to do; look at it, or try again later"
    )]
    DiskBusy(StoreName),
    #[error("datastore '{0}' is not mounted")]
    NotMounted(StoreName),
    #[error("cannot decode '{0}' - is encrypted")]
    Encrypted(String),
    #[error("path {0:?} not found in catalog")]
    NotInCatalog(String),
    #[error("path {0:?} not found in archive")]
    NotInArchive(String),
    #[error("{0:?} is neither a file nor a directory and cannot be downloaded")]
    NotDownloadable(String),
    #[error("'{0}' is not base64 of a path")]
    FilePath(String),
    #[error(
        "the entries of a folder, or of several inside each other, are more than the server holds at a time; use the client on this snapshot instead"
    )]
    FolderTooLarge,
    #[error("archive '{0}' is damaged: its folders lead to the same entries in several places")]
    SharedFolders(String),
    #[error(
        "too many searches and comparisons are running, of this user or in all; try again when they have ended"
    )]
    TooManySearches,
    #[error(
        "finding what was selected takes too long; select fewer entries, or the folders that they lie in"
    )]
    SelectionTooSlow,
    #[error("no such selection '{0}', or its time is over; select again")]
    NoSelection(String),
    #[error("archive '{0}' is not in this snapshot")]
    NoArchive(String),
    #[error(
        "{count} protected snapshots were kept; remove their protection first, or allow what is protected to stay"
    )]
    ProtectedKept { count: u64 },
    #[error(
        "too many streams of events are open, of this user or in all; close some windows, or ask for the lists instead"
    )]
    TooManyStreams,
    #[error("too many downloads are running; try again later")]
    Busy,
    #[error("'{name}' does not match the checksum in the manifest; verify the snapshot")]
    ManifestMismatch { name: String },
    #[error("cannot read archive '{name}'")]
    Archive {
        name: String,
        source: pxar::AccessError,
    },
    #[error("cannot read the catalog")]
    Catalog(#[source] format::catalog::CatalogError),
    /// The text of the original for a file that is not in the snapshot.
    #[error("File open failed: {0}")]
    FileOpen(#[source] std::io::Error),
    #[error("reading stored data failed: {0}")]
    Read(#[source] std::io::Error),

    /// Of a sync job.
    #[error("cannot use this key: {0}")]
    Key(String),

    // users
    #[error("'{0}' is not active")]
    Inactive(AuthId),
    #[error("no password provided")]
    NoPassword,
    #[error("the confirmation password is missing or wrong")]
    Confirmation { user: Userid },
    /// To change second factors, the caller's own.
    #[error("missing password")]
    PasswordMissing,
    #[error("no such user '{0}'")]
    NoTarget(Userid),
    #[error("realm '{0}' does not exist.")]
    NoRealm(Realm),
    #[error("no such tfa entry: '{0}'")]
    NoFactor(String),
    /// The password was right, but nothing that could follow it is built.
    #[error(
        "this build cannot check the second factors of '{user}' ({kinds}) yet; log in with an API token, or with TOTP or a recovery code once it is set up"
    )]
    FactorKind { user: Userid, kinds: String },
    #[error("permission check failed: the ticket is not valid for this user, path and port")]
    TerminalTicket,

    // tasks
    #[error("job '{0}' is running already")]
    JobRunning(String),
    #[error(
        "job '{0}' was stopped, and task {1} still waits for its disk; it can run again when that answers"
    )]
    JobLeft(String, Box<api::Upid>),
    #[error("Parameter 'download' cannot be used with other parameters")]
    DownloadAlone,

    /// What somebody else's look at a datastore came to, who asked at the same time.
    #[error(transparent)]
    Seen(std::sync::Arc<Fault>),

    // below
    #[error(transparent)]
    Store(#[from] store::StoreError),
    #[error(transparent)]
    Move(#[from] store::MoveError),
    #[error(transparent)]
    Begin(#[from] store::BeginError),
    #[error(transparent)]
    Session(#[from] store::SessionError),
    #[error(transparent)]
    Chunk(#[from] store::ChunkError),
    #[error(transparent)]
    Config(#[from] config::ConfigError),
    #[error(transparent)]
    Edit(#[from] config::edit::EditError),
    #[error(transparent)]
    Task(#[from] TaskError),
    /// The file that says when a job ran last.
    #[error("{0}")]
    JobState(String),
    #[error("cannot use the statistics")]
    Statistics(#[source] std::io::Error),
    /// A job names no datastore.
    #[error(transparent)]
    Name(#[from] format::NameError),
    #[error(transparent)]
    Broken(#[from] Broken),
    /// A body inside a protocol session could not be taken.
    #[error(transparent)]
    Protocol(Box<dyn std::error::Error + Send + Sync>),
}

/// An error's text and its causes', joined by colons; a cause that the text ends with already is not repeated.
pub fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.ends_with(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        cause = error.source();
    }
    text
}

impl From<AuthFailure> for Fault {
    fn from(failure: AuthFailure) -> Fault {
        match failure {
            AuthFailure::Damaged => Fault::Uncheckable,
            failure => Fault::Unauthenticated(failure),
        }
    }
}

impl Fault {
    /// The refusal of a login.
    pub fn login(user: &Userid, cause: AuthFailure) -> Fault {
        match cause {
            AuthFailure::Damaged => Fault::Uncheckable,
            cause => Fault::LoginRefused {
                user: Some(user.to_string()),
                cause,
            },
        }
    }
}
