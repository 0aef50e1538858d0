//! What every request works with: settings, configuration, open datastores, tasks, keys. One [`Context`] per server, shared by all.
//! Methods that look at files block; call them through [`Context::blocking`].

use std::collections::HashMap;
use std::convert::Infallible;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use api::Privileges;
use api::rest::datastore::GcStatus;
use config::failures::FailureDir;
use config::files::Datastore as StoreConfig;
use config::identity::Identity;
use config::{ConfigDir, ConfigError};
use format::{AuthId, StoreName, Userid};
use store::{Datastore, StoreError, Uploads, Usage};
use tokio::sync::Semaphore;

use crate::blocking::{Blocking, Lanes, NotDone};
use crate::certificate::Certificate;
use crate::configuration::Configuration;
use crate::counters::Counters;
use crate::events::Events;
use crate::fault::{Fault, with_causes};
use crate::journal::Journal;
use crate::limiter::Limiter;
use crate::log_book::LogBook;
use crate::looks::Looks;
use crate::operations::Operations;
use crate::removable::{self, Devices};
use crate::room::Rooms;
use crate::selections::Selections;
use crate::settings::Settings;
use crate::shares::{Line, Parts, Shares};
use crate::statistics::Statistics;
use crate::tasks::{Queue, Tasks};
use crate::token_cache::TokenCache;
use crate::traffic::Traffic;
use crate::transfer::Transfer;
use crate::tuned;
use crate::turns::{StoreTurns, Turns, UserTurns};

pub use crate::operations::Access;

/// An opened datastore with what it was opened for; a changed configuration opens it anew.
struct Open {
    path: PathBuf,
    tuning: Option<String>,
    place: Place,
    store: Datastore,
}

/// The folder of chunks as the system knows it: another one at the same path is another datastore, or none, as when its disk is gone and the
/// empty mount point is left.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Place {
    device: u64,
    inode: u64,
}

impl Place {
    fn of(path: &Path) -> Option<Place> {
        let metadata = std::fs::metadata(path.join(".chunks")).ok()?;
        Some(Place {
            device: metadata.dev(),
            inode: metadata.ino(),
        })
    }
}

/// The datastores that were asked for, each behind a lock of its own.
type Stores = HashMap<StoreName, Arc<Mutex<Option<Open>>>>;

/// Turns for computing hashes: clients with tokens do not wait behind those who guess passwords.
#[derive(Debug)]
pub(crate) struct Hashing {
    pub passwords: Semaphore,
    pub tokens: Semaphore,
    /// The system's modules take what time they like; passwords that are checked here do not wait for them.
    #[cfg(feature = "pam")]
    pub system: Semaphore,
}

/// What a look at a datastore sees.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub usage: Usage,
    /// What the last collection came to.
    pub gc: GcStatus,
}

/// See the module.
pub struct Context {
    settings: Settings,
    blocking: Blocking,
    disks: Lanes<StoreName>,
    seen: Looks<StoreName, Seen, Fault>,
    newest: Looks<StoreName, Option<i64>, Fault>,
    ready: Looks<(), Result<(), String>, Infallible>,
    configuration: Configuration,
    identity: Identity,
    certificate: Arc<Certificate>,
    journal: Journal,
    statistics: Statistics,
    tasks: Tasks,
    transfer: Transfer,
    limiter: Limiter,
    traffic: Traffic,
    token_cache: TokenCache,
    hashing: Hashing,
    downloads: StoreTurns,
    selections: Selections,
    searches: StoreTurns,
    streams: UserTurns,
    requests: Arc<Turns<Userid>>,
    bodies: Rooms,
    answers: Rooms,
    verifications: Queue<StoreName>,
    payloads: Shares<StoreName>,
    operations: Operations,
    devices: Devices,
    uploads: Uploads,
    stores: Mutex<Stores>,
    /// Where each datastore was when it was last opened.
    places: Mutex<HashMap<StoreName, Place>>,
}

