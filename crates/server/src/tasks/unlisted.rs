//! Tasks that have ended and of which the disk does not tell yet, since it is full or read-only. What waits for room is bounded; the oldest is
//! forgotten first, and then known only from what was written of it.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::tasks::index::Ended;
use crate::tasks::worker::Task;

/// Most tasks that are remembered; each with at most 64 KiB of its log.
const TASKS_MAX: usize = 128;

#[derive(Debug)]
struct Unlisted {
    task: Arc<Task>,
    ended: Ended,
    /// The list tells of it, its log is not written.
    listed: bool,
}

/// Those that wait for room, the oldest first.
#[derive(Debug, Default)]
pub struct Waiting {
    tasks: VecDeque<Unlisted>,
}

impl Waiting {
    pub fn add(&mut self, task: &Arc<Task>, ended: Ended) {
        if self.tasks.len() >= TASKS_MAX {
            self.tasks.pop_front();
        }
        self.tasks.push_back(Unlisted {
            task: Arc::clone(task),
            ended,
            listed: false,
        });
    }

    /// Those that no list on the disk tells of.
    pub fn unlisted(&self) -> Vec<Ended> {
        let unlisted = self.tasks.iter().filter(|task| !task.listed);
        unlisted.map(|task| task.ended.clone()).collect()
    }

    /// The lists tell of these now.
    pub fn listed(&mut self, ended: &[Ended]) {
        for task in &mut self.tasks {
            task.listed |= ended.contains(&task.ended);
        }
    }

    /// Writes what waits of the logs; forgets those of which nothing waits any more.
    pub fn flush(&mut self) {
        self.tasks
            .retain(|task| !(task.task.book().flush() && task.listed));
    }

    pub fn find(&self, upid: &str) -> Option<(&Arc<Task>, &Ended)> {
        let mut tasks = self.tasks.iter().rev();
        let found = tasks.find(|task| task.ended.upid == upid)?;
        Some((&found.task, &found.ended))
    }
}
