//! The ioctls of loop devices, which no library offers in a safe form.
//!
//! The only file of this crate with `unsafe`. Each function is one system call; the layouts are those of `linux/loop.h`.
#![expect(
    unsafe_code,
    reason = "ioctl numbers and layouts of the kernel are asserted here"
)]

use std::os::fd::{AsFd, AsRawFd};

use rustix::io::Result;
use rustix::ioctl::{self, Ioctl, IoctlOutput, NoArg, Opcode, Setter};

const LOOP_CLR_FD: Opcode = 0x4C01;
const LOOP_CONFIGURE: Opcode = 0x4C0A;
const LOOP_CTL_GET_FREE: Opcode = 0x4C82;

/// Reads only.
const READ_ONLY: u32 = 1;
/// Shows partitions as devices of their own.
const PARTSCAN: u32 = 8;

const NAME_LEN: usize = 64;

/// `struct loop_info64`.
#[repr(C)]
#[derive(Clone, Copy)]
struct LoopInfo {
    device: u64,
    inode: u64,
    rdevice: u64,
    offset: u64,
    size_limit: u64,
    number: u32,
    encrypt_type: u32,
    encrypt_key_size: u32,
    flags: u32,
    file_name: [u8; NAME_LEN],
    crypt_name: [u8; NAME_LEN],
    encrypt_key: [u8; 32],
    init: [u64; 2],
}

/// `struct loop_config`.
#[repr(C)]
#[derive(Clone, Copy)]
struct LoopConfig {
    fd: u32,
    block_size: u32,
    info: LoopInfo,
    reserved: [u64; 8],
}

const _: () = assert!(size_of::<LoopInfo>() == 232 && size_of::<LoopConfig>() == 304);

/// The number of a loop device that nobody uses, asked of `/dev/loop-control`. Another process may be faster.
pub(crate) fn free_loop_device(control: impl AsFd) -> Result<u32> {
    // SAFETY: the call has no argument and returns a number.
    unsafe { ioctl::ioctl(control, GetFree) }
}

/// Attaches `file` to a loop device, read-only and with its partitions.
pub(crate) fn configure_loop(device: impl AsFd, file: impl AsFd, name: &[u8]) -> Result<()> {
    let mut file_name = [0; NAME_LEN];
    let len = name.len().min(NAME_LEN - 1);
    file_name[..len].copy_from_slice(&name[..len]);
    let config = LoopConfig {
        fd: file.as_fd().as_raw_fd().cast_unsigned(),
        block_size: 0,
        info: LoopInfo {
            device: 0,
            inode: 0,
            rdevice: 0,
            offset: 0,
            size_limit: 0,
            number: 0,
            encrypt_type: 0,
            encrypt_key_size: 0,
            flags: READ_ONLY | PARTSCAN,
            file_name,
            crypt_name: [0; NAME_LEN],
            encrypt_key: [0; 32],
            init: [0; 2],
        },
        reserved: [0; 8],
    };
    // SAFETY: the kernel reads one `struct loop_config`, whose layout `LoopConfig` has.
    unsafe { ioctl::ioctl(device, Setter::<LOOP_CONFIGURE, LoopConfig>::new(config)) }
}

/// Takes the file from a loop device; done when the device's last user closes it.
pub(crate) fn clear_loop(device: impl AsFd) -> Result<()> {
    // SAFETY: the call has no argument.
    unsafe { ioctl::ioctl(device, NoArg::<LOOP_CLR_FD>::new()) }
}

/// `LOOP_CTL_GET_FREE`, whose answer is the return value.
struct GetFree;

// SAFETY: the call takes no pointer, so nothing in this process's memory is changed.
unsafe impl Ioctl for GetFree {
    type Output = u32;
    const IS_MUTATING: bool = false;

    fn opcode(&self) -> Opcode {
        LOOP_CTL_GET_FREE
    }

    fn as_ptr(&mut self) -> *mut std::ffi::c_void {
        std::ptr::null_mut()
    }

    unsafe fn output_from_ptr(out: IoctlOutput, _: *mut std::ffi::c_void) -> Result<u32> {
        Ok(out.cast_unsigned())
    }
}
