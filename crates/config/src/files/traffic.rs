//! `traffic-control.cfg`: limits for connections from some networks (server.md 1.10, 9).

use api::kinds;
use api::schema::{Kind, Param, Schema};
use format::Userid;
use serde::{Deserialize, Serialize};

use super::sync::Rates;
use crate::dir::FileSpec;
use crate::entry::Entry;
use crate::section_config::{SectionType, Syntax};

/// What a rule must have.
pub const TRAFFIC_REQUIRED: [Param; 1] = [Param::required("network", Kind::Array(&kinds::NETWORK))
    .about("Networks whose connections it is for.")];

/// What it may have beside its rates.
pub const TRAFFIC_OPTIONAL: &[Param] = &[
    Param::optional("timeframe", Kind::Array(&kinds::DAILY_DURATION))
        .about("Parts of days in which it counts; always if missing."),
    Param::optional("users", Kind::Array(&kinds::USERID))
        .about("Users whose connections it is for, with their tokens; all if missing."),
    Param::optional("comment", kinds::COMMENT).about("One line about it."),
];

/// What a change may delete.
pub const TRAFFIC_DELETABLE: &[&str] = &[
    "rate-in",
    "burst-in",
    "rate-out",
    "burst-out",
    "comment",
    "timeframe",
    "users",
];

/// The section type.
pub const TRAFFIC_RULE: SectionType = SectionType {
    name: "rule",
    id_name: "name",
    id: kinds::JOB_ID,
    schema: Schema(&[&TRAFFIC_REQUIRED, TRAFFIC_OPTIONAL, kinds::RATES]),
};

/// A limit for some connections.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct TrafficRule {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    pub name: String,
    /// As it was given; see [`api::network::Network`].
    pub network: Vec<String>,
    #[serde(flatten)]
    pub rates: Rates,
    /// As it was given; see [`api::calendar::DailyDuration`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub timeframe: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub users: Vec<Userid>,
}

impl Entry for TrafficRule {
    const FILE: FileSpec = FileSpec::TRAFFIC_CONTROL;
    const SYNTAX: Syntax = Syntax {
        file: "traffic-control.cfg",
        types: &[TRAFFIC_RULE],
    };
    const SECTION: &'static SectionType = &TRAFFIC_RULE;
    const NOUN: &'static str = "rule";
    fn id(&self) -> &str {
        &self.name
    }
}
