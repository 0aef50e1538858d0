//! The walk through one tree, on a thread of its own: archive into a cutter, names into the catalog.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use format::ArchiveName;
use pxar::Metadata;
use tree::{CreateOptions, CreateWatch};

use crate::cut::{Cut, Cutter};
use crate::error::Error;
use crate::names::Names;
use crate::pool::Stopped;
use crate::pump::Run;
use crate::watch::BackupWatch;

/// What one tree's walk needs.
pub(crate) struct Walk {
    pub archive: ArchiveName,
    pub path: PathBuf,
    pub options: Box<CreateOptions>,
    pub watch: Arc<dyn BackupWatch>,
    pub run: Arc<Run>,
}

pub(crate) struct Walked {
    pub names: Names,
    pub pieces: u64,
    pub warnings: u64,
}

impl Walk {
    pub fn all<F>(mut self, cutter: Cutter<F>, mut names: Names) -> Result<Walked, Error>
    where
        F: FnMut(Cut) -> Result<(), Stopped>,
    {
        names.start_archive(&self.archive)?;
        let source = tree::open_source(&self.path, true)?;
        let options = self.options.clone();
        let (cutter, stats) = tree::create(source, cutter, &options, Some(&mut names), &mut self)?;
        names.end_archive()?;
        Ok(Walked {
            names,
            pieces: cutter.finish()?,
            warnings: stats.warnings,
        })
    }
}

impl CreateWatch for Walk {
    fn entry(&mut self, _path: &Path, _metadata: &Metadata, _kind: &pxar::EntryKind) {}

    fn notice(&mut self, notice: &tree::Notice) {
        self.watch.walked(&self.archive, notice);
    }

    fn stopped(&self) -> bool {
        self.run.is_stopped()
    }
}
