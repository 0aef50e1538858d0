//! A running server: made by [`Server::bind`], which returns once it listens, and ended by [`Server::shutdown`].

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use config::health::{Finding, Health};
use config::readable::{self, AllUnreadable};
use config::{ConfigDir, ConfigError, identity};
use rustix::fs::{Access, access};
use rustix::io::Errno;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::api;
use crate::blocking::{Blocking, Broken};
use crate::certificate::{Certificate, CertificateError, ReloadError};
use crate::changes;
use crate::context::Context;
use crate::dispatch::{Dispatcher, StartPage};
use crate::events::Event;
use crate::fault::Fault;
use crate::front::{listener, rules};
use crate::jobs::scheduler;
use crate::journal::Journal;
use crate::presence::Presence;
use crate::route::Tree;
use crate::sampling;
use crate::settings::Settings;
use crate::shortage::Shortage;
use crate::tasks::{Rooms, TaskError, Tasks};
use crate::writability;

/// Time for the last lines of the logs after everything else has ended.
const LOG_TIME: Duration = Duration::from_secs(2);
/// How often the certificate on disk is looked at.
const CERTIFICATE_INTERVAL: Duration = Duration::from_secs(5);
/// Time for tasks to end after they were asked to stop.
const ABORT_TIME: Duration = Duration::from_secs(10);

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("cannot create the directory {}", path.display())]
    Folder { path: PathBuf, source: io::Error },
    #[error("cannot write in the directory {}", path.display())]
    Unwritable { path: PathBuf, source: io::Error },
    #[error("cannot use the configuration in {}", path.display())]
    Config { path: PathBuf, source: ConfigError },
    #[error(transparent)]
    Unreadable(#[from] AllUnreadable),
    #[error("cannot use the certificate {}", path.display())]
    Certificate {
        path: PathBuf,
        source: CertificateError,
    },
    #[error("the certificate cannot be served")]
    Tls(#[source] rustls::Error),
    #[error("{0} is in use by another program")]
    PortTaken(SocketAddr),
    #[error("cannot listen on {address}")]
    Listen {
        address: SocketAddr,
        source: io::Error,
    },
    #[error("cannot open the task list")]
    Tasks(#[from] TaskError),
    #[error(transparent)]
    Broken(#[from] Broken),
}

/// How a shutdown went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShutdownOutcome {
    /// Every task ended by itself.
    Clean,
    /// So many tasks were stopped because the time was over.
    Stopped(usize),
}

/// A server that listens.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    presence: Arc<Presence>,
    ctx: Arc<Context>,
    stop: watch::Sender<bool>,
    accepting: JoinHandle<()>,
    scheduling: JoinHandle<()>,
    writing: JoinHandle<()>,
}

/// What the blocking part of a start brings.
struct Prepared {
    dir: ConfigDir,
    identity: identity::Identity,
    certificate: Arc<Certificate>,
    tasks: Tasks,
}

impl Server {
    /// Makes what is missing (folders, certificate, keys) and listens.
    pub async fn bind(settings: Settings) -> Result<Server, StartError> {
        let address = settings.listen;
        // The port first: a second start must not touch the lists of the first server's tasks.
        let listener = listener::open(address).map_err(|source| match source.kind() {
            io::ErrorKind::AddrInUse => StartError::PortTaken(address),
            _ => StartError::Listen { address, source },
        })?;
        Server::start(settings, listener).await
    }

    /// The same with a socket that listens already and does not block; the address of the settings is not used.
    pub async fn serve(
        settings: Settings,
        listener: std::net::TcpListener,
    ) -> Result<Server, StartError> {
        let address = settings.listen;
        let listener = tokio::net::TcpListener::from_std(listener)
            .map_err(|source| StartError::Listen { address, source })?;
        Server::start(settings, listener).await
    }

    async fn start(
        settings: Settings,
        listener: tokio::net::TcpListener,
    ) -> Result<Server, StartError> {
        let blocking =
            Blocking::new(settings.limits.blocking).with_patience(settings.limits.patience);
        let address = settings.listen;
        let address = listener
            .local_addr()
            .map_err(|source| StartError::Listen { address, source })?;
        let given = settings.clone();
        let Prepared {
            dir,
            identity,
            certificate,
            tasks,
        } = blocking.run(move || prepare(&given)).await??;
        let shortage = tasks.shortage().clone();
        let folder = settings.log_dir.join("api");
        let (journal, writing) = Journal::start(&folder, blocking.clone(), shortage.clone());
        let tls = certificate.acceptor().map_err(StartError::Tls)?;
        let ctx = Arc::new(Context::new(
            settings,
            blocking,
            dir,
            identity,
            Arc::clone(&certificate),
            journal,
            tasks,
        ));
        let desk = Arc::new(Dispatcher {
            ctx: Arc::clone(&ctx),
            routes: Tree::new(&api::tables()),
            description: std::sync::OnceLock::new(),
            start_page: StartPage::default(),
        });
        // So that something is known from the first connection on.
        desk.start_page.now(&ctx).await;
        let stop = watch::Sender::new(false);
        let accepting = tokio::spawn(listener::run(desk, listener, tls, stop.subscribe()));
        tokio::spawn(watch_certificate(Arc::downgrade(&ctx)));
        let scheduling = tokio::spawn(scheduler::run(Arc::downgrade(&ctx)));
        tokio::spawn(sampling::run(Arc::downgrade(&ctx)));
        let presence = Arc::new(Presence::new(&ctx.settings().state_dir, address));
        tokio::spawn(changes::run(Arc::downgrade(&ctx)));
        tokio::spawn(writability::run(
            Arc::downgrade(&ctx),
            Arc::clone(&presence),
        ));
        tokio::spawn(rules::follow(Arc::downgrade(&ctx)));
        let state_dir = ctx.settings().state_dir.clone();
        let here = Arc::clone(&presence);
        let announce = move || {
            let done = here.announce();
            done.map_err(|error| (shortage.covers(&state_dir, &error), error))
        };
        if let Err((false, error)) = ctx.blocking().run(announce).await? {
            // The manager then works beside the server instead of through it.
            tracing::warn!("cannot tell other programs where the server listens: {error}");
        }
        Ok(Server {
            address,
            presence,
            ctx,
            stop,
            accepting,
            scheduling,
            writing,
        })
    }

    /// Where it listens, with the real port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// SHA-256 of the certificate as pairs joined by `:`.
    pub fn fingerprint(&self) -> String {
        self.ctx.certificate().fingerprint()
    }

    /// Looks whether certificate and key on disk have changed, and serves the new ones to whoever connects from now on; whether it does. With an
    /// error the old ones stay.
    pub async fn reload_certificate(&self) -> Result<bool, ReloadError> {
        reload_certificate(&self.ctx).await
    }

    /// Looks at all files of the configuration, and tells of those that cannot be used. Requests that need one of these fail until it is mended;
    /// then they read it by themselves.
    pub async fn check_configuration(&self) -> Vec<Finding> {
        let ctx = Arc::clone(&self.ctx);
        let check = move || Health::default().look(ctx.configuration().dir());
        // That the check itself broke is in the log already.
        self.ctx.blocking().run(check).await.unwrap_or_default()
    }

    /// Starts the jobs that are due at `now` (Unix seconds), as the server itself does at each full minute; gives how many.
    pub async fn run_due_jobs(&self, now: i64) -> Result<usize, Broken> {
        scheduler::tick(&self.ctx, now).await
    }

    /// Observes host and datastores as at `now` (Unix seconds), as the server itself does every ten seconds.
    pub async fn observe(&self, now: i64) -> Result<(), Fault> {
        let ctx = Arc::clone(&self.ctx);
        self.ctx
            .blocking()
            .run(move || sampling::once(&ctx, now))
            .await?
    }

    /// Tells those who watch what happened outside of this server.
    pub fn tell(&self, event: Event) {
        self.ctx.events().tell(event);
    }

    /// Number of running tasks.
    pub fn running_tasks(&self) -> usize {
        self.ctx.tasks().running()
    }

    /// Stops accepting, lets current requests finish, and waits for running tasks, sessions among them, for at most `limit`; what still runs
    /// then is asked to stop.
    pub async fn shutdown(self, limit: Duration) -> ShutdownOutcome {
        let Server {
            address: _,
            presence,
            ctx,
            stop,
            mut accepting,
            scheduling,
            writing,
        } = self;
        // What is due from here on runs after the next start.
        scheduling.abort();
        let withdraw = move || presence.withdraw();
        // If it cannot be run, the file stays and nobody answers there.
        let _ = ctx.blocking().run(withdraw).await;
        stop.send_replace(true);
        ctx.events().end();
        let end = tokio::time::Instant::now() + limit;
        if tokio::time::timeout_at(end, &mut accepting).await.is_err() {
            // Dropping the accept loop drops the connections that do not finish.
            accepting.abort();
        }
        let mut outcome = ShutdownOutcome::Clean;
        if tokio::time::timeout_at(end, ctx.tasks().idle())
            .await
            .is_err()
        {
            outcome = ShutdownOutcome::Stopped(ctx.tasks().running());
            let tasks = ctx.tasks().clone();
            // What cannot be told is seen by the wait below.
            let _ = ctx.blocking().run(move || tasks.abort_all()).await;
            let _ = tokio::time::timeout(ABORT_TIME, ctx.tasks().idle()).await;
        }
        let last = Arc::clone(&ctx);
        if let Ok(Err(error)) = ctx.blocking().run(move || last.statistics().flush()).await
            && !ctx
                .tasks()
                .shortage()
                .covers(ctx.statistics().folder(), &error)
        {
            tracing::warn!("the last statistics are lost: {error}");
        }
        drop(ctx);
        let _ = tokio::time::timeout(LOG_TIME, writing).await;
        outcome
    }
}

async fn reload_certificate(ctx: &Arc<Context>) -> Result<bool, ReloadError> {
    let inner = Arc::clone(ctx);
    let reload = move || inner.certificate().reload(inner.configuration().dir());
    ctx.blocking().run(reload).await?
}

/// Looks at the certificate now and then: `strongroom-manager cert update` cannot tell us.
async fn watch_certificate(ctx: std::sync::Weak<Context>) {
    loop {
        tokio::time::sleep(CERTIFICATE_INTERVAL).await;
        let Some(ctx) = ctx.upgrade() else { return };
        match reload_certificate(&ctx).await {
            Ok(true) => tracing::info!(
                "serving a new certificate, fingerprint {}",
                ctx.certificate().fingerprint()
            ),
            Ok(false) => {}
            Err(e) => tracing::warn!(
                "the certificate has changed and cannot be used, the old one stays: {}",
                crate::fault::with_causes(&e)
            ),
        }
    }
}

fn prepare(settings: &Settings) -> Result<Prepared, StartError> {
    check_writable(settings)?;
    for folder in [
        &settings.state_dir,
        &settings.log_dir,
        &settings.log_dir.join("api"),
    ] {
        create(folder)?;
    }
    let shortage = Shortage::of_server(&settings.state_dir, &settings.log_dir);
    shortage.look();
    settle(&settings.config_dir);
    let config_error = |source| StartError::Config {
        path: settings.config_dir.clone(),
        source,
    };
    let dir = ConfigDir::create(&settings.config_dir).map_err(config_error)?;
    let user = rustix::process::geteuid().as_raw();
    for closed in dir.close_to_others(user).map_err(config_error)? {
        tracing::warn!(
            "{} was open to others (mode {:04o}) and is {:04o} now; secrets that others may have read should be replaced",
            closed.path.display(),
            closed.mode_before,
            closed.mode
        );
    }
    readable::check(&dir)?;
    let now = jiff::Timestamp::now().as_second();
    let identity = identity::load_or_create(&dir, &settings.node, now).map_err(config_error)?;
    tell_new_keys(&dir, &identity);
    let certificate = Certificate::new(&identity).map_err(|source| StartError::Certificate {
        path: dir.path_of(config::FileSpec::CERTIFICATE),
        source,
    })?;
    let tasks = Tasks::open_shared(
        &settings.log_dir.join("tasks"),
        &settings.node,
        Rooms::of(&settings.limits),
        shortage,
    )?;
    Ok(Prepared {
        dir,
        identity,
        certificate: Arc::new(certificate),
        tasks,
    })
}

/// Who finds that fingerprints or logins from before are not valid any more shall see why.
fn tell_new_keys(dir: &ConfigDir, identity: &identity::Identity) {
    for &file in &identity.made {
        let path = dir.path_of(file);
        let path = path.display();
        match file {
            config::FileSpec::CERTIFICATE_KEY => tracing::info!(
                "there was no certificate; {path} and proxy.pem are new, with fingerprint {}",
                identity.fingerprint
            ),
            config::FileSpec::AUTH_PUBLIC_KEY => {
                tracing::info!("{path} was missing and is made anew from its private half");
            }
            _ => tracing::info!(
                "{path} was missing and is new; logins from before are not valid any more"
            ),
        }
    }
}

/// An import may have been ended between its steps. What it took over is in use already, so the server starts in any case.
fn settle(config_dir: &Path) {
    match config::takeover::settle(config_dir) {
        Ok(left) => {
            if let Some(kept) = left.kept {
                tracing::warn!(
                    "an import was interrupted when it had taken effect; the configuration before it is now {}",
                    kept.display()
                );
            }
            for path in left.unfinished {
                tracing::warn!(
                    "{} was left by an import that had no effect; remove it, it holds secrets",
                    path.display()
                );
            }
        }
        Err(error) => tracing::warn!(
            "an import into {} was interrupted, and what it left cannot be put in order; run `strongroom-manager import` again as root, or rename the hidden folder beside it that ends with .new: {}",
            config_dir.display(),
            crate::fault::with_causes(&error)
        ),
    }
}

/// Sessions, jobs, tasks and whoever changes settings write there, so without that next to nothing works; what is missing is made later. A disk that is only full passes: what makes
/// room must run.
fn check_writable(settings: &Settings) -> Result<(), StartError> {
    let (state, log) = (&settings.state_dir, &settings.log_dir);
    let below = [
        state.join("locks"),
        state.join("jobstates"),
        log.join("api"),
        log.join("tasks"),
    ];
    for path in [&settings.config_dir, state, log].into_iter().chain(&below) {
        match access(path, Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK) {
            Ok(()) | Err(Errno::NOENT | Errno::NOTDIR) => {}
            Err(error) => {
                return Err(StartError::Unwritable {
                    path: path.to_owned(),
                    source: error.into(),
                });
            }
        }
    }
    Ok(())
}

fn create(folder: &Path) -> Result<(), StartError> {
    let made = config::owner::make_folders(folder, 0o750);
    made.map_err(|source| StartError::Folder {
        path: folder.to_owned(),
        source,
    })
}
