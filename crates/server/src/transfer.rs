//! Bulk data of the backup and reader protocols between the network and blocking code, in bounded memory: buffers and their budget, the
//! intake of uploaded bodies, the workers that decode and store them, and the HTTP/2 connection itself. What requests mean is for
//! `protocol`. Sessions share one [`Transfer`]; each connection has an [`intake::Intake`] of its own.

pub mod memory;

mod pressure;
pub mod send;

pub mod intake;

pub mod connection;
pub mod workshop;

use crate::settings::Limits;

/// What all sessions share.
#[derive(Debug, Clone)]
pub struct Transfer {
    pub uploads: memory::Memory,
    pub downloads: memory::Memory,
    pub workshop: workshop::Workshop,
}

impl Transfer {
    pub fn new(limits: &Limits) -> Transfer {
        Transfer {
            uploads: memory::Memory::new(limits.upload_bytes),
            downloads: memory::Memory::new(limits.download_bytes),
            workshop: workshop::Workshop::new(limits.upload_workers),
        }
    }
}
