//! Which lists of finished tasks are kept (server.md 4.8): `task-log-max-days` of `node.cfg`, looked at once a minute; what is too old goes once a
//! day, the first time right after the start. With them go old journals of uploads.

use std::sync::Arc;

use crate::context::Context;
use crate::fault::with_causes;
use crate::jobs::schedule;
use crate::tasks::Kept;

/// When old lists go.
const SCHEDULE: &str = "daily";

/// Looks at the setting, and removes what is too old at `now` if it is time. What fails is told and tried again a day later.
pub fn run(ctx: &Arc<Context>, now: i64) {
    match ctx.configuration().node() {
        Ok(node) => ctx.tasks().keep(kept(node.value.task_log_max_days())),
        // What was known before stays, so that a mistake there removes nothing.
        Err(error) => tracing::error!(
            "cannot tell how long task logs are kept: {}",
            with_causes(&error)
        ),
    }
    let last = ctx.tasks().tidied();
    let next = schedule::next_run(Some(SCHEDULE), last, &ctx.settings().zone);
    if next.is_none_or(|next| next > now) {
        return;
    }
    if let Err(error) = ctx.tasks().tidy(now) {
        tracing::error!("cannot remove old task lists: {}", with_causes(&error));
    }
    if let Err(error) = ctx.uploads().tidy(now) {
        let error = with_causes(&error);
        tracing::error!("cannot remove old journals of uploads: {error}");
    }
}

fn kept(max_days: Option<u64>) -> Kept {
    let days = |days| Kept::Days(u32::try_from(days).unwrap_or(u32::MAX));
    max_days.map_or_else(Kept::default, days)
}
