//! How many tasks there may be at once. What can wait in a line for long has a room of its own, so that it takes none from backups and restores.

use format::{AuthId, Userid};

use crate::settings::Limits;
use crate::tasks::TaskError;
use crate::tasks::worker::Task;

/// Which bounds a task counts for, from its start to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    /// Sessions, jobs, and all that begins its work at once.
    Floor,
    /// What may have to wait for others of its kind.
    Line,
}

/// Bounds of one room.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    pub all: usize,
    /// Of these at most so many of one user, his tokens' included; `root@pam` may have all.
    pub of_user: usize,
}

/// The bounds of both rooms.
#[derive(Debug, Clone, Copy)]
pub struct Rooms {
    pub floor: Bounds,
    pub line: Bounds,
}

impl Rooms {
    pub fn of(limits: &Limits) -> Rooms {
        Rooms {
            floor: Bounds {
                all: limits.tasks,
                of_user: limits.tasks_of_user,
            },
            line: Bounds {
                all: limits.verifications,
                of_user: limits.verifications_of_user,
            },
        }
    }

    /// Whether one more task of this id may begin beside those that run.
    pub(super) fn check<'a>(
        &self,
        room: Room,
        running: impl Iterator<Item = &'a Task>,
        auth_id: &AuthId,
    ) -> Result<(), TaskError> {
        let bounds = match room {
            Room::Floor => self.floor,
            Room::Line => self.line,
        };
        let user = auth_id.user();
        let (mut all, mut of_user) = (0, 0);
        for task in running.filter(|task| task.room() == room) {
            all += 1;
            of_user += usize::from(task.upid().auth_id.user() == user);
        }
        if all >= bounds.all {
            Err(TaskError::TooMany { max: bounds.all })
        } else if *user != Userid::root() && of_user >= bounds.of_user {
            Err(TaskError::TooManyOfUser {
                user: user.clone(),
                max: bounds.of_user,
            })
        } else {
            Ok(())
        }
    }
}
