//! Where uploaded bodies are worked on: a few threads of their own. Their number is about that of the cores, since the work is decoding and
//! hashing; more would only hold more memory. A body in a buffer is worked on where it is; one that waited elsewhere is brought into
//! memory first. What the work is, callers say.

use std::io::{self, Read as _};

use crate::blocking::{Broken, Crew};
use crate::transfer::intake::{Content, Received};

/// The threads; cheap to clone.
#[derive(Debug, Clone)]
pub struct Workshop {
    crew: Crew,
}

#[derive(Debug, thiserror::Error)]
pub enum WorkError {
    #[error("cannot read back a spooled upload")]
    Spool(#[from] io::Error),
    #[error(transparent)]
    Broken(#[from] Broken),
}

impl Workshop {
    /// At most `workers` bodies are worked on at the same time.
    pub fn new(workers: usize) -> Workshop {
        Workshop {
            crew: Crew::new("upload", workers),
        }
    }

    /// Runs `work` on the bytes of a body. It runs to its end even if the caller goes away.
    pub async fn run<T, F>(&self, received: Received, work: F) -> Result<T, WorkError>
    where
        T: Send + 'static,
        F: FnOnce(&mut [u8]) -> T + Send + 'static,
    {
        Ok(self.crew.run(move || with_bytes(received, work)).await??)
    }
}

fn with_bytes<T>(received: Received, work: impl FnOnce(&mut [u8]) -> T) -> io::Result<T> {
    let mut space = Vec::new();
    match received.content {
        Content::Memory(mut buffer) => return Ok(work(buffer.bytes_mut())),
        Content::Window(waiting) => {
            space.reserve_exact(received.length);
            waiting.copy_to(&mut space);
        }
        Content::Spool(mut file) => {
            space.reserve_exact(received.length);
            file.read_to_end(&mut space)?;
        }
    }
    Ok(work(&mut space))
}
