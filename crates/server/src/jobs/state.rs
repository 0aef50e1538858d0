//! When jobs ran last and how that ended: one small file per job in the original's format (server.md 4.3), below `jobstates` of the state folder.
//!
//! Whoever runs a job holds the lock beside its file, so that each job runs once at a time whoever starts it. A file that is not there, or not
//! readable, counts as a job made half a minute ago.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use api::Upid;
use config::owner;
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

use crate::tasks::TaskStatus;

/// Job without a file: made so long before now.
const UNKNOWN_AGE_S: i64 = 30;
/// Pause between two looks at a lock that is held.
const WAIT_STEP: Duration = Duration::from_millis(20);

/// Which jobs have a state; the names are those of their tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobType {
    /// One per datastore.
    GarbageCollection,
    Prune,
    Verify,
    Sync,
}

impl JobType {
    pub fn name(self) -> &'static str {
        match self {
            JobType::GarbageCollection => "garbage_collection",
            JobType::Prune => "prunejob",
            JobType::Verify => "verificationjob",
            JobType::Sync => "syncjob",
        }
    }
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    #[serde(rename = "OK")]
    Ok {
        endtime: i64,
    },
    Warning {
        count: u64,
        endtime: i64,
    },
    Error {
        message: String,
        endtime: i64,
    },
    Unknown {
        endtime: i64,
    },
}

impl Outcome {
    pub fn new(status: TaskStatus, endtime: i64) -> Outcome {
        match status {
            TaskStatus::Ok => Outcome::Ok { endtime },
            TaskStatus::Warnings(count) => Outcome::Warning { count, endtime },
            TaskStatus::Error(message) => Outcome::Error { message, endtime },
            TaskStatus::Unknown => Outcome::Unknown { endtime },
        }
    }

    pub fn endtime(&self) -> i64 {
        match self {
            Outcome::Ok { endtime }
            | Outcome::Warning { endtime, .. }
            | Outcome::Error { endtime, .. }
            | Outcome::Unknown { endtime } => *endtime,
        }
    }

    /// As lists show it.
    pub fn text(&self) -> String {
        match self {
            Outcome::Ok { .. } => TaskStatus::Ok.to_string(),
            Outcome::Warning { count, .. } => TaskStatus::Warnings(*count).to_string(),
            Outcome::Error { message, .. } => message.clone(),
            Outcome::Unknown { .. } => TaskStatus::Unknown.to_string(),
        }
    }
}

/// What is known of a job's runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobState {
    /// It never ran.
    Created { time: i64 },
    /// It runs, or ended without telling.
    Started { upid: Upid },
    Finished {
        upid: Upid,
        state: Outcome,
        /// When its schedule was changed since.
        #[serde(default)]
        updated: Option<i64>,
    },
    /// The file cannot be understood.
    Unknown,
}

impl JobState {
    /// What a search for the next run begins at when it is to be decided whether to run now.
    pub fn last_run(&self, now: i64) -> i64 {
        match self {
            JobState::Created { time } => *time,
            JobState::Started { upid } => upid.start,
            JobState::Finished { upid, updated, .. } => updated.unwrap_or(upid.start),
            JobState::Unknown => now - UNKNOWN_AGE_S,
        }
    }

    /// The same for what is shown: after the end of the last run.
    pub fn last_shown(&self, now: i64) -> i64 {
        match self {
            JobState::Finished { state, updated, .. } => updated.unwrap_or(state.endtime()),
            other => other.last_run(now),
        }
    }
}

/// Why a state could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} job state {}", path.display())]
pub struct StateError {
    action: &'static str,
    path: PathBuf,
    source: io::Error,
}

impl StateError {
    fn of(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StateError {
        let path = path.to_path_buf();
        move |source| StateError {
            action,
            path,
            source,
        }
    }
}

/// The states of all jobs.
#[derive(Debug, Clone)]
pub struct JobStates {
    folder: PathBuf,
}

impl JobStates {
    pub fn new(state_dir: &Path) -> JobStates {
        JobStates {
            folder: state_dir.join("jobstates"),
        }
    }

    fn path(&self, ty: JobType, name: &str) -> PathBuf {
        self.folder.join(format!("{}-{name}.json", ty.name()))
    }

    /// Under which name a run is noted that cannot be written.
    pub fn key(ty: JobType, name: &str) -> String {
        format!("{}-{name}", ty.name())
    }

    fn lock_path(&self, ty: JobType, name: &str) -> PathBuf {
        self.folder.join(format!("{}-{name}.lck", ty.name()))
    }

