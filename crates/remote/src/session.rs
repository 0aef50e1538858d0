//! An HTTP/2 session on a stream that has switched protocols: requests, uploads, downloads (protocol.md 3.2).
//!
//! One upload's body is sent at a time, in slices, so that chunks arrive one after another instead of all at the end, and neither
//! side builds frames of megabytes. Downloads are copied out of small frames as they come, so the windows below are the most
//! that ever waits in memory here.
//!
//! A request may take as long as it likes, but a peer that shows no sign of life is given up: where nothing moves, pings are sent,
//! which every HTTP/2 peer answers whatever its requests wait for.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex as Cell, OnceLock, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use std::{io, mem};

use bytes::{Buf as _, Bytes};
use h2::client::{Connection, SendRequest};
use h2::{Ping, PingPong, RecvStream, SendStream};
use http::{Method, Request, Response, header};
use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::error::Error;
use crate::query::Query;
use crate::wire::refused;

/// Window of the connection and of each stream, for what the server sends. Enough for 1 Gbit/s at 130 ms.
const WINDOW_BYTES: u32 = 16 << 20;
/// Largest frame that the server may send. Small frames are put together in a small buffer that stays in the cache.
const FRAME_BYTES: u32 = 256 << 10;
/// Body bytes handed to the connection at once; becomes one frame.
const SLICE_BYTES: usize = 128 << 10;
/// Body bytes of a stream that may wait in the connection.
const SEND_BUFFER_BYTES: usize = 512 << 10;
/// How long nothing may move before a ping is sent.
const QUIET: Duration = Duration::from_secs(60);
/// How long nothing may move before the peer is given up. A server may be stopped for minutes, and go on.
pub(crate) const SILENCE_MAX: Duration = Duration::from_secs(300);
/// Longest answer that is no download.
const REPLY_BYTES_MAX: u64 = 1 << 20;

/// What a request carries besides its parameters.
pub(crate) enum Content {
    Nothing,
    Json(Bytes),
    Bytes(Bytes),
}

impl Content {
    fn kind(&self) -> &'static str {
        match self {
            Content::Nothing => "application/x-www-form-urlencoded",
            Content::Json(_) => "application/json",
            Content::Bytes(_) => "application/octet-stream",
        }
    }
}

/// An open session. Calls may run at the same time.
pub(crate) struct Session {
    send: SendRequest<Bytes>,
    server: String,
    user_agent: String,
    /// Why the connection ended, set by the task that drives it.
    ended: Arc<OnceLock<Ended>>,
    /// Held by whoever sends a body.
    turn: Mutex<()>,
}

/// The end of a connection that was not asked for.
enum Ended {
    Broken(String),
    /// Nothing moved for so long.
    Silent(Duration),
}

