//! What can be asked of which file system, and which ones only the kernel makes up.
//!
//! The table saves system calls: what a file system cannot hold is not asked for on any of its files.

use std::os::fd::AsFd;

use rustix::io::Errno;

const EXT4: u64 = 0xef53;
const XFS: u64 = 0x5846_5342;
const ZFS: u64 = 0x2fc1_2fc1;
const FUSE: u64 = 0x6573_5546;
const MSDOS: u64 = 0x4d44;
const OVERLAY: u64 = 0x794c_7630;

/// binfmt_misc, cgroup2, cgroup, configfs, debugfs, devpts, efivarfs, fusectl, hugetlbfs, mqueue, nfsd, proc, pstore,
/// rpc_pipefs, securityfs, selinuxfs, smackfs, sysfs.
const PSEUDO: [u64; 18] = [
    0x4249_4e4d,
    0x6367_7270,
    0x0027_e0eb,
    0x6265_6570,
    0x6462_6720,
    0x1cd1,
    0xde5e_81e4,
    0x6573_5543,
    0x9584_58f6,
    0x1980_0202,
    0x6e66_7364,
    0x9fa0,
    0x6165_676c,
    0x6759_6969,
    0x7363_6673,
    0xf97c_ff8c,
    0x4341_5d53,
    0x6265_6572,
];

/// A mounted file system, seen as what is worth asking of its files. Switches go off when an answer was "not supported".
#[derive(Clone, Copy, Debug)]
pub(crate) struct FileSystem {
    pub magic: u64,
    pub xattrs: bool,
    pub acls: bool,
    pub fcaps: bool,
    pub project_ids: bool,
    /// Attributes set with `chattr`.
    pub flags: bool,
    pub fat: bool,
}

impl FileSystem {
    /// Asks for the type of the file system on which `fd` lies.
    pub(crate) fn of(fd: impl AsFd) -> Result<FileSystem, Errno> {
        let magic = rustix::fs::fstatfs(fd)?.f_type.cast_unsigned();
        // Some types are negative when the field is signed and 32 bits wide.
        Ok(FileSystem::from_magic(magic & 0xffff_ffff))
    }

    /// Unlike the original, tmpfs is asked for attributes too: it holds ACLs and, since Linux 6.6, user attributes, and
    /// leaving them out without a word would lose them.
    fn from_magic(magic: u64) -> FileSystem {
        FileSystem {
            magic,
            xattrs: magic != MSDOS,
            acls: !matches!(magic, MSDOS | FUSE),
            fcaps: !matches!(magic, MSDOS | FUSE),
            project_ids: matches!(magic, EXT4 | XFS | ZFS | FUSE),
            flags: true,
            fat: matches!(magic, MSDOS | FUSE),
        }
    }

    pub(crate) fn is_pseudo(&self) -> bool {
        PSEUDO.contains(&self.magic)
    }

    /// Whether what is not supported for one file is so for all: not where several file systems may lie underneath.
    pub(crate) fn is_uniform(&self) -> bool {
        !matches!(self.magic, FUSE | OVERLAY)
    }
}

/// "Not supported here", in the words of the different file systems.
pub(crate) fn is_unsupported(errno: Errno) -> bool {
    matches!(
        errno,
        Errno::NOTTY | Errno::NOSYS | Errno::BADF | Errno::OPNOTSUPP | Errno::INVAL
    )
}

#[cfg(test)]
mod tests {
    use super::FileSystem;

    #[test]
    fn proc_is_pseudo_and_the_root_is_not() {
        let of = |path| FileSystem::of(std::fs::File::open(path).expect(path)).expect(path);
        assert!(of("/proc").is_pseudo());
        assert!(of("/sys").is_pseudo());
        assert!(!of("/").is_pseudo());
    }

    #[test]
    fn table() {
        let row = |magic| {
            let fs = FileSystem::from_magic(magic);
            [fs.xattrs, fs.acls, fs.fcaps, fs.project_ids, fs.fat]
        };
        assert_eq!(row(0xef53), [true, true, true, true, false]);
        assert_eq!(row(0x5846_5342), [true, true, true, true, false]);
        assert_eq!(row(0x9123_683e), [true, true, true, false, false]);
        assert_eq!(row(0x6573_5546), [true, false, false, true, true]);
        assert_eq!(row(0x4d44), [false, false, false, false, true]);
        assert_eq!(row(0x1234), [true, true, true, false, false]);
    }
}
