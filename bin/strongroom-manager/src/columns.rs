//! The rows in which `show` commands print an object: its name, what it must have, then all else, by name.

use api::schema::{Kind, Param, Schema};
use console::table::{Column, Kind as Shown};

/// `name` is the key that holds the object's name.
pub fn of_object(name: &'static str, schema: Schema) -> Vec<Column<'static>> {
    let mut params: Vec<&Param> = schema.params().collect();
    params.sort_by_key(|param| (param.optional, param.name));
    std::iter::once(Column::text(name))
        .chain(params.into_iter().map(column))
        .collect()
}

fn column(param: &Param) -> Column<'static> {
    let shown = match param.kind {
        Kind::Boolean => Shown::Boolean,
        Kind::Integer { .. } | Kind::Number { .. } => Shown::Number,
        _ => Shown::Text,
    };
    let column = Column::new(param.name, shown);
    if param.optional {
        column.optional()
    } else {
        column
    }
}
