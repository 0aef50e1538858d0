//! Mounting and unmounting a removable datastore as tasks: nobody is in it when its device goes (server.md 5.4).

use std::time::Duration;

use api::rest::datastore::ActiveOperations;
use config::edit;
use config::files::{Datastore, MaintenanceKind};
use format::StoreName;

use crate::context::{Access, Context};
use crate::fault::{Fault, with_causes};
use crate::jobs;
use crate::lifecycle::of_left;
use crate::removable::{self, RemovableError};
use crate::tasks::Task;

/// Pause between two looks at whoever uses the datastore.
const STEP: Duration = Duration::from_secs(1);

/// The datastore of this name, if it is one that can be mounted. A server that died while it unmounted is no obstacle.
pub fn removable(ctx: &Context, name: &StoreName) -> Result<Datastore, Fault> {
    let datastore = ctx.store_config(name)?;
    if datastore.backing_device.is_none() {
        let error = RemovableError::NotRemovable(name.to_string());
        return Err(Fault::Refused(Box::new(error)));
    }
    if let Some(mode) = datastore.maintenance()?
        && mode.kind != MaintenanceKind::Unmount
    {
        return Err(Fault::Maintenance {
            store: name.clone(),
            mode: mode.reason(),
        });
    }
    Ok(datastore)
}

/// Mounts the device.
pub fn mount(ctx: &Context, datastore: &Datastore, task: &Task) -> Result<(), String> {
    let name = &datastore.name;
    let _turn = ctx
        .devices()
        .turn(name)
        .map_err(|error| with_causes(&error))?;
    // It may have been taken away before all was written.
    ctx.forget_uploads(name);
    removable::mount(datastore).map_err(|error| with_causes(&error))?;
    task.log(&format!(
        "mounted datastore '{name}' at {}",
        datastore.directory().display()
    ));
    // What a server left that died while it unmounted; nobody unmounts now.
    clear(ctx, name, task);
    Ok(())
}

/// Collects garbage if that is wanted, keeps newcomers away, waits for all who are there, unmounts. A wait that is aborted leaves all as it was.
pub fn unmount(ctx: &Context, datastore: &Datastore, task: &Task) -> Result<(), String> {
    let (name, dir) = (&datastore.name, ctx.configuration().dir());
    let _turn = ctx
        .devices()
        .turn(name)
        .map_err(|error| with_causes(&error))?;
    if datastore.gc_on_unmount.unwrap_or(false) && removable::is_available(datastore) {
        collect(ctx, datastore, task)?;
    }
    edit::begin_unmount(dir, name).map_err(|error| with_causes(&error))?;
    wait(ctx, name, task).inspect_err(|_| clear(ctx, name, task))?;
    ctx.close_store(name);
    // When this fails the mode stays: the device may be half gone.
    removable::unmount_device(datastore).map_err(|error| with_causes(&error))?;
    task.log(&format!("unmounted datastore '{name}'"));
    clear(ctx, name, task);
    Ok(())
}

fn collect(ctx: &Context, datastore: &Datastore, task: &Task) -> Result<(), String> {
    let failed = |fault: Fault| with_causes(&fault);
    let store = ctx
        .datastore(&datastore.name, Access::Write)
        .map_err(failed)?;
    let tuning = datastore.tuning().map_err(|error| with_causes(&error))?;
    jobs::gc::collect(&store, &jobs::gc::options(&tuning), task.text(), task)
}

fn wait(ctx: &Context, name: &StoreName, task: &Task) -> Result<(), String> {
    let mut told = ActiveOperations::default();
    loop {
        let active = ctx
            .operations()
            .all(name)
            .map_err(|error| with_causes(&error))?;
        if active == ActiveOperations::default() {
            return Ok(());
        }
        if task.aborted() {
            return Err("task aborted".to_owned());
        }
        if active != told {
            task.log(&format!(
                "waiting for {} operations that read and {} that write{}",
                active.read,
                active.write,
                of_left(&ctx.tasks().left_at(name))
            ));
            told = active;
        }
        std::thread::sleep(STEP);
    }
}

fn clear(ctx: &Context, name: &StoreName, task: &Task) {
    if let Err(error) = edit::end_unmount(ctx.configuration().dir(), name) {
        task.warn(&format!(
            "the maintenance mode stays: {}",
            with_causes(&error)
        ));
    }
}
