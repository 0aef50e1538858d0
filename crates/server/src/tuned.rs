//! How a datastore is opened by what its configuration says; the manager opens it in the same way.

use std::path::Path;

use api::schema::ParamErrors;
use config::files::{Datastore, SyncLevel};
use store::{ChunkOrder, Options, Uploads};

/// Options of a datastore, with its lock files below `locks_dir`.
pub fn options(datastore: &Datastore, locks_dir: &Path) -> Result<Options, ParamErrors> {
    let tuning = datastore.tuning()?;
    let mut options = Options::new(locks_dir);
    options.sync = match tuning.sync_level {
        SyncLevel::None => store::SyncLevel::None,
        SyncLevel::File => store::SyncLevel::File,
        SyncLevel::Filesystem => store::SyncLevel::Filesystem,
    };
    options.verify_order = match tuning.chunk_order {
        true => ChunkOrder::Disk,
        false => ChunkOrder::Index,
    };
    options.verify_readers = tuning.default_verification_readers;
    options.verify_checkers = tuning.default_verification_workers;
    Ok(options)
}

/// The journals of uploads of all datastores of a server.
pub fn uploads(state_dir: &Path) -> Uploads {
    Uploads::of_this_boot(state_dir.join("uploads"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_has_its_effect() {
        let mut datastore = Datastore::new("vault".parse().expect("name"), "/srv/vault".to_owned());
        let of = |datastore: &Datastore| {
            let options = options(datastore, Path::new("/run/locks")).expect("valid");
            let threads = (options.verify_readers, options.verify_checkers);
            (options.sync, options.verify_order, threads)
        };
        let usual = (store::SyncLevel::Filesystem, ChunkOrder::Disk, (1, 4));
        assert_eq!(of(&datastore), usual);
        datastore.tuning = Some(
            "chunk-order=none,sync-level=file,default-verification-readers=3,default-verification-workers=7"
                .to_owned(),
        );
        let other = (store::SyncLevel::File, ChunkOrder::Index, (3, 7));
        assert_eq!(of(&datastore), other);
    }
}
