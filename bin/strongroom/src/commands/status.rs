//! `status`: how full the datastore is.

use anyhow::Result;
use console::output::OutputArgs;
use console::table::Column;
use serde_json::Value;

use crate::connection::connect;
use crate::context::Context;
use crate::repository::RepositoryArgs;

/// Show how much of the datastore is used.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  strongroom status")]
pub struct Args {
    #[command(flatten)]
    repository: RepositoryArgs,
    #[command(flatten)]
    output: OutputArgs,
}

pub async fn run(args: Args, context: &Context) -> Result<()> {
    let output = context.output(&args.output)?;
    let at = connect(
        context,
        args.repository.resolve(&context.environment)?,
        None,
    )
    .await?;
    let status: Value = at
        .client
        .get(&at.path("status"), &remote::Query::new())
        .await?;
    let total = status["total"].as_u64().unwrap_or_default();
    let column = |key| Column::number(key).render(move |value, _| share(value, total));
    let columns = [column("total"), column("used"), column("avail")];
    Ok(output.object_without_header(&status, &columns)?)
}

/// Bytes and their percentage of `total`, rounded half up.
fn share(value: &Value, total: u64) -> String {
    let value = value.as_u64().unwrap_or_default();
    let percent = match total {
        0 => 0,
        total => (u128::from(value) + u128::from(total / 200)) * 100 / u128::from(total),
    };
    format!("{value} {:>8}", format!("({percent} %)"))
}

#[cfg(test)]
mod tests {
    use super::share;

    #[test]
    fn shares_are_rounded_and_aligned() {
        for (value, total, expected) in [
            (270_553_174_016, 270_553_174_016, "270553174016  (100 %)"),
            (21_184_339_968, 270_553_174_016, "21184339968    (8 %)"),
            (76_388_409_344, 270_553_174_016, "76388409344   (28 %)"),
            (0, 0, "0    (0 %)"),
            (u64::MAX, u64::MAX, "18446744073709551615  (100 %)"),
        ] {
            assert_eq!(share(&value.into(), total), expected);
        }
    }
}