    pub fn load(&self, ty: JobType, name: &str, now: i64) -> JobState {
        match fs::read(self.path(ty, name)) {
            Ok(text) => serde_json::from_slice(&text).unwrap_or(JobState::Unknown),
            Err(error) if error.kind() == io::ErrorKind::NotFound => JobState::Created {
                time: now - UNKNOWN_AGE_S,
            },
            Err(_) => JobState::Unknown,
        }
    }

    /// For a new job: its schedule counts from now.
    pub fn create(&self, ty: JobType, name: &str, now: i64) -> Result<(), StateError> {
        self.save(ty, name, &JobState::Created { time: now })
    }

    /// For a job whose schedule was changed: what the new one asks for before now is not caught up.
    pub fn reschedule(&self, ty: JobType, name: &str, now: i64) -> Result<(), StateError> {
        let state = match self.load(ty, name, now) {
            JobState::Created { .. } | JobState::Unknown => JobState::Created { time: now },
            JobState::Started { .. } => return Ok(()),
            JobState::Finished { upid, state, .. } => JobState::Finished {
                upid,
                state,
                updated: Some(now),
            },
        };
        self.save(ty, name, &state)
    }

    /// For a job that is no more.
    pub fn remove(&self, ty: JobType, name: &str) -> Result<(), StateError> {
        for path in [self.path(ty, name), self.lock_path(ty, name)] {
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(StateError::of("remove", &path)(error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The right to run a job; nothing if it runs and does not end within `wait`.
    pub fn lock(
        &self,
        ty: JobType,
        name: &str,
        wait: Duration,
    ) -> Result<Option<JobLock>, StateError> {
        let path = self.lock_path(ty, name);
        let failed = |error| StateError::of("lock", &path)(error);
        self.make_folder()?;
        let mut options = OpenOptions::new();
        options.read(true).write(true).mode(0o644);
        let file = owner::open_or_make(&options, &path).map_err(failed)?;
        let deadline = Instant::now() + wait;
        while let Err(error) = flock(&file, FlockOperation::NonBlockingLockExclusive) {
            if error != rustix::io::Errno::WOULDBLOCK && error != rustix::io::Errno::INTR {
                return Err(failed(error.into()));
            }
            if Instant::now() >= deadline {
                return Ok(None);
            }
            std::thread::sleep(WAIT_STEP);
        }
        Ok(Some(JobLock {
            states: self.clone(),
            ty,
            name: name.to_owned(),
            _file: Some(file),
        }))
    }

    /// For where no lock can be had, since the disk is full or read-only: the work goes on, and who starts it looks for others himself.
    pub fn without_lock(&self, ty: JobType, name: &str) -> JobLock {
        JobLock {
            states: self.clone(),
            ty,
            name: name.to_owned(),
            _file: None,
        }
    }

    fn make_folder(&self) -> Result<(), StateError> {
        owner::make_folders(&self.folder, 0o777)
            .map_err(StateError::of("make the folder of", &self.folder))
    }

    /// A new file takes the old one's place; what a power cut does to it is no loss worth a sync.
    fn save(&self, ty: JobType, name: &str, state: &JobState) -> Result<(), StateError> {
        let path = self.path(ty, name);
        self.make_folder()?;
        let write = || {
            let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
            file.write_all(serde_json::to_string(state)?.as_bytes())?;
            file.as_file()
                .set_permissions(fs::Permissions::from_mode(0o644))?;
            owner::inherit(file.as_file(), &self.folder)?;
            file.persist(&path).map_err(|error| error.error)
        };
        write().map(drop).map_err(StateError::of("write", &path))
    }
}

/// A job that nobody else runs while this value lives.
#[derive(Debug)]
pub struct JobLock {
    states: JobStates,
    ty: JobType,
    name: String,
    /// Nothing where the disk gave none.
    _file: Option<File>,
}

impl JobLock {
    pub fn started(&self, upid: &Upid) -> Result<(), StateError> {
        let upid = upid.clone();
        self.states
            .save(self.ty, &self.name, &JobState::Started { upid })
    }

    /// A job that was removed while it ran leaves no state.
    pub fn finished(&self, upid: &Upid, status: TaskStatus, end: i64) -> Result<(), StateError> {
        if !self.states.path(self.ty, &self.name).exists() {
            return Ok(());
        }
        let state = JobState::Finished {
            upid: upid.clone(),
            state: Outcome::new(status, end),
            updated: None,
        };
        self.states.save(self.ty, &self.name, &state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UPID: &str = r"UPID:pbs:000058D4:0004EA88:00000020:6B0322FF:prunejob:peer:test@pbs:";

    fn states() -> (tempfile::TempDir, JobStates) {
        let dir = tempfile::tempdir().expect("tempdir");
        let states = JobStates::new(dir.path());
        (dir, states)
    }

    fn text(dir: &tempfile::TempDir) -> String {
        fs::read_to_string(dir.path().join("jobstates/prunejob-nightly.json")).expect("state")
    }

    #[test]
    fn texts_of_files() {
        let upid: Upid = UPID.parse().expect("task id");
        let finished = |state: &str, updated: &str| {
            format!(r#"{{"finished":{{"upid":"{UPID}","state":{state},"updated":{updated}}}}}"#)
        };
        for (name, json, last_run, last_shown) in [
            ("created", r#"{"created":{"time":77}}"#.to_owned(), 77, 77),
            (
                "started",
                format!(r#"{{"started":{{"upid":"{UPID}"}}}}"#),
                upid.start,
                upid.start,
            ),
            (
                "ok",
                finished(r#"{"OK":{"endtime":1795367700}}"#, "null"),
                upid.start,
                1_795_367_700,
            ),
            (
                "warnings",
                finished(r#"{"Warning":{"count":3,"endtime":1795367700}}"#, "null"),
                upid.start,
                1_795_367_700,
            ),
            (
                "error",
                finished(r#"{"Error":{"message":"x","endtime":1795367700}}"#, "null"),
                upid.start,
                1_795_367_700,
            ),
            (
                "unknown end",
                finished(r#"{"Unknown":{"endtime":1795367700}}"#, "null"),
                upid.start,
                1_795_367_700,
            ),
            (
                "changed since",
                finished(r#"{"OK":{"endtime":1795367700}}"#, "1795370000"),
                1_795_370_000,
                1_795_370_000,
            ),
            ("unknown", r#""unknown""#.to_owned(), 970, 970),
        ] {
            let state: JobState = serde_json::from_str(&json).expect(name);
            assert_eq!(serde_json::to_string(&state).expect("json"), json, "{name}");
            assert_eq!(
                (state.last_run(1000), state.last_shown(1000)),
                (last_run, last_shown),
                "{name}"
            );
        }
    }

    #[test]
    fn a_jobs_life() {
        let (dir, states) = states();
        let (ty, name) = (JobType::Prune, "nightly");
        assert_eq!(states.load(ty, name, 1000), JobState::Created { time: 970 });
        states.create(ty, name, 1000).expect("create");
        assert_eq!(text(&dir), r#"{"created":{"time":1000}}"#);
        states.reschedule(ty, name, 1100).expect("reschedule");
        assert_eq!(text(&dir), r#"{"created":{"time":1100}}"#);

        let upid = UPID.parse().expect("task id");
        let lock = states
            .lock(ty, name, Duration::ZERO)
            .expect("lock")
            .expect("free");
        assert!(
            states
                .lock(ty, name, Duration::ZERO)
                .expect("lock")
                .is_none(),
            "one run at a time"
        );
        lock.started(&upid).expect("started");
        states.reschedule(ty, name, 1200).expect("reschedule");
        assert_eq!(
            text(&dir),
            format!(r#"{{"started":{{"upid":"{UPID}"}}}}"#),
            "a job that runs is left alone"
        );
        lock.finished(&upid, TaskStatus::Warnings(2), 1_795_367_700)
            .expect("finished");
        drop(lock);
        assert!(
            text(&dir)
                .contains(r#""state":{"Warning":{"count":2,"endtime":1795367700}},"updated":null"#)
        );
        states.reschedule(ty, name, 1300).expect("reschedule");
        assert!(text(&dir).contains(r#""updated":1300"#));

        fs::write(dir.path().join("jobstates/prunejob-nightly.json"), "{").expect("write");
        assert_eq!(states.load(ty, name, 1000), JobState::Unknown);
        let lock = states
            .lock(ty, name, Duration::ZERO)
            .expect("lock")
            .expect("free");
        states.remove(ty, name).expect("remove");
        lock.finished(&upid, TaskStatus::Ok, 5).expect("finished");
        assert_eq!(
            fs::read_dir(dir.path().join("jobstates"))
                .expect("list")
                .count(),
            0,
            "nothing is left"
        );
    }
}
