//! Text tables exactly as the original draws them (cli.md 1.7).
//!
//! Records are JSON objects, the API's own; a column picks a key, may render it, and is
//! aligned by its kind. Whether there are borders, a header, UTF-8 lines or a limit of width
//! is [`Style`], which the program fills from its environment and terminal. Tables can be
//! long: no cell and no line outlives its row, see `drawing`.

use std::borrow::{Borrow, Cow};
use std::cmp::Ordering;
use std::io::{self, Write};

use serde_json::Value;

use crate::shown;

mod drawing;

/// How tables are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    pub border: bool,
    pub header: bool,
    /// Box characters; without it `+`, `=`, `-` and `|`.
    pub utf8: bool,
    /// Lines are cut to so many characters; set when the output is a terminal.
    pub columns_max: Option<usize>,
    /// What is in cells is only shown, see [`crate::shown`].
    pub terminal: bool,
}

impl Style {
    /// From `PROXMOX_OUTPUT_NO_BORDER` and `_NO_HEADER` being set, the value of the first
    /// non-empty one of `LC_ALL`, `LC_CTYPE`, `LANG`, and the terminal's width if there is one.
    pub fn from_settings(
        no_border: bool,
        no_header: bool,
        locale: Option<&str>,
        columns_max: Option<usize>,
    ) -> Style {
        let codeset = locale
            .and_then(|name| name.split('@').next())
            .and_then(|name| name.split_once('.'));
        let utf8 = codeset
            .is_some_and(|(_, set)| matches!(set.to_ascii_lowercase().as_str(), "utf-8" | "utf8"));
        Style {
            border: !no_border,
            header: !no_border && !no_header,
            utf8,
            columns_max,
            terminal: false,
        }
    }
}

/// What a column's values are; decides alignment and order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    Number,
    Boolean,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    Left,
    Right,
}

/// Makes a cell's text from the value (null if missing) and the whole record.
pub type Render<'a> = Box<dyn Fn(&Value, &Value) -> String + 'a>;

/// One column of a list, or one row of an object view.
pub struct Column<'a> {
    key: &'a str,
    header: &'a str,
    kind: Kind,
    align: Option<Align>,
    render: Option<Render<'a>>,
    optional: bool,
    is_name: bool,
}

