//! One HTTP/1.1 connection: a request, its answer, and at the end perhaps the switch to a session's protocol.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;

use crate::connect::{Endpoint, Stream};
use crate::error::Error;

const REQUEST_SECONDS: u64 = 120;
/// Longest answer that is taken into memory.
const ANSWER_BYTES_MAX: u64 = 256 << 20;
/// Longest error text.
const TEXT_BYTES_MAX: u64 = 64 << 10;

/// A connection that has left HTTP/1.1.
pub(crate) struct Switched {
    pub stream: Stream,
    /// What was read of the other protocol already.
    pub early: Bytes,
    /// Of the answer.
    pub headers: HeaderMap,
}

pub(crate) struct Wire {
    sender: http1::SendRequest<Full<Bytes>>,
    server: String,
}

impl Wire {
    pub async fn open(endpoint: &Endpoint) -> Result<Wire, Error> {
        let stream = endpoint.open().await?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|source| Error::lost(&endpoint.server, source))?;
        // Errors of the connection come back through the request that suffers from them.
        tokio::spawn(connection.with_upgrades());
        Ok(Wire {
            sender,
            server: endpoint.server.clone(),
        })
    }

    /// Whether it may become usable again; right after an answer it takes a moment.
    pub fn is_open(&self) -> bool {
        !self.sender.is_closed()
    }

    /// Sends a request and returns the answer's head with its body still to come. The server's refusal is an error.
    pub async fn send(
        &mut self,
        name: &str,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, Error> {
        let answer = self.exchange(request).await?;
        let status = answer.status();
        if status.is_success() || status == StatusCode::SWITCHING_PROTOCOLS {
            return Ok(answer);
        }
        let body = answer.into_body();
        match collect(name, &self.server, body, TEXT_BYTES_MAX).await {
            Ok(text) => Err(refused(name, status, &text)),
            Err(Error::TooLarge { .. }) => Err(refused(name, status, b"")),
            Err(error) => Err(error),
        }
    }

    /// Sends a request and returns the whole body of its answer.
    pub async fn call(
        &mut self,
        name: &str,
        request: Request<Full<Bytes>>,
    ) -> Result<Bytes, Error> {
        let answer = self.send(name, request).await?;
        collect(name, &self.server, answer.into_body(), ANSWER_BYTES_MAX).await
    }

    async fn exchange(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, Error> {
        let lost = |source: hyper::Error| Error::lost(&self.server, source);
        self.sender.ready().await.map_err(lost)?;
        let answer = self.sender.send_request(request);
        tokio::time::timeout(Duration::from_secs(REQUEST_SECONDS), answer)
            .await
            .map_err(|_| Error::Timeout {
                server: self.server.clone(),
                seconds: REQUEST_SECONDS,
            })?
            .map_err(lost)
    }

    /// Asks for another protocol and returns the bare stream when the server agrees.
    pub async fn switch(
        mut self,
        name: &str,
        request: Request<Full<Bytes>>,
        protocol: &str,
    ) -> Result<Switched, Error> {
        let mut answer = self.send(name, request).await?;
        let not_switched = || Error::NotSwitched {
            server: self.server.clone(),
            protocol: protocol.to_owned(),
        };
        if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
            return Err(not_switched());
        }
        let headers = std::mem::take(answer.headers_mut());
        let upgraded = hyper::upgrade::on(&mut answer)
            .await
            .map_err(|source| Error::lost(&self.server, source))?;
        let parts = upgraded
            .downcast::<TokioIo<Stream>>()
            .map_err(|_| not_switched())?;
        Ok(Switched {
            stream: parts.io.into_inner(),
            early: parts.read_buf,
            headers,
        })
    }
}

/// The server's refusal in its own words.
pub(crate) fn refused(name: &str, status: StatusCode, body: &[u8]) -> Error {
    let text = String::from_utf8_lossy(body).trim_end().to_owned();
    let text = if text.is_empty() {
        format!("{name}: {status}")
    } else {
        text
    };
    Error::Refused {
        request: name.to_owned(),
        status: status.as_u16(),
        text,
    }
}

async fn collect(
    name: &str,
    server: &str,
    mut body: Incoming,
    limit_bytes: u64,
) -> Result<Bytes, Error> {
    let mut all = BytesMut::new();
    while let Some(data) = next(server, &mut body).await? {
        if (all.len() + data.len()) as u64 > limit_bytes {
            return Err(Error::TooLarge {
                request: name.to_owned(),
                limit_bytes,
            });
        }
        all.extend_from_slice(&data);
    }
    Ok(all.freeze())
}

/// The next piece of a body; nothing at the end. A server that stalls for as long as a request may take is given up.
pub(crate) async fn next(server: &str, body: &mut Incoming) -> Result<Option<Bytes>, Error> {
    loop {
        let frame = tokio::time::timeout(Duration::from_secs(REQUEST_SECONDS), body.frame());
        let frame = frame.await.map_err(|_| Error::Timeout {
            server: server.to_owned(),
            seconds: REQUEST_SECONDS,
        })?;
        let Some(frame) = frame else {
            return Ok(None);
        };
        let frame = frame.map_err(|source| Error::lost(server, source))?;
        if let Ok(data) = frame.into_data() {
            return Ok(Some(data));
        }
    }
}
