//! Shows an archive as a mounted file system, and an image as a file, a loop device or an NBD export; all read-only.
//!
//! Everything is read through [`pxar::ReadAt`], so it does not matter whether the bytes are in a file or come from a server. What the
//! kernel asks is answered by plain calls of [`TreeView`]; [`mounting`] brings them to the kernel, as root directly and else through
//! `fusermount3`, without libfuse. [`loop_device`] makes a block device of a mounted image, [`nbd`] serves an image without any
//! privilege. Where archives come from, names on a command line and what is printed are the caller's.

mod posix_acl;
mod recent;
mod sys;
mod view_error;

mod attributes;
mod inodes;

mod tree_view;

mod fuse;
mod fusermount;

pub mod loop_device;
pub mod mounting;
pub mod nbd;

pub mod mappings;

pub use mounting::{Complain, MountError, Mounted, mount_image, mount_tree};
pub use tree_view::{Listed, Listing, TreeView};
pub use view_error::{NAME_LEN_MAX, ViewError};
