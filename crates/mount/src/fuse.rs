//! What the kernel asks, brought to plain calls and back. Everything that would change something is left out: it gets `ENOSYS`, and the
//! mount is read-only anyway.
//!
//! Contents never change, so the kernel may keep all that it was told. Opening files and directories is not told to us at all.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::time::Duration;

use fuser::{
    Errno, FileHandle, Filesystem, Generation, INodeNo, InitFlags, KernelConfig, LockOwner,
    OpenFlags, ReplyAttr, ReplyData, ReplyDirectory, ReplyDirectoryPlus, ReplyEntry, ReplyOpen,
    ReplyStatfs, ReplyXattr, Request,
};
use pxar::ReadAt;

use crate::attributes::{self, ROOT};
use crate::tree_view::{Listing, TreeView, read_whole};
use crate::view_error::{Complain, ViewError};

/// How long the kernel may believe an answer: for ever.
const KEPT: Duration = Duration::from_secs(1 << 31);
const GENERATION: Generation = Generation(1);
const BLOCK_SIZE: u64 = 4096;
const NAME_MAX: u32 = 255;

/// A tree for the kernel.
pub(crate) struct TreeFs<R> {
    pub view: TreeView<R>,
    pub complain: Complain,
}

impl<R> TreeFs<R> {
    fn number(&self, error: &ViewError) -> Errno {
        if error.is_failure() {
            (self.complain)(error);
        }
        error.errno()
    }
}

fn ask_for(config: &mut KernelConfig, wanted: InitFlags) {
    for flag in wanted.iter() {
        // What an old kernel does not have is only slower.
        let _ = config.add_capabilities(flag);
    }
}

impl<R: ReadAt + Send + Sync + 'static> Filesystem for TreeFs<R> {
    fn init(&mut self, _: &Request, config: &mut KernelConfig) -> io::Result<()> {
        let wanted = InitFlags::FUSE_DO_READDIRPLUS
            | InitFlags::FUSE_PARALLEL_DIROPS
            | InitFlags::FUSE_CACHE_SYMLINKS
            | InitFlags::FUSE_NO_OPEN_SUPPORT
            | InitFlags::FUSE_NO_OPENDIR_SUPPORT
            | InitFlags::FUSE_POSIX_ACL;
        ask_for(config, wanted);
        Ok(())
    }

    fn lookup(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        match self.view.lookup(parent.0, name.as_bytes()) {
            Ok(attributes) => reply.entry(&KEPT, &attributes, GENERATION),
            Err(error) => reply.error(self.number(&error)),
        }
    }

    fn forget(&self, _: &Request, inode: INodeNo, lookups: u64) {
        self.view.forget(inode.0, lookups);
    }

    fn getattr(&self, _: &Request, inode: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        match self.view.attributes(inode.0) {
            Ok(attributes) => reply.attr(&KEPT, &attributes),
            Err(error) => reply.error(self.number(&error)),
        }
    }

    fn readlink(&self, _: &Request, inode: INodeNo, reply: ReplyData) {
        match self.view.read_link(inode.0) {
            Ok(target) => reply.data(&target),
            Err(error) => reply.error(self.number(&error)),
        }
    }

    fn open(&self, _: &Request, _: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        reply.error(Errno::ENOSYS);
    }

    fn opendir(&self, _: &Request, _: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        reply.error(Errno::ENOSYS);
    }

    fn read(
        &self,
        _: &Request,
        inode: INodeNo,
        _: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        match self.view.read(inode.0, offset, size as usize) {
            Ok(data) => reply.data(&data),
            Err(error) => reply.error(self.number(&error)),
        }
    }

    fn readdir(
        &self,
        _: &Request,
        inode: INodeNo,
        _: FileHandle,
        offset: u64,
        mut reply: ReplyDirectory,
    ) {
        let listed = self
            .view
            .list(inode.0, offset, Listing::Names, &mut |line| {
                let name = OsStr::from_bytes(line.name);
                let (inode, kind) = (line.attributes.ino, line.attributes.kind);
                !reply.add(inode, line.next, kind, name)
            });
        match listed {
            Ok(()) => reply.ok(),
            Err(error) => reply.error(self.number(&error)),
        }
    }

    fn readdirplus(
        &self,
        _: &Request,
        inode: INodeNo,
        _: FileHandle,
        offset: u64,
        mut reply: ReplyDirectoryPlus,
    ) {
        let listed = self
            .view
            .list(inode.0, offset, Listing::Lookups, &mut |line| {
                let name = OsStr::from_bytes(line.name);
                let attributes = &line.attributes;
                // What may not be believed at all is looked up when somebody wants it, and that answers why it is not there.
                let kept = if line.is_broken { Duration::ZERO } else { KEPT };
                !reply.add(
                    attributes.ino,
                    line.next,
                    name,
                    &kept,
                    attributes,
                    GENERATION,
                )
            });
        match listed {
            Ok(()) => reply.ok(),
            Err(error) => reply.error(self.number(&error)),
        }
    }

    fn statfs(&self, _: &Request, _: INodeNo, reply: ReplyStatfs) {
        let blocks = self.view.size().div_ceil(BLOCK_SIZE);
        reply.statfs(
            blocks,
            0,
            0,
            0,
            0,
            BLOCK_SIZE as u32,
            NAME_MAX,
            BLOCK_SIZE as u32,
        );
    }

    fn listxattr(&self, _: &Request, inode: INodeNo, size: u32, reply: ReplyXattr) {
        match self.view.attribute_names(inode.0) {
            Ok(names) => give(&names, size, reply),
            Err(error) => reply.error(self.number(&error)),
        }
    }

    fn getxattr(&self, _: &Request, inode: INodeNo, name: &OsStr, size: u32, reply: ReplyXattr) {
        match self.view.attribute(inode.0, name.as_bytes()) {
            Ok(value) => give(&value, size, reply),
            Err(error) => reply.error(self.number(&error)),
        }
    }
}

