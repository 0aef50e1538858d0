//! What `prune-job` and `verify-job` have in common: each is a section of a file with a state beside it.

use anyhow::Result;
use api::kinds;
use api::schema::Schema;
use config::edit;
use config::files::{Job, JobKind};
use console::output::OutputArgs;
use console::table::Column;
use serde_json::{Map, Value, json};
use server::jobs::state::{JobStates, JobType};

use crate::context::{Context, ServerArgs, now};
use crate::{columns, values};

/// A job and nothing else.
#[derive(clap::Args, Debug)]
pub struct Named {
    /// Job ID.
    #[arg(value_parser = values::of(kinds::JOB_ID))]
    pub id: String,

    #[command(flatten)]
    pub server: ServerArgs,
    #[command(flatten)]
    pub output: OutputArgs,
}

#[derive(clap::Args, Debug)]
pub struct Removal {
    /// Job ID.
    #[arg(value_parser = values::of(kinds::JOB_ID))]
    id: String,

    /// Refuse if the file has another SHA-256 digest.
    #[arg(long, value_parser = values::of(kinds::DIGEST))]
    digest: Option<String>,

    #[command(flatten)]
    server: ServerArgs,
}

/// All jobs of a file.
#[derive(clap::Args, Debug)]
pub struct All {
    #[command(flatten)]
    server: ServerArgs,
    #[command(flatten)]
    output: OutputArgs,
}

fn state_type<J: Job>() -> JobType {
    match J::KIND {
        JobKind::Prune => JobType::Prune,
        JobKind::Verify => JobType::Verify,
    }
}

fn states(server: &ServerArgs, context: &Context) -> Result<JobStates> {
    Ok(JobStates::new(&server.places(context)?.state_dir))
}

pub fn list<J: Job>(args: &All, context: &Context, columns: &[Column<'_>]) -> Result<()> {
    let output = context.output(&args.output)?;
    let (jobs, _) = edit::entries::<J>(&args.server.config(context)?)?;
    Ok(output.list(&json!(jobs), columns, &[])?)
}

pub fn show<J: Job>(args: &Named, context: &Context) -> Result<()> {
    let output = context.output(&args.output)?;
    let (job, _) = edit::find_entry::<J>(&args.server.config(context)?, &args.id)?;
    let columns = columns::of_object("id", J::SECTION.schema);
    Ok(output.object(&json!(job), &columns)?)
}

/// Its schedule counts from now.
pub fn create<J: Job>(
    server: &ServerArgs,
    context: &Context,
    schema: Schema,
    members: Map<String, Value>,
) -> Result<()> {
    let job = edit::create_entry::<J>(&server.config(context)?, schema.check(members)?)?;
    let states = states(server, context)?;
    Ok(states.create(state_type::<J>(), job.id(), now())?)
}

pub fn update<J: Job>(
    server: &ServerArgs,
    context: &Context,
    schema: Schema,
    members: Map<String, Value>,
) -> Result<()> {
    let members = schema.check(members)?;
    let allowed = |_: &J, _: &J| Ok(());
    let config = server.config(context)?;
    let (before, after) = edit::update_entry::<J, edit::EditError>(&config, members, allowed)?;
    if before.schedule() != after.schedule() {
        states(server, context)?.reschedule(state_type::<J>(), after.id(), now())?;
    }
    Ok(())
}

pub fn remove<J: Job>(args: &Removal, context: &Context) -> Result<()> {
    let config = args.server.config(context)?;
    edit::remove_entry::<J>(&config, &args.id, &args.digest)?;
    Ok(states(&args.server, context)?.remove(state_type::<J>(), &args.id)?)
}
