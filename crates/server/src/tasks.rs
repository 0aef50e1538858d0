//! Worker tasks: ids, log files, the lists of running and finished ones (protocol.md 7). A task is started with [`Tasks::start`], which gives a
//! [`Worker`] that owns it: whoever does the work holds it and finishes it, and if he forgets, the task ends as failed when the worker is
//! dropped. Everything here blocks for a small file operation; call it through `blocking`.

mod archive;
mod ending;
mod index;
mod list;
mod log;
mod queue;
mod room;
mod status;
mod unlisted;
mod worker;

use std::collections::HashMap;
use std::hash::Hash;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use api::Upid;
use format::{AuthId, Userid};
use tokio::sync::watch;

use crate::blocking;
use crate::counters::Counters;
use crate::events::Events;
use crate::shortage::Shortage;

pub use archive::Kept;
pub use list::{Entry, Filter, Page, StatusKind};
pub use log::{LogLine, LogPage};
pub use queue::Queue;
pub use room::{Bounds, Room, Rooms};
pub use status::TaskStatus;
use unlisted::Waiting;
pub use worker::{Task, Worker};

/// Why a task could not be started, found or read.
#[derive(Debug, thiserror::Error)]
pub enum TaskError {
    #[error("too many tasks are running ({max}); try again when some have ended")]
    TooMany { max: usize },
    #[error("'{user}' has too many running tasks ({max}); try again when some have ended")]
    TooManyOfUser { user: Userid, max: usize },
    #[error("cannot {action} {}", path.display())]
    File {
        action: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    #[error("cannot start a thread for a task")]
    Thread(#[source] io::Error),
    #[error("cannot make a task id for '{worker_type}'")]
    Id { worker_type: String },
}

impl TaskError {
    /// With its cause, for the server's log.
    fn whole(&self) -> String {
        let cause = std::error::Error::source(self);
        cause.map_or_else(|| self.to_string(), |cause| format!("{self}: {cause}"))
    }

    fn file(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> TaskError + use<> {
        let path = path.to_owned();
        move |source| TaskError::File {
            action,
            path,
            source,
        }
    }
}

/// All tasks of this server; cheap to clone.
#[derive(Debug, Clone)]
pub struct Tasks {
    shared: Arc<Shared>,
}

/// What workers and the registry share.
#[derive(Debug)]
struct Shared {
    folder: PathBuf,
    index: index::Index,
    node: String,
    pid: u32,
    pstart: u64,
    rooms: Rooms,
    next: AtomicU64,
    /// Nothing where nobody said so: a program that does not know the setting removes nothing.
    kept: watch::Sender<Option<Kept>>,
    /// When lists were tidied last; 0 before the first time.
    tidied: AtomicI64,
    running: Mutex<HashMap<String, Arc<Task>>>,
    /// Those that have ended in the lists and not in their threads.
    left: Mutex<HashMap<String, Arc<Task>>>,
    waiting: Mutex<Waiting>,
    /// Held by the one who writes what waits, or it would be written twice.
    settling: Mutex<()>,
    /// The last runs of jobs whose state could not be written, by the name of the state.
    noted: Mutex<HashMap<String, Upid>>,
    /// Tasks of which the end, and what follows it, is not done.
    count: watch::Sender<usize>,
    /// Threads at work, of tasks that were left to themselves too.
    threads: watch::Sender<usize>,
    counters: Arc<Counters>,
    events: Arc<Events>,
    shortage: Shortage,
}

/// A thread at work.
struct Busy(Arc<Shared>);

impl Busy {
    fn new(shared: &Arc<Shared>) -> Busy {
        shared.threads.send_modify(|count| *count += 1);
        Busy(Arc::clone(shared))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.threads.send_modify(|count| *count -= 1);
    }
}

impl Shared {
    fn running(&self) -> MutexGuard<'_, HashMap<String, Arc<Task>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lists a task as finished, and those that wait for that.
    fn finish(&self, task: &Arc<Task>, end: i64, status: &TaskStatus) {
        let ended = index::Ended {
            upid: task.text().to_owned(),
            end,
            status: status.clone(),
        };
        self.waiting().add(task, ended);
        if let Err(error) = self.settle()
            && !self.shortage.covers(&self.folder, &error)
        {
            tracing::error!(
                "cannot list task {} as finished, it is tried again: {}",
                task.text(),
                error.whole()
            );
        }
    }

    /// Writes what could not be written before.
    fn settle(&self) -> Result<(), TaskError> {
        let _one = self.settling.lock().unwrap_or_else(PoisonError::into_inner);
        let ended = self.waiting().unlisted();
        let runs = |line: &str| {
            line.parse::<Upid>().map_or(true, |upid| {
                (upid.pid, upid.pstart) != (self.pid, self.pstart)
                    || self.running().contains_key(line)
            })
        };
        let done = self.index.finish(&ended, runs, *self.kept.borrow());
        let mut waiting = self.waiting();
        if done.is_ok() {
            waiting.listed(&ended);
        }
        waiting.flush();
        done
    }

    fn check_room(
        &self,
        room: Room,
        running: &HashMap<String, Arc<Task>>,
        auth_id: &AuthId,
    ) -> Result<(), TaskError> {
        let left = self.left();
        let all = running.values().chain(left.values()).map(Arc::as_ref);
        self.rooms.check(room, all, auth_id)
    }

    fn log_path(&self, upid: &Upid) -> PathBuf {
        self.folder.join(upid.log_dir()).join(upid.to_string())
    }
}

impl Tasks {
    /// Opens the task folder. Tasks that an ended process left as running are moved to the finished ones, with the status their log tells.
    pub fn open(folder: &Path, node: &str, max: usize) -> Result<Tasks, TaskError> {
        let bounds = Bounds {
            all: max,
            of_user: max,
        };
        let (floor, line) = (bounds, bounds);
        let shortage = Shortage::new(&[folder.to_owned()]);
        Tasks::open_shared(folder, node, Rooms { floor, line }, shortage)
    }

    /// The same for many users.
    pub fn open_shared(
        folder: &Path,
        node: &str,
        rooms: Rooms,
        shortage: Shortage,
    ) -> Result<Tasks, TaskError> {
        if let Err(error) = config::owner::make_folders(folder, 0o777)
            && !shortage.covers(folder, &error)
        {
            // Logs are made with their folders, as soon as there is room.
            tracing::warn!("{}", TaskError::file("create", folder)(error).whole());
        }
        let index = index::Index::new(folder, shortage.clone());
        let pid = std::process::id();
        let shared = Shared {
            folder: folder.to_owned(),
            index,
            node: node.to_owned(),
            pid,
            pstart: process_start(pid).unwrap_or_default(),
            rooms,
            next: AtomicU64::new(0),
            kept: watch::Sender::new(None),
            tidied: AtomicI64::new(0),
            running: Mutex::default(),
            left: Mutex::default(),
            waiting: Mutex::default(),
            settling: Mutex::default(),
            noted: Mutex::default(),
            count: watch::Sender::new(0),
            threads: watch::Sender::new(0),
            counters: Arc::default(),
            events: Arc::default(),
            shortage,
        };
        let adopted = shared.index.adopt(|upid| {
            let alive = upid.pid != pid && is_alive(upid);
            if alive {
                None
            } else {
                Some(log::ended(&shared.log_path(upid), upid.start))
            }
        });
        if let Err(error) = adopted
            && !shared.shortage.covers(folder, &error)
        {
            // Of a full or read-only disk: the next start tells how they ended.
            tracing::warn!(
                "tasks of an ended process stay in the list: {}",
                error.whole()
            );
        }
        Ok(Tasks {
            shared: Arc::new(shared),
        })
    }

    /// Says which lists of finished tasks are kept from now on.
    pub fn keep(&self, kept: Kept) {
        self.shared.kept.send_replace(Some(kept));
    }

    /// Removes the lists of finished tasks that are not to be kept at `now`, and their logs.
    pub fn tidy(&self, now: i64) -> Result<(), TaskError> {
        self.shared.tidied.store(now, Ordering::Relaxed);
        self.shared.settle()?;
        let kept = *self.shared.kept.borrow();
        kept.map_or(Ok(()), |kept| self.shared.index.tidy(kept, now))
    }

    /// When [`Tasks::tidy`] was called last; 0 before the first time.
    pub fn tidied(&self) -> i64 {
        self.shared.tidied.load(Ordering::Relaxed)
    }

    /// What is counted, tasks that ended among it.
    pub fn counters(&self) -> &Arc<Counters> {
        &self.shared.counters
    }

    /// Where nothing can be written now.
    pub fn shortage(&self) -> &Shortage {
        &self.shared.shortage
    }

    /// What those are told who watch.
    pub fn events(&self) -> &Arc<Events> {
        &self.shared.events
    }

    /// Starts a task: makes its id and log file and lists it as running. It begins also where neither can be written.
    pub fn start(
        &self,
        worker_type: &str,
        worker_id: Option<&str>,
        auth_id: &AuthId,
    ) -> Result<Worker, TaskError> {
        let now = jiff::Timestamp::now().as_second();
        self.start_at(Room::Floor, worker_type, worker_id, auth_id, now)
    }

    /// The same in one of the rooms, for a task that begins at `start` (Unix seconds): what a schedule asks for counts from the minute that it
    /// was asked for.
    pub fn start_at(
        &self,
        room: Room,
        worker_type: &str,
        worker_id: Option<&str>,
        auth_id: &AuthId,
        start: i64,
    ) -> Result<Worker, TaskError> {
        let shared = &self.shared;
        let upid = Upid {
            node: shared.node.clone(),
            pid: shared.pid,
            pstart: shared.pstart,
            task: shared.next.fetch_add(1, Ordering::Relaxed),
            start,
            worker_type: worker_type.to_owned(),
            worker_id: worker_id.filter(|id| !id.is_empty()).map(str::to_owned),
            auth_id: auth_id.clone(),
        };
        // What is listed must be found again by its text.
        if Upid::from_str(&upid.to_string()).as_ref() != Ok(&upid) {
            return Err(TaskError::Id {
                worker_type: worker_type.to_owned(),
            });
        }
        shared.check_room(room, &shared.running(), auth_id)?;
        let path = shared.log_path(&upid);
        let task = Arc::new(Task::new(
            upid,
            room,
            log::LogFile::create(&path, &shared.shortage),
        ));
        {
            let mut running = shared.running();
            // Asked again with the lock in hand: others may have come first.
            if let Err(e) = shared.check_room(room, &running, auth_id) {
                drop(running);
                // An empty log that stays is removed with the old ones.
                let _ = std::fs::remove_file(&path);
                return Err(e);
            }
            running.insert(task.text().to_owned(), Arc::clone(&task));
        }
        shared.count.send_modify(|count| *count += 1);
        let worker = Worker::new(task, Arc::clone(shared));
        if let Err(error) = shared.index.add_active(worker.text())
            && !shared.shortage.covers(&shared.folder, &error)
        {
            // What reads or makes room must go on where nothing can be written; the list on the disk is for other processes and for crashes.
            tracing::warn!(
                "task {} is not listed on the disk: {}",
                worker.text(),
                error.whole()
            );
        }
        shared.events.task_began(worker.upid());
        Ok(worker)
    }

    /// Starts a task whose work blocks for long, on a thread of its own. An error's text becomes the status; a panic fails the task.
    pub fn spawn<F>(
        &self,
        worker_type: &str,
        worker_id: Option<&str>,
        auth_id: &AuthId,
        work: F,
    ) -> Result<Upid, TaskError>
    where
        F: FnOnce(&Task) -> Result<(), String> + Send + 'static,
    {
        let worker = self.start(worker_type, worker_id, auth_id)?;
        self.run(worker, work, |_, _| ())
    }

    /// Does the work of a task that was started before, in the way of [`Tasks::spawn`]. `after` is told how it ended, once the lists say so too.
    pub fn run<F, A>(&self, worker: Worker, work: F, after: A) -> Result<Upid, TaskError>
    where
        F: FnOnce(&Task) -> Result<(), String> + Send + 'static,
        A: FnOnce(TaskStatus, i64) + Send + 'static,
    {
        let upid = worker.upid().clone();
        worker.then(Box::new(after));
        let busy = Busy::new(&self.shared);
        let run = move || {
            let _busy = busy;
            let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| work(&worker)));
            worker.finish(outcome.unwrap_or_else(|_| {
                Err("the task failed inside; the server's log has the details".to_owned())
            }));
        };
        blocking::spawn_task(&upid.worker_type, run).map_err(TaskError::Thread)?;
        Ok(upid)
    }

    /// [`Tasks::spawn`] for work that takes its turn ([`Tasks::run_in_turn`]).
    pub fn spawn_in_turn<K, F>(
        &self,
        turn: (&Queue<K>, &K),
        worker_type: &str,
        worker_id: Option<&str>,
        auth_id: &AuthId,
        work: F,
    ) -> Result<Upid, TaskError>
    where
        K: Eq + Hash + Clone,
        F: FnOnce(&Task) -> Result<(), String> + Send + 'static,
    {
        let now = jiff::Timestamp::now().as_second();
        let worker = self.start_at(Room::Line, worker_type, worker_id, auth_id, now)?;
        self.run_in_turn(turn, worker, work, |_, _| ())
    }

    /// Notes the last run of something that cannot write it down; [`None`] when that is written.
    pub fn note(&self, of: String, run: Option<Upid>) {
        let mut noted = self.noted();
        match run {
            Some(upid) => noted.insert(of, upid),
            None => noted.remove(&of),
        };
    }

    /// What was noted and is not written yet.
    pub fn noted_run(&self, of: &str) -> Option<Upid> {
        self.noted().get(of).cloned()
    }

    fn noted(&self) -> MutexGuard<'_, HashMap<String, Upid>> {
        self.shared
            .noted
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a task of this kind runs for this object in this process, or was left to itself.
    pub fn runs_for(&self, worker_type: &str, worker_id: &str) -> bool {
        let is_it = |task: &Arc<Task>| {
            let upid = task.upid();
            upid.worker_type == worker_type && upid.worker_id.as_deref() == Some(worker_id)
        };
        self.shared.running().values().any(is_it) || self.shared.left().values().any(is_it)
    }

    /// Asks running tasks of these kinds to stop whose user or token is not `alive`, and says so in their logs.
    pub fn abort_of_gone(&self, kinds: &[&str], alive: impl Fn(&AuthId) -> bool) {
        let all: Vec<Arc<Task>> = self.shared.running().values().cloned().collect();
        for task in all {
            let upid = task.upid();
            let kind = kinds.contains(&upid.worker_type.as_str());
            if kind && !task.aborted() && !alive(&upid.auth_id) {
                task.warn(&format!(
                    "'{}' is disabled, expired or gone; the session ends",
                    upid.auth_id
                ));
                task.abort();
            }
        }
    }

    /// Asks all running tasks to stop.
    pub fn abort_all(&self) {
        let all: Vec<Arc<Task>> = self.shared.running().values().cloned().collect();
        for task in all {
            task.abort();
        }
    }

    /// Whether a task runs in this process, or in another one that shares the lists, such as the manager.
    pub fn is_running(&self, upid: &Upid) -> bool {
        if upid.pid == self.shared.pid && upid.pstart == self.shared.pstart {
            return self.shared.running().contains_key(&upid.to_string());
        }
        // A list that cannot be read is told by whoever lists; here it is no sign of life.
        is_alive(upid)
            && self
                .shared
                .index
                .active()
                .is_ok_and(|active| active.contains(upid))
    }

    /// Number of running tasks.
    pub fn running(&self) -> usize {
        *self.shared.count.borrow()
    }

    /// Waits until no task is running, and what follows their ends is done. Those that were left to themselves are not waited for.
    pub async fn idle(&self) {
        // The sender lives in `self`, so this ends only when the count is zero.
        let mut count = self.shared.count.subscribe();
        let _ = count.wait_for(|count| *count == 0).await;
    }

    /// How a task that is not running ended, and when: from the last line of its log (protocol.md 7.4).
    pub fn ended(&self, upid: &Upid) -> (TaskStatus, i64) {
        if let Some((_, ended)) = self.shared.waiting().find(&upid.to_string()) {
            return (ended.status.clone(), ended.end);
        }
        log::ended(&self.shared.log_path(upid), upid.start)
    }

    /// Lines of a task's log from number `start` on (1 is the first; 0 means the same), at most `limit` of them (0: all), and how many there are.
    pub fn log_page(&self, upid: &Upid, start: u64, limit: u64) -> Result<LogPage, TaskError> {
        log::page(
            &self.shared.log_path(upid),
            &self.in_memory(upid),
            start,
            limit,
        )
    }

    /// The whole log as a file.
    pub fn log_file(&self, upid: &Upid) -> Result<std::fs::File, TaskError> {
        log::whole(&self.shared.log_path(upid), &self.in_memory(upid))
    }

    /// The lines of a task's log that could not be written.
    fn in_memory(&self, upid: &Upid) -> Vec<u8> {
        let text = upid.to_string();
        let running = self.shared.running().get(&text).cloned();
        let waiting = || Some(Arc::clone(self.shared.waiting().find(&text)?.0));
        let task = running.or_else(waiting);
        task.map_or_else(Vec::new, |task| task.book().waiting().to_vec())
    }

    /// Running tasks first, newest first, then finished ones from the newest on, of those that `visible` and the filter let through.
    pub fn list(
        &self,
        filter: &Filter,
        visible: impl Fn(&Upid) -> bool,
    ) -> Result<Page, TaskError> {
        let mut running: Vec<Upid> = self
            .shared
            .running()
            .values()
            .map(|task| task.upid().clone())
            .collect();
        let foreign = |upid: &Upid| upid.pid != self.shared.pid && is_alive(upid);
        running.extend(self.shared.index.active()?.into_iter().filter(foreign));
        running.sort_by_key(|upid| std::cmp::Reverse((upid.start, upid.task)));
        let unlisted = self.shared.waiting().unlisted();
        let waiting = unlisted.into_iter().rev().filter_map(|ended| {
            let end = Some((ended.end, ended.status));
            let upid = ended.upid.parse().ok()?;
            Some(Ok(Entry { upid, end }))
        });
        let finished = waiting.chain(self.shared.index.finished()?);
        list::list(running, finished, filter, visible)
    }
}

/// Whether the process of a task is there.
fn is_alive(upid: &Upid) -> bool {
    process_start(upid.pid) == Some(upid.pstart)
}

/// Start of a process in clock ticks since boot: field 22 of its stat file; `None` if there is no such process.
fn process_start(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the program's name in parentheses and may hold anything, so count from its end.
    stat.rsplit_once(')')?
        .1
        .split_ascii_whitespace()
        .nth(19)?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests;