/// The length if nothing else is asked for, else the bytes if they fit.
fn give(bytes: &[u8], size: u32, reply: ReplyXattr) {
    match u32::try_from(bytes.len()) {
        Ok(len) if size == 0 => reply.size(len),
        Ok(len) if len <= size => reply.data(bytes),
        _ => reply.error(Errno::ERANGE),
    }
}

/// An image for the kernel: a file system that is one file.
pub(crate) struct ImageFs<R> {
    pub image: R,
    pub complain: Complain,
}

impl<R: ReadAt + Send + Sync + 'static> Filesystem for ImageFs<R> {
    fn init(&mut self, _: &Request, config: &mut KernelConfig) -> io::Result<()> {
        ask_for(config, InitFlags::FUSE_NO_OPEN_SUPPORT);
        Ok(())
    }

    fn getattr(&self, _: &Request, inode: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        match inode.0 {
            ROOT => reply.attr(&KEPT, &attributes::of_image(self.image.size())),
            _ => reply.error(Errno::ENOENT),
        }
    }

    fn open(&self, _: &Request, _: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        reply.error(Errno::ENOSYS);
    }

    fn read(
        &self,
        _: &Request,
        inode: INodeNo,
        _: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        if inode.0 != ROOT {
            return reply.error(Errno::ENOENT);
        }
        match read_whole(&self.image, offset, size as usize) {
            Ok(data) => reply.data(&data),
            Err(error) => {
                (self.complain)(&ViewError::Data(error));
                reply.error(Errno::EIO);
            }
        }
    }

    fn statfs(&self, _: &Request, _: INodeNo, reply: ReplyStatfs) {
        let blocks = self.image.size().div_ceil(BLOCK_SIZE);
        reply.statfs(
            blocks,
            0,
            0,
            0,
            0,
            BLOCK_SIZE as u32,
            NAME_MAX,
            BLOCK_SIZE as u32,
        );
    }
}
