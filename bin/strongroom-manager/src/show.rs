//! What a row prints of its answer.

use anyhow::Result;
use console::human;
use console::output::Output;
use console::table::Column;
use console::{json, out};
use serde_json::Value;
use server::route::Route;

use crate::columns;
use crate::context::Context;
use crate::row::{Col, Render, Shows};

/// Prints the data of an answer, unless it is a task.
pub fn print(
    shows: Shows,
    route: &'static Route,
    data: Value,
    output: &Output,
    context: &Context,
) -> Result<()> {
    match shows {
        Shows::Nothing | Shows::Task => Ok(()),
        // Scripts cut this prefix off.
        Shows::Result => Ok(out::json(&format!("Result: {}\n", json::pretty(&data)))?),
        Shows::List(columns) => {
            let columns: Vec<_> = columns.iter().map(|col| column(col, context)).collect();
            Ok(output.list(&data, &columns, &[])?)
        }
        Shows::Object(first) => {
            let mut data = data;
            if let Some(members) = data.as_object_mut() {
                members.retain(|_, value| !value.is_null());
            }
            let columns = columns::of_object(route, first, &data);
            Ok(output.object(&data, &columns)?)
        }
        Shows::Text(text) => Ok(output.value(&data, || text(&data))?),
    }
}

fn column<'a>(col: &Col, context: &'a Context) -> Column<'a> {
    let column = Column::new(col.key, col.kind);
    let bytes = |value: &Value, _: &Value| value.as_u64().map_or_else(String::new, human::bytes);
    match col.render {
        Render::Plain => column,
        Render::Time => column.left().render(|value, _| match value.as_i64() {
            Some(time) => context.ctime(time),
            None => String::new(),
        }),
        // Missing is never, and so is 0.
        Render::Expire => column.render(|value, _| match value.as_i64() {
            None | Some(0) => "never".to_owned(),
            Some(time) => context.ctime(time),
        }),
        Render::Enabled => {
            column.render(|value, _| u8::from(value.as_bool().unwrap_or(true)).to_string())
        }
        Render::Bytes => column.render(bytes),
        Render::BytesLeft => column.left().render(bytes),
        Render::Duration => column
            .left()
            .render(|value, _| value.as_f64().map_or_else(String::new, human::duration)),
        Render::With(render) => column.render(render),
    }
}
