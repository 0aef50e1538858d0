//! Calling back what tickets a user has, when what they were given for has changed.

use format::Userid;

use super::error::EditError;
use crate::dir::{ConfigDir, FileSpec};
use crate::files::TicketLimits;

/// Tickets of this user that were made up to `now` count no more.
pub fn end_tickets(dir: &ConfigDir, user: &Userid, now: i64) -> Result<(), EditError> {
    let lock = dir.lock(FileSpec::TICKET_LIMITS)?;
    let mut limits = TicketLimits::parse(&lock.read(None)?.0)?;
    limits.end(user, now);
    Ok(lock.replace(limits.print().as_bytes())?)
}
