//! `/metrics`: numbers about the server, its tasks and its datastores. Labels are bounded: datastores, types of tasks, few fixed words.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::Privileges;
use api::acl::AclTree;
use api::rest::datastore::GcJob;
use config::files::Datastore as StoreConfig;
use format::{AuthId, StoreName};

use super::text::{Kind, Page};
use crate::context::Context;
use crate::fault::Fault;
use crate::jobs;
use crate::machine;
use crate::statistics::{Object, Point};
use crate::survey;
use crate::tasks::Filter;

/// A datastore's space that was seen longer ago is not told.
const SPACE_AGE_MAX_S: i64 = 60;

/// What is told of datastores.
struct Found {
    names: Vec<StoreName>,
    newest: Vec<(StoreName, i64)>,
    jobs: Vec<GcJob>,
}

/// The page as the caller may see it: datastores only where he holds `Datastore.Audit`.
pub async fn page(ctx: &Arc<Context>, caller: &AuthId) -> Result<String, Fault> {
    let (inner, auth) = (Arc::clone(ctx), caller.clone());
    let stores = move || -> Result<Vec<StoreConfig>, Fault> {
        let mut stores = inner.configuration().datastores()?.value.list()?;
        let acl = inner.configuration().acl()?;
        stores.retain(|store| may_see(&acl.value, &auth, store.name.as_str()));
        Ok(stores)
    };
    let stores = ctx.blocking().run(stores).await??;
    let names: Vec<StoreName> = stores.iter().map(|store| store.name.clone()).collect();
    let contents = survey::contents(ctx, names.clone()).await;
    let newest = survey::newest(ctx, names.clone()).await;
    let (inner, auth) = (Arc::clone(ctx), caller.clone());
    let write = move || {
        let newest = |name: &StoreName| Some((name.clone(), (*newest.known(name)?)?));
        let job = |store: &StoreConfig| {
            let status = contents.known(&store.name)?.gc.clone();
            Some(jobs::gc::together(&inner, store, status))
        };
        let found = Found {
            newest: names.iter().filter_map(newest).collect(),
            jobs: stores.iter().filter_map(job).collect(),
            names,
        };
        written(&inner, &auth, &found)
    };
    ctx.blocking().run(write).await?
}

fn may_see(acl: &AclTree, caller: &AuthId, store: &str) -> bool {
    let held = acl.privileges(caller, &["datastore", store]).all;
    held.intersects(Privileges::DatastoreAudit)
}

fn written(ctx: &Context, caller: &AuthId, found: &Found) -> Result<String, Fault> {
    let mut page = Page::default();
    process(ctx, &mut page);
    transfers(ctx, &mut page);
    tasks(ctx, caller, &mut page)?;
    space(ctx, &found.names, &mut page);
    contents(found, &mut page);
    Ok(page.into_text())
}

fn process(ctx: &Context, page: &mut Page) {
    let counters = ctx.counters();
    page.family(
        "strongroom_build_info",
        Kind::Gauge,
        "Version of the server and of the interface it speaks.",
    )
    .sample(
        &[
            ("version", env!("CARGO_PKG_VERSION")),
            ("api_version", api::defaults::API_VERSION),
        ],
        1,
    );
    page.family(
        "strongroom_uptime_seconds",
        Kind::Gauge,
        "Time since the server started.",
    )
    .sample(&[], counters.uptime().as_secs());
    page.family(
        "strongroom_resident_memory_bytes",
        Kind::Gauge,
        "Main memory of the process.",
    )
    .sample(&[], machine::resident_bytes());
    let mut requests = page.family(
        "strongroom_http_requests_total",
        Kind::Counter,
        "Answered requests by class of their status.",
    );
    for (class, count) in counters.requests() {
        requests.sample(&[("code", &format!("{class}xx"))], count);
    }
}

fn transfers(ctx: &Context, page: &mut Page) {
    let counters = ctx.counters();
    page.family(
        "strongroom_backup_received_bytes_total",
        Kind::Counter,
        "Bytes of chunks and files that backups sent, as they travelled.",
    )
    .sample(&[], counters.received_bytes());
    page.family(
        "strongroom_chunks_inserted_total",
        Kind::Counter,
        "Chunks that were new to their datastore.",
    )
    .sample(&[], counters.chunks_new());
    page.family(
        "strongroom_chunks_known_total",
        Kind::Counter,
        "Chunks of backups that were there already, sent or not.",
    )
    .sample(&[], counters.chunks_known());
}

