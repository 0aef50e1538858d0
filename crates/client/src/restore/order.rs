//! A tree that is to be extracted: where to and how, and who hears of it. Whole from a stream, or parts of it that are read at random.

use std::io::BufRead;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use format::ArchiveName;
use pxar::{Accessor, PatternList, ReadAt};
use tree::{ExtractOptions, ExtractStats};

use super::{Extraction, Restore};
use crate::error::Error;
use crate::pump::Threads;
use crate::read_at::RemoteArchive;
use crate::subtree::{Branch, extract_branch};
use crate::watch::RestoreWatch;

/// Trees that are extracted: where to and how, and who hears of it.
pub(super) struct Order {
    pub target: PathBuf,
    pub options: ExtractOptions,
    pub watch: Arc<dyn RestoreWatch>,
}

impl Order {
    pub fn extract<R: BufRead>(self, decoder: pxar::Decoder<R>) -> Result<ExtractStats, Error> {
        let mut watch = Extraction(self.watch);
        Ok(tree::extract(
            decoder,
            &self.target,
            &self.options,
            &mut watch,
        )?)
    }

    /// Who hears of what is read at random, of `total` bytes.
    pub fn told(&self, total: u64) -> Arc<Told> {
        Arc::new(Told {
            watch: Arc::clone(&self.watch),
            done: AtomicU64::new(0),
            total,
        })
    }

    pub async fn extract_branch(
        self,
        threads: &Arc<Threads>,
        tree: RemoteArchive,
        wanted: Branch,
    ) -> Result<ExtractStats, Error> {
        let told = self.told(tree.size());
        let extracting = threads.run_blocking(move || {
            let tree = Accessor::open(Counted::new(tree, &told))?;
            let mut watch = Extraction(self.watch);
            let (target, options) = (&self.target, &self.options);
            Ok(extract_branch(&tree, &wanted, target, options, &mut watch)?)
        });
        extracting.await
    }
}

impl Restore {
    /// The archive to be read at random and what is wanted of it; nothing if it is better read from end to end, also since its tables
    /// are damaged, which does not matter then.
    pub(super) async fn branch(
        &self,
        archive: &ArchiveName,
        patterns: &PatternList,
    ) -> Result<Option<(RemoteArchive, Branch)>, Error> {
        if patterns.is_empty() {
            return Ok(None);
        }
        let source = self.read_at(archive).await?;
        let roots = match patterns.roots() {
            None => self.listed(archive, &source, patterns).await?,
            roots => roots,
        };
        let Some(roots) = roots else { return Ok(None) };
        let wanted = Branch::of(&roots);
        self.run_blocking(move || {
            let extent =
                Accessor::open(source.clone()).and_then(|tree| wanted.extent(&tree, tree.root()));
            let is_small = extent.is_ok_and(|extent| extent <= source.size() / 2);
            Ok(is_small.then_some((source, wanted)))
        })
        .await
    }
}

/// What was read, and what there is.
pub(super) struct Told {
    watch: Arc<dyn RestoreWatch>,
    done: AtomicU64,
    total: u64,
}

pub(super) struct Counted {
    archive: RemoteArchive,
    told: Arc<Told>,
}

impl Counted {
    pub fn new(archive: RemoteArchive, told: &Arc<Told>) -> Counted {
        Counted {
            archive,
            told: Arc::clone(told),
        }
    }
}

impl ReadAt for Counted {
    fn read_at(&self, out: &mut [u8], offset: u64) -> std::io::Result<usize> {
        let len = self.archive.read_at(out, offset)?;
        let before = self.told.done.fetch_add(len as u64, Ordering::Relaxed);
        self.told
            .watch
            .progress(before + len as u64, self.told.total);
        Ok(len)
    }

    fn size(&self) -> u64 {
        self.archive.size()
    }
}
