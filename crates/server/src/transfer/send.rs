//! Answers on an HTTP/2 stream: bytes that are there, or a file read piece by piece. Bytes are handed on without a copy, as fast as
//! the client's windows allow, and never more than one piece of a file is held. A client that went away is no error worth a word.
//! One that takes next to nothing while others wait for the memory that it holds is given up; what counts is all that its connection takes, since a
//! client with a narrow line may ask for several chunks at once.

use std::fs::File;
use std::future::poll_fn;
use std::io::{self, Read as _};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use h2::{Reason, SendStream};

use crate::blocking::Blocking;

/// Piece of a file that is read at once.
const PIECE_BYTES: u64 = 256 << 10;

/// Time that a client has in any case to take an answer.
const GRACE: Duration = Duration::from_secs(10);
/// Slower than this a connection takes next to nothing.
const SLOW_BYTES_PER_S: u32 = 25_000;
/// Longest time that a connection may take nothing for having taken much. What it takes lies in buffers of the kernel first: with a narrow line
/// megabytes go there at once, and then nothing for a minute or more.
const CREDIT_MAX: Duration = Duration::from_secs(120);
/// How often is asked whether others wait, once the time is over.
const LOOK: Duration = Duration::from_secs(1);

/// How long a connection has for what it has taken.
#[derive(Debug)]
pub struct Taken {
    slow_bytes_per_s: u32,
    /// Until then it is not slow.
    until: Mutex<Instant>,
}

impl Default for Taken {
    fn default() -> Taken {
        Taken::at(SLOW_BYTES_PER_S)
    }
}

impl Taken {
    fn at(slow_bytes_per_s: u32) -> Taken {
        Taken {
            slow_bytes_per_s,
            until: Mutex::new(Instant::now()),
        }
    }

    fn add(&self, bytes: usize) {
        let now = Instant::now();
        let credit = Duration::from_secs_f64(bytes as f64 / f64::from(self.slow_bytes_per_s));
        let mut until = self.until.lock().unwrap_or_else(PoisonError::into_inner);
        let from = (*until).max(now);
        *until = (from + credit.min(CREDIT_MAX)).min(now + CREDIT_MAX);
    }

    /// Zero if it is slow.
    fn rest(&self) -> Duration {
        let until = *self.until.lock().unwrap_or_else(PoisonError::into_inner);
        until.saturating_duration_since(Instant::now())
    }
}

/// Sends all of `data` as the rest of the answer. If the connection is slow to take it and `is_pressed` says that others need the memory, the stream
/// is reset.
pub async fn bytes(
    stream: &mut SendStream<Bytes>,
    data: Bytes,
    taken: &Taken,
    is_pressed: impl Fn() -> bool,
) -> Result<(), h2::Error> {
    all_while(stream, data, taken, GRACE, &is_pressed).await
}

async fn all_while(
    stream: &mut SendStream<Bytes>,
    data: Bytes,
    taken: &Taken,
    grace: Duration,
    is_pressed: impl Fn() -> bool,
) -> Result<(), h2::Error> {
    let given_up = async {
        tokio::time::sleep(grace).await;
        loop {
            let rest = taken.rest();
            if rest.is_zero() && is_pressed() {
                return;
            }
            tokio::time::sleep(rest.max(LOOK)).await;
        }
    };
    tokio::select! {
        sent = some(stream, data, true, taken) => return sent,
        () = given_up => {}
    }
    stream.send_reset(Reason::ENHANCE_YOUR_CALM);
    Err(Reason::ENHANCE_YOUR_CALM.into())
}

/// Sends the rest of a file. If reading fails the stream is reset, so that the client does not take the beginning for the whole.
pub async fn file(
    stream: &mut SendStream<Bytes>,
    file: File,
    blocking: &Blocking,
    taken: &Taken,
) -> Result<(), h2::Error> {
    let mut file = Some(file);
    while let Some(source) = file.take() {
        match blocking.run(move || read_piece(source)).await {
            Ok(Ok((data, rest))) => {
                some(stream, data, rest.is_none(), taken).await?;
                file = rest;
            }
            Ok(Err(e)) => {
                tracing::error!("reading a file for a download failed: {e}");
                stream.send_reset(Reason::INTERNAL_ERROR);
            }
            Err(_) => stream.send_reset(Reason::INTERNAL_ERROR),
        }
    }
    Ok(())
}

/// The next piece, and the file unless this was its end.
fn read_piece(mut file: File) -> io::Result<(Bytes, Option<File>)> {
    let mut piece = Vec::with_capacity(PIECE_BYTES as usize);
    (&mut file).take(PIECE_BYTES).read_to_end(&mut piece)?;
    let rest = (piece.len() as u64 == PIECE_BYTES).then_some(file);
    Ok((Bytes::from(piece), rest))
}

async fn some(
    stream: &mut SendStream<Bytes>,
    mut data: Bytes,
    end: bool,
    taken: &Taken,
) -> Result<(), h2::Error> {
    if data.is_empty() {
        return if end {
            stream.send_data(data, true)
        } else {
            Ok(())
        };
    }
    while !data.is_empty() {
        stream.reserve_capacity(data.len());
        while stream.capacity() == 0 {
            match poll_fn(|cx| stream.poll_capacity(cx)).await {
                Some(granted) => drop(granted?),
                None => return Err(Reason::CANCEL.into()),
            }
        }
        let granted = stream.capacity().min(data.len());
        taken.add(granted);
        let piece = data.split_to(granted);
        let last = end && data.is_empty();
        stream.send_data(piece, last)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whoever asked for chunks and took none kept the memory of all. But who took much just now may have a narrow line.
    #[tokio::test]
    async fn a_client_that_takes_nothing_is_given_up_when_others_wait() {
        let given_up = Some(Reason::ENHANCE_YOUR_CALM);
        for (pressed, slow, expected) in [
            (true, u32::MAX, given_up),
            (false, u32::MAX, None),
            // It has taken its window's bytes, which is much here.
            (true, 1, None),
        ] {
            let (server, client) = tokio::io::duplex(1 << 20);
            let answering = tokio::spawn(async move {
                let mut connection = h2::server::handshake(server).await.expect("HTTP/2");
                let (_, mut respond) = connection.accept().await.expect("one").expect("request");
                let driver = tokio::spawn(async move { connection.accept().await.is_none() });
                let mut stream = respond
                    .send_response(http::Response::new(()), false)
                    .expect("head");
                // More than the client's window, which stays as it is.
                let data = Bytes::from(vec![0; 200_000]);
                let time = Duration::from_millis(1);
                let taken = Taken::at(slow);
                let sending = all_while(&mut stream, data, &taken, time, || pressed);
                let ended = tokio::time::timeout(Duration::from_millis(300), sending).await;
                (ended.is_ok(), driver)
            });
            let (mut requests, connection) = h2::client::handshake(client).await.expect("HTTP/2");
            let driver = tokio::spawn(connection);
            let request = http::Request::get("https://localhost/")
                .body(())
                .expect("request");
            let (answer, _) = requests.send_request(request, true).expect("sent");
            let mut body = answer.await.expect("answer").into_body();
            let (ended, server) = answering.await.expect("no panic");
            assert_eq!(ended, expected.is_some(), "pressed: {pressed}");
            if expected.is_some() {
                let error = loop {
                    match body.data().await {
                        Some(Ok(_)) => {}
                        Some(Err(e)) => break e,
                        None => panic!("the answer is not whole"),
                    }
                };
                assert_eq!(error.reason(), expected);
            }
            driver.abort();
            server.abort();
        }
    }
}