impl std::fmt::Debug for Context {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl Context {
    pub(crate) fn new(
        settings: Settings,
        blocking: Blocking,
        dir: ConfigDir,
        identity: Identity,
        certificate: Arc<Certificate>,
        journal: Journal,
        tasks: Tasks,
    ) -> Context {
        Context {
            disks: Lanes::new(
                Parts {
                    shared: settings.limits.disk_calls,
                    own: settings.limits.disk_calls_own,
                    most: settings.limits.disk_calls_of_store,
                },
                &blocking,
            ),
            seen: Looks::default(),
            newest: Looks::default(),
            ready: Looks::default(),
            transfer: Transfer::new(&settings.limits),
            hashing: Hashing {
                passwords: Semaphore::new(settings.limits.hashing),
                tokens: Semaphore::new(settings.limits.hashing),
                #[cfg(feature = "pam")]
                system: Semaphore::new(settings.limits.system_checks),
            },
            downloads: StoreTurns::new(
                settings.limits.downloads,
                settings.limits.downloads_of_user,
                settings.limits.downloads_own,
            ),
            searches: StoreTurns::new(
                settings.limits.searches,
                settings.limits.searches_of_user,
                settings.limits.searches_own,
            ),
            selections: Selections::new(jiff::Timestamp::now().as_millisecond()),
            requests: Turns::new(usize::MAX, settings.limits.requests_of_user),
            bodies: Rooms::new(settings.limits.bodies, settings.limits.open),
            answers: Rooms::new(settings.limits.answers, settings.limits.open),
            streams: UserTurns::new(
                settings.limits.event_streams,
                settings.limits.event_streams_of_user,
                settings.limits.event_streams_own,
            ),
            verifications: Queue::new(settings.limits.verifications_of_store),
            payloads: Shares::new(Parts {
                shared: settings.limits.payloads,
                own: settings.limits.payloads_own,
                most: settings.limits.payloads,
            }),
            statistics: Statistics::new(settings.state_dir.join("statistics")),
            operations: Operations::new(&settings.state_dir, tasks.shortage().clone()),
            devices: Devices::default(),
            uploads: tuned::uploads(&settings.state_dir),
            settings,
            blocking,
            configuration: Configuration::new(dir),
            identity,
            certificate,
            journal,
            tasks,
            limiter: Limiter::default(),
            traffic: Traffic::default(),
            token_cache: TokenCache::default(),
            stores: Mutex::default(),
            places: Mutex::default(),
        }
    }

    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    pub fn blocking(&self) -> &Blocking {
        &self.blocking
    }

    /// Turns of calls that need the disk of a datastore.
    pub(crate) fn on_disk(&self, store: &StoreName) -> Blocking {
        self.disks.of(store)
    }

    /// Does for a request what needs the disk of a datastore; refuses if that has too much to do already, or does not answer.
    pub(crate) async fn at_disk<T, F>(&self, store: &StoreName, work: F) -> Result<T, Fault>
    where
        T: Send + 'static,
        F: FnOnce() -> Result<T, Fault> + Send + 'static,
    {
        let patience = self.settings.limits.disk_patience;
        self.at_disk_within(patience, store, work).await
    }

    /// The same for opening a session: a backup that has to wait is better than one that was not made.
    pub(crate) async fn open_at_disk<T, F>(&self, store: &StoreName, work: F) -> Result<T, Fault>
    where
        T: Send + 'static,
        F: FnOnce() -> Result<T, Fault> + Send + 'static,
    {
        let patience = self.settings.limits.opening_patience;
        self.at_disk_within(patience, store, work).await
    }

    async fn at_disk_within<T, F>(
        &self,
        patience: Duration,
        store: &StoreName,
        work: F,
    ) -> Result<T, Fault>
    where
        T: Send + 'static,
        F: FnOnce() -> Result<T, Fault> + Send + 'static,
    {
        match self.on_disk(store).run_within(patience, work).await {
            Ok(done) => done,
            Err(NotDone::Late) => Err(Fault::DiskBusy(store.clone())),
            Err(NotDone::Broken(broken)) => Err(broken.into()),
        }
    }

    /// Looks at datastores for whoever asks about all of them.
    pub(crate) fn seen(&self) -> &Looks<StoreName, Seen, Fault> {
        &self.seen
    }

    /// Looks for the newest backup, which take longer.
    pub(crate) fn newest(&self) -> &Looks<StoreName, Option<i64>, Fault> {
        &self.newest
    }

    /// Looks whether the server is ready.
    pub(crate) fn ready(&self) -> &Looks<(), Result<(), String>, Infallible> {
        &self.ready
    }

