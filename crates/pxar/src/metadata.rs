//! What an archive knows about a file besides its name and its data.
//!
//! The numbers are those of Linux as stored; `mode` carries the type bits too. Translation to and from a file system is done in
//! `tree`. A [`Metadata`] is meant to be reused: [`Metadata::clear`] keeps the memory of its lists.

/// Bits of `mode` that tell the type of a file.
pub mod mode {
    pub const TYPE_MASK: u64 = 0o170_000;
    pub const SOCKET: u64 = 0o140_000;
    pub const SYMLINK: u64 = 0o120_000;
    pub const FILE: u64 = 0o100_000;
    pub const BLOCK: u64 = 0o060_000;
    pub const DIRECTORY: u64 = 0o040_000;
    pub const CHAR: u64 = 0o020_000;
    pub const FIFO: u64 = 0o010_000;
    pub const PERMISSIONS: u64 = 0o7777;
}

/// Bits of `flags`: attributes of an inode.
pub mod flags {
    pub const HIDDEN: u64 = 0x2000;
    pub const SYSTEM: u64 = 0x4000;
    pub const ARCHIVE: u64 = 0x8000;
    pub const APPEND: u64 = 0x1_0000;
    pub const NOATIME: u64 = 0x2_0000;
    pub const COMPRESS: u64 = 0x4_0000;
    pub const NOCOW: u64 = 0x8_0000;
    pub const NODUMP: u64 = 0x10_0000;
    pub const DIRSYNC: u64 = 0x20_0000;
    pub const IMMUTABLE: u64 = 0x40_0000;
    pub const SYNC: u64 = 0x80_0000;
    pub const NOCOMP: u64 = 0x100_0000;
    pub const PROJINHERIT: u64 = 0x200_0000;
}

/// Time of last change: `secs` rounded down, `nanos` (0..10^9) always added.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mtime {
    pub secs: i64,
    pub nanos: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Xattr {
    /// 1 to 255 bytes, no NUL.
    pub name: Vec<u8>,
    pub value: Vec<u8>,
}

/// One named user or group of a POSIX ACL; `permissions` are r = 4, w = 2, x = 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AclEntry {
    pub id: u64,
    pub permissions: u64,
}

/// The unnamed parts of a default ACL; [`AclDefault::ABSENT`] stands for a part that is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AclDefault {
    pub user_obj: u64,
    pub group_obj: u64,
    pub other: u64,
    pub mask: u64,
}

impl AclDefault {
    pub const ABSENT: u64 = u64::MAX;
}

/// POSIX ACLs as far as they are not in the mode bits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Acl {
    pub users: Vec<AclEntry>,
    pub groups: Vec<AclEntry>,
    /// Permissions of the owning group; present when the ACL has a mask (then the group bits of the mode are the mask).
    pub group_obj: Option<u64>,
    pub default: Option<AclDefault>,
    pub default_users: Vec<AclEntry>,
    pub default_groups: Vec<AclEntry>,
}

impl Acl {
    pub fn is_empty(&self) -> bool {
        self.users.is_empty()
            && self.groups.is_empty()
            && self.group_obj.is_none()
            && self.default.is_none()
            && self.default_users.is_empty()
            && self.default_groups.is_empty()
    }

    pub fn clear(&mut self) {
        self.users.clear();
        self.groups.clear();
        self.group_obj = None;
        self.default = None;
        self.default_users.clear();
        self.default_groups.clear();
    }
}

/// Everything but name, kind and data of one entry.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Metadata {
    /// Full `st_mode`, type bits included ([`mode`]).
    pub mode: u64,
    /// See [`flags`].
    pub flags: u64,
    pub uid: u32,
    pub gid: u32,
    pub mtime: Mtime,
    /// In the order in which the file system lists them.
    pub xattrs: Vec<Xattr>,
    pub acl: Acl,
    /// Raw value of `security.capability`.
    pub fcaps: Option<Vec<u8>>,
    pub quota_project_id: Option<u64>,
}

impl Metadata {
    /// Back to the default; the lists keep their memory.
    pub fn clear(&mut self) {
        self.mode = 0;
        self.flags = 0;
        self.uid = 0;
        self.gid = 0;
        self.mtime = Mtime::default();
        self.clear_attributes();
    }

    /// Forgets all but the stat fields.
    pub fn clear_attributes(&mut self) {
        self.xattrs.clear();
        self.acl.clear();
        self.fcaps = None;
        self.quota_project_id = None;
    }

    /// The type bits of the mode.
    pub fn file_type(&self) -> u64 {
        self.mode & mode::TYPE_MASK
    }

    pub fn is_dir(&self) -> bool {
        self.file_type() == mode::DIRECTORY
    }

    pub fn permissions(&self) -> u32 {
        (self.mode & mode::PERMISSIONS) as u32
    }
}
