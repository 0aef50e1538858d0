//! `/admin/traffic-control`: the rules with what goes through them now (server.md 3.4, 9.2).

use config::edit;
use config::files::TrafficRule;
use serde::Serialize;

use crate::fault::Fault;
use crate::reply::Answer;
use crate::route::Call;

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Item {
    /// Bytes per second.
    cur_rate_in: u64,
    cur_rate_out: u64,
    #[serde(flatten)]
    rule: TrafficRule,
}

/// `GET`
pub fn list(call: &Call) -> Result<Answer, Fault> {
    let (rules, digest) = edit::entries::<TrafficRule>(call.ctx.configuration().dir())?;
    let now = tokio::time::Instant::now();
    let item = |rule: TrafficRule| {
        let (cur_rate_in, cur_rate_out) = call.ctx.traffic().current(&rule.name, now);
        Item {
            cur_rate_in,
            cur_rate_out,
            rule,
        }
    };
    let items: Vec<Item> = rules.into_iter().map(item).collect();
    Ok(Answer::data(&items)?.beside("digest", digest.to_string()))
}
