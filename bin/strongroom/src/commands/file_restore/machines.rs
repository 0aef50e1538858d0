//! `status` and `stop`: of the machines that the original starts to look into images. There never are any.

use anyhow::Result;
use console::output::OutputArgs;
use console::report::Failure;
use serde_json::json;

use super::Driver;
use crate::context::Context;

/// List the machines that are started to look into images: none.
#[derive(clap::Args, Debug)]
pub struct StatusArgs {
    /// Which kind of machines.
    #[arg(long, value_enum)]
    driver: Option<Driver>,

    #[command(flatten)]
    output: OutputArgs,
}

/// Stop a machine.
#[derive(clap::Args, Debug)]
pub struct StopArgs {
    /// Its name.
    name: String,
}

pub fn status(args: &StatusArgs, context: &Context) -> Result<()> {
    // There is but one.
    let Driver::Qemu = args.driver.unwrap_or(Driver::Qemu);
    let output = context.output(&args.output)?;
    Ok(output.value(&json!({"Qemu": {}}), || "Qemu: no mappings\n".to_owned())?)
}

pub fn stop(args: &StopArgs) -> Result<()> {
    let name = &args.name;
    Err(Failure::new(format!("no mapping with name '{name}' found"))
        .hint("this program needs no machines to read archives")
        .into())
}
