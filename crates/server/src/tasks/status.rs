//! How a task ended, in the words of protocol.md 7.3 and 7.4: as the list and the API write it, and as the last line of a log.

use std::fmt;

/// Result of a finished task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TaskStatus {
    Ok,
    Warnings(u64),
    /// The log does not tell: the process was killed, or the log is gone.
    Unknown,
    /// The bare message, one line.
    Error(String),
}

impl TaskStatus {
    /// Outcome of work that wrote `warnings` warnings.
    pub fn of(outcome: Result<(), String>, warnings: u64) -> TaskStatus {
        match outcome {
            Err(message) => TaskStatus::Error(message.replace(['\n', '\r'], " ")),
            Ok(()) if warnings > 0 => TaskStatus::Warnings(warnings),
            Ok(()) => TaskStatus::Ok,
        }
    }

    /// Its kind in one word.
    pub fn word(&self) -> &'static str {
        match self {
            TaskStatus::Ok => "ok",
            TaskStatus::Warnings(_) => "warning",
            TaskStatus::Unknown => "unknown",
            TaskStatus::Error(_) => "error",
        }
    }

    /// The text after the time in the last line of a log.
    pub fn last_line(&self) -> String {
        match self {
            TaskStatus::Error(message) => format!("TASK ERROR: {message}"),
            other => format!("TASK {other}"),
        }
    }

    /// Reads such a text; anything else is [`TaskStatus::Unknown`].
    pub fn from_last_line(text: &str) -> TaskStatus {
        match text.strip_prefix("TASK ") {
            Some(rest) => match rest.strip_prefix("ERROR: ") {
                Some(message) => TaskStatus::Error(message.to_owned()),
                None => TaskStatus::from_list(rest),
            },
            None => TaskStatus::Unknown,
        }
    }

    /// Reads what stands in the list of finished tasks.
    pub fn from_list(text: &str) -> TaskStatus {
        match (
            text,
            text.strip_prefix("WARNINGS: ")
                .and_then(|count| count.parse().ok()),
        ) {
            ("OK", _) => TaskStatus::Ok,
            ("unknown", _) => TaskStatus::Unknown,
            (_, Some(count)) => TaskStatus::Warnings(count),
            (message, None) => TaskStatus::Error(message.to_owned()),
        }
    }
}

impl fmt::Display for TaskStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TaskStatus::Ok => f.write_str("OK"),
            TaskStatus::Warnings(count) => write!(f, "WARNINGS: {count}"),
            TaskStatus::Unknown => f.write_str("unknown"),
            TaskStatus::Error(message) => f.write_str(message),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_come_back() {
        for (status, list, line) in [
            (TaskStatus::Ok, "OK", "TASK OK"),
            (TaskStatus::Warnings(3), "WARNINGS: 3", "TASK WARNINGS: 3"),
            (TaskStatus::Unknown, "unknown", "TASK unknown"),
            (
                TaskStatus::Error("no space".into()),
                "no space",
                "TASK ERROR: no space",
            ),
        ] {
            assert_eq!(
                (status.to_string().as_str(), status.last_line().as_str()),
                (list, line)
            );
            assert_eq!(TaskStatus::from_list(list), status);
            assert_eq!(TaskStatus::from_last_line(line), status);
        }
        assert_eq!(
            TaskStatus::from_last_line("something else"),
            TaskStatus::Unknown
        );
        assert_eq!(
            TaskStatus::of(Err("a\nb".into()), 2),
            TaskStatus::Error("a b".into())
        );
        assert_eq!(TaskStatus::of(Ok(()), 2), TaskStatus::Warnings(2));
    }
}
