//! Looking at an open file: its attributes become those of the member at hand.

use std::os::fd::BorrowedFd;

use pxar::Sink;

use super::record::Record;
use super::{CreateError, CreateOptions, Notice, PayloadSink, path_of};
use crate::capture::{Capture, CaptureError, Wanted};

pub(super) struct Look {
    pub(super) capture: Capture,
    skip_e2big_xattr: bool,
}

impl Look {
    pub(super) fn new(options: &CreateOptions) -> Look {
        let wanted = Wanted {
            xattrs: options.with_xattrs,
            acls: options.with_acls,
            fcaps: options.with_fcaps,
        };
        Look {
            capture: Capture::new(wanted),
            skip_e2big_xattr: options.skip_e2big_xattr,
        }
    }

    /// Completes the record's metadata, which has its stat fields already; `false` if the file is to be left out, which was
    /// noticed.
    pub(super) fn attributes<S: Sink, P: PayloadSink>(
        &mut self,
        record: &mut Record<'_, S, P>,
        fd: BorrowedFd<'_>,
        dev: u64,
    ) -> Result<bool, CreateError> {
        match self.capture.attributes(fd, dev, &mut record.metadata) {
            Ok(()) => Ok(true),
            Err(CaptureError::XattrTooLarge) if self.skip_e2big_xattr => {
                record.notice(Notice::XattrTooLarge(path_of(record.relative())));
                Ok(true)
            }
            Err(CaptureError::XattrTooLarge) => Err(CreateError::XattrTooLarge {
                path: path_of(record.relative()),
            }),
            Err(CaptureError::Failed { action, errno }) => {
                record.skip_or_fail(action, errno).map(|()| false)
            }
        }
    }
}
