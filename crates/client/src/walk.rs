//! The walk through one tree, on a thread of its own: archive into a cutter, names into the catalog.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use format::ArchiveName;
use pxar::Metadata;
use pxar::ReadAt as _;
use pxar::read_at::RangeReader;
use tree::{ChunkTable, CreateOptions, CreateStats, CreateWatch, Previous, ReusedChunk};

use crate::budget::WAITING_BYTES;
use crate::cut::{Cut, Cutter, PayloadCutter};
use crate::error::Error;
use crate::names::Names;
use crate::pool::Stopped;
use crate::pump::Run;
use crate::read_at::RemoteArchive;
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

/// The split archive of the previous snapshot.
pub(crate) struct Reference {
    pub metadata: RemoteArchive,
    pub chunks: ChunkTable,
}

pub(crate) struct WalkedSplit {
    pub stats: CreateStats,
    pub metadata_pieces: u64,
    pub payload_pieces: u64,
}

impl Walk {
    /// Stores the tree as a split archive; what is as it was at the time of `reference` is not read.
    pub fn split<F, G, R>(
        mut self,
        metadata: Cutter<F>,
        payload: PayloadCutter<G, R>,
        reference: Option<Reference>,
    ) -> Result<WalkedSplit, Error>
    where
        F: FnMut(Cut) -> Result<(), Stopped>,
        G: FnMut(Cut) -> Result<(), Stopped>,
        R: FnMut(u64, &ReusedChunk) -> Result<(), Stopped>,
    {
        /// Bytes taken from the previous metadata at a time.
        const READ_LEN: usize = 256 << 10;
        let source = tree::open_source(&self.path, true)?;
        let options = self.options.clone();
        let previous = reference.map(|reference| {
            let size = reference.metadata.size();
            Previous {
                metadata: Box::new(RangeReader::new(reference.metadata, 0..size, READ_LEN)),
                chunks: reference.chunks,
                waiting_bytes_max: WAITING_BYTES,
            }
        });
        let (metadata, payload, stats) =
            tree::create_split(source, metadata, payload, &options, previous, &mut self)?;
        Ok(WalkedSplit {
            stats,
            metadata_pieces: metadata.finish()?,
            payload_pieces: payload.finish()?,
        })
    }
}

impl CreateWatch for Walk {
    fn entry(&mut self, _path: &Path, _metadata: &Metadata, _kind: &pxar::EntryKind) {}

    fn notice(&mut self, notice: &tree::Notice) {
        // After the end of the run it is a consequence, such as a previous archive that cannot be read any more.
        if !self.run.is_stopped() {
            self.watch.walked(&self.archive, notice);
        }
    }

    fn stopped(&self) -> bool {
        self.run.is_stopped()
    }
}
