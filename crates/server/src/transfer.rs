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
use std::hash::Hash;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, PoisonError};

use format::{StoreName, Userid};

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
    /// The same of datastores: chunks that a silent disk keeps waiting hold memory too.
    of_stores: Arc<Mutex<HashMap<StoreName, memory::Memory>>>,
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
            of_stores: Arc::default(),
            wanted: Arc::default(),
            windows: window::Windows::new(limits.window_bytes, [uploads, downloads]),
        }
    }

    /// What the client of one session may send ahead.
    pub fn window(&self) -> window::Window {
        self.windows.open()
    }

    /// Memory for the downloads of one session.
    pub fn share(&self, user: &Userid, store: &StoreName) -> memory::Share {
        let of_user = self.beside(&self.own, user, self.own_bytes);
        let of_store = self.beside(&self.of_stores, store, memory::BUFFER_BYTES_MAX);
        memory::Share::new([&self.downloads, &of_user, &of_store], &self.wanted)
    }

    /// The budget of one of them; those of others that nobody uses are forgotten.
    fn beside<K: Eq + Hash + Clone>(
        &self,
        budgets: &Mutex<HashMap<K, memory::Memory>>,
        key: &K,
        bytes: usize,
    ) -> memory::Memory {
        let mut all = budgets.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, own| !own.is_idle());
        let own = all
            .entry(key.clone())
            .or_insert_with(|| self.downloads.beside(bytes));
        own.clone()
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
        let (silent, fine): (StoreName, StoreName) = (
            "silent".parse().expect("name"),
            "fine".parse().expect("name"),
        );
        let sessions: Vec<_> = (0..10).map(|_| transfer.share(&one, &silent)).collect();
        let mut held = Vec::new();
        for session in &sessions[..4] {
            held.push(session.take_any(LARGEST).await);
        }
        let waits =
            futures_util::FutureExt::now_or_never(async { sessions[4].take_any(LARGEST).await });
        assert!(
            waits.is_none(),
            "one of all, two of his own, one of the datastore"
        );
        assert!(!sessions[4].is_wanted(), "who gave up wants nothing");
        // Others go on, and he himself elsewhere.
        let share = transfer.share(&other, &silent);
        drop(share.take_any(LARGEST).await);
        let elsewhere = transfer.share(&one, &fine);
        drop(elsewhere.take_any(LARGEST).await);
        drop((held, sessions, share, elsewhere));
        transfer.share(&other, &fine);
        let all = transfer.own.lock().expect("lock");
        assert_eq!(all.len(), 1, "nothing is kept of those who left");
    }
}
