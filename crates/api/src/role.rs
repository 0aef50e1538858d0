//! Roles: the fixed named sets of privileges that access control entries grant (server.md 2.1).
//!
//! Nobody can define a role, and no privilege implies another.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::privilege::Privileges as P;

macro_rules! roles {
    ($($variant:ident, $comment:literal, $privileges:expr;)*) => {
        /// A named set of privileges. Ordered by name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum Role { $(#[doc = $comment] $variant,)* }

        impl Role {
            /// All roles, in the order in which the original lists their names.
            pub const ALL: &'static [Role] = &[$(Role::$variant,)*];
            /// Their names, for parameter schemas.
            pub const NAMES: &'static [&'static str] = &[$(stringify!($variant),)*];

            /// The name in files and on the wire.
            pub const fn name(self) -> &'static str {
                match self { $(Role::$variant => stringify!($variant),)* }
            }

            /// One line about the role, as `GET /access/roles` shows it.
            pub const fn comment(self) -> &'static str {
                match self { $(Role::$variant => $comment,)* }
            }

            /// What it grants.
            pub const fn privileges(self) -> P {
                match self { $(Role::$variant => $privileges,)* }
            }
        }
    };
}

roles! {
    Admin, "Administrator", P::ALL;
    Audit, "Auditor", P::SysAudit.with(P::DatastoreAudit);
    NoAccess, "Disable Access", P::NONE;
    DatastoreAdmin, "Datastore Administrator",
        P::DatastoreAudit.with(P::DatastoreModify).with(P::DatastoreRead).with(P::DatastoreVerify).with(P::DatastoreBackup).with(P::DatastorePrune);
    DatastoreReader, "Datastore Reader (inspect datastore content and do restores)", P::DatastoreAudit.with(P::DatastoreVerify).with(P::DatastoreRead);
    DatastoreBackup, "Datastore Backup (backup and restore owned backups)", P::DatastoreBackup;
    DatastorePowerUser, "Datastore PowerUser (backup, restore and prune owned backup)", P::DatastoreBackup.with(P::DatastorePrune);
    DatastoreAudit, "Datastore Auditor", P::DatastoreAudit;
    RemoteAudit, "Remote Auditor", P::RemoteAudit;
    RemoteAdmin, "Remote Administrator", P::RemoteAudit.with(P::RemoteModify).with(P::RemoteRead);
    RemoteSyncOperator, "Syncronisation Opertator", P::RemoteAudit.with(P::RemoteRead);
    RemoteSyncPushOperator, "Synchronisation Operator (push direction)", P::RemoteAudit.with(P::RemoteDatastoreBackup);
    RemoteDatastorePowerUser, "Remote Datastore PowerUser (push and prune)", P::RemoteAudit.with(P::RemoteDatastoreBackup).with(P::RemoteDatastorePrune);
    RemoteDatastoreAdmin, "Remote Datastore Administrator",
        P::RemoteAudit.with(P::RemoteDatastoreBackup).with(P::RemoteDatastoreModify).with(P::RemoteDatastorePrune);
    TapeAudit, "Tape Auditor", P::TapeAudit;
    TapeAdmin, "Tape Administrator", P::TapeAudit.with(P::TapeModify).with(P::TapeRead).with(P::TapeWrite);
    TapeOperator, "Tape Operator", P::TapeAudit.with(P::TapeRead).with(P::TapeWrite);
    TapeReader, "Tape Reader", P::TapeAudit.with(P::TapeRead);
}

impl PartialOrd for Role {
    fn partial_cmp(&self, other: &Role) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Role {
    fn cmp(&self, other: &Role) -> std::cmp::Ordering {
        self.name().cmp(other.name())
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A role name that is not in the table.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("unknown role '{0}'")]
pub struct UnknownRole(pub String);

impl FromStr for Role {
    type Err = UnknownRole;
    fn from_str(text: &str) -> Result<Role, UnknownRole> {
        Role::ALL
            .iter()
            .copied()
            .find(|r| r.name() == text)
            .ok_or_else(|| UnknownRole(text.to_owned()))
    }
}
