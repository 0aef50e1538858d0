//! Whether a backup that broke off starts again. Each start must find more on the server than the one before it had left; a few that do not end it,
//! so that neither a server that drops everybody nor one that notes nothing is asked for ever.

use crate::error::Error;
use crate::options::{BackupOptions, Source, SourceKind};
use crate::patience::comes_of_outage;
use crate::pipe::is_pipe;
use crate::pump;
use crate::watch::{BackupWatch, Notice};

/// Starts that found nothing new, one after the other.
const IN_VAIN_MAX: u32 = 3;

/// The starts of one backup.
#[derive(Debug, Default)]
pub(super) struct Starts {
    pub count: u32,
    in_vain: u32,
    /// Most chunks that were left by those before.
    most_left: u64,
}

impl Starts {
    /// Counts a start that found so many chunks of those before it.
    pub fn count(&mut self, left: u64) {
        self.count += 1;
        if left > self.most_left {
            self.most_left = left;
            self.in_vain = 0;
        } else {
            self.in_vain += 1;
        }
    }

    fn may_go_on(&self) -> bool {
        self.in_vain < IN_VAIN_MAX
    }

    /// Passes an error on, unless it is an outage after which all can be done once more.
    pub async fn again(
        &self,
        error: Error,
        options: &BackupOptions,
        sources: &[Source],
        watch: &dyn BackupWatch,
    ) -> Result<(), Error> {
        let patience = options.patience.as_ref();
        let waits = patience.is_some_and(|patience| !patience.limit().is_zero());
        if !waits || !comes_of_outage(&error) || !self.may_go_on() {
            return Err(error);
        }
        if let Some(pipe) = pipe_among(sources).await? {
            watch.notice(&Notice::NotAgain(pipe));
            return Err(error);
        }
        watch.notice(&Notice::Broken(error));
        Ok(())
    }
}

/// A source that cannot be read twice.
async fn pipe_among(sources: &[Source]) -> Result<Option<std::path::PathBuf>, Error> {
    let images = sources
        .iter()
        .filter(|source| matches!(source.kind, SourceKind::Image));
    let paths: Vec<_> = images.map(|source| source.path.clone()).collect();
    let find = move || {
        Ok(paths
            .into_iter()
            .find(|path| is_pipe(path).unwrap_or(false)))
    };
    pump::spawn("look", find).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_in_vain_end_it() {
        for (name, found, expected) in [
            ("the first", &[0][..], true),
            ("nothing is noted", &[0, 0], true),
            ("by the original", &[0, 0, 0], false),
            ("it gets on", &[0, 1, 2, 3, 4, 5, 6], true),
            ("it gets on slowly", &[0, 1, 1, 1, 2, 2, 2], true),
            ("and not any more", &[0, 1, 2, 2, 1, 2], false),
        ] {
            let mut starts = Starts::default();
            for (number, left) in found.iter().enumerate() {
                assert!(starts.count == 0 || starts.may_go_on(), "{name} {number}");
                starts.count(*left);
            }
            assert_eq!(starts.may_go_on(), expected, "{name}");
        }
    }
}
