//! The end of a backup session: what it leaves, what its task says (protocol.md 3.4), and the verification of what it made.

use format::Snapshot;
use store::{VerifyFilter, VerifyMemory, VerifyOutcome};

use crate::protocol::backup::Backup;
use crate::reply::with_causes;
use crate::tasks::{Task, Worker};
use crate::transfer::connection::Ending;

/// What the log says at the end, and the outcome of the task.
struct Verdict {
    lines: Vec<String>,
    outcome: Result<(), String>,
}

/// Concludes a session whose connection is gone and whose requests have ended; blocking.
pub fn conclude(backup: &Backup, worker: Worker, ending: Ending) {
    let finished = backup.session.is_finished();
    let benchmark = backup.session.is_benchmark();
    let verdict = verdict(finished, benchmark, ending);
    verdict.lines.iter().for_each(|line| worker.log(line));
    // Leaves a finished backup alone.
    backup.session.abort();
    worker.finish(verdict.outcome);
    if finished && !benchmark {
        verify_new(backup);
    }
}

fn verdict(finished: bool, benchmark: bool, ending: Ending) -> Verdict {
    const UNFINISHED: &str = "backup ended but finished state is not set.";
    let error = match ending {
        Ending::Closed => None,
        Ending::Broken(error) => Some(error),
        Ending::Stopped => Some("task aborted".to_owned()),
    };
    let (lines, outcome) = match (benchmark, finished, error) {
        (true, _, _) => (vec!["benchmark finished successfully".to_owned()], Ok(())),
        (_, true, None) => (vec!["backup finished successfully".to_owned()], Ok(())),
        (_, true, Some(error)) => (
            vec![format!("backup had errors but finished: {error}")],
            Ok(()),
        ),
        (_, false, None) => {
            let lines = vec![
                format!("backup ended and finish failed: {UNFINISHED}"),
                "removing unfinished backup".to_owned(),
            ];
            (lines, Err(UNFINISHED.to_owned()))
        }
        (_, false, Some(error)) => (
            vec![
                format!("backup failed: {error}"),
                "removing failed backup".to_owned(),
            ],
            Err(error),
        ),
    };
    Verdict { lines, outcome }
}

/// Starts the verification of the new snapshot if the datastore wants it.
fn verify_new(backup: &Backup) {
    let common = &backup.common;
    match common.ctx.verifies_new(backup.store.name()) {
        Ok(false) => return,
        Ok(true) => {}
        Err(e) => {
            return tracing::error!(
                "cannot tell whether to verify a new backup: {}",
                with_causes(&e)
            );
        }
    }
    // The backup's own handle is one that writes; while the task waits it holds none.
    let (ctx, name) = (std::sync::Arc::clone(&common.ctx), backup.store.name());
    let (ns, snapshot) = (
        backup.session.namespace().clone(),
        backup.session.snapshot().clone(),
    );
    let id = format!("{}:{}/{:08X}", name, snapshot.group, snapshot.time.epoch());
    let of = name.clone();
    let verify = move |task: &Task| {
        let store = crate::jobs::verify::open(&ctx, &of)?;
        task.log("Automatically verifying newly added snapshot");
        let outcome = store.verify_snapshot(
            &ns,
            &snapshot,
            VerifyFilter::All,
            &mut VerifyMemory::default(),
            task.text(),
            task,
        );
        verified(&snapshot, outcome)
    };
    let turn = (common.ctx.verifications(), name);
    if let Err(e) =
        common
            .ctx
            .tasks()
            .spawn_in_turn(turn, "verify", Some(&id), &backup.owner, verify)
    {
        tracing::error!(
            "cannot verify the new backup {}: {}",
            backup.session.relative_path(),
            with_causes(&e)
        );
    }
}

fn verified(
    snapshot: &Snapshot,
    outcome: Result<VerifyOutcome, store::StoreError>,
) -> Result<(), String> {
    match outcome {
        Ok(VerifyOutcome::Ok) => Ok(()),
        Ok(VerifyOutcome::Failed) => {
            Err("verification failed - please check the log for details".to_owned())
        }
        Ok(VerifyOutcome::Skipped) => Err(format!(
            "snapshot {snapshot} could not be verified: it is in use or gone"
        )),
        Ok(VerifyOutcome::Stopped) => Err("task aborted".to_owned()),
        Err(e) => Err(with_causes(&e)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings() {
        let broken = || Ending::Broken("connection error: reset".to_owned());
        for (finished, benchmark, ending, lines, outcome) in [
            (
                true,
                false,
                Ending::Closed,
                vec!["backup finished successfully"],
                None,
            ),
            (
                true,
                false,
                broken(),
                vec!["backup had errors but finished: connection error: reset"],
                None,
            ),
            (
                true,
                false,
                Ending::Stopped,
                vec!["backup had errors but finished: task aborted"],
                None,
            ),
            (
                false,
                false,
                Ending::Closed,
                vec![
                    "backup ended and finish failed: backup ended but finished state is not set.",
                    "removing unfinished backup",
                ],
                Some("backup ended but finished state is not set."),
            ),
            (
                false,
                false,
                broken(),
                vec![
                    "backup failed: connection error: reset",
                    "removing failed backup",
                ],
                Some("connection error: reset"),
            ),
            (
                false,
                false,
                Ending::Stopped,
                vec!["backup failed: task aborted", "removing failed backup"],
                Some("task aborted"),
            ),
            (
                false,
                true,
                broken(),
                vec!["benchmark finished successfully"],
                None,
            ),
        ] {
            let verdict = verdict(finished, benchmark, ending);
            assert_eq!(verdict.lines, lines);
            assert_eq!(verdict.outcome.err().as_deref(), outcome);
        }
    }
}
