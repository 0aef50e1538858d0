//! Observes the host and the disks of the datastores every ten seconds (server.md 7.3). A disk that does not answer holds up nobody but itself:
//! it is not asked again until it has answered.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use config::files::Datastore as StoreConfig;
use format::StoreName;

use crate::context::Context;
use crate::fault::{Fault, with_causes};
use crate::machine;
use crate::statistics::{DiskObservation, HostObservation, INTERVAL_S};

/// What goes on, and what was complained about.
#[derive(Debug, Default)]
struct State {
    /// Stores whose disks have not answered yet.
    asked: HashSet<StoreName>,
    /// The last observation could not be kept; it was told once.
    told: bool,
}

type Shared = Arc<Mutex<State>>;

/// Runs until the server is gone.
pub async fn run(ctx: Weak<Context>) {
    let shared = Shared::default();
    loop {
        let interval = i64::from(INTERVAL_S) * 1000;
        let into = jiff::Timestamp::now().as_millisecond().rem_euclid(interval);
        tokio::time::sleep(Duration::from_millis((interval - into).unsigned_abs())).await;
        let Some(ctx) = ctx.upgrade() else { return };
        let now = ctx.now();
        let inner = Arc::clone(&ctx);
        let host = move || {
            let kept = inner.statistics().note_host(now, host());
            (kept, stores(&inner))
        };
        let Ok((kept, stores)) = ctx.blocking().run(host).await else {
            tracing::error!("observing the host failed inside");
            continue;
        };
        tell(&ctx, &shared, kept);
        match stores {
            Ok(stores) => stores
                .into_iter()
                .for_each(|store| observe(&ctx, &shared, store, now)),
            Err(fault) => tracing::error!(
                "cannot read which datastores to observe: {}",
                with_causes(&fault)
            ),
        }
    }
}

/// Observes host and stores once, as at the time `now`. Blocking; for tests and for a first value at the start.
pub fn once(ctx: &Context, now: i64) -> Result<(), Fault> {
    let kept = ctx.statistics().note_host(now, host());
    kept.map_err(Fault::Statistics)?;
    for (name, path) in stores(ctx)? {
        let kept = ctx.statistics().note_store(now, &name, disk(&path));
        kept.map_err(Fault::Statistics)?;
    }
    Ok(())
}

fn observe(ctx: &Arc<Context>, shared: &Shared, (name, path): (StoreName, PathBuf), now: i64) {
    if !lock(shared).asked.insert(name.clone()) {
        return;
    }
    let (ctx, shared) = (Arc::clone(ctx), Arc::clone(shared));
    tokio::spawn(async move {
        let (inner, store) = (Arc::clone(&ctx), name.clone());
        let look = move || inner.statistics().note_store(now, &store, disk(&path));
        let kept = ctx.on_disk(&name).run(look).await;
        lock(&shared).asked.remove(&name);
        if let Ok(kept) = kept {
            tell(&ctx, &shared, kept);
        }
    });
}

/// Tells the log when keeping values begins to fail.
fn tell(ctx: &Context, shared: &Shared, kept: io::Result<()>) {
    let mut state = lock(shared);
    if let Err(error) = &kept
        && !state.told
        && !ctx
            .tasks()
            .shortage()
            .covers(ctx.statistics().folder(), error)
    {
        tracing::error!("cannot keep statistics: {error}");
    }
    state.told = kept.is_err();
}

fn lock(shared: &Shared) -> std::sync::MutexGuard<'_, State> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

fn host() -> HostObservation {
    HostObservation {
        cpu: machine::CpuTimes::parse(&machine::text("/proc/stat")),
        memory: machine::Memory::parse(&machine::text("/proc/meminfo")),
        load: machine::load_average(&machine::text("/proc/loadavg")),
        traffic: machine::traffic(),
        root: disk(Path::new("/")),
    }
}

fn disk(path: &Path) -> DiskObservation {
    DiskObservation {
        space: machine::space(path),
        counters: machine::disk_counters(path),
    }
}

/// The stores that are to be observed. What is not configured any more is forgotten.
fn stores(ctx: &Context) -> Result<Vec<(StoreName, PathBuf)>, Fault> {
    let all = ctx.configuration().datastores()?.value.list()?;
    let names: Vec<StoreName> = all.iter().map(|store| store.name.clone()).collect();
    ctx.statistics().keep_only(&names);
    Ok(all.into_iter().filter_map(observable).collect())
}

/// Not those that are offline, and not the empty mount point of a removable one.
fn observable(store: StoreConfig) -> Option<(StoreName, PathBuf)> {
    let online = !store
        .maintenance()
        .ok()?
        .is_some_and(|mode| mode.refuses_read());
    let path = store.directory();
    let there = store.backing_device.is_none() || path.join(".chunks").is_dir();
    (online && there).then_some((store.name, path))
}
