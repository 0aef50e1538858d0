//! `--output-format` and the tables' settings, from the option and the environment (cli.md 1.7).

use std::io;

use clap::Args;
use console::json::{self, Format};
use console::out::{self, OutError};
use console::screen;
use console::table::{self, Column, Kind, Style};
use serde_json::Value;

use crate::context::Context;
use crate::environment::Environment;

#[derive(Args, Debug)]
pub struct OutputArgs {
    /// How the result is printed.
    #[arg(long)]
    output_format: Option<Format>,
}

/// The environment asks for a format that does not exist. The original prints this and ends
/// with success; scripts may count on it.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct BadDefault(#[from] json::UnknownFormat);

/// Prints results in the chosen format.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    pub format: Format,
    style: Style,
}

impl OutputArgs {
    pub fn output(&self, context: &Context) -> Result<Output, BadDefault> {
        let environment = &context.environment;
        let format = match (
            self.output_format,
            environment.text("PROXMOX_OUTPUT_FORMAT"),
        ) {
            (Some(format), _) => format,
            (None, Some(word)) => word.parse()?,
            (None, None) => Format::Text,
        };
        let style = Style::from_settings(
            environment.raw("PROXMOX_OUTPUT_NO_BORDER").is_some(),
            environment.raw("PROXMOX_OUTPUT_NO_HEADER").is_some(),
            locale(environment),
            screen::columns(io::stdout()),
        );
        Ok(Output { format, style })
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
        self.value(data, || {
            let records = data.as_array().map(Vec::as_slice).unwrap_or_default();
            table::list(columns, sort, records, self.style)
        })
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
        out::print(&json::render(data, self.format).unwrap_or_else(text))
    }
}

fn locale(environment: &Environment) -> Option<&str> {
    let names = ["LC_ALL", "LC_CTYPE", "LANG"];
    names
        .into_iter()
        .filter_map(|name| environment.text(name))
        .find(|value| !value.is_empty())
}
