//! Text tables exactly as the original draws them (cli.md 1.7).
//!
//! Records are JSON objects, the API's own; a column picks a key, may render it, and is
//! aligned by its kind. Whether there are borders, a header, UTF-8 lines or a limit of width
//! is [`Style`], which the program fills from its environment and terminal.

use std::cmp::Ordering;

use serde_json::Value;
use unicode_width::UnicodeWidthStr;

/// How tables are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    pub border: bool,
    pub header: bool,
    /// Box characters; without it `+`, `=`, `-` and `|`.
    pub utf8: bool,
    /// Lines are cut to so many characters; set when the output is a terminal.
    pub columns_max: Option<usize>,
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
        }
    }

    pub fn text(key: &'a str) -> Column<'a> {
        Column::new(key, Kind::Text)
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

    fn cell(&self, record: &Value) -> Vec<String> {
        let value = record.get(self.key).unwrap_or(&Value::Null);
        let text = match &self.render {
            Some(render) => render(value, record),
            None => plain(value),
        };
        let lines: Vec<_> = text.lines().map(str::to_string).collect();
        if lines.is_empty() {
            vec![String::new()]
        } else {
            lines
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
fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(truth) => u8::from(*truth).to_string(),
        Value::String(text) => text.clone(),
        other => crate::json::line(other),
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
    if records.is_empty() {
        return String::new();
    }
    let first: Vec<_> = columns
        .first()
        .map(|column| (column.key, column.kind))
        .into_iter()
        .collect();
    let sort = if sort.is_empty() { &first } else { sort };
    let mut ordered: Vec<_> = records.iter().collect();
    ordered.sort_by(|a, b| compare(a, b, sort));
    let rows = ordered
        .iter()
        .map(|record| columns.iter().map(|column| column.cell(record)).collect())
        .collect();
    let headers = columns
        .iter()
        .map(|column| (column.header.to_string(), column.align()))
        .collect();
    Drawing {
        headers,
        rows,
        style,
    }
    .draw()
}

/// One record as two columns `Name` and `Value`, in the order of `columns`.
pub fn object(columns: &[Column<'_>], record: &Value, style: Style) -> String {
    let shown: Vec<_> = columns
        .iter()
        .filter(|column| {
            !column.optional || record.get(column.key).is_some_and(|value| !value.is_null())
        })
        .collect();
    let numeric = columns.iter().all(|column| column.kind != Kind::Text);
    let align = if numeric { Align::Right } else { Align::Left };
    let rows = shown
        .iter()
        .map(|column| vec![vec![column.header.to_string()], column.cell(record)])
        .collect();
    let headers = vec![
        ("Name".to_string(), Align::Left),
        ("Value".to_string(), align),
    ];
    Drawing {
        headers,
        rows,
        style,
    }
    .draw()
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
            let text = |record: &Value| record.get(*key).map(plain);
            text(a).cmp(&text(b))
        }
    };
    sort.iter()
        .map(by_key)
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}

struct Drawing {
    headers: Vec<(String, Align)>,
    rows: Vec<Vec<Vec<String>>>,
    style: Style,
}

/// Left end, filling, joint, right end.
type Rule = [char; 4];

impl Drawing {
    fn draw(&self) -> String {
        let widths = self.widths();
        let mut lines = Vec::new();
        if self.style.border {
            let [top, head, middle, bottom] = self.rules();
            lines.push(rule(&widths, top));
            if self.style.header {
                let header: Vec<_> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
                lines.push(self.line(&header, &widths));
                lines.push(rule(&widths, head));
            }
            for (number, row) in self.rows.iter().enumerate() {
                if number > 0 {
                    lines.push(rule(&widths, middle));
                }
                lines.extend(self.row(row, &widths));
            }
            lines.push(rule(&widths, bottom));
        } else {
            lines.extend(self.rows.iter().flat_map(|row| self.row(row, &widths)));
        }
        let mut text = String::new();
        for line in lines {
            match self.style.columns_max {
                Some(count) => text.extend(line.chars().take(count)),
                None => text += &line,
            }
            text.push('\n');
        }
        text
    }

    fn rules(&self) -> [Rule; 4] {
        match self.style.utf8 {
            true => [
                ['┌', '─', '┬', '┐'],
                ['╞', '═', '╪', '╡'],
                ['├', '─', '┼', '┤'],
                ['└', '─', '┴', '┘'],
            ],
            false => {
                let thick = ['+', '=', '+', '+'];
                [thick, thick, ['+', '-', '+', '+'], thick]
            }
        }
    }

    fn widths(&self) -> Vec<usize> {
        let column = |number: usize, header: &str| {
            let cells = self
                .rows
                .iter()
                .flat_map(|row| &row[number])
                .map(|text| text.width());
            let shown = (self.style.border && self.style.header).then(|| header.width());
            cells.chain(shown).max().unwrap_or(0)
        };
        self.headers
            .iter()
            .enumerate()
            .map(|(number, (header, _))| column(number, header))
            .collect()
    }

    fn row(&self, cells: &[Vec<String>], widths: &[usize]) -> Vec<String> {
        let height = cells.iter().map(Vec::len).max().unwrap_or(0);
        let part =
            |cell: &Vec<String>, number: usize| cell.get(number).cloned().unwrap_or_default();
        (0..height)
            .map(|number| {
                let parts: Vec<_> = cells.iter().map(|cell| part(cell, number)).collect();
                self.line(
                    &parts.iter().map(String::as_str).collect::<Vec<_>>(),
                    widths,
                )
            })
            .collect()
    }

    fn line(&self, texts: &[&str], widths: &[usize]) -> String {
        let padded =
            texts
                .iter()
                .zip(widths)
                .zip(&self.headers)
                .map(|((text, width), (_, align))| {
                    let pad = " ".repeat(width.saturating_sub(text.width()));
                    match align {
                        Align::Left => format!("{text}{pad}"),
                        Align::Right => format!("{pad}{text}"),
                    }
                });
        let cells: Vec<_> = padded.collect();
        if !self.style.border {
            return cells.join(" ");
        }
        let bar = if self.style.utf8 { '│' } else { '|' };
        cells
            .iter()
            .map(|cell| format!("{bar} {cell} "))
            .collect::<String>()
            + &bar.to_string()
    }
}

fn rule(widths: &[usize], [left, fill, joint, right]: Rule) -> String {
    let parts: Vec<_> = widths
        .iter()
        .map(|width| fill.to_string().repeat(width + 2))
        .collect();
    format!("{left}{}{right}", parts.join(&joint.to_string()))
}
