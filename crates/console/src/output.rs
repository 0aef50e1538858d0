//! `--output-format` and what it does to a result: a table, or JSON (cli.md 1.7).
//!
//! The environment is asked through a function, since only a program's edge may read it.

use std::borrow::Borrow;
use std::ffi::OsString;
use std::io::{self, BufWriter, Write as _};

use clap::Args;
use serde_json::Value;

use crate::json::{self, Format, UnknownFormat};
use crate::out::{self, OutError};
use crate::screen;
use crate::shown;
use crate::table::{self, Column, Kind, Style};

/// The option of every command that prints data.
#[derive(Args, Clone, Debug)]
pub struct OutputArgs {
    /// Output format.
    #[arg(long)]
    output_format: Option<Format>,
}

/// Prints results in the chosen format.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    pub format: Format,
    style: Style,
}

impl OutputArgs {
    /// Of a command that prints text only, whatever the environment says.
    pub fn text() -> OutputArgs {
        OutputArgs {
            output_format: Some(Format::Text),
        }
    }

    /// The option alone, for commands of which the original has no JSON: what their callers set in the environment was not for them.
    pub fn chosen(&self) -> Format {
        self.output_format.unwrap_or(Format::Text)
    }

    /// The option, else `PROXMOX_OUTPUT_FORMAT`, else text; tables follow the locale, the two
    /// `PROXMOX_OUTPUT_NO_...` variables and the terminal's width.
    pub fn resolve(
        &self,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Output, UnknownFormat> {
        let text = |name: &str| variable(name).and_then(|value| value.into_string().ok());
        let format = match (self.output_format, text("PROXMOX_OUTPUT_FORMAT")) {
            (Some(format), _) => format,
            (None, Some(word)) => word.parse()?,
            (None, None) => Format::Text,
        };
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
            .into_iter()
            .filter_map(text)
            .find(|value| !value.is_empty());
        let style = Style::from_settings(
            variable("PROXMOX_OUTPUT_NO_BORDER").is_some(),
            variable("PROXMOX_OUTPUT_NO_HEADER").is_some(),
            locale.as_deref(),
            screen::columns(io::stdout()),
        );
        let style = Style {
            terminal: out::is_terminal(),
            ..style
        };
        Ok(Output { format, style })
    }
}

/// A list as JSON, written item by item since it may be long.
pub struct Items {
    is_pretty: bool,
    is_empty: bool,
    is_terminal: bool,
    out: BufWriter<out::Stream>,
}

impl Items {
    /// Nothing for [`Format::Text`], which is the caller's own.
    pub fn open(format: Format) -> Result<Option<Items>, OutError> {
        if format == Format::Text {
            return Ok(None);
        }
        Ok(Some(Items {
            is_pretty: format == Format::JsonPretty,
            is_empty: true,
            is_terminal: out::is_terminal(),
            out: BufWriter::new(out::Stream::open()?),
        }))
    }

    pub fn add(&mut self, item: &Value) -> Result<(), OutError> {
        let begin = if std::mem::take(&mut self.is_empty) {
            "["
        } else {
            ","
        };
        self.out.write_all(begin.as_bytes())?;
        let text = match self.is_pretty {
            true => json::pretty(item),
            false => json::line(item),
        };
        let text = match self.is_terminal {
            true => shown::json(&text),
            false => text.as_str().into(),
        };
        if !self.is_pretty {
            return Ok(self.out.write_all(text.as_bytes())?);
        }
        for line in text.lines() {
            write!(self.out, "\n  {line}")?;
        }
        Ok(())
    }

    fn all(mut self, items: &[Value]) -> Result<(), OutError> {
        for item in items {
            self.add(item)?;
        }
        self.end()
    }

    /// What was added so far is not kept back, for whoever waits for it.
    pub fn flush(&mut self) -> Result<(), OutError> {
        Ok(self.out.flush()?)
    }

    pub fn end(mut self) -> Result<(), OutError> {
        let end = match (self.is_empty, self.is_pretty) {
            (true, _) => "[]\n",
            (false, true) => "\n]\n",
            (false, false) => "]\n",
        };
        self.out.write_all(end.as_bytes())?;
        Ok(self.out.flush()?)
    }
}

impl Output {
    /// A list: the raw data as JSON, or a table of it.
    pub fn list(
        &self,
        data: &Value,
        columns: &[Column<'_>],
        sort: &[(&str, Kind)],
    ) -> Result<(), OutError> {
        match (self.format, data.as_array().map(Vec::as_slice)) {
            (Format::Text, records) => {
                let records = table::ordered(columns, sort, records.unwrap_or_default());
                self.rows(columns, records.iter().copied())
            }
            (_, None) => self.value(data, String::new),
            (format, Some(records)) => {
                Items::open(format)?.map_or(Ok(()), |items| items.all(records))
            }
        }
    }

    /// The table of `records`, which may be made on the way, in the order they come in.
    pub fn rows<R: Borrow<Value>>(
        &self,
        columns: &[Column<'_>],
        records: impl Iterator<Item = R> + Clone,
    ) -> Result<(), OutError> {
        let mut out = BufWriter::new(out::Stream::open()?);
        table::write(columns, records, self.style, &mut out)?;
        Ok(out.flush()?)
    }

    /// One record: the raw data as JSON, or a table of names and values.
    pub fn object(&self, data: &Value, columns: &[Column<'_>]) -> Result<(), OutError> {
        self.value(data, || table::object(columns, data, self.style))
    }

    /// Like [`Output::object`], never with the line `Name`, `Value`.
    pub fn object_without_header(
        &self,
        data: &Value,
        columns: &[Column<'_>],
    ) -> Result<(), OutError> {
        let style = Style {
            header: false,
            ..self.style
        };
        self.value(data, || table::object(columns, data, style))
    }

    /// The data as JSON, or `text` as it is.
    pub fn value(&self, data: &Value, text: impl FnOnce() -> String) -> Result<(), OutError> {
        match json::render(data, self.format) {
            Some(json) => out::json(&json),
            None => out::print(&text()),
        }
    }
}