impl<'a> Column<'a> {
    pub fn new(key: &'a str, kind: Kind) -> Column<'a> {
        Column {
            key,
            header: key,
            kind,
            align: None,
            render: None,
            optional: false,
            is_name: false,
        }
    }

    pub fn text(key: &'a str) -> Column<'a> {
        Column::new(key, Kind::Text)
    }

    /// A name of somebody's, which may be any: on a terminal it is one line.
    pub fn name(key: &'a str) -> Column<'a> {
        Column {
            is_name: true,
            ..Column::text(key)
        }
    }

    pub fn number(key: &'a str) -> Column<'a> {
        Column::new(key, Kind::Number)
    }

    pub fn boolean(key: &'a str) -> Column<'a> {
        Column::new(key, Kind::Boolean)
    }

    pub fn header(self, header: &'a str) -> Column<'a> {
        Column { header, ..self }
    }

    pub fn left(self) -> Column<'a> {
        Column {
            align: Some(Align::Left),
            ..self
        }
    }

    pub fn right(self) -> Column<'a> {
        Column {
            align: Some(Align::Right),
            ..self
        }
    }

    pub fn render(self, render: impl Fn(&Value, &Value) -> String + 'a) -> Column<'a> {
        Column {
            render: Some(Box::new(render)),
            ..self
        }
    }

    /// In an object view the row is left out when the record lacks the key.
    pub fn optional(self) -> Column<'a> {
        Column {
            optional: true,
            ..self
        }
    }

    fn cell(&self, record: &Value, style: Style) -> String {
        let value = record.get(self.key).unwrap_or(&Value::Null);
        let text = match &self.render {
            Some(render) => render(value, record),
            None => plain(value).into_owned(),
        };
        match (style.terminal, self.is_name) {
            (false, _) => text,
            (true, true) => shown::name(text.as_bytes()).into_owned(),
            // A list or an object is JSON in its cell.
            (true, false) if value.is_array() || value.is_object() => {
                shown::json(&text).into_owned()
            }
            (true, false) => shown::text(&text).into_owned(),
        }
    }

    fn align(&self) -> Align {
        self.align.unwrap_or(match self.kind {
            Kind::Text => Align::Left,
            Kind::Number | Kind::Boolean => Align::Right,
        })
    }
}

/// A value without a renderer.
fn plain(value: &Value) -> Cow<'_, str> {
    match value {
        Value::Null => "".into(),
        Value::Bool(truth) => u8::from(*truth).to_string().into(),
        Value::String(text) => text.into(),
        other => crate::json::line(other).into(),
    }
}

/// The table of `records`, ordered by `sort` (key and kind, ascending) or by the first column;
/// empty text for no records.
///
/// ```
/// use console::table::{Column, Style, list};
/// let style = Style::from_settings(true, false, None, None);
/// let records = [serde_json::json!({"b": 2}), serde_json::json!({"b": 1})];
/// assert_eq!(list(&[Column::number("b")], &[], &records, style), "1\n2\n");
/// ```
pub fn list(
    columns: &[Column<'_>],
    sort: &[(&str, Kind)],
    records: &[Value],
    style: Style,
) -> String {
    let ordered = ordered(columns, sort, records);
    text(|out| write(columns, ordered.iter().copied(), style, out))
}

/// References to `records` in the order of [`list`].
pub fn ordered<'r>(
    columns: &[Column<'_>],
    sort: &[(&str, Kind)],
    records: &'r [Value],
) -> Vec<&'r Value> {
    let first: Vec<_> = columns
        .first()
        .map(|column| (column.key, column.kind))
        .into_iter()
        .collect();
    let sort = if sort.is_empty() { &first } else { sort };
    let mut ordered: Vec<_> = records.iter().collect();
    ordered.sort_by(|a, b| compare(a, b, sort));
    ordered
}

/// Writes the table of `records` in the order they come in, row by row; nothing for none.
/// They are gone through twice, first for the widths, and may be made on the way.
pub fn write<R: Borrow<Value>>(
    columns: &[Column<'_>],
    records: impl Iterator<Item = R> + Clone,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    if records.clone().next().is_none() {
        return Ok(());
    }
    let headers: Vec<_> = columns
        .iter()
        .map(|column| (column.header, column.align()))
        .collect();
    let cells = |record: R| -> Vec<_> {
        let record: &Value = record.borrow();
        columns
            .iter()
            .map(|column| column.cell(record, style))
            .collect()
    };
    drawing::draw(&headers, records.map(cells), style, out)
}

/// One record as two columns `Name` and `Value`, in the order of `columns`.
pub fn object(columns: &[Column<'_>], record: &Value, style: Style) -> String {
    let shown = columns.iter().filter(|column| {
        !column.optional || record.get(column.key).is_some_and(|value| !value.is_null())
    });
    let numeric = columns.iter().all(|column| column.kind != Kind::Text);
    let align = if numeric { Align::Right } else { Align::Left };
    let rows = shown.map(|column| vec![column.header.to_string(), column.cell(record, style)]);
    let headers = [("Name", Align::Left), ("Value", align)];
    text(|out| drawing::draw(&headers, rows, style, out))
}

fn text(draw: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> String {
    let mut bytes = Vec::new();
    draw(&mut bytes).expect("a vector takes what is written");
    String::from_utf8(bytes).expect("cells are text, and lines are cut between letters")
}

/// Numbers numerically with missing ones last; all else as text with missing ones first.
fn compare(a: &Value, b: &Value, sort: &[(&str, Kind)]) -> Ordering {
    let by_key = |(key, kind): &(&str, Kind)| match kind {
        Kind::Number => {
            let (a, b) = (a.get(*key), b.get(*key));
            match (a.and_then(Value::as_i64), b.and_then(Value::as_i64)) {
                (Some(a), Some(b)) => a.cmp(&b),
                _ => {
                    let number = |value: Option<&Value>| {
                        value.and_then(Value::as_f64).unwrap_or(f64::INFINITY)
                    };
                    number(a).total_cmp(&number(b))
                }
            }
        }
        Kind::Text | Kind::Boolean => {
            let (a, b) = (a.get(*key).map(plain), b.get(*key).map(plain));
            a.cmp(&b)
        }
    };
    sort.iter()
        .map(by_key)
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}
