//! What has happened since the server started, counted for whoever watches it. One value of this per server; nothing here is written down.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use api::Upid;
use format::StoreName;
use http::StatusCode;

/// Combinations of type, datastore and status that are told apart; datastores may come and go for years.
const TASKS_MAX: usize = 4096;
/// How long a look for the newest backup of a datastore counts: it walks all groups.
const NEWEST_FOR: Duration = Duration::from_secs(300);
/// Types of tasks whose id begins with the datastore.
const ON_STORES: [&str; 11] = [
    "backup",
    "benchmark",
    "reader",
    "verify",
    "verify_group",
    "verify_snapshot",
    "verificationjob",
    "prune",
    "prunejob",
    "garbage_collection",
    "sync",
];

/// Finished tasks that are counted together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ended {
    pub kind: String,
    /// Empty for what is not about one.
    pub store: String,
    /// `ok`, `warning`, `error` or `unknown`.
    pub status: &'static str,
}

/// See the module.
#[derive(Debug)]
pub struct Counters {
    started: Instant,
    /// By first digit of the status.
    requests: [AtomicU64; 5],
    received_bytes: AtomicU64,
    chunks_new: AtomicU64,
    chunks_known: AtomicU64,
    ended: Mutex<BTreeMap<Ended, u64>>,
    newest: Mutex<HashMap<StoreName, (Instant, Option<i64>)>>,
}

impl Default for Counters {
    fn default() -> Counters {
        Counters {
            started: Instant::now(),
            requests: Default::default(),
            received_bytes: AtomicU64::default(),
            chunks_new: AtomicU64::default(),
            chunks_known: AtomicU64::default(),
            ended: Mutex::default(),
            newest: Mutex::default(),
        }
    }
}

impl Counters {
    pub fn uptime(&self) -> Duration {
        self.started.elapsed()
    }

    /// A request was answered.
    pub fn request(&self, status: StatusCode) {
        let class = usize::from(status.as_u16() / 100).saturating_sub(1);
        if let Some(count) = self.requests.get(class) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Answers by first digit of their status, from 1.
    pub fn requests(&self) -> impl Iterator<Item = (usize, u64)> {
        (1..).zip(
            self.requests
                .iter()
                .map(|count| count.load(Ordering::Relaxed)),
        )
    }

    /// So many bytes of a backup arrived.
    pub fn received(&self, bytes: usize) {
        self.received_bytes
            .fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub fn received_bytes(&self) -> u64 {
        self.received_bytes.load(Ordering::Relaxed)
    }

    /// A chunk arrived; it may have been there already.
    pub fn chunk(&self, is_known: bool) {
        self.chunks(if is_known { (0, 1) } else { (1, 0) });
    }

    /// So many chunks of an index were not sent at all.
    pub fn reused(&self, chunks: u64) {
        self.chunks((0, chunks));
    }

    fn chunks(&self, (new, known): (u64, u64)) {
        self.chunks_new.fetch_add(new, Ordering::Relaxed);
        self.chunks_known.fetch_add(known, Ordering::Relaxed);
    }

    pub fn chunks_new(&self) -> u64 {
        self.chunks_new.load(Ordering::Relaxed)
    }

    pub fn chunks_known(&self) -> u64 {
        self.chunks_known.load(Ordering::Relaxed)
    }

    /// A task has ended.
    pub fn task_ended(&self, upid: &Upid, status: &'static str) {
        let key = Ended {
            kind: upid.worker_type.clone(),
            store: store_of(upid).unwrap_or_default().to_owned(),
            status,
        };
        let mut ended = locked(&self.ended);
        if ended.len() < TASKS_MAX || ended.contains_key(&key) {
            *ended.entry(key).or_default() += 1;
        }
    }

    pub fn ended(&self) -> Vec<(Ended, u64)> {
        locked(&self.ended)
            .iter()
            .map(|(key, count)| (key.clone(), *count))
            .collect()
    }

    /// Time of the newest backup in a datastore as `look` finds it, or found it a few minutes ago.
    pub fn newest<E>(
        &self,
        store: &StoreName,
        look: impl FnOnce() -> Result<Option<i64>, E>,
    ) -> Result<Option<i64>, E> {
        let known = locked(&self.newest).get(store).copied();
        if let Some((at, newest)) = known
            && at.elapsed() < NEWEST_FOR
        {
            return Ok(newest);
        }
        let newest = look()?;
        let mut all = locked(&self.newest);
        all.retain(|_, (at, _)| at.elapsed() < 2 * NEWEST_FOR);
        all.insert(store.clone(), (Instant::now(), newest));
        Ok(newest)
    }

    /// A datastore has changed: the next look counts.
    pub fn forget_newest(&self, store: &StoreName) {
        locked(&self.newest).remove(store);
    }
}

/// The datastore that a task works on.
pub fn store_of(upid: &Upid) -> Option<&str> {
    let is_on_store = ON_STORES.contains(&upid.worker_type.as_str());
    let id = upid.worker_id.as_deref().filter(|_| is_on_store)?;
    id.split(':').next()
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_are_counted_by_type_datastore_and_status() {
        let counters = Counters::default();
        let upid = |kind: &str, id: &str| -> Upid {
            let text =
                format!("UPID:pbs:00000001:00000001:00000001:60000000:{kind}:{id}:root@pam:");
            text.parse().expect("task id")
        };
        counters.task_ended(&upid("backup", "peer\\x3ahost-a"), "ok");
        counters.task_ended(&upid("backup", "peer\\x3ahost-b"), "ok");
        counters.task_ended(&upid("logrotate", ""), "error");
        let ended: Vec<_> = counters
            .ended()
            .into_iter()
            .map(|(ended, count)| (ended.kind, ended.store, ended.status, count))
            .collect();
        assert_eq!(
            ended,
            [
                ("backup".to_owned(), "peer".to_owned(), "ok", 2),
                ("logrotate".to_owned(), String::new(), "error", 1)
            ]
        );
        for n in 0..2 * TASKS_MAX {
            counters.task_ended(&upid("backup", &format!("s{n}")), "ok");
        }
        assert_eq!(counters.ended().len(), TASKS_MAX);
    }

    #[test]
    fn the_newest_backup_is_looked_for_now_and_then() {
        let counters = Counters::default();
        let store: StoreName = "peer".parse().expect("name");
        assert_eq!(counters.newest(&store, || Err("no disk")), Err("no disk"));
        let looked = |time| counters.newest(&store, || Ok::<_, ()>(Some(time)));
        assert_eq!((looked(7), looked(8)), (Ok(Some(7)), Ok(Some(7))));
        counters.forget_newest(&store);
        assert_eq!(looked(9), Ok(Some(9)));
    }

    #[test]
    fn requests_are_counted_by_class() {
        let counters = Counters::default();
        for status in [101, 200, 204, 401, 404, 501] {
            counters.request(StatusCode::from_u16(status).expect("status"));
        }
        let all: Vec<_> = counters.requests().collect();
        assert_eq!(all, [(1, 1), (2, 2), (3, 0), (4, 2), (5, 1)]);
    }
}
