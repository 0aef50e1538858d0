//! `verify`: reads a datastore in this process and compares it with its manifests.

use anyhow::{Result, bail};
use api::kinds;
use api::schema::Kind;
use clap::ArgAction;
use config::edit::EditError;
use config::files::{Datastore, Datastores};
use config::{FileSpec, Places};
use console::output::OutputArgs;
use console::report::Failure;
use format::{Namespace, StoreName};
use store::{Options, VerifyFilter, VerifyScope};

use crate::context::{Context, TaskServerArgs, now};
use crate::{task, values};

/// Verify backups.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Datastore name.
    #[arg(value_parser = values::of(kinds::STORE))]
    store: String,

    /// Do not verify backups that are already verified if their verification is not outdated.
    #[arg(long, action = ArgAction::Set, default_value_t = true)]
    ignore_verified: bool,

    /// Days after that a verification becomes outdated.
    #[arg(long, value_parser = values::integer(Kind::at_least(0)), value_name = "<integer> (0 - N)")]
    outdated_after: Option<i64>,

    /// The number of threads to use for reading chunks.
    #[arg(long, value_parser = values::integer(kinds::THREADS), value_name = "<integer> (1 - 32)")]
    read_threads: Option<i64>,

    /// The number of threads to use for verifying chunks.
    #[arg(long, value_parser = values::integer(kinds::THREADS), value_name = "<integer> (1 - 32)")]
    verify_threads: Option<i64>,

    #[command(flatten)]
    task: TaskServerArgs,
    #[command(flatten)]
    output: OutputArgs,
}

pub fn run(args: Args, context: &Context) -> Result<()> {
    let output = context.output(&args.output)?;
    let places = args.task.server.places(context)?;
    let config = args.task.server.config(context)?;
    let tasks_dir = args.task.tasks_dir(&places);
    let name: StoreName = args.store.parse()?;
    let datastores = Datastores::parse(&config.read(FileSpec::DATASTORE)?.0)?;
    let datastore = datastores
        .get(&name)?
        .ok_or_else(|| EditError::NoSuchDatastore(name.clone()))?;
    refuse_maintenance(&datastore)?;
    let mut options = options(&datastore, &places)?;
    options.verify_readers = threads(args.read_threads, options.verify_readers);
    options.verify_checkers = threads(args.verify_threads, options.verify_checkers);
    let store = store::Datastore::open(&name, &datastore.directory(), options)?;
    let filter = match (args.ignore_verified, args.outdated_after) {
        (false, _) => VerifyFilter::All,
        (true, None) => VerifyFilter::Unverified,
        (true, Some(days)) => VerifyFilter::Outdated { days, now: now() },
    };
    let scope = VerifyScope {
        ns: Namespace::root(),
        max_depth: None,
        group: None,
        owned_by: None,
    };
    task::run(
        &tasks_dir,
        output.format,
        "verify",
        name.as_str(),
        |watch| {
            let report = store.verify_all(&scope, filter, &watch.upid(), watch);
            if report.stopped {
                bail!("task aborted");
            }
            if !report.is_ok() {
                bail!("verification failed - please check the log for details");
            }
            Ok(())
        },
    )
}

fn refuse_maintenance(datastore: &Datastore) -> Result<()> {
    match datastore.maintenance()? {
        Some(mode) if mode.refuses_read() => {
            let text = format!(
                "datastore '{}' is unavailable: {}",
                datastore.name,
                mode.reason()
            );
            Err(Failure::new(text)
                .hint("end it with `datastore update NAME --delete maintenance-mode`")
                .into())
        }
        _ => Ok(()),
    }
}

fn options(datastore: &Datastore, places: &Places) -> Result<Options> {
    let tuning = datastore.tuning()?;
    let mut options = Options::new(places.locks_dir());
    options.verify_readers = tuning.default_verification_readers;
    options.verify_checkers = tuning.default_verification_workers;
    Ok(options)
}

fn threads(given: Option<i64>, default: usize) -> usize {
    given
        .and_then(|count| usize::try_from(count).ok())
        .unwrap_or(default)
}
