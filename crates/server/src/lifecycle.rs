//! Datastores come and go: the steps that the server's tasks and the manager's commands share (server.md 5.3). Each is a whole: data, settings,
//! jobs and their states.

pub mod device;

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use api::Upid;
use api::rest::datastore::ActiveOperations;
use config::ConfigDir;
use config::edit::{self, DatastoreRemoval, EditError};
use config::files::{Datastore, Job, PruneJob, SyncJob, VerifyJob};
use format::StoreName;
use store::{Options, StoreError, Watch};

use crate::fault::Fault;
use crate::jobs::state::{JobStates, JobType, StateError};
use crate::removable::{self, RemovableError};
use crate::tuned;

/// How long a removal waits for what is about to end; a look at a list must not make it fail.
const SHORT_OPERATIONS: Duration = Duration::from_secs(5);
const STEP: Duration = Duration::from_millis(100);

/// Why a datastore was not made or removed.
#[derive(Debug, thiserror::Error)]
pub enum LifecycleError {
    #[error(
        "this build does not keep datastores in object stores yet; create the datastore on a file system"
    )]
    NoObjectStore,
    #[error(
        "datastore is currently in use: {reading} operations read, {writing} write; wait for their end{}",
        of_left(left)
    )]
    InUse {
        reading: u64,
        writing: u64,
        /// Tasks among them that were stopped and wait for a disk.
        left: Vec<Upid>,
    },
    #[error("the data of datastore '{0}' cannot be destroyed, since its device is not mounted")]
    NotMounted(StoreName),
    #[error("task aborted")]
    Aborted,
    #[error("cannot tell who uses the datastore")]
    Operations(#[source] io::Error),
    #[error(transparent)]
    Edit(#[from] EditError),
    #[error(transparent)]
    Store(StoreError),
    #[error(
        "a datastore cannot share a place with {0:?}, where the server keeps its {1}; give it a directory of its own"
    )]
    OwnFolder(PathBuf, &'static str),
    #[error(transparent)]
    State(#[from] StateError),
    #[error(transparent)]
    Removable(#[from] RemovableError),
}

impl From<StoreError> for LifecycleError {
    fn from(error: StoreError) -> LifecycleError {
        match error {
            StoreError::Stopped => LifecycleError::Aborted,
            error => LifecycleError::Store(error),
        }
    }
}

impl From<LifecycleError> for Fault {
    fn from(error: LifecycleError) -> Fault {
        match error {
            LifecycleError::NoObjectStore => Fault::NotYet("keep datastores in object stores"),
            LifecycleError::Edit(error) => error.into(),
            LifecycleError::Store(error) => error.into(),
            error => Fault::Refused(Box::new(error)),
        }
    }
}

/// Whose datastores they are.
#[derive(Debug, Clone)]
pub struct House {
    pub config: ConfigDir,
    pub state_dir: PathBuf,
}

/// A datastore that shall be.
#[derive(Debug, Clone)]
pub struct Creation {
    /// With "keep" numbers that become a prune job.
    pub datastore: Datastore,
    /// Take over what lies in the directory.
    pub reuse: bool,
}

impl Creation {
    /// What can be refused before anything is done.
    pub fn check(&self, house: &House) -> Result<(), LifecycleError> {
        let on_filesystem = |backend: &str| matches!(backend, "filesystem" | "type=filesystem");
        if !self.datastore.backend.as_deref().is_none_or(on_filesystem) {
            return Err(LifecycleError::NoObjectStore);
        }
        edit::check_datastore(&house.config, &self.datastore)?;
        self.check_apart(house)
    }

    /// Whoever may write to the datastore, or removes it with its data, must not reach the server's own files.
    fn check_apart(&self, house: &House) -> Result<(), LifecycleError> {
        let path = self.datastore.directory();
        for (folder, holds) in [
            (house.config.path(), "configuration"),
            (house.state_dir.as_path(), "state"),
        ] {
            if edit::shares_place(&path, folder) {
                return Err(LifecycleError::OwnFolder(folder.to_path_buf(), holds));
            }
        }
        Ok(())
    }

    /// Makes the chunk store and the settings; a device is mounted for it, and stays mounted if all went well.
    pub fn run(&self, house: &House, now: i64, watch: &dyn Watch) -> Result<(), LifecycleError> {
        self.check(house)?;
        let job = edit::create_datastore(&house.config, &self.datastore, |datastore| {
            let mounts = datastore.backing_device.is_some() && !removable::is_available(datastore);
            if mounts {
                removable::mount(datastore)?;
            }
            // Now it can be seen what lies on the device.
            let apart = edit::check_place(&house.config, datastore);
            let made = apart.map_err(LifecycleError::from);
            let made = made.and_then(|()| self.check_apart(house));
            let made = made.and_then(|()| self.make(house, datastore, watch));
            made.inspect_err(|_| {
                if mounts && let Err(error) = removable::unmount_device(datastore) {
                    watch.warn(&error.to_string());
                }
            })?;
            Ok(())
        })?;
        let states = JobStates::new(&house.state_dir);
        let name = self.datastore.name.as_str();
        states.create(JobType::GarbageCollection, name, now)?;
        if let Some(job) = job {
            watch.log(&format!("created prune job '{}'", job.id));
            states.create(JobType::Prune, &job.id, now)?;
        }
        Ok(())
    }

    fn make(
        &self,
        house: &House,
        datastore: &Datastore,
        watch: &dyn Watch,
    ) -> Result<(), LifecycleError> {
        let path = datastore.directory();
        let mut made = None;
        if self.reuse {
            store::Datastore::check_reusable(&path)?;
            watch.log(&format!("Using existing datastore at {}", path.display()));
        } else {
            made = Some(store::Datastore::create_like(
                &path,
                &house.state_dir,
                watch,
            )?);
            watch.log(&format!("Chunkstore created at {}", path.display()));
        }
        let opened = open(house, &datastore.name, &path);
        let sound = opened
            .map_err(LifecycleError::from)
            .and_then(|opened| self.look_at(&opened, datastore, watch));
        if sound.is_err()
            && let Some(made) = made
        {
            made.undo()?;
        }
        sound
    }

    fn look_at(
        &self,
        opened: &store::Datastore,
        datastore: &Datastore,
        watch: &dyn Watch,
    ) -> Result<(), LifecycleError> {
        let tuning = datastore.tuning().map_err(EditError::from)?;
        if tuning.gc_atime_safety_check {
            opened.probe_marks()?;
            watch.log("Access time update check successful.");
        }
        match watch.stopped() {
            true => Err(LifecycleError::Aborted),
            false => Ok(()),
        }
    }
}

fn open(house: &House, name: &StoreName, path: &Path) -> Result<store::Datastore, StoreError> {
    store::Datastore::open(name, path, Options::new(house.state_dir.join("locks")))
}

/// The opened datastore that nobody else writes to, unless there are no data that could be opened.
type Released = Option<(store::Datastore, store::ProcessLockGuard)>;

fn boxed(error: impl Error + Send + Sync + 'static) -> Box<dyn Error + Send + Sync> {
    Box::new(error)
}

/// What is said beside numbers of operations of tasks that were stopped and do not end.
pub fn of_left(left: &[Upid]) -> String {
    match left {
        [] => String::new(),
        [one] => format!("; task {one} was stopped and still waits for the disk"),
        [one, ..] => format!(
            "; {} tasks were stopped and still wait for the disk, such as {one}",
            left.len()
        ),
    }
}

/// Tells what runs on a datastore.
pub type WhoUses<'a> = Box<dyn Fn(&StoreName) -> io::Result<ActiveOperations> + 'a>;

/// Names tasks that were stopped and still use a datastore.
pub type WhoIsLeft<'a> = Box<dyn Fn(&StoreName) -> Vec<Upid> + 'a>;

/// A datastore that shall go.
pub struct Removal<'a> {
    pub name: StoreName,
    pub settings: DatastoreRemoval,
    pub destroy_data: bool,
    /// Who uses it, in all processes.
    pub operations: WhoUses<'a>,
    /// Tasks of this process that were stopped and still use it.
    pub left: WhoIsLeft<'a>,
    /// Lets go of what this process holds open of it.
    pub close: Box<dyn Fn(&StoreName) + 'a>,
}

impl Removal<'_> {
    /// What can be refused before anything is done.
    pub fn check(&self, house: &House, datastore: &Datastore) -> Result<(), LifecycleError> {
        edit::check_removable(&house.config, &self.name, &self.settings.digest)?;
        if self.destroy_data && !removable::is_available(datastore) {
            return Err(LifecycleError::NotMounted(self.name.clone()));
        }
        Ok(())
    }

    /// Once nobody uses it, removes jobs and rights, the data if that is wanted, then the settings. Fails without a trace while somebody does.
    pub fn run(&self, house: &House, watch: &dyn Watch) -> Result<(), LifecycleError> {
        // Newcomers are not kept away for a removal that fails anyway.
        self.wait_for_short()?;
        let mut jobs = vec![(JobType::GarbageCollection, self.name.to_string())];
        if !self.settings.keep_job_configs {
            jobs.extend(jobs_of::<PruneJob>(house, &self.name, JobType::Prune)?);
            jobs.extend(jobs_of::<VerifyJob>(house, &self.name, JobType::Verify)?);
            jobs.extend(jobs_of::<SyncJob>(house, &self.name, JobType::Sync)?);
        }
        let free = |datastore: &Datastore| {
            let released = self.release(house, datastore, watch).map_err(boxed)?;
            if !self.settings.keep_job_configs {
                watch.log("Removing jobs and permissions of the datastore...");
            }
            Ok(released)
        };
        let destroy = |released: Released| {
            if let (true, Some((opened, held))) = (self.destroy_data, released) {
                watch.log("Destroying datastore data...");
                opened.destroy_held(held, watch).map_err(boxed)?;
            }
            watch.log("Removing datastore from config...");
            Ok(())
        };
        edit::remove_datastore(&house.config, &self.name, &self.settings, free, destroy)?;
        // A later datastore of this name starts anew.
        let states = JobStates::new(&house.state_dir);
        for (ty, job) in &jobs {
            states.remove(*ty, job)?;
        }
        Ok(tuned::uploads(&house.state_dir).forget_store(&self.name)?)
    }

    /// Makes sure that nobody is there or comes. Data that cannot be opened are nobody's any more, but they are not destroyed either.
    fn release(
        &self,
        house: &House,
        datastore: &Datastore,
        watch: &dyn Watch,
    ) -> Result<Released, LifecycleError> {
        self.wait_for_short()?;
        (self.close)(&self.name);
        if !removable::is_available(datastore) {
            watch.log("The device is not mounted, its data are left alone.");
            return Ok(None);
        }
        match open(house, &datastore.name, &datastore.directory()) {
            // Another process may write there without telling of it, as the original does.
            Ok(opened) => {
                let held = opened.lock_exclusive()?;
                Ok(Some((opened, held)))
            }
            Err(error) if self.destroy_data => Err(error.into()),
            Err(error) => {
                watch.warn(&format!("left the data alone: {error}"));
                Ok(None)
            }
        }
    }

    fn wait_for_short(&self) -> Result<(), LifecycleError> {
        let deadline = Instant::now() + SHORT_OPERATIONS;
        loop {
            let active = (self.operations)(&self.name).map_err(LifecycleError::Operations)?;
            if active == ActiveOperations::default() {
                return Ok(());
            }
            if Instant::now() >= deadline {
                return Err(LifecycleError::InUse {
                    reading: active.read,
                    writing: active.write,
                    left: (self.left)(&self.name),
                });
            }
            std::thread::sleep(STEP);
        }
    }
}

/// The jobs that go with a datastore.
fn jobs_of<J: Job>(
    house: &House,
    store: &StoreName,
    ty: JobType,
) -> Result<Vec<(JobType, String)>, LifecycleError> {
    let (jobs, _) = edit::entries::<J>(&house.config)?;
    let of_store = jobs.iter().filter(|job| job.store() == store.as_str());
    Ok(of_store.map(|job| (ty, job.id().to_owned())).collect())
}
