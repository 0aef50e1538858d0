//! `ticket-limits.json`: since when the tickets of a user count. The file is ours alone, beside those of the original, which does not look at it: there a ticket
//! outlives a new password and a new second factor. A user who does not stand here has no limit.

use std::collections::BTreeMap;

use api::defaults::{TICKET_AGE_MAX_S, TICKET_AHEAD_MAX_S};
use format::Userid;
use serde::{Deserialize, Serialize};

use crate::dir::FileSpec;
use crate::error::ConfigError;

/// Unix seconds by user.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TicketLimits(BTreeMap<Userid, i64>);

impl TicketLimits {
    /// Reads a file; an empty one has no limits. One that cannot be understood is an error: no old ticket is let in because of it.
    pub fn parse(text: &str) -> Result<TicketLimits, ConfigError> {
        if text.trim().is_empty() {
            return Ok(TicketLimits::default());
        }
        serde_json::from_str(text).map_err(|error| ConfigError::Parse {
            file: FileSpec::TICKET_LIMITS.name.to_owned(),
            line: error.line(),
            reason: format!(
                "expected a JSON object with a time per user ({error}); without the file old tickets count again"
            ),
        })
    }

    /// Writes a file.
    pub fn print(&self) -> String {
        serde_json::to_string(self).expect("a map of numbers by text is JSON")
    }

    /// Tickets of this user that were made before `now`, or in this very second, count no more. Limits that no ticket is old enough for are
    /// forgotten, so the file stays small.
    pub fn end(&mut self, user: &Userid, now: i64) {
        self.0.retain(|_, since| *since >= now - TICKET_AGE_MAX_S);
        // After the last limit too: a ticket of this second says that it was made then.
        let before = self.since(user, now).unwrap_or(now);
        self.0.insert(user.clone(), now.max(before) + 1);
    }

    /// Since when tickets of this user count. A limit from a clock that was wrong does not lock anybody out.
    pub fn since(&self, user: &Userid, now: i64) -> Option<i64> {
        let since = self.0.get(user).copied();
        since.filter(|since| *since <= now + TICKET_AHEAD_MAX_S)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_come_and_go() {
        let user = |text: &str| text.parse::<Userid>().expect("user");
        let mut limits = TicketLimits::parse("").expect("empty");
        assert_eq!(limits.since(&user("a@pbs"), 1000), None);
        limits.end(&user("a@pbs"), 1000);
        limits = TicketLimits::parse(&limits.print()).expect("own");
        assert_eq!(limits.print(), r#"{"a@pbs":1001}"#);
        assert_eq!(limits.since(&user("a@pbs"), 1000), Some(1001));
        assert_eq!(limits.since(&user("b@pbs"), 1000), None);
        let mut twice = limits.clone();
        twice.end(&user("a@pbs"), 1000);
        assert_eq!(twice.since(&user("a@pbs"), 1000), Some(1002));
        // The clock was set back.
        assert_eq!(limits.since(&user("a@pbs"), 700), None);
        limits.end(&user("b@pbs"), 1001 + TICKET_AGE_MAX_S);
        assert_eq!(limits.since(&user("a@pbs"), 1000), Some(1001));
        limits.end(&user("b@pbs"), 1002 + TICKET_AGE_MAX_S);
        assert_eq!(limits.since(&user("a@pbs"), 1000), None);
        assert!(TicketLimits::parse("[]").is_err());
    }
}
