//! `metricserver.cfg`: where statistics are sent (server.md 1.10, 7.4). Two types of sections; a name belongs to one of them.

use api::schema::{Format, Kind, Param, Schema};
use api::{kinds, pattern};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::dir::FileSpec;
use crate::entry::{self, Entry};
use crate::section_config::{SectionType, Syntax};

const WORD: Kind = Kind::Text {
    min: 1,
    max: 32,
    format: Format::Any,
};
const COMMON: &[Param] = &[
    Param::optional("comment", kinds::COMMENT).about("One line about it."),
    Param::optional("enable", Kind::Boolean)
        .or("true")
        .about("Whether statistics are sent there."),
];

/// What a server over HTTP must have.
pub const INFLUX_HTTP_REQUIRED: [Param; 1] =
    [
        Param::required("url", Kind::pattern(0, usize::MAX, pattern::http_url))
            .about("Its address, http:// or https://."),
    ];

/// What it may have.
pub const INFLUX_HTTP_OPTIONAL: [&[Param]; 2] = [COMMON, OF_HTTP];

const OF_HTTP: &[Param] = &[
    Param::optional("bucket", WORD)
        .or("proxmox")
        .about("The bucket, or database, that is written."),
    Param::optional("max-body-size", Kind::at_least(0))
        .or("25000000")
        .about("Most bytes of one request."),
    Param::optional("organization", WORD)
        .or("proxmox")
        .about("The organization that owns the bucket."),
    Param::optional("token", kinds::TEXT).about("Token that may write it."),
    Param::optional("verify-tls", Kind::Boolean)
        .or("true")
        .about("Whether its certificate is checked."),
];

/// What a change may delete.
pub const INFLUX_HTTP_DELETABLE: &[&str] = &[
    "enable",
    "token",
    "bucket",
    "organization",
    "max-body-size",
    "verify-tls",
    "comment",
];

/// What a server over UDP must have.
pub const INFLUX_UDP_REQUIRED: [Param; 1] =
    [
        Param::required("host", Kind::pattern(0, usize::MAX, pattern::host_port))
            .about("Its name or address and port."),
    ];

/// What it may have.
pub const INFLUX_UDP_OPTIONAL: [&[Param]; 2] = [COMMON, OF_UDP];

const OF_UDP: &[Param] = &[Param::optional("mtu", kinds::PORT)
    .or("1500")
    .about("Most bytes of one packet.")];

/// What a change may delete.
pub const INFLUX_UDP_DELETABLE: &[&str] = &["enable", "mtu", "comment"];

/// The section type of servers over HTTP.
pub const INFLUX_HTTP: SectionType = SectionType {
    name: "influxdb-http",
    id_name: "name",
    id: kinds::JOB_ID,
    schema: Schema(&[&INFLUX_HTTP_REQUIRED, COMMON, OF_HTTP]),
};

/// The section type of servers over UDP.
pub const INFLUX_UDP: SectionType = SectionType {
    name: "influxdb-udp",
    id_name: "name",
    id: kinds::JOB_ID,
    schema: Schema(&[&INFLUX_UDP_REQUIRED, COMMON, OF_UDP]),
};

const SYNTAX: Syntax = Syntax {
    file: "metricserver.cfg",
    types: &[INFLUX_HTTP, INFLUX_UDP],
};

/// A server that takes statistics over HTTP.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct InfluxHttp {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bucket: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// Written only if false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_body_size: Option<u64>,
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    pub url: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verify_tls: Option<bool>,
}

impl std::fmt::Debug for InfluxHttp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InfluxHttp")
            .field("name", &self.name)
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

/// A server that takes statistics over UDP.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct InfluxUdp {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// Written only if false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable: Option<bool>,
    pub host: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtu: Option<u16>,
    pub name: String,
}

fn tidy(members: &mut Map<String, Value>) {
    entry::drop_blank(members);
    members.retain(|name, value| name != "enable" || value.as_bool() != Some(true));
}

impl Entry for InfluxHttp {
    const FILE: FileSpec = FileSpec::METRIC_SERVER;
    const SYNTAX: Syntax = SYNTAX;
    const SECTION: &'static SectionType = &INFLUX_HTTP;
    const NOUN: &'static str = "metric server";
    fn id(&self) -> &str {
        &self.name
    }
    fn tidy(members: &mut Map<String, Value>) {
        tidy(members);
    }
}

impl Entry for InfluxUdp {
    const FILE: FileSpec = FileSpec::METRIC_SERVER;
    const SYNTAX: Syntax = SYNTAX;
    const SECTION: &'static SectionType = &INFLUX_UDP;
    const NOUN: &'static str = "metric server";
    fn id(&self) -> &str {
        &self.name
    }
    fn tidy(members: &mut Map<String, Value>) {
        tidy(members);
    }
}
