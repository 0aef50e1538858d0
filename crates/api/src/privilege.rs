//! Privileges: single rights and sets of them (server.md 2.1, numbering since 3.3).
//!
//! Only the names leave the process; the bits are an implementation detail that happens to follow the original's order,
//! because lists of privileges are printed in that order.

use std::fmt;
use std::ops::{BitAnd, BitOr, BitOrAssign};
use std::str::FromStr;

macro_rules! privileges {
    ($($variant:ident = $bit:literal, $name:literal;)*) => {
        /// One right.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Privilege { $(#[doc = $name] $variant = $bit,)* }

        impl Privilege {
            /// All privileges in bit order.
            pub const ALL: &'static [Privilege] = &[$(Privilege::$variant,)*];

            /// The name on the wire, such as `Datastore.Audit`.
            pub const fn name(self) -> &'static str {
                match self { $(Privilege::$variant => $name,)* }
            }
        }

        impl Privileges {
            $(#[doc = concat!("Only `", $name, "`.")]
            #[expect(non_upper_case_globals, reason = "named exactly as the variant")]
            pub const $variant: Privileges = Privileges(1 << $bit);)*
        }
    };
}

privileges! {
    SysAudit = 0, "Sys.Audit";
    SysModify = 1, "Sys.Modify";
    SysPowerManagement = 2, "Sys.PowerManagement";
    DatastoreAudit = 3, "Datastore.Audit";
    DatastoreAllocate = 4, "Datastore.Allocate";
    DatastoreModify = 5, "Datastore.Modify";
    DatastoreRead = 6, "Datastore.Read";
    DatastoreVerify = 7, "Datastore.Verify";
    DatastoreBackup = 8, "Datastore.Backup";
    DatastorePrune = 9, "Datastore.Prune";
    PermissionsModify = 10, "Permissions.Modify";
    RemoteAudit = 11, "Remote.Audit";
    RemoteModify = 12, "Remote.Modify";
    RemoteRead = 13, "Remote.Read";
    RemoteDatastoreBackup = 14, "Remote.DatastoreBackup";
    RemoteDatastoreModify = 15, "Remote.DatastoreModify";
    RemoteDatastorePrune = 16, "Remote.DatastorePrune";
    SysConsole = 17, "Sys.Console";
    TapeAudit = 18, "Tape.Audit";
    TapeModify = 19, "Tape.Modify";
    TapeWrite = 20, "Tape.Write";
    TapeRead = 21, "Tape.Read";
    RealmAllocate = 22, "Realm.Allocate";
}

/// A set of privileges. `A | B` unites, `A & B` intersects.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Privileges(u64);

impl Privileges {
    /// No right at all.
    pub const NONE: Privileges = Privileges(0);
    /// Everything, also what later versions may name.
    pub const ALL: Privileges = Privileges(u64::MAX);

    /// The union, usable in constants.
    pub const fn with(self, other: Privileges) -> Privileges {
        Privileges(self.0 | other.0)
    }

    /// True if both sets share a privilege: "any of".
    pub const fn intersects(self, mask: Privileges) -> bool {
        self.0 & mask.0 != 0
    }

    /// True if every privilege of `mask` is in this set: "all of".
    pub const fn contains(self, mask: Privileges) -> bool {
        self.0 & mask.0 == mask.0
    }

    /// True if nothing is in the set.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The named privileges in the set, in bit order.
    pub fn iter(self) -> impl Iterator<Item = Privilege> {
        Privilege::ALL
            .iter()
            .copied()
            .filter(move |p| self.0 & (1 << *p as u8) != 0)
    }

    /// The names joined with `separator`, as error texts show them (`Datastore.Audit|Datastore.Backup`).
    pub fn join(self, separator: &str) -> String {
        self.iter()
            .map(Privilege::name)
            .collect::<Vec<_>>()
            .join(separator)
    }
}

impl From<Privilege> for Privileges {
    fn from(privilege: Privilege) -> Privileges {
        Privileges(1 << privilege as u8)
    }
}

impl BitOr for Privileges {
    type Output = Privileges;
    fn bitor(self, other: Privileges) -> Privileges {
        self.with(other)
    }
}

impl BitOrAssign for Privileges {
    fn bitor_assign(&mut self, other: Privileges) {
        self.0 |= other.0;
    }
}

impl BitAnd for Privileges {
    type Output = Privileges;
    fn bitand(self, other: Privileges) -> Privileges {
        Privileges(self.0 & other.0)
    }
}

impl fmt::Debug for Privileges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set()
            .entries(self.iter().map(Privilege::name))
            .finish()
    }
}

impl fmt::Display for Privilege {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A privilege name that is not in the table.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("unknown privilege '{0}'")]
pub struct UnknownPrivilege(pub String);

impl FromStr for Privilege {
    type Err = UnknownPrivilege;
    fn from_str(text: &str) -> Result<Privilege, UnknownPrivilege> {
        Privilege::ALL
            .iter()
            .copied()
            .find(|p| p.name() == text)
            .ok_or_else(|| UnknownPrivilege(text.to_owned()))
    }
}