impl Session {
    /// Starts HTTP/2 on a stream; `early` was read from it already. A peer is given up after `silence_max` without a sign of life.
    pub async fn start<S>(
        stream: S,
        early: Bytes,
        server: String,
        user_agent: String,
        silence_max: Duration,
    ) -> Result<Session, Error>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let pulse = Pulse::default();
        let stream = Rejoined {
            early,
            inner: stream,
            pulse: pulse.clone(),
        };
        let (send, connection) = h2::client::Builder::new()
            .initial_window_size(WINDOW_BYTES)
            .initial_connection_window_size(WINDOW_BYTES)
            .max_frame_size(FRAME_BYTES)
            .max_send_buffer_size(SEND_BUFFER_BYTES)
            .enable_push(false)
            .handshake::<_, Bytes>(stream)
            .await
            .map_err(|source| Error::lost(&server, source))?;
        let ended = Arc::new(OnceLock::new());
        tokio::spawn(drive(connection, pulse, silence_max, Arc::clone(&ended)));
        Ok(Session {
            send,
            server,
            user_agent,
            ended,
            turn: Mutex::new(()),
        })
    }

    /// A request with a JSON answer; returns its `data`.
    pub async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        query: &Query,
        content: Content,
    ) -> Result<T, Error> {
        let name = format!("{method} {path}");
        let answer = self.request(method, path, &name, query, content).await?;
        let mut body = Vec::new();
        self.collect(&name, answer, REPLY_BYTES_MAX, &mut body)
            .await?;
        reply(&name, &body)
    }

    /// A request whose answer is a file or a chunk; `into` is cleared and takes it.
    pub async fn download(
        &self,
        path: &str,
        query: &Query,
        limit_bytes: u64,
        into: &mut Vec<u8>,
    ) -> Result<(), Error> {
        let name = format!("GET {path}");
        let answer = self
            .request(Method::GET, path, &name, query, Content::Nothing)
            .await?;
        self.collect(&name, answer, limit_bytes, into).await
    }

    /// A request whose answer may be long and is taken as it comes: `each` gets it piece by piece.
    pub async fn stream(
        &self,
        path: &str,
        limit_bytes: u64,
        each: impl FnMut(&[u8]),
    ) -> Result<(), Error> {
        let (name, query) = (format!("GET {path}"), Query::new());
        let answer = self
            .request(Method::GET, path, &name, &query, Content::Nothing)
            .await?;
        self.receive(&name, answer.into_body(), limit_bytes, each)
            .await
    }

    async fn request(
        &self,
        method: Method,
        path: &str,
        name: &str,
        query: &Query,
        content: Content,
    ) -> Result<Response<RecvStream>, Error> {
        let uri = format!("https://{AUTHORITY}/{}", query.target(path));
        let request = Request::builder()
            .method(method)
            .uri(uri)
            .header(header::USER_AGENT, &self.user_agent)
            .header(header::CONTENT_TYPE, content.kind())
            .body(())
            .map_err(|source| Error::Request {
                request: name.to_owned(),
                source,
            })?;
        let mut send = self
            .send
            .clone()
            .ready()
            .await
            .map_err(|error| self.lost(error))?;
        let body = match content {
            Content::Nothing => Bytes::new(),
            Content::Json(body) | Content::Bytes(body) => body,
        };
        let turn = if body.is_empty() {
            None
        } else {
            Some(self.turn.lock().await)
        };
        let (answer, stream) = send
            .send_request(request, body.is_empty())
            .map_err(|error| self.lost(error))?;
        let mut answer = answer;
        let mut early = None;
        if turn.is_some() {
            // A server that refuses need not listen to the end; its answer tells why.
            tokio::select! {
                biased;
                answer = &mut answer => early = Some(answer),
                sent = send_body(stream, body) => if let Err(error) = sent {
                    tracing::debug!(%error, name, "the server stopped listening");
                },
            }
        }
        drop(turn);
        let answer = match early {
            Some(answer) => answer,
            None => answer.await,
        };
        let answer = answer.map_err(|error| self.lost(error))?;
        let status = answer.status();
        if status.is_success() {
            return Ok(answer);
        }
        let mut text = Vec::new();
        self.collect(name, answer, REPLY_BYTES_MAX, &mut text)
            .await?;
        Err(refused(name, status, &text))
    }

    async fn collect(
        &self,
        name: &str,
        answer: Response<RecvStream>,
        limit_bytes: u64,
        into: &mut Vec<u8>,
    ) -> Result<(), Error> {
        let too_large = || Error::TooLarge {
            request: name.to_owned(),
            limit_bytes,
        };
        into.clear();
        let announced = answer
            .headers()
            .get(header::CONTENT_LENGTH)
            .and_then(|value| value.to_str().ok())
            .and_then(|text| text.parse::<u64>().ok());
        if let Some(len) = announced {
            if len > limit_bytes {
                return Err(too_large());
            }
            // Not more than a chunk on the server's word alone.
            into.reserve(len.min(u64::from(WINDOW_BYTES)) as usize);
        }
        let body = answer.into_body();
        let take = |data: &[u8]| into.extend_from_slice(data);
        self.receive(name, body, limit_bytes, take).await
    }

    async fn receive(
        &self,
        name: &str,
        mut body: RecvStream,
        limit_bytes: u64,
        mut take: impl FnMut(&[u8]),
    ) -> Result<(), Error> {
        let mut received = 0;
        while let Some(data) = body.data().await {
            let data = data.map_err(|error| self.lost(error))?;
            received += data.len() as u64;
            if received > limit_bytes {
                return Err(Error::TooLarge {
                    request: name.to_owned(),
                    limit_bytes,
                });
            }
            take(&data);
            body.flow_control()
                .release_capacity(data.len())
                .map_err(|error| self.lost(error))?;
        }
        Ok(())
    }

    fn lost(&self, error: h2::Error) -> Error {
        let server = self.server.clone();
        if error.is_go_away() && error.is_remote() && error.reason() == Some(h2::Reason::NO_ERROR) {
            return Error::Ended { server };
        }
        // The stream's error is often only "broken pipe"; the connection's own says more.
        match self.ended.get() {
            Some(Ended::Silent(silence)) => Error::Timeout {
                server,
                seconds: silence.as_secs(),
            },
            Some(Ended::Broken(cause)) if !error.is_reset() => Error::lost(&server, cause.clone()),
            _ => Error::lost(&server, error),
        }
    }
}

