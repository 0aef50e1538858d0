//! A reader session (protocol.md 4): files of one snapshot, and the chunks that its indexes name, to whoever may read it.
//! The snapshot cannot be removed meanwhile. Only chunks of indexes that went out in this session can be read, so a session for one
//! snapshot is no door to the whole store. Clients check what they get; chunks are compared with their checksum when they are loaded.

mod chunk;
mod download;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use api::Privileges;
use api::defaults::{READER_PROTOCOL, SPEEDTEST_BYTES};
use api::reader::Open;
use bytes::Bytes;
use format::{AuthId, Digest};
use http::{Method, Response};
use store::{Datastore, LockGuard, SnapshotDir};

use crate::body::Body;
use crate::context::{Access, Context};
use crate::fault::Fault;
use crate::permission;
use crate::protocol::exchange::{Answer, Call, Common, Session};
use crate::protocol::opening;
use crate::reply;
use crate::route::{Upgrade, UpgradeFuture};
use crate::tasks::Worker;
use crate::transfer::connection::Ending;
use crate::transfer::memory::Share;

/// What the speed test sends.
static SPEEDTEST: [u8; SPEEDTEST_BYTES] = [b'A'; SPEEDTEST_BYTES];

/// An open snapshot and what its requests work with.
struct Reader {
    common: Common,
    store: Datastore,
    snapshot: SnapshotDir,
    /// Chunks that may be read.
    readable: Mutex<HashSet<Digest>>,
    memory: Share,
    // Held for its drop: keeps the snapshot.
    _lock: LockGuard,
}

/// `GET /api2/json/reader`
pub fn open(ctx: Arc<Context>, upgrade: Upgrade) -> UpgradeFuture {
    Box::pin(accept(ctx, upgrade))
}

async fn accept(ctx: Arc<Context>, upgrade: Upgrade) -> Result<Response<Body>, Fault> {
    let request: Open = upgrade.params.read()?;
    let (inner, caller) = (Arc::clone(&ctx), upgrade.auth.clone());
    let head = opening::check_head(&upgrade, READER_PROTOCOL);
    let store = request.store.clone();
    let begin = move || begin(inner, &caller, request, head);
    let begun = ctx.open_at_disk(&store, begin).await?;
    tokio::spawn(run(begun.0, begun.1, upgrade.on_upgrade));
    Ok(reply::switching_protocols(READER_PROTOCOL))
}

fn begin(
    ctx: Arc<Context>,
    caller: &AuthId,
    request: Open,
    head: Result<(), Fault>,
) -> Result<(Arc<Reader>, Worker), Fault> {
    let held = permission::in_namespace(&ctx, caller, &request.store, &request.ns)?;
    let any = held.intersects(Privileges::DatastoreRead);
    if !any && !held.intersects(Privileges::DatastoreBackup) {
        return Err(Fault::NoPermissions {
            path: permission::acl_path(&request.store, &request.ns),
        });
    }
    let store = ctx.datastore(&request.store, Access::Read)?;
    head?;
    let wanted = request.snapshot.into();
    let format::Snapshot { group, time } = &wanted;
    if !any && !store.owner(&request.ns, group)?.owns(caller) {
        return Err(Fault::NotReaderOwner);
    }
    let snapshot = store.snapshot(&request.ns, &wanted)?;
    let lock = snapshot.lock_shared()?;
    let id = format!("{}:{group}/{:08X}", request.store, time.epoch());
    let worker = ctx.tasks().start("reader", Some(&id), caller)?;
    worker.log(&format!(
        "starting new backup reader datastore '{}': {:?}",
        request.store,
        store.base()
    ));
    let memory = ctx.transfer().share(caller.user(), store.name());
    let common = Common {
        window: ctx.transfer().window(),
        taken: Default::default(),
        disk: ctx.on_disk(store.name()),
        ctx,
        task: worker.task(),
        debug: request.debug,
    };
    Ok((
        Arc::new(Reader {
            common,
            store,
            snapshot,
            readable: Mutex::default(),
            memory,
            _lock: lock,
        }),
        worker,
    ))
}

async fn run(reader: Arc<Reader>, worker: Worker, on_upgrade: hyper::upgrade::OnUpgrade) {
    let ending = opening::serve(&reader, on_upgrade).await;
    let disk = reader.common.disk.clone();
    let conclude = move || {
        // First the lock, then the end of the task: who waits for the end may remove the snapshot.
        drop(reader);
        let outcome = match ending {
            Ending::Closed => Ok(()),
            Ending::Broken(error) => Err(error),
            Ending::Stopped => Err("task aborted".to_owned()),
        };
        if outcome.is_ok() {
            worker.log("reader finished successfully");
        }
        worker.finish(outcome);
    };
    if disk.run(conclude).await.is_err() {
        tracing::error!("a reader session broke at its end");
    }
}

impl Session for Reader {
    fn common(&self) -> &Common {
        &self.common
    }

    fn is_pressed(&self) -> bool {
        self.memory.is_wanted()
    }

    async fn step(self: Arc<Self>, call: Call) -> Result<Answer, Fault> {
        match (&call.method, call.path.as_str()) {
            (&Method::GET, "/chunk") => chunk::send(self, call).await,
            (&Method::GET, "/download") => download::send(self, call).await,
            (&Method::GET, "/speedtest") => Ok(Answer::Bytes(Bytes::from_static(&SPEEDTEST))),
            (&Method::GET, "/") => Answer::index(api::reader::SUBDIRS),
            _ => Err(Fault::NoPath(call.path)),
        }
    }
}

impl Reader {
    fn readable(&self) -> MutexGuard<'_, HashSet<Digest>> {
        // Digests are only added, so a panic elsewhere cannot have spoiled the set.
        self.readable.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
