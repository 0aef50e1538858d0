//! The start of a backup: the session, and what the snapshot before offers.
//!
//! Until the first archive nothing is lost by beginning again, so a server that goes away here is waited for (see `patience`); later the
//! session and its snapshot are gone with the connection.

use std::time::Duration;

use remote::{BackupSession, BackupTarget, Client};
use tokio::time::Instant;

use crate::error::Error;
use crate::options::BackupOptions;
use crate::patience::is_outage;
use crate::previous::Previous;
use crate::watch::BackupWatch;

/// For so long after a lost connection a refusal may come from a server that has not noticed its end: group and snapshot are still taken.
const NOTICED_AFTER: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_secs(1);

/// A session, and the snapshot before unless this is a dry run.
pub(super) async fn begin(
    client: &Client,
    target: &BackupTarget,
    options: &BackupOptions,
    watch: &dyn BackupWatch,
) -> Result<(BackupSession, Option<Previous>), Error> {
    let mut lost: Option<Instant> = None;
    loop {
        let error = match try_once(client, target, options, watch).await {
            Ok(begun) => {
                if let Some(patience) = &options.patience {
                    patience.is_well();
                }
                return Ok(begun);
            }
            Err(error) => error,
        };
        match &options.patience {
            Some(patience) if is_outage(&error) => {
                lost = Some(Instant::now());
                patience.pause(error).await?;
            }
            Some(_)
                if is_refused(&error) && lost.is_some_and(|at| at.elapsed() < NOTICED_AFTER) =>
            {
                tokio::time::sleep(PAUSE).await;
            }
            _ => return Err(error),
        }
    }
}

async fn try_once(
    client: &Client,
    target: &BackupTarget,
    options: &BackupOptions,
    watch: &dyn BackupWatch,
) -> Result<(BackupSession, Option<Previous>), Error> {
    let session = client.start_backup(target).await?;
    if options.dry_run {
        return Ok((session, None));
    }
    let previous = Previous::find(&session, &target.snapshot, &options.protection, watch).await?;
    Ok((session, Some(previous)))
}

fn is_refused(error: &Error) -> bool {
    matches!(error, Error::Remote(error) if error.status() == Some(400))
}
