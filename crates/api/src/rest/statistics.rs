//! `/nodes/{node}/rrd` and `/admin/datastore/{store}/rrd`: values over time (server.md 7.3).

use serde::{Deserialize, Serialize};

use crate::kinds;
use crate::schema::{Field, Kind, Param, Returns, Schema};

/// Parameters of the `rrd` calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeriesQuery {
    /// How far back.
    pub timeframe: Timeframe,
    /// How the values of a slot become one.
    pub cf: Consolidation,
}

/// How far back, from now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Timeframe {
    /// 60 minutes.
    Hour,
    /// 24 hours.
    Day,
    /// 7 days.
    Week,
    /// 30 days.
    Month,
    /// 365 days.
    Year,
    /// 10 years.
    Decade,
}

/// Consolidation function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Consolidation {
    /// The largest.
    Max,
    /// Their mean.
    Average,
}

const OVER_TIME: &[Param] = &[
    Param::required(
        "timeframe",
        Kind::Enum(&["hour", "day", "week", "month", "year", "decade"]),
    ),
    Param::required("cf", Kind::Enum(&["MAX", "AVERAGE"])),
];

/// Of the host.
pub const OF_NODE: Schema = Schema(&[&[Param::required("node", kinds::NODE)], OVER_TIME]);
/// Of a datastore.
pub const OF_STORE: Schema = Schema(&[kinds::IN_STORE, OVER_TIME]);

macro_rules! slots {
    ($($name:literal)*) => {
        Returns::List(&Returns::object(&[
            Field::new("time", Returns::INTEGER),
            $(Field::optional($name, Returns::NUMBER),)*
        ]))
    };
}

/// One object per slot; fields without value are missing.
pub const NODE_SLOTS: Returns = slots! {
    "cpu" "iowait" "memtotal" "memused" "swaptotal" "swapused" "netin" "netout" "loadavg" "total" "used"
    "read_ios" "read_bytes" "write_ios" "write_bytes" "io_ticks"
};
/// The same of a datastore.
pub const STORE_SLOTS: Returns = slots! {
    "total" "available" "used" "read_ios" "read_bytes" "write_ios" "write_bytes" "io_ticks"
};

/// `GET /status/metrics`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct MetricsQuery {
    /// All that is kept, not only the newest.
    #[serde(default)]
    pub history: bool,
    /// Of the history what is newer, in seconds since the epoch.
    #[serde(default)]
    pub start_time: i64,
}

/// Parameters of [`MetricsQuery`].
pub const METRICS: Schema = Schema(&[&[
    Param::optional("history", Kind::Boolean).or("false"),
    Param::optional("start-time", Kind::at_least(i64::MIN)).or("0"),
]]);

/// The answer: once more an object with `data`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// The values.
    pub data: Vec<Metric>,
}

/// One value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metric {
    /// `host`, or `datastore/` and a name.
    pub id: String,
    /// What it is.
    pub metric: String,
    /// Seconds since the epoch.
    pub timestamp: i64,
    /// `gauge` or `derive`.
    #[serde(rename = "type")]
    pub kind: String,
    /// How much.
    pub value: f64,
}

/// Members of [`Metrics`].
pub const METRIC_LIST: Returns = Returns::object(&[Field::new(
    "data",
    Returns::List(&Returns::object(&[
        Field::new("id", Returns::TEXT),
        Field::new("metric", Returns::TEXT),
        Field::new("timestamp", Returns::INTEGER),
        Field::new(
            "type",
            Returns::Value(Kind::Enum(&["gauge", "counter", "derive"])),
        ),
        Field::new("value", Returns::NUMBER),
    ])),
)]);
