//! The start of a backup: the session, what the snapshot before offers, and what an unfinished backup has left.
//!
//! A server that goes away here is waited for (see `patience`). One that has come back may not have noticed yet that a session before has ended: then
//! group and snapshot are still taken, and that is waited for, too.

use std::sync::Arc;
use std::time::Duration;

use format::{BackupTime, Snapshot};
use remote::{BackupSession, BackupTarget, Client};
use tokio::time::Instant;

use super::stored::{Finishing, is_stored};
use crate::error::Error;
use crate::leftover::Leftover;
use crate::options::BackupOptions;
use crate::patience::is_outage;
use crate::previous::Previous;
use crate::watch::{BackupWatch, Notice};

/// For so long after a lost connection, at least, a refusal may come from a server that has not noticed its end.
const NOTICED_AFTER: Duration = Duration::from_secs(30);
/// The same where it broke while the server was asked to finish: a sync of a slow disk takes minutes, and the group is locked until its end.
const FINISHED_AFTER: Duration = Duration::from_secs(15 * 60);
const PAUSE: Duration = Duration::from_secs(1);

/// A backup that can be worked on.
pub(super) struct Begun {
    pub session: BackupSession,
    /// Not in a dry run.
    pub known: Option<Known>,
}

/// What need not be sent.
pub(super) struct Known {
    pub previous: Previous,
    pub leftover: Arc<Leftover>,
}

/// A connection that broke.
#[derive(Default)]
pub(super) struct Lost {
    pub when: Option<Instant>,
    /// What was to be finished when it broke.
    pub finishing: Option<Finishing>,
}

impl Lost {
    /// For how long a refusal may come of the session that was lost.
    fn lasts(&self, limit: Duration) -> Duration {
        let least = match self.finishing {
            Some(_) => FINISHED_AFTER,
            None => NOTICED_AFTER,
        };
        least.max(limit)
    }
}

/// A session; nothing if the backup before turns out to be finished. `target` may get a later time.
pub(super) async fn begin(
    client: &Client,
    target: &mut BackupTarget,
    options: &BackupOptions,
    mut lost: Lost,
    watch: &dyn BackupWatch,
) -> Result<Option<Begun>, Error> {
    let mut is_told = false;
    loop {
        let error = match try_once(client, target, options, &mut lost, watch).await {
            Ok(begun) => {
                if let Some(patience) = &options.patience {
                    patience.is_well();
                }
                return Ok(begun);
            }
            Err(error) => error,
        };
        let Some(patience) = &options.patience else {
            return Err(error);
        };
        let noticed_after = lost.lasts(patience.limit());
        if is_outage(&error) {
            lost.when = Some(Instant::now());
            patience.pause(error).await?;
        } else if is_refused(&error) && lost.when.is_some_and(|at| at.elapsed() < noticed_after) {
            if !std::mem::replace(&mut is_told, true) {
                watch.notice(&Notice::StillTaken(error));
            }
            tokio::time::sleep(PAUSE).await;
            if let Some(now) = options.now {
                target.snapshot = later(&target.snapshot, now());
            }
        } else {
            return Err(error);
        }
    }
}

/// The same snapshot at another time, which no snapshot before it can have.
fn later(snapshot: &Snapshot, now: i64) -> Snapshot {
    let before = snapshot.time.epoch();
    match BackupTime::new(now.max(before.saturating_add(1))) {
        Ok(time) => Snapshot::new(snapshot.group.clone(), time),
        // The end of all times.
        Err(_) => snapshot.clone(),
    }
}

async fn try_once(
    client: &Client,
    target: &BackupTarget,
    options: &BackupOptions,
    lost: &mut Lost,
    watch: &dyn BackupWatch,
) -> Result<Option<Begun>, Error> {
    if let Some(finishing) = &lost.finishing
        && is_stored(client, target, finishing).await?
    {
        return Ok(None);
    }
    let session = client.start_backup(target).await?;
    let known = match options.dry_run {
        true => None,
        false => {
            let (snapshot, protection) = (&target.snapshot, &options.protection);
            let previous = Previous::find(&session, snapshot, protection, watch).await?;
            let leftover = Arc::new(leftover(&session, watch).await?);
            Some(Known { previous, leftover })
        }
    };
    Ok(Some(Begun { session, known }))
}

/// What an unfinished backup has left, as far as it is still there. A server that cannot tell costs speed.
async fn leftover(session: &BackupSession, watch: &dyn BackupWatch) -> Result<Leftover, Error> {
    if session.uploads_left() == 0 {
        return Ok(Leftover::default());
    }
    let (mut digests, mut bytes) = (Vec::new(), 0);
    let listed = session.uploaded(|offer| {
        digests.push(offer.digest);
        bytes += u64::from(offer.size);
    });
    match listed.await {
        Ok(()) => {}
        Err(error) if error.is_outage() => return Err(error.into()),
        Err(error) => {
            watch.notice(&Notice::ResumeUnusable(error.into()));
            return Ok(Leftover::default());
        }
    }
    let leftover = Leftover::new(digests);
    if leftover.len() > 0 {
        let chunks = leftover.len();
        watch.notice(&Notice::Resuming { chunks, bytes });
    }
    Ok(leftover)
}

fn is_refused(error: &Error) -> bool {
    matches!(error, Error::Remote(error) if error.status() == Some(400))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A finish that took longer than the patience was told as a failure, of a backup that was there a minute later.
    #[test]
    fn how_long_a_group_may_be_taken() {
        let snapshot: Snapshot = "host/pc/2026-11-29T11:00:00Z".parse().expect("snapshot");
        let finishing = Finishing {
            manifest: format::Manifest::new(&snapshot),
            snapshot,
            archives: Vec::new(),
            warnings: 0,
        };
        for (finishing, limit, expected) in [
            (None, 5, 30),
            (None, 180, 180),
            (Some(finishing.clone()), 180, 900),
            (Some(finishing), 3600, 3600),
        ] {
            let lost = Lost {
                when: None,
                finishing,
            };
            let lasts = lost.lasts(Duration::from_secs(limit));
            assert_eq!(lasts.as_secs(), expected, "{limit}");
        }
    }
}
