//! One member of an archive as a reader hands it out.
//!
//! [`Entry`] owns its bytes and is meant to be reused from member to member. Where a member's data lies is known only to the
//! reader that found it.

use crate::metadata::{Metadata, mode};

/// What a member is, with what only this kind has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum EntryKind {
    #[default]
    Directory,
    /// A regular file of `size` data bytes.
    File {
        size: u64,
    },
    Symlink {
        target: Vec<u8>,
    },
    /// Another name for a file that came earlier. `offset` is the distance back from this member's start to that file's start;
    /// `path` is relative to the archive's root. Neither is checked: see [`crate::Accessor::follow_hardlink`].
    Hardlink {
        path: Vec<u8>,
        offset: u64,
    },
    /// Block or character device, told apart by the mode.
    Device {
        major: u64,
        minor: u64,
    },
    Fifo,
    Socket,
}

impl EntryKind {
    /// Whether a member of this kind may have these type bits (those of `st_mode`; 0 for a hard link, which carries no mode).
    pub fn matches_mode(&self, file_type: u64) -> bool {
        match self {
            EntryKind::Directory => file_type == mode::DIRECTORY,
            EntryKind::File { .. } => file_type == mode::FILE,
            EntryKind::Symlink { .. } => file_type == mode::SYMLINK,
            EntryKind::Hardlink { .. } => file_type == 0,
            EntryKind::Device { .. } => file_type == mode::BLOCK || file_type == mode::CHAR,
            EntryKind::Fifo => file_type == mode::FIFO,
            EntryKind::Socket => file_type == mode::SOCKET,
        }
    }
}

/// One member: name, metadata and kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// Empty for the root; else valid by [`crate::name::check`].
    pub name: Vec<u8>,
    /// Default values for a hard link.
    pub metadata: Metadata,
    pub kind: EntryKind,
}

impl Entry {
    pub fn is_dir(&self) -> bool {
        self.kind == EntryKind::Directory
    }

    /// The letter of the type, as in catalogs and answers of a server: `d f l h b c p s`.
    pub fn letter(&self) -> char {
        match &self.kind {
            EntryKind::Directory => 'd',
            EntryKind::File { .. } => 'f',
            EntryKind::Symlink { .. } => 'l',
            EntryKind::Hardlink { .. } => 'h',
            EntryKind::Device { .. } if self.metadata.file_type() == mode::CHAR => 'c',
            EntryKind::Device { .. } => 'b',
            EntryKind::Fifo => 'p',
            EntryKind::Socket => 's',
        }
    }

    /// Twelve characters as in a long listing: type, permissions, then a `+` for ACLs and one for extended attributes.
    ///
    /// ```
    /// use pxar::{Entry, EntryKind, Metadata};
    /// let metadata = Metadata { mode: 0o104_711, ..Metadata::default() };
    /// let entry = Entry { name: vec![], metadata, kind: EntryKind::File { size: 0 } };
    /// assert_eq!(entry.mode_text(), "-rws--x--x  ");
    /// ```
    pub fn mode_text(&self) -> String {
        let metadata = &self.metadata;
        let letter = match (&self.kind, metadata.file_type()) {
            (EntryKind::Hardlink { .. }, _) => 'L',
            (_, mode::FILE) => '-',
            (_, mode::DIRECTORY) => 'd',
            (_, mode::SYMLINK) => 'l',
            (_, mode::BLOCK) => 'b',
            (_, mode::CHAR) => 'c',
            (_, mode::FIFO) => 'p',
            (_, mode::SOCKET) => 's',
            _ => '?',
        };
        let acl = if metadata.acl.is_empty() { ' ' } else { '+' };
        let xattrs = if metadata.xattrs.is_empty() { ' ' } else { '+' };
        format!("{letter}{}{acl}{xattrs}", permissions(metadata))
    }
}

/// `rwxrwxrwx`, with `s`, `S`, `t` and `T` for the bits that have no place of their own.
fn permissions(metadata: &Metadata) -> String {
    let bits = metadata.permissions();
    let has = |bit: u32, letter| if bits & bit != 0 { letter } else { '-' };
    let execute =
        |bit: u32, special: u32, letter: char| match (bits & bit != 0, bits & special != 0) {
            (true, true) => letter,
            (false, true) => letter.to_ascii_uppercase(),
            (true, false) => 'x',
            (false, false) => '-',
        };
    let letters = [
        has(0o400, 'r'),
        has(0o200, 'w'),
        execute(0o100, 0o4000, 's'),
        has(0o040, 'r'),
        has(0o020, 'w'),
        execute(0o010, 0o2000, 's'),
        has(0o004, 'r'),
        has(0o002, 'w'),
        execute(0o001, 0o1000, 't'),
    ];
    letters.iter().collect()
}
