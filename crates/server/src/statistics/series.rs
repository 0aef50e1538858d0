//! What the graphs show: one value per field and slot of a time frame, back from now (server.md 7.3).

use std::io;

use api::rest::statistics::{Consolidation, Timeframe};
use serde::Serialize;
use serde::ser::Serializer;
use serde_json::Value;

use super::ring::Ring;
use super::row::{Cell, Row};
use super::{RESOLUTIONS, Resolution};

const DAY_S: i64 = 86_400;

/// Place of its resolution in [`RESOLUTIONS`], and its length.
fn shape(frame: Timeframe) -> (usize, i64) {
    match frame {
        Timeframe::Hour => (0, 3600),
        Timeframe::Day => (0, DAY_S),
        Timeframe::Week => (1, 7 * DAY_S),
        Timeframe::Month => (1, 30 * DAY_S),
        Timeframe::Year => (2, 365 * DAY_S),
        Timeframe::Decade => (3, 10 * 366 * DAY_S),
    }
}

fn resolution(frame: Timeframe) -> Resolution {
    RESOLUTIONS[shape(frame).0]
}

/// Times from so long ago until now, one per slot. Like the original's they are not the begins of the slots that they lie in.
fn times(frame: Timeframe, now: i64) -> impl Iterator<Item = i64> {
    let (place, length) = shape(frame);
    let step = i64::from(RESOLUTIONS[place].seconds);
    (0..=length / step).map(move |n| now - length + n * step)
}

/// See the module.
#[derive(Debug)]
pub struct Series {
    pub fields: &'static [&'static str],
    /// Seconds from slot to slot.
    pub step: u32,
    /// Every slot with a time in it, in their order; those without values have no row.
    pub slots: Vec<(i64, Option<Row>)>,
}

impl Series {
    pub(super) fn empty(fields: &'static [&'static str], frame: Timeframe, now: i64) -> Series {
        Series {
            fields,
            step: resolution(frame).seconds,
            slots: times(frame, now).map(|time| (time, None)).collect(),
        }
    }

    pub(super) fn read(
        ring: &Ring,
        open: &[Row; 4],
        fields: &'static [&'static str],
        frame: Timeframe,
        now: i64,
    ) -> io::Result<Series> {
        let (place, _) = shape(frame);
        let slot = |time| RESOLUTIONS[place].slot(time);
        let rows = ring.rows(place, times(frame, now).map(slot))?;
        let open = &open[place];
        let current = |time, row| match slot(time) == open.start {
            true => Some(open.clone()),
            false => row,
        };
        let slots = times(frame, now)
            .zip(rows)
            .map(|(time, row)| (time, current(time, row)));
        Ok(Series {
            fields,
            step: resolution(frame).seconds,
            slots: slots.collect(),
        })
    }

    /// The value of a field in a row.
    pub fn value(&self, row: &Option<Row>, field: &str, how: Consolidation) -> Option<f64> {
        let place = self.fields.iter().position(|name| *name == field)?;
        row.as_ref()?.cells.get(place)?.value(how)
    }

    /// As the answer of the `rrd` routes.
    pub fn consolidated(&self, how: Consolidation) -> Consolidated<'_> {
        Consolidated { series: self, how }
    }
}

/// A list of objects: `time`, and each field that has a value.
#[derive(Debug)]
pub struct Consolidated<'a> {
    series: &'a Series,
    how: Consolidation,
}

struct Slot<'a> {
    of: &'a Consolidated<'a>,
    time: i64,
    row: &'a Option<Row>,
}

impl Serialize for Consolidated<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let slots = self.series.slots.iter();
        serializer.collect_seq(slots.map(|(time, row)| Slot {
            of: self,
            time: *time,
            row,
        }))
    }
}

impl Serialize for Slot<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let cells = self.row.iter().flat_map(|row| &row.cells);
        let fields = self.of.series.fields.iter().zip(cells);
        let value = |cell: &Cell| cell.value(self.of.how).map(Value::from);
        let values = fields.filter_map(|(name, cell)| Some((*name, value(cell)?)));
        let mut members: Vec<(&str, Value)> = values.collect();
        members.push(("time", self.time.into()));
        members.sort_by_key(|(name, _)| *name);
        serializer.collect_map(members)
    }
}