fn tasks(ctx: &Context, caller: &AuthId, page: &mut Page) -> Result<(), Fault> {
    let filter = Filter {
        running_only: true,
        ..Filter::default()
    };
    let running = ctx.tasks().list(&filter, |_| true)?.entries;
    let mut by_type = BTreeMap::<&str, u64>::new();
    for task in &running {
        *by_type.entry(task.upid.worker_type.as_str()).or_default() += 1;
    }
    let mut sessions = page.family(
        "strongroom_sessions",
        Kind::Gauge,
        "Open sessions by protocol.",
    );
    for protocol in ["backup", "reader"] {
        sessions.sample(
            &[("protocol", protocol)],
            by_type.get(protocol).unwrap_or(&0),
        );
    }
    let mut family = page.family(
        "strongroom_tasks_running",
        Kind::Gauge,
        "Running tasks by type.",
    );
    for (kind, count) in &by_type {
        family.sample(&[("type", kind)], count);
    }
    page.family(
        "strongroom_tasks_left",
        Kind::Gauge,
        "Tasks that were stopped and whose threads still wait, for a disk for instance.",
    )
    .sample(&[], ctx.tasks().left().len());
    let mut family = page.family(
        "strongroom_tasks_finished_total",
        Kind::Counter,
        "Tasks that ended since the server started.",
    );
    let acl = ctx.configuration().acl()?;
    for (ended, count) in ctx.counters().ended() {
        if !ended.store.is_empty() && !may_see(&acl.value, caller, &ended.store) {
            continue;
        }
        let labels = [
            ("type", ended.kind.as_str()),
            ("datastore", ended.store.as_str()),
            ("status", ended.status),
        ];
        family.sample(&labels, count);
    }
    Ok(())
}

/// As it was seen last: no disk is asked, so none that hangs holds this up.
fn space(ctx: &Context, names: &[StoreName], page: &mut Page) {
    let now = ctx.now();
    let seen: Vec<(&StoreName, Vec<Point>)> = names
        .iter()
        .map(|name| {
            let object = Object::Store(name.clone());
            let mut points = ctx.statistics().recent(&object, false, i64::MIN);
            points.retain(|point| now - point.time <= SPACE_AGE_MAX_S);
            (name, points)
        })
        .collect();
    for (metric, name, help) in [
        (
            "disk_total",
            "strongroom_datastore_size_bytes",
            "Size of the datastore's file system.",
        ),
        (
            "disk_used",
            "strongroom_datastore_used_bytes",
            "Used bytes of the datastore's file system.",
        ),
        (
            "disk_available",
            "strongroom_datastore_available_bytes",
            "Bytes that can still be written.",
        ),
    ] {
        let mut family = page.family(name, Kind::Gauge, help);
        for (store, points) in &seen {
            if let Some(point) = points.iter().find(|point| point.metric == metric) {
                family.sample(&[("datastore", store.as_str())], point.value);
            }
        }
    }
}

/// What the datastores themselves tell; those that cannot be opened now are left out, and of those that do not answer it is what was seen last.
fn contents(found: &Found, page: &mut Page) {
    let mut family = page.family(
        "strongroom_datastore_last_backup_timestamp_seconds",
        Kind::Gauge,
        "Time of the newest backup, looked up every five minutes.",
    );
    for (name, time) in &found.newest {
        family.sample(&[("datastore", name.as_str())], time);
    }
    let jobs = &found.jobs;
    let mut family = page.family(
        "strongroom_gc_last_run_timestamp_seconds",
        Kind::Gauge,
        "End of the last garbage collection.",
    );
    for job in jobs {
        if let Some(end) = job.last_run_endtime {
            family.sample(&[("datastore", job.store.as_str())], end);
        }
    }
    let mut family = page.family(
        "strongroom_gc_last_run_success",
        Kind::Gauge,
        "1 if the last garbage collection ended without error.",
    );
    for job in jobs {
        if let Some(state) = &job.last_run_state {
            let is_fine = state == "OK" || state.starts_with("WARNINGS");
            family.sample(&[("datastore", job.store.as_str())], u8::from(is_fine));
        }
    }
    type Number = fn(&api::rest::datastore::GcStatus) -> u64;
    let numbers: [(&'static str, &str, Number); 4] = [
        (
            "strongroom_gc_disk_bytes",
            "Bytes of all chunks at the last garbage collection.",
            |gc| gc.disk_bytes,
        ),
        (
            "strongroom_gc_removed_bytes",
            "Bytes that the last garbage collection freed.",
            |gc| gc.removed_bytes,
        ),
        (
            "strongroom_gc_pending_bytes",
            "Bytes that a later garbage collection will free.",
            |gc| gc.pending_bytes,
        ),
        (
            "strongroom_gc_index_data_bytes",
            "Bytes of all backups at the last garbage collection, as if nothing were shared.",
            |gc| gc.index_data_bytes,
        ),
    ];
    for (name, help, number) in numbers {
        let mut family = page.family(name, Kind::Gauge, help);
        for job in jobs.iter().filter(|job| job.status.upid.is_some()) {
            family.sample(&[("datastore", job.store.as_str())], number(&job.status));
        }
    }
}
