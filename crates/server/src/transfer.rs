//! Bulk data of the backup and reader protocols between the network and blocking code, in bounded memory: buffers and their budget, the
//! intake of uploaded bodies, the workers that decode and store them, and the HTTP/2 connection itself. What requests mean is for
//! `protocol`. Sessions share one [`Transfer`]; each connection has an [`intake::Intake`] of its own.

pub mod memory;

mod pressure;
pub mod send;
pub mod window;

pub mod intake;

pub mod connection;
pub mod workshop;

use std::collections::HashMap;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, PoisonError};

use format::Userid;

use crate::settings::Limits;

/// What all sessions share.
#[derive(Debug, Clone)]
pub struct Transfer {
    pub uploads: memory::Memory,
    pub workshop: workshop::Workshop,
    downloads: memory::Memory,
    /// Who downloads now, and what of the memory is his alone.
    own: Arc<Mutex<HashMap<Userid, memory::Memory>>>,
    own_bytes: usize,
    wanted: Arc<AtomicUsize>,
    windows: Arc<window::Windows>,
}

impl Transfer {
    pub fn new(limits: &Limits) -> Transfer {
        let uploads = memory::Memory::new(limits.upload_bytes);
        let downloads = memory::Memory::new(limits.download_bytes);
        Transfer {
            uploads: uploads.clone(),
            workshop: workshop::Workshop::new(limits.upload_workers),
            downloads: downloads.clone(),
            own: Arc::default(),
            own_bytes: limits.download_bytes_of_user,
            wanted: Arc::default(),
            windows: window::Windows::new(limits.window_bytes, [uploads, downloads]),
        }
    }

    /// What the client of one session may send ahead.
    pub fn window(&self) -> window::Window {
        self.windows.open()
    }

    /// Memory for the downloads of one session.
    pub fn share(&self, user: &Userid) -> memory::Share {
        let mut all = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, own| !own.is_idle());
        let own = all
            .entry(user.clone())
            .or_insert_with(|| self.downloads.beside(self.own_bytes));
        memory::Share::new(&self.downloads, own, &self.wanted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each reader had room for one chunk of its own, so two hundred of them that did not read held gigabytes.
    #[tokio::test]
    async fn what_a_user_holds_does_not_grow_with_his_sessions() {
        const LARGEST: usize = memory::BUFFER_BYTES_MAX;
        let limits = Limits {
            download_bytes: LARGEST,
            download_bytes_of_user: 2 * LARGEST,
            ..Limits::default()
        };
        let transfer = Transfer::new(&limits);
        let (one, other): (Userid, Userid) = (
            "a@pbs".parse().expect("user"),
            "b@pbs".parse().expect("user"),
        );
        let sessions: Vec<_> = (0..10).map(|_| transfer.share(&one)).collect();
        let mut held = Vec::new();
        for session in &sessions[..3] {
            held.push(session.take_any(LARGEST).await);
        }
        let waits =
            futures_util::FutureExt::now_or_never(async { sessions[3].take_any(LARGEST).await });
        assert!(waits.is_none(), "one of all and two of his own");
        assert!(!sessions[3].is_wanted(), "who gave up wants nothing");
        // Others go on.
        let share = transfer.share(&other);
        drop(share.take_any(LARGEST).await);
        drop((held, sessions, share));
        transfer.share(&other);
        let all = transfer.own.lock().expect("lock");
        assert_eq!(all.len(), 1, "nothing is kept of those who left");
    }
}