    pub fn tasks(&self) -> &Tasks {
        &self.tasks
    }

    pub(crate) fn configuration(&self) -> &Configuration {
        &self.configuration
    }

    pub(crate) fn identity(&self) -> &Identity {
        &self.identity
    }

    pub(crate) fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    pub(crate) fn journal(&self) -> &Journal {
        &self.journal
    }

    /// The last lines of the server's own log.
    pub(crate) fn log_book(&self) -> &LogBook {
        &self.settings.log_book
    }

    /// What is counted since the server started.
    pub(crate) fn counters(&self) -> &Counters {
        self.tasks.counters()
    }

    /// What was observed of the host and of datastores.
    pub fn statistics(&self) -> &Statistics {
        &self.statistics
    }

    pub(crate) fn transfer(&self) -> &Transfer {
        &self.transfer
    }

    pub(crate) fn limiter(&self) -> &Limiter {
        &self.limiter
    }

    /// The rules of traffic control that are in force.
    pub(crate) fn traffic(&self) -> &Traffic {
        &self.traffic
    }

    pub(crate) fn token_cache(&self) -> &TokenCache {
        &self.token_cache
    }

    /// Turns for computing password hashes.
    pub(crate) fn hashing(&self) -> &Hashing {
        &self.hashing
    }

    /// Turns for downloads that decode chunks.
    pub(crate) fn downloads(&self) -> &StoreTurns {
        &self.downloads
    }

    /// Turns for searches and comparisons.
    pub(crate) fn searches(&self) -> &StoreTurns {
        &self.searches
    }

    /// What was selected for downloads.
    pub(crate) fn selections(&self) -> &Selections {
        &self.selections
    }

    /// Turns for requests as such.
    pub(crate) fn requests(&self) -> &Arc<Turns<Userid>> {
        &self.requests
    }

    /// Room for parameters of requests.
    pub(crate) fn bodies(&self) -> &Rooms {
        &self.bodies
    }

    /// Room for answers that are made whole.
    pub(crate) fn answers(&self) -> &Rooms {
        &self.answers
    }

    /// Turns for streams of events.
    pub(crate) fn streams(&self) -> &UserTurns {
        &self.streams
    }

    /// What those are told who watch.
    pub(crate) fn events(&self) -> &Events {
        self.tasks.events()
    }

    /// Turns of tasks that verify, by their datastores.
    pub(crate) fn verifications(&self) -> &Queue<StoreName> {
        &self.verifications
    }

    /// Turns for requests with a payload for a datastore.
    pub(crate) fn payloads(&self, store: &StoreName) -> Line {
        self.payloads.of(store)
    }

    /// Seconds since the epoch.
    pub fn now(&self) -> i64 {
        jiff::Timestamp::now().as_second()
    }

    /// What an id may do on a path (server.md 2.3); blocking.
    pub fn privileges(&self, id: &AuthId, path: &[&str]) -> Result<Privileges, Fault> {
        Ok(self.configuration.acl()?.value.privileges(id, path).all)
    }

    /// The configuration of a datastore; blocking.
    pub fn store_config(&self, name: &StoreName) -> Result<StoreConfig, Fault> {
        self.configuration
            .datastores()?
            .value
            .get(name)?
            .ok_or_else(|| Fault::NoDatastore(name.clone()))
    }

    /// Whether new snapshots of a datastore are verified at once; blocking.
    pub fn verifies_new(&self, name: &StoreName) -> Result<bool, Fault> {
        Ok(self.store_config(name)?.verify_new.unwrap_or(false))
    }

    /// Whose devices come or go now.
    pub(crate) fn devices(&self) -> &Devices {
        &self.devices
    }

    /// What unfinished backups have uploaded.
    pub(crate) fn uploads(&self) -> &Uploads {
        &self.uploads
    }

    /// Forgets all that unfinished backups have uploaded to a datastore; blocking.
    pub(crate) fn forget_uploads(&self, name: &StoreName) {
        self.forget_some_uploads(name, |uploads| uploads.forget_store(name));
    }

    /// The same for a part of it. If that fails whoever removed that part has still done so.
    pub(crate) fn forget_some_uploads(
        &self,
        name: &StoreName,
        forget: impl FnOnce(&Uploads) -> Result<(), StoreError>,
    ) {
        if let Err(error) = forget(&self.uploads) {
            let error = with_causes(&error);
            tracing::error!("what was uploaded to datastore '{name}' is not forgotten: {error}");
        }
    }

