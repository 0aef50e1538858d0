//! A backup session: opened by the upgrade, worked on by one file per step, ended by whoever ends it first (protocol.md 3).
//! The group's lock is taken before the answer to the upgrade and is free again once `finish` is answered, or the session has ended.
//! What may be written when, and the texts of refusals, are the store's.

mod append;
mod blob;
mod chunk;
mod close;
mod create_index;
mod ending;
mod finish;
mod previous;
mod uploaded;

use std::net::IpAddr;
use std::sync::Arc;

use api::Privileges;
use api::backup::Open;
use api::defaults::BACKUP_PROTOCOL;
use format::AuthId;
use http::{Method, Response};
use store::{Datastore, WriterKind};
use tokio::sync::Semaphore;

use crate::body::Body;
use crate::context::{Access, Context};
use crate::fault::{Fault, with_causes};
use crate::permission;
use crate::protocol::exchange::{Answer, Call, Common, Session};
use crate::protocol::opening;
use crate::reply;
use crate::route::{Upgrade, UpgradeFuture};
use crate::tasks::Worker;
use crate::transfer::intake::{self, Intake};

/// An open backup and what its requests work with.
struct Backup {
    common: Common,
    /// Who makes the backup.
    owner: AuthId,
    store: Datastore,
    session: store::Session,
    intake: Intake,
    /// The turn to list what was uploaded before.
    listing: Arc<Semaphore>,
}

/// `GET /api2/json/backup`
pub fn open(ctx: Arc<Context>, upgrade: Upgrade) -> UpgradeFuture {
    Box::pin(accept(ctx, upgrade))
}

async fn accept(ctx: Arc<Context>, upgrade: Upgrade) -> Result<Response<Body>, Fault> {
    let request: Open = upgrade.params.read()?;
    let (inner, caller, peer) = (Arc::clone(&ctx), upgrade.auth.clone(), upgrade.peer.ip());
    let head = opening::check_head(&upgrade, BACKUP_PROTOCOL);
    let store = request.store.clone();
    let begin = move || begin(inner, caller, peer, request, head);
    let (backup, worker) = ctx.open_at_disk(&store, begin).await?;
    let left = backup.session.uploads_left();
    tokio::spawn(run(backup, worker, upgrade.on_upgrade));
    // Whoever does not ask gets the original's answer, to the byte.
    Ok(match upgrade.resumes && left > 0 {
        true => reply::switching_with_uploads(BACKUP_PROTOCOL, left),
        false => reply::switching_protocols(BACKUP_PROTOCOL),
    })
}

/// Checks 3 to 15 of protocol.md 3.1.
fn begin(
    ctx: Arc<Context>,
    caller: AuthId,
    peer: IpAddr,
    request: Open,
    head: Result<(), Fault>,
) -> Result<(Arc<Backup>, Worker), Fault> {
    let held = permission::in_namespace(&ctx, &caller, &request.store, &request.ns)?;
    if !held.intersects(Privileges::DatastoreBackup) {
        let path = permission::acl_path(&request.store, &request.ns);
        return Err(Fault::UpgradeForbidden {
            privileges: Privileges::DatastoreBackup,
            path,
        });
    }
    let store = ctx.datastore(&request.store, Access::Write)?;
    head?;
    let snapshot = request.snapshot.into();
    let session = store
        .begin(&request.ns, &snapshot, &caller, request.benchmark)?
        .recorded(ctx.uploads(), &caller);
    let kind = if request.benchmark {
        "benchmark"
    } else {
        "backup"
    };
    let id = format!("{}:{}", request.store, snapshot.group);
    let worker = ctx.tasks().start(kind, Some(&id), &caller)?;
    worker.log(&format!(
        "starting new {kind} on datastore '{}' from {peer}: {:?}",
        request.store,
        session.relative_path()
    ));
    let transfer = ctx.transfer();
    let window = transfer.window();
    let disk = ctx.on_disk(store.name());
    let intake = Intake::new(
        transfer.uploads.clone(),
        disk.clone(),
        store.base().to_owned(),
        window.bytes(),
    );
    let common = Common {
        window,
        taken: Default::default(),
        disk,
        ctx,
        task: worker.task(),
        debug: request.debug,
    };
    Ok((
        Arc::new(Backup {
            common,
            owner: caller,
            store,
            session,
            intake,
            listing: Arc::new(Semaphore::new(1)),
        }),
        worker,
    ))
}

