//! The body of an upload, from the frames of its stream to one piece of memory or, at need, to a file without a name.
//! Bytes leave the connection's flow control window only when they have a place; a body that waits for memory leaves them there, so the client
//! slows down by itself. When waiting would stall the connection (see `pressure`) the body goes to a spool file on the
//! datastore's disk. Nothing here knows what the bytes mean.

use std::fs::File;
use std::io::{self, Seek as _, Write as _};
use std::path::PathBuf;
use std::pin::pin;

use bytes::Bytes;
use h2::{FlowControl, RecvStream};

use crate::blocking::{Blocking, Broken};
use crate::transfer::memory::{Buffer, Memory};
use crate::transfer::pressure::{Complete, Held, Pressure};

/// Pieces of one waiting body; a client that cuts it finer than this has it written to disk.
const PIECES_MAX: usize = 2048;

/// Takes the bodies of one connection.
#[derive(Debug)]
pub struct Intake {
    memory: Memory,
    pressure: Pressure,
    blocking: Blocking,
    /// Where spool files are made; they have no name there.
    spool_dir: PathBuf,
}

/// A body that arrived whole.
#[derive(Debug)]
pub struct Received {
    pub content: Content,
    pub length: usize,
    /// Held until the content was worked on: tells waiting bodies that memory will be free soon.
    _complete: Complete,
}

/// Where the bytes of a body are.
#[derive(Debug)]
pub enum Content {
    Memory(Buffer),
    /// Still in the flow control window.
    Window(Waiting),
    Spool(File),
}

/// Pieces that were received and not yet released.
#[derive(Debug)]
pub struct Waiting {
    pieces: Vec<Bytes>,
    length: usize,
    flow: FlowControl,
    _held: Held,
}

