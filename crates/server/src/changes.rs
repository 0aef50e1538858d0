//! Looks every other second whether the files of the configuration are still the same: the manager's commands and editors change them too, and tell
//! nobody. It looks also while nobody watches: what changes just after somebody began to is compared with what was before. A damaged file goes into the
//! log once, and what is kept open of a datastore goes when the configuration leaves it no use.

use std::sync::{Arc, Weak};
use std::time::Duration;

use config::health::{Finding, Health};
use config::{ConfigDir, FileSpec, Stamp};

use crate::context::Context;
use crate::events::{Event, What};
use format::AuthId;

const INTERVAL: Duration = Duration::from_secs(2);

const FILES: [(FileSpec, What); 15] = [
    (FileSpec::DATASTORE, What::Datastore),
    (FileSpec::SYNC, What::Jobs),
    (FileSpec::VERIFICATION, What::Jobs),
    (FileSpec::PRUNE, What::Jobs),
    (FileSpec::USER, What::Config),
    (FileSpec::ACL, What::Config),
    (FileSpec::TFA, What::Config),
    (FileSpec::DOMAINS, What::Config),
    (FileSpec::NODE, What::Config),
    (FileSpec::NOTIFICATIONS, What::Config),
    (FileSpec::REMOTE, What::Config),
    (FileSpec::TRAFFIC_CONTROL, What::Config),
    (FileSpec::METRIC_SERVER, What::Config),
    (FileSpec::S3, What::Config),
    (FileSpec::ENCRYPTION_KEYS, What::Config),
];

/// Runs until the server is gone.
pub async fn run(ctx: Weak<Context>) {
    let mut before = None;
    let mut health = Health::default();
    while let Some(ctx) = ctx.upgrade() {
        let inner = Arc::clone(&ctx);
        let look = move || {
            inner.close_left();
            end_sessions(&inner);
            let dir = inner.configuration().dir();
            for finding in health.look(dir) {
                match finding {
                    Finding::Damaged(..) | Finding::Unreadable(_) => tracing::error!("{finding}"),
                    Finding::Mended(_) => tracing::info!("{finding}"),
                }
            }
            (stamps(dir), health)
        };
        let looked = ctx.blocking().run(look).await;
        // What broke is in the log already; the next look is as good.
        health = Health::default();
        if let Ok((now, seen)) = looked {
            health = seen;
            for what in differing(before.as_deref().unwrap_or(&now), &now) {
                ctx.events().tell(Event::changed(what, None));
            }
            before = Some(now);
        }
        // The server may end meanwhile.
        drop(ctx);
        tokio::time::sleep(INTERVAL).await;
    }
}

/// Sessions of users and tokens that may not begin one any more; who expires does so without a change of a file. Rights that were taken away count for
/// the next session, as with the original.
fn end_sessions(ctx: &Context) {
    // Where it cannot be told nobody loses his session.
    let alive = |id: &AuthId| ctx.is_active(id).unwrap_or(true);
    ctx.tasks()
        .abort_of_gone(&["backup", "benchmark", "reader"], alive);
}

/// A file that cannot be looked at counts as one that is not there.
fn stamps(dir: &ConfigDir) -> Vec<Stamp> {
    FILES
        .iter()
        .map(|(file, _)| dir.stamp(*file).unwrap_or_default())
        .collect()
}

/// Each kind once.
fn differing(before: &[Stamp], now: &[Stamp]) -> Vec<What> {
    let mut kinds = Vec::new();
    for ((_, what), (before, now)) in FILES.iter().zip(before.iter().zip(now)) {
        if before != now && !kinds.contains(what) {
            kinds.push(*what);
        }
    }
    kinds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replaced_file_is_a_change_of_its_kind() {
        let folder = tempfile::tempdir().expect("tempdir");
        let dir = ConfigDir::open(folder.path()).expect("dir");
        let first = stamps(&dir);
        assert_eq!(differing(&first, &stamps(&dir)), []);
        for name in ["prune.cfg", "sync.cfg", "acl.cfg"] {
            std::fs::write(folder.path().join(name), "# x\n").expect("file");
        }
        assert_eq!(differing(&first, &stamps(&dir)), [What::Jobs, What::Config]);
    }
}