    /// What runs on datastores now.
    pub(crate) fn operations(&self) -> &Operations {
        &self.operations
    }

    /// A datastore, opened once, unless its maintenance mode forbids the access; blocking. It counts as in use until the last clone of the
    /// answer is gone.
    pub fn datastore(&self, name: &StoreName, access: Access) -> Result<Datastore, Fault> {
        self.store_config(name)?;
        // Counted first, then asked: whoever sets the mode and then looks at the count overlooks nobody.
        let operation = self.operations.begin(name, access);
        let config = self.store_config(name)?;
        if let Some(mode) = config.maintenance()?
            && (access == Access::Write || mode.refuses_read())
        {
            if mode.refuses_read() {
                self.close_store(name);
            }
            return Err(Fault::Maintenance {
                store: name.clone(),
                mode: mode.reason(),
            });
        }
        if !removable::is_available(&config) {
            self.close_store(name);
            // Taken away, perhaps before all was written.
            self.forget_uploads(name);
            return Err(Fault::NotMounted(name.clone()));
        }
        let store = self.opened(name, config)?;
        Ok(store.accompanied(Arc::new(operation)))
    }

    /// Lets go of what is kept open of a datastore; what still works with it keeps its own handle.
    pub(crate) fn close_store(&self, name: &StoreName) {
        self.stores().remove(name);
    }

    /// Lets go of what is kept open of datastores that are in the configuration no more, or are out of use by their mode: their disks may be taken
    /// away then, and nobody asks for them who would notice. Blocking.
    pub(crate) fn close_left(&self) {
        // With a damaged file nothing is known of them.
        let Ok(datastores) = self.configuration.datastores() else {
            return;
        };
        let is_left = |name: &StoreName| match datastores.value.get(name) {
            Ok(Some(config)) => {
                let mode = config.maintenance();
                mode.is_ok_and(|mode| mode.is_some_and(|mode| mode.refuses_read()))
            }
            Ok(None) => true,
            Err(_) => false,
        };
        // Closed when nobody waits for the list of them any more.
        let _left: Vec<_> = {
            let mut stores = self.stores();
            let names: Vec<StoreName> = stores
                .keys()
                .filter(|name| is_left(name))
                .cloned()
                .collect();
            names
                .iter()
                .filter_map(|name| stores.remove(name))
                .collect()
        };
    }

    fn opened(&self, name: &StoreName, config: StoreConfig) -> Result<Datastore, Fault> {
        let path = config.directory();
        let place = Arc::clone(self.stores().entry(name.clone()).or_default());
        let found = Place::of(&path);
        // Held while the store is opened, so that no two callers open the same one; other stores are not waited for.
        let mut place = place.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = place.as_ref()
            && open.path == path
            && open.tuning == config.tuning
            && Some(open.place) == found
        {
            return Ok(open.store.clone());
        }
        if self.is_elsewhere(name, found) {
            self.forget_uploads(name);
        }
        *place = None;
        let options = tuned::options(&config, &self.settings.state_dir.join("locks"))?;
        let store = Datastore::open(name, &path, options)?;
        // What could not be looked at could not be opened; if it could by now, the next call opens it again.
        *place = found.map(|place| Open {
            path,
            tuning: config.tuning,
            place,
            store: store.clone(),
        });
        Ok(store)
    }

    /// Whether a datastore's disk was taken away, or another one put in its place, perhaps before all was written, since it was last opened; also
    /// if it was closed meanwhile.
    fn is_elsewhere(&self, name: &StoreName, found: Option<Place>) -> bool {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let before = match found {
            Some(found) => places.insert(name.clone(), found),
            None => places.remove(name),
        };
        before.is_some_and(|before| Some(before) != found)
    }

    fn stores(&self) -> MutexGuard<'_, Stores> {
        self.stores.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where wrong second factors are counted.
    pub(crate) fn tfa_failures(&self) -> FailureDir {
        FailureDir::below(&self.settings.state_dir)
    }

    /// Whether an id exists and may act now; blocking.
    pub fn is_active(&self, id: &AuthId) -> Result<bool, ConfigError> {
        self.configuration.users()?.value.is_active(id, self.now())
    }
}
