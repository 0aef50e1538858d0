//! Which groups a job works on: `type:vm`, `group:ct/100`, `exclude:regex:test` (server.md 4.5).
//!
//! Filters are kept as texts in files and replies; `include:` is what a filter without prefix means and is not written.

use std::fmt;
use std::str::FromStr;

use format::{BackupType, Group};
use regex::RegexBuilder;
use serde::{Deserialize, Serialize};

/// Longest accepted text.
const TEXT_BYTES_MAX: usize = 4096;
/// Memory for a compiled expression: a short text can ask for very much of it.
const REGEX_BYTES_MAX: usize = 4 << 20;

/// One filter, in the form in which it is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct GroupFilter {
    exclude: bool,
    what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum What {
    Type(BackupType),
    Group(Group),
    /// Looked for anywhere in `type/id`.
    Regex(String),
}

/// Why a text is no filter.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
pub enum GroupFilterError {
    /// More than `TEXT_BYTES_MAX`.
    #[error("group filter is longer than {TEXT_BYTES_MAX} bytes")]
    TooLong,
    /// None of the three kinds.
    #[error(
        "group filter '{0}' does not begin with 'type:', 'group:' or 'regex:', or 'exclude:' before one of them"
    )]
    Kind(String),
    /// Not `vm`, `ct` or `host`.
    #[error("group filter 'type:{0}': the type is vm, ct or host")]
    Type(String),
    /// Not `type/id`.
    #[error("group filter 'group:{0}': a group is type/id, such as vm/100")]
    Group(String),
    /// Not a regular expression, or one that needs too much memory.
    #[error("group filter 'regex:{text}': {reason}")]
    Regex {
        /// The expression.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl FromStr for GroupFilter {
    type Err = GroupFilterError;

    fn from_str(text: &str) -> Result<GroupFilter, GroupFilterError> {
        if text.len() > TEXT_BYTES_MAX {
            return Err(GroupFilterError::TooLong);
        }
        let (exclude, rest) = match text.strip_prefix("exclude:") {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix("include:").unwrap_or(text)),
        };
        let what = match rest.split_once(':') {
            Some(("type", name)) => What::Type(
                name.parse()
                    .map_err(|_| GroupFilterError::Type(name.to_owned()))?,
            ),
            Some(("group", group)) => What::Group(
                group
                    .parse()
                    .map_err(|_| GroupFilterError::Group(group.to_owned()))?,
            ),
            Some(("regex", expression)) => {
                check_regex(expression)?;
                What::Regex(expression.to_owned())
            }
            _ => return Err(GroupFilterError::Kind(text.to_owned())),
        };
        Ok(GroupFilter { exclude, what })
    }
}

fn check_regex(text: &str) -> Result<(), GroupFilterError> {
    let built = RegexBuilder::new(text).size_limit(REGEX_BYTES_MAX).build();
    built.map(drop).map_err(|error| GroupFilterError::Regex {
        text: text.to_owned(),
        reason: match error {
            regex::Error::CompiledTooBig(_) => "it needs too much memory".to_owned(),
            // The parser draws the expression over several lines; the last one says what is wrong.
            error => {
                let text = error.to_string();
                text.lines().last().unwrap_or_default().trim().to_owned()
            }
        },
    })
}

impl fmt::Display for GroupFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.exclude {
            f.write_str("exclude:")?;
        }
        match &self.what {
            What::Type(name) => write!(f, "type:{name}"),
            What::Group(group) => write!(f, "group:{group}"),
            What::Regex(text) => write!(f, "regex:{text}"),
        }
    }
}

impl TryFrom<String> for GroupFilter {
    type Error = GroupFilterError;
    fn try_from(text: String) -> Result<GroupFilter, GroupFilterError> {
        text.parse()
    }
}

impl From<GroupFilter> for String {
    fn from(filter: GroupFilter) -> String {
        filter.to_string()
    }
}
