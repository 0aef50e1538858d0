//! The datastores of the server's configuration, opened in this process.

use anyhow::Result;
use config::edit::EditError;
use config::files::{Datastore, Datastores, SyncLevel};
use config::{ConfigDir, FileSpec, Places};
use console::report::Failure;
use format::StoreName;
use store::Options;

/// What is done with it; maintenance modes refuse by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    Read,
    Write,
}

/// All of them.
pub fn all(config: &ConfigDir) -> Result<Vec<Datastore>> {
    Ok(Datastores::parse(&config.read(FileSpec::DATASTORE)?.0)?.list()?)
}

/// The one with this name.
pub fn find(config: &ConfigDir, name: &StoreName) -> Result<Datastore> {
    let datastores = Datastores::parse(&config.read(FileSpec::DATASTORE)?.0)?;
    let found = datastores.get(name)?;
    Ok(found.ok_or_else(|| EditError::NoSuchDatastore(name.clone()))?)
}

/// Opens it with its own settings, unless its maintenance mode forbids that.
pub fn open(datastore: &Datastore, places: &Places, access: Access) -> Result<store::Datastore> {
    if let Some(mode) = datastore.maintenance()?
        && (access == Access::Write || mode.refuses_read())
    {
        let name = &datastore.name;
        let text = format!("datastore '{name}' is unavailable: {}", mode.reason());
        return Err(Failure::new(text)
            .hint("end it with `datastore update NAME --delete maintenance-mode`")
            .into());
    }
    let tuning = datastore.tuning()?;
    let mut options = Options::new(places.locks_dir());
    options.sync = match tuning.sync_level {
        SyncLevel::None => store::SyncLevel::None,
        SyncLevel::File => store::SyncLevel::File,
        SyncLevel::Filesystem => store::SyncLevel::Filesystem,
    };
    options.verify_readers = tuning.default_verification_readers;
    options.verify_checkers = tuning.default_verification_workers;
    let opened = store::Datastore::open(&datastore.name, &datastore.directory(), options)?;
    Ok(opened)
}