async fn run(backup: Arc<Backup>, worker: Worker, on_upgrade: hyper::upgrade::OnUpgrade) {
    let ending = opening::serve(&backup, on_upgrade).await;
    let disk = backup.common.disk.clone();
    if disk
        .run(move || ending::conclude(&backup, worker, ending))
        .await
        .is_err()
    {
        tracing::error!(
            "a backup session broke at its end; its snapshot may need to be removed by hand"
        );
    }
}

impl Session for Backup {
    fn common(&self) -> &Common {
        &self.common
    }

    async fn step(self: Arc<Self>, call: Call) -> Result<Answer, Fault> {
        use WriterKind::{Dynamic, Fixed};
        match (&call.method, call.path.as_str()) {
            (&Method::POST, "/dynamic_chunk") => chunk::upload(self, call, Dynamic).await,
            (&Method::POST, "/fixed_chunk") => chunk::upload(self, call, Fixed).await,
            (&Method::PUT, "/dynamic_index") => append::append(self, call, Dynamic).await,
            (&Method::PUT, "/fixed_index") => append::append(self, call, Fixed).await,
            (&Method::POST, "/dynamic_index") => create_index::dynamic(self, call).await,
            (&Method::POST, "/fixed_index") => create_index::fixed(self, call).await,
            (&Method::POST, "/dynamic_close") => close::close(self, call, Dynamic).await,
            (&Method::POST, "/fixed_close") => close::close(self, call, Fixed).await,
            (&Method::POST, "/blob") => blob::store(self, call).await,
            (&Method::GET, "/previous") => previous::download(self, call).await,
            (&Method::GET, "/previous_backup_time") => previous::time(self, call).await,
            (&Method::GET, path) if path.strip_prefix('/') == Some(api::backup::UPLOADED) => {
                uploaded::list(self, call).await
            }
            (&Method::POST, "/finish") => finish::finish(self, call).await,
            (&Method::POST, "/speedtest") => speedtest(call).await,
            (&Method::GET, "/") => Answer::index(api::backup::SUBDIRS),
            _ => Err(Fault::NoPath(call.path)),
        }
    }
}

impl Backup {
    /// Runs blocking work on the session.
    async fn run<T, F>(self: &Arc<Self>, work: F) -> Result<T, Fault>
    where
        T: Send + 'static,
        F: FnOnce(&Backup) -> Result<T, Fault> + Send + 'static,
    {
        let backup = Arc::clone(self);
        self.common.run(move || work(&backup)).await
    }

    fn log(&self, text: &str) {
        self.common.task.log(text);
    }

    /// Tells of a journal of uploads that is not whole. The backup itself does not suffer.
    fn tell_of_journal(&self) {
        if let Some(error) = self.session.journal_trouble() {
            self.common.task.warn(&format!(
                "not noted what was uploaded, so if this backup breaks off the next one sends it again: {}",
                with_causes(&error)
            ));
        }
    }

    /// Logs what only a session with `debug` tells.
    fn detail(&self, text: impl FnOnce() -> String) {
        if self.common.debug {
            self.log(&text());
        }
    }
}

/// Id of a writer; the schema keeps it small.
fn writer(wid: u64) -> u32 {
    u32::try_from(wid).unwrap_or(u32::MAX)
}

/// `POST speedtest`: the body is received and dropped.
async fn speedtest(mut call: Call) -> Result<Answer, Fault> {
    intake::drain(&mut call.body, u64::MAX)
        .await
        .map_err(|e| Fault::BodyBroken(e.to_string()))?;
    Ok(Answer::null())
}