/// Moves the connection on until it ends, and notes why if nobody asked for it.
async fn drive<S>(
    mut connection: Connection<Rejoined<S>, Bytes>,
    pulse: Pulse,
    silence_max: Duration,
    ended: Arc<OnceLock<Ended>>,
) where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let pings = connection.ping_pong();
    let cause = tokio::select! {
        result = &mut connection => match result {
            Ok(()) => return,
            Err(error) => Ended::Broken(Error::cause(&error)),
        },
        () = silence(pings, &pulse, silence_max) => Ended::Silent(silence_max),
    };
    if let Ended::Broken(error) = &cause {
        tracing::debug!(%error, "the session's connection ended");
    }
    // Set once: nobody else writes here. Only then the connection goes, which ends all requests.
    let _ = ended.set(cause);
    drop(connection);
}

/// Waits until nothing has moved for `silence_max`, having asked for a sign of life before.
async fn silence(mut pings: Option<PingPong>, pulse: &Pulse, silence_max: Duration) {
    let quiet_max = QUIET.min(silence_max / 2);
    loop {
        let last = pulse.last();
        tokio::time::sleep_until(last + quiet_max).await;
        if pulse.last() > last {
            continue;
        }
        if let Some(pings) = &mut pings {
            // The pong of an earlier ping may not have been taken yet; then that one is still asked.
            let _ = pings.send_ping(Ping::opaque());
        }
        let pong = async {
            match &mut pings {
                Some(pings) => poll_fn(|cx| pings.poll_pong(cx)).await.is_ok(),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            alive = pong => if !alive {
                // The connection has ended, and says so itself.
                std::future::pending::<()>().await;
            },
            () = tokio::time::sleep_until(last + silence_max) => if pulse.last() <= last {
                return;
            },
        }
    }
}

/// When anything was last read or written.
#[derive(Clone)]
struct Pulse(Arc<Cell<Instant>>);

impl Default for Pulse {
    fn default() -> Pulse {
        Pulse(Arc::new(Cell::new(Instant::now())))
    }
}

impl Pulse {
    fn beat(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn last(&self) -> Instant {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sent by all known clients, whatever the server is called.
const AUTHORITY: &str = "localhost:8007";

/// Sends a body slice by slice, as fast as the windows allow.
async fn send_body(mut stream: SendStream<Bytes>, mut body: Bytes) -> Result<(), h2::Error> {
    while body.has_remaining() {
        let want = body.len().min(SLICE_BYTES);
        stream.reserve_capacity(want);
        while stream.capacity() == 0 {
            match poll_fn(|cx| stream.poll_capacity(cx)).await {
                Some(granted) => granted?,
                None => return Ok(()),
            };
        }
        let slice = body.split_to(want.min(stream.capacity()));
        stream.send_data(slice, !body.has_remaining())?;
    }
    Ok(())
}

/// Takes `data` out of the JSON around it; nothing at all counts as null.
pub(crate) fn reply<T: DeserializeOwned>(name: &str, body: &[u8]) -> Result<T, Error> {
    #[derive(serde::Deserialize)]
    struct Envelope<T> {
        data: T,
    }
    let result = if body.is_empty() {
        serde_json::from_slice(b"null")
    } else {
        serde_json::from_slice::<Envelope<T>>(body).map(|envelope| envelope.data)
    };
    result.map_err(|source| Error::Reply {
        request: name.to_owned(),
        source,
    })
}

/// A stream with the bytes in front of it that were read too early.
struct Rejoined<S> {
    early: Bytes,
    inner: S,
    pulse: Pulse,
}

impl<S: AsyncRead + Unpin> AsyncRead for Rejoined<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.early.is_empty() {
            ready!(Pin::new(&mut this.inner).poll_read(cx, out))?;
            this.pulse.beat();
            return Poll::Ready(Ok(()));
        }
        let len = out.remaining().min(this.early.len());
        out.put_slice(&this.early[..len]);
        this.early.advance(len);
        if this.early.is_empty() {
            drop(mem::take(&mut this.early));
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Rejoined<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = ready!(Pin::new(&mut this.inner).poll_write(cx, bytes))?;
        this.pulse.beat();
        Poll::Ready(Ok(written))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = ready!(Pin::new(&mut this.inner).poll_write_vectored(cx, slices))?;
        this.pulse.beat();
        Poll::Ready(Ok(written))
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests;
