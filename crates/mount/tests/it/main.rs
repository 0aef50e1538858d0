//! Archives and images as users of a mount, of a loop device and of NBD see them; without the kernel's help wherever that shows it too.

#![expect(
    clippy::unwrap_used,
    reason = "a test that unwraps an error fails, as it should"
)]

mod rig;
mod seen;

mod fuse;
mod hostile;
mod loops;
mod nbd;
mod tree;
