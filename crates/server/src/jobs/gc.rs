//! Garbage collection as a task: by request or by the datastore's schedule. What it came to is kept in the datastore's `.gc-status`.

use std::sync::Arc;

use api::Upid;
use api::rest::datastore::{CacheStats, GcJob, GcStatus};
use config::files::{Datastore as StoreConfig, Tuning};
use format::{AuthId, StoreName};
use store::{Datastore, GcOptions, GcReport, SpaceOptions, Watch};

use crate::context::{Access, Context};
use crate::fault::{Fault, with_causes};
use crate::jobs::state::JobType;
use crate::jobs::{self, Patience};

/// Starts a collection.
pub fn start(
    ctx: &Arc<Context>,
    name: &StoreName,
    auth_id: &AuthId,
    patience: Patience,
) -> Result<Upid, Fault> {
    let store = ctx.datastore(name, Access::Write)?;
    let options = options(&ctx.store_config(name)?.tuning()?);
    let run = jobs::Run {
        ty: JobType::GarbageCollection,
        name: name.as_str(),
        worker_id: name.as_str(),
        auth_id,
    };
    let inner = Arc::clone(ctx);
    run.start(ctx, patience, move |task| {
        let before = store.chunks().epoch().losses;
        let done = collect(&store, &options, task.text(), task);
        if store.chunks().epoch().losses > before {
            // Perhaps of chunks that an unfinished backup has uploaded.
            inner.forget_uploads(store.name());
        }
        done
    })
}

/// What a datastore's tuning says of its collections.
pub fn options(tuning: &Tuning) -> GcOptions {
    let minutes = i64::try_from(tuning.gc_atime_cutoff).unwrap_or(i64::MAX);
    GcOptions {
        probe: tuning.gc_atime_safety_check,
        cutoff_s: minutes.saturating_mul(60),
        digests_max: digests_max(tuning.gc_cache_capacity),
    }
}

/// Digests in memory; all others of a run are in files. A table of 2^n places takes 7/8 of it; less than some thousands saves nothing.
fn digests_max(capacity: usize) -> usize {
    (capacity / 8 * 7).max(4096)
}

/// Collects, keeps the result with the datastore and tells it in the log; the error is the task's.
pub fn collect(
    store: &Datastore,
    options: &GcOptions,
    upid: &str,
    watch: &dyn Watch,
) -> Result<(), String> {
    watch.log(&format!(
        "starting garbage collection on store {}",
        store.name()
    ));
    let now = jiff::Timestamp::now().as_second();
    let report = store
        .collect_garbage(options, now, watch)
        .map_err(|error| match error {
            store::GcError::Stopped => "task aborted".to_owned(),
            error => with_causes(&error),
        })?;
    let status = status_of(&report, upid);
    if let Ok(text) = serde_json::to_string(&status) {
        // A full disk has no room for it; the collection was worth its while all the same.
        if let Err(error) = store.set_gc_status(&text) {
            watch.warn(&format!("result not kept: {}", with_causes(&error)));
        }
    }
    for line in status.summary() {
        watch.log(&line);
    }
    count_anew(store, now, watch);
    Ok(())
}

/// What snapshots cost is counted again where it was counted before: that takes a fraction of the collection's time, and numbers with chunks that are
/// gone would mislead. The collection itself has ended well, so it is not told as a fault of it if this fails.
fn count_anew(store: &Datastore, now: i64, watch: &dyn Watch) {
    if store.space().is_none() {
        return;
    }
    match store.update_space(&SpaceOptions::default(), now, watch) {
        Ok(report) => watch.log(&format!(
            "counted anew what {} snapshots cost",
            report.snapshots.len()
        )),
        Err(error) => watch.log(&format!(
            "what snapshots cost was not counted anew: {}",
            with_causes(&error)
        )),
    }
}

fn status_of(report: &GcReport, upid: &str) -> GcStatus {
    let GcReport { sweep, .. } = report;
    GcStatus {
        cache_stats: Some(CacheStats {
            hits: report.hits,
            misses: report.misses,
        }),
        disk_bytes: sweep.disk_bytes,
        disk_chunks: sweep.disk_chunks,
        index_data_bytes: report.index_bytes,
        index_file_count: report.index_files,
        pending_bytes: sweep.pending_bytes,
        pending_chunks: sweep.pending_chunks,
        removed_bad: sweep.removed_bad,
        removed_bytes: sweep.removed_bytes,
        removed_chunks: sweep.removed_chunks,
        still_bad: sweep.still_bad,
        upid: upid.parse().ok(),
    }
}

/// What the last collection came to; zeroes before the first.
pub fn status(store: &Datastore) -> GcStatus {
    let text = store.gc_status().unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_default()
}

/// The result of the last collection, when it was and when the next one is.
pub fn job(ctx: &Context, name: &StoreName) -> Result<GcJob, Fault> {
    let store = ctx.datastore(name, Access::Read)?;
    Ok(together(ctx, &ctx.store_config(name)?, status(&store)))
}

/// The last result of a datastore and what its job's state says.
pub fn together(ctx: &Context, store: &StoreConfig, status: GcStatus) -> GcJob {
    let schedule = store.gc_schedule.clone();
    let ty = JobType::GarbageCollection;
    let shown = jobs::shown(ctx, ty, store.name.as_str(), schedule.as_deref());
    let started = shown.last_run_upid.as_ref().map(|upid| upid.start);
    GcJob {
        status,
        duration: shown
            .last_run_endtime
            .zip(started)
            .map(|(end, start)| end - start),
        last_run_endtime: shown.last_run_endtime,
        last_run_state: shown.last_run_state,
        next_run: shown.next_run,
        schedule,
        store: store.name.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_for_digests() {
        assert_eq!(options(&Tuning::default()), GcOptions::default());
        let with = |capacity| {
            let tuning = Tuning {
                gc_cache_capacity: capacity,
                ..Tuning::default()
            };
            options(&tuning).digests_max
        };
        assert_eq!((with(0), with(8_388_608)), (4096, 7_340_032));
    }
}
