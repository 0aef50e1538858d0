//! Trees out of split archives: everything, from both streams side by side; or a selection, for which only those chunks of the
//! payload are fetched that hold selected files.

use std::io::{BufRead, Seek};
use std::path::PathBuf;
use std::sync::Arc;

use format::ArchiveName;
use pxar::ReadAt;
use pxar::read_at::RangeReader;
use tree::{ExtractOptions, ExtractStats};

use super::order::{Counted, Order};
use super::{Progress, Restore, wanted};
use crate::error::Error;
use crate::pump::Run;
use crate::watch::RestoreWatch;

/// Bytes taken from an archive at a time when only parts of it are wanted.
const READ_LEN: usize = 64 << 10;

/// Chunks of the metadata that are under way: one that is read and one ahead. The memory is for the data.
const METADATA_SLOTS: usize = 2;

impl Restore {
    /// Extracts a split archive, given its two halves, beneath `target`.
    pub async fn split_tree(
        &self,
        metadata: &ArchiveName,
        payload: &ArchiveName,
        target: PathBuf,
        options: ExtractOptions,
        watch: Arc<dyn RestoreWatch>,
    ) -> Result<ExtractStats, Error> {
        let selects = !options.patterns.is_empty();
        let order = Order {
            target,
            options,
            watch,
        };
        let result = if selects {
            self.parts(metadata, payload, order).await
        } else {
            self.whole(metadata, payload, order).await
        };
        result.map_err(|error| error.in_restore(metadata))
    }

    /// What the writer of a split archive put before its root; nothing if it put nothing there.
    pub async fn prelude(&self, metadata: &ArchiveName) -> Result<Option<Vec<u8>>, Error> {
        let archive = self.read_at(metadata).await?;
        let prelude = self.run_blocking(move || {
            let accessor = pxar::Accessor::open(archive)?;
            Ok(accessor.prelude().map(<[u8]>::to_vec))
        });
        prelude.await.map_err(|error| error.in_restore(metadata))
    }

    async fn whole(
        &self,
        metadata: &ArchiveName,
        payload: &ArchiveName,
        order: Order,
    ) -> Result<ExtractStats, Error> {
        let (names, names_mode) = self.open_index(metadata).await?;
        let (data, data_mode) = self.open_index(payload).await?;
        let run = Run::among(&self.threads);
        let total = names.size().saturating_add(data.size());
        let done = Progress::new(Arc::clone(&order.watch), total);
        let (names_line, names_stream) = self.line(&run, &names, names_mode, &done, METADATA_SLOTS);
        let (data_line, data_stream) = self.line(&run, &data, data_mode, &done, usize::MAX);
        let consuming = run.spawn("restore", move || {
            order.extract(pxar::Decoder::split_archive(names_stream, data_stream))
        });
        let fetching = async {
            tokio::try_join!(
                names_line.fetch(&self.link, wanted(&names)),
                data_line.fetch(&self.link, wanted(&data)),
            )
        };
        let whole = async {
            tokio::select! {
                result = consuming => result,
                Err(error) = fetching => Err(error),
            }
        };
        run.drive(whole).await
    }

    async fn parts(
        &self,
        metadata: &ArchiveName,
        payload: &ArchiveName,
        order: Order,
    ) -> Result<ExtractStats, Error> {
        let names = self.read_at(metadata).await?;
        let data = self.read_at(payload).await?;
        let told = order.told(names.size().saturating_add(data.size()));
        self.run_blocking(move || {
            let reader = |archive| reader(Counted::new(archive, &told));
            let decoder = pxar::Decoder::split_archive_seekable(reader(names), reader(data));
            order.extract(decoder)
        })
        .await
    }
}

fn reader(archive: Counted) -> impl BufRead + Seek + use<> {
    let size = archive.size();
    RangeReader::new(archive, 0..size, READ_LEN)
}
