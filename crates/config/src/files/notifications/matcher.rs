//! Which notifications go where: matchers and the small grammars in them (server.md 7.2).

use api::calendar::DailyDuration;
use api::schema::{Format, Kind, Param, Schema};
use api::{kinds, pattern};
use serde::{Deserialize, Serialize};

use super::{COMMON, NAME, Notification, SYNTAX};
use crate::dir::FileSpec;
use crate::entry::Entry;
use crate::section_config::{SectionType, Syntax};

/// How grave something is.
pub const SEVERITIES: &[&str] = &["info", "notice", "warning", "error", "unknown"];

/// How the answers of conditions become one, and who is told.
pub const ROUTING: &[Param] = &[
    Param::optional("mode", Kind::Enum(&["all", "any"]))
        .or("all")
        .about("Whether all conditions must hold or any of them."),
    Param::optional("invert-match", Kind::Boolean).about("Take what does not match."),
    Param::optional("target", Kind::Array(&NAME)).about("Targets that are told."),
];
/// The conditions as files may have them: one that nothing can fulfil must not make the rest unreadable.
const KEPT_CONDITIONS: &[Param] = &[
    Param::optional("match-field", Kind::Array(&kinds::TEXT)),
    Param::optional("match-severity", Kind::Array(&kinds::TEXT)),
    Param::optional("match-calendar", Kind::Array(&kinds::TEXT)),
];
/// The conditions as they may be set.
pub const CONDITIONS: &[Param] = &[
    Param::optional("match-field", Kind::Array(&FIELD))
        .about("exact:FIELD=VALUE,... or regex:FIELD=EXPRESSION"),
    Param::optional("match-severity", Kind::Array(&SEVERITY))
        .about("Severities, joined by commas."),
    Param::optional("match-calendar", Kind::Array(&DURATION)).about("Such as mon..fri 8-17:30"),
];

const FIELD: Kind = checked_by(check_field);
const SEVERITY: Kind = checked_by(check_severity);
const DURATION: Kind = checked_by(check_duration);

const fn checked_by(check: fn(&str) -> Result<(), String>) -> Kind {
    Kind::Text {
        min: 0,
        max: usize::MAX,
        format: Format::Check(check),
    }
}

/// A matcher.
pub const MATCHER: SectionType = SectionType {
    name: "matcher",
    id_name: "name",
    id: NAME,
    schema: Schema(&[COMMON, ROUTING, KEPT_CONDITIONS]),
};

/// See `MATCHER`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Matcher {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disable: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invert_match: Option<bool>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub match_calendar: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub match_field: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub match_severity: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<MatchMode>,
    pub name: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub target: Vec<String>,
}

/// How many conditions must hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MatchMode {
    #[default]
    All,
    Any,
}

impl Entry for Matcher {
    const FILE: FileSpec = FileSpec::NOTIFICATIONS;
    const SYNTAX: Syntax = SYNTAX;
    const SECTION: &'static SectionType = &MATCHER;
    const NOUN: &'static str = "matcher";
    fn id(&self) -> &str {
        &self.name
    }
}

impl Notification for Matcher {
    const SECRETS: Option<&'static SectionType> = None;

    fn targets(&self) -> &[String] {
        &self.target
    }
}

fn check_field(text: &str) -> Result<(), String> {
    let rest = text
        .strip_prefix("exact:")
        .or_else(|| text.strip_prefix("regex:"))
        .unwrap_or(text);
    let field = rest.split_once('=').map(|(field, _)| field);
    if field.is_some_and(pattern::safe_id) && !text.contains('\n') {
        return Ok(());
    }
    Err(format!(
        "'{text}' is no condition; write exact:FIELD=VALUE or regex:FIELD=EXPRESSION"
    ))
}

fn check_severity(text: &str) -> Result<(), String> {
    let unknown = text
        .split(',')
        .map(str::trim)
        .find(|word| !SEVERITIES.contains(word));
    unknown.map_or(Ok(()), |word| {
        Err(format!(
            "'{word}' is no severity; there are {}",
            SEVERITIES.join(", ")
        ))
    })
}

fn check_duration(text: &str) -> Result<(), String> {
    text.parse::<DailyDuration>()
        .map(drop)
        .map_err(|e| e.to_string())
}
