//! A request put together from options: members that were not given are left out.

use serde::Serialize;
use serde_json::{Map, Value};

/// Adds a member unless it is `None`.
pub fn add<T: Serialize>(members: &mut Map<String, Value>, name: &str, value: Option<T>) {
    if let Some(value) = value {
        members.insert(name.to_owned(), serde_json::json!(value));
    }
}
