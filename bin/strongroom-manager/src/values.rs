//! Values of options, checked by the same kinds as the server's parameters, so that the texts of errors are the same.

use api::schema::{Kind, ValueError};

/// A parser for clap: the text, if it is of the kind.
pub fn of(
    kind: Kind,
) -> impl Fn(&str) -> Result<String, ValueError> + Clone + Send + Sync + 'static {
    move |text| kind.parse(text).map(|_| text.to_owned())
}

/// A parser for clap: an integer, if it is of the kind.
pub fn integer(
    kind: Kind,
) -> impl Fn(&str) -> Result<i64, ValueError> + Clone + Send + Sync + 'static {
    move |text| {
        kind.parse(text)?
            .as_i64()
            .ok_or(ValueError::Expected("integer"))
    }
}