#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    #[error("the body is longer than announced")]
    TooLong {
        /// Bytes seen so far.
        received: usize,
    },
    #[error("the body did not arrive")]
    Connection(#[from] h2::Error),
    #[error("cannot spool the body of an upload in {dir:?}")]
    Spool { dir: PathBuf, source: io::Error },
    #[error(transparent)]
    Broken(#[from] Broken),
}

impl Intake {
    /// For a connection with this window.
    pub fn new(
        memory: Memory,
        blocking: Blocking,
        spool_dir: PathBuf,
        window_bytes: u32,
    ) -> Intake {
        Intake {
            memory,
            pressure: Pressure::new(window_bytes),
            blocking,
            spool_dir,
        }
    }

    /// Collects a body of at most `length_max` bytes.
    pub async fn collect(
        &self,
        body: &mut RecvStream,
        length_max: usize,
    ) -> Result<Received, IntakeError> {
        let (content, length) = match self.memory.try_take(length_max) {
            Some(buffer) => fill(body, buffer, 0, length_max).await?,
            None => self.wait(body, length_max).await?,
        };
        Ok(Received {
            content,
            length,
            _complete: self.pressure.complete(),
        })
    }

    /// Waits for memory while the first bytes of the body arrive.
    async fn wait(
        &self,
        body: &mut RecvStream,
        length_max: usize,
    ) -> Result<(Content, usize), IntakeError> {
        let mut memory = pin!(self.memory.take(length_max));
        let mut held = self.pressure.hold();
        let (mut pieces, mut length) = (Vec::new(), 0);
        loop {
            tokio::select! {
                biased;
                mut buffer = &mut memory => {
                    pieces.iter().for_each(|piece: &Bytes| buffer.bytes_mut().extend_from_slice(piece));
                    drop(Waiting { pieces, length, flow: body.flow_control().clone(), _held: held });
                    return fill(body, buffer, length, length_max).await;
                }
                piece = body.data(), if pieces.len() < PIECES_MAX => match piece.transpose()? {
                    Some(piece) => {
                        held.add(piece.len());
                        length = grow(length, &piece, length_max)?;
                        pieces.push(piece);
                    }
                    None => {
                        let waiting = Waiting { pieces, length, flow: body.flow_control().clone(), _held: held };
                        return Ok((Content::Window(waiting), length));
                    }
                },
                () = self.pressure.stuck(), if length > 0 => break,
                () = std::future::ready(()), if pieces.len() >= PIECES_MAX => break,
            }
        }
        let waiting = Waiting {
            pieces,
            length,
            flow: body.flow_control().clone(),
            _held: held,
        };
        self.spool(body, waiting, length_max).await
    }

    /// Writes what waited and the rest of the body to a file.
    async fn spool(
        &self,
        body: &mut RecvStream,
        waiting: Waiting,
        length_max: usize,
    ) -> Result<(Content, usize), IntakeError> {
        let failed = |source| IntakeError::Spool {
            dir: self.spool_dir.clone(),
            source,
        };
        let mut length = waiting.length;
        let dir = self.spool_dir.clone();
        let begin = move || {
            let mut file = tempfile::tempfile_in(dir)?;
            waiting
                .pieces
                .iter()
                .try_for_each(|piece| file.write_all(piece))?;
            Ok(file)
        };
        let mut file = self.blocking.run(begin).await?.map_err(failed)?;
        while let Some(piece) = body.data().await.transpose()? {
            length = grow(length, &piece, length_max)?;
            let claim = piece.len();
            let append = move || file.write_all(&piece).map(|()| file);
            file = self.blocking.run(append).await?.map_err(failed)?;
            release(body.flow_control(), claim);
        }
        file.rewind().map_err(failed)?;
        Ok((Content::Spool(file), length))
    }
}

#[cfg(test)]
impl Received {
    /// One that arrived without a connection.
    pub fn whole(buffer: Buffer) -> Received {
        Received {
            content: Content::Memory(buffer),
            length: 0,
            _complete: Pressure::new(0).complete(),
        }
    }
}

impl Waiting {
    pub fn copy_to(&self, bytes: &mut Vec<u8>) {
        self.pieces
            .iter()
            .for_each(|piece| bytes.extend_from_slice(piece));
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.pieces.clear();
        release(&mut self.flow, self.length);
    }
}

/// Receives the rest of a body into its buffer.
async fn fill(
    body: &mut RecvStream,
    mut buffer: Buffer,
    mut length: usize,
    length_max: usize,
) -> Result<(Content, usize), IntakeError> {
    while let Some(piece) = body.data().await.transpose()? {
        length = grow(length, &piece, length_max)?;
        buffer.bytes_mut().extend_from_slice(&piece);
        release(body.flow_control(), piece.len());
    }
    Ok((Content::Memory(buffer), length))
}

fn grow(length: usize, piece: &Bytes, length_max: usize) -> Result<usize, IntakeError> {
    let received = length.saturating_add(piece.len());
    if received > length_max {
        Err(IntakeError::TooLong { received })
    } else {
        Ok(received)
    }
}

/// Opens the window again for `length` bytes.
fn release(flow: &mut FlowControl, length: usize) {
    // Fails only if more is released than was received, or after the stream was reset: then h2 has released everything itself.
    let _ = flow.release_capacity(length);
}

/// Receives the rest of a body only to count it, up to `length_max` bytes.
pub async fn drain(body: &mut RecvStream, length_max: u64) -> Result<u64, h2::Error> {
    let mut length = 0;
    while let Some(piece) = body.data().await.transpose()? {
        length += piece.len() as u64;
        release(body.flow_control(), piece.len());
        if length > length_max {
            break;
        }
    }
    Ok(length)
}

/// Collects a small body, parameters usually; `None` if it is longer than `length_max`.
pub async fn small(body: &mut RecvStream, length_max: usize) -> Result<Option<Vec<u8>>, h2::Error> {
    let mut bytes = Vec::new();
    while let Some(piece) = body.data().await.transpose()? {
        release(body.flow_control(), piece.len());
        if bytes.len() + piece.len() > length_max {
            return Ok(None);
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(Some(bytes))
}
