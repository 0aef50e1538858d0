//! `/metrics`: numbers about the server, its tasks and its datastores. Labels are bounded: datastores, types of tasks, few fixed words.

use std::collections::BTreeMap;

use format::{Namespace, StoreName};
use store::Datastore;

use super::text::{Kind, Page};
use crate::context::{Access, Context};
use crate::fault::Fault;
use crate::jobs;
use crate::machine;
use crate::statistics::{Object, Point};
use crate::tasks::Filter;

/// A datastore's space that was seen longer ago is not told.
const SPACE_AGE_MAX_S: i64 = 60;

/// The whole page; blocking.
pub fn page(ctx: &Context) -> Result<String, Fault> {
    let mut page = Page::default();
    process(ctx, &mut page);
    transfers(ctx, &mut page);
    tasks(ctx, &mut page)?;
    let stores = ctx.configuration().datastores()?.value.list()?;
    let names: Vec<StoreName> = stores.into_iter().map(|store| store.name).collect();
    space(ctx, &names, &mut page);
    contents(ctx, &names, &mut page);
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

fn tasks(ctx: &Context, page: &mut Page) -> Result<(), Fault> {
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
    let mut family = page.family(
        "strongroom_tasks_finished_total",
        Kind::Counter,
        "Tasks that ended since the server started.",
    );
    for (ended, count) in ctx.counters().ended() {
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

/// What the datastores themselves tell; those that cannot be opened now are left out.
fn contents(ctx: &Context, names: &[StoreName], page: &mut Page) {
    let open = |name: &StoreName| ctx.datastore(name, Access::Read).ok();
    let stores: Vec<Datastore> = names.iter().filter_map(open).collect();
    let newest: Vec<_> = stores
        .iter()
        .filter_map(|store| {
            let found = ctx.counters().newest(store.name(), || newest(store));
            Some((store.name(), found.ok()??))
        })
        .collect();
    let mut family = page.family(
        "strongroom_datastore_last_backup_timestamp_seconds",
        Kind::Gauge,
        "Time of the newest backup, looked up every five minutes.",
    );
    for (name, time) in newest {
        family.sample(&[("datastore", name.as_str())], time);
    }
    let jobs: Vec<_> = names
        .iter()
        .filter_map(|name| jobs::gc::job(ctx, name).ok())
        .collect();
    let mut family = page.family(
        "strongroom_gc_last_run_timestamp_seconds",
        Kind::Gauge,
        "End of the last garbage collection.",
    );
    for job in &jobs {
        if let Some(end) = job.last_run_endtime {
            family.sample(&[("datastore", job.store.as_str())], end);
        }
    }
    let mut family = page.family(
        "strongroom_gc_last_run_success",
        Kind::Gauge,
        "1 if the last garbage collection ended without error.",
    );
    for job in &jobs {
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

/// Time of the newest snapshot, finished or not.
fn newest(store: &Datastore) -> Result<Option<i64>, store::StoreError> {
    let mut newest = None;
    for ns in store.namespaces(&Namespace::root(), None)? {
        for group in store.groups(&ns)? {
            let last = store.snapshot_times(&ns, &group)?.pop();
            newest = newest.max(last.map(|time| time.epoch()));
        }
    }
    Ok(newest)
}
