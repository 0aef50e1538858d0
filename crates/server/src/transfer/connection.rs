//! The HTTP/2 connection inside an upgraded one (protocol.md 3.2): its settings, its requests, its end. The `h2` crate is used directly, not through
//! hyper, because here bytes are released to the flow control window only after they have found their place; that, and nothing else,
//! bounds what a client can make the server hold. What a request means is for the handler; each runs in a task of its own.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use api::defaults::{
    H2_FRAME_BYTES_MAX, H2_HEADER_LIST_BYTES_MAX, H2_SERVER_WINDOW_BYTES, H2_STREAMS_MAX,
};
use bytes::Bytes;
use h2::RecvStream;
use h2::server::{Builder, SendResponse};
use http::Request;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinSet;

/// Bytes of one answer that wait to be sent.
const SEND_BUFFER_BYTES: usize = 400 << 10;
/// Time between the upgrade and the client's preface; clients give the upgrade itself as long (protocol.md 1.9). A session without a
/// client would hold its locks for ever.
const PREFACE_LIMIT: Duration = Duration::from_secs(120);

/// How a connection ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// The client closed it between frames.
    Closed,
    /// It broke, or the client did not speak HTTP/2.
    Broken(String),
    /// `stop` resolved.
    Stopped,
}

/// Serves requests until the connection ends or `stop` resolves; returns when no handler runs any more.
pub async fn serve<H, F>(
    io: impl AsyncRead + AsyncWrite + Unpin,
    stop: impl Future<Output = ()>,
    handle: H,
) -> Ending
where
    H: Fn(Request<RecvStream>, SendResponse<Bytes>) -> F,
    F: Future<Output = ()> + Send + 'static,
{
    let mut stop = pin!(stop);
    let mut requests = JoinSet::new();
    let ending = tokio::select! {
        biased;
        () = stop.as_mut() => Ending::Stopped,
        ending = accept(io, &mut requests, handle) => ending,
    };
    // The connection is gone, so bodies end and answers find nobody; what a handler has begun on disk it still completes.
    while requests.join_next().await.is_some() {}
    ending
}

async fn accept<H, F>(
    io: impl AsyncRead + AsyncWrite + Unpin,
    requests: &mut JoinSet<()>,
    handle: H,
) -> Ending
where
    H: Fn(Request<RecvStream>, SendResponse<Bytes>) -> F,
    F: Future<Output = ()> + Send + 'static,
{
    let handshake = Builder::new()
        .initial_window_size(H2_SERVER_WINDOW_BYTES)
        .initial_connection_window_size(H2_SERVER_WINDOW_BYTES)
        .max_frame_size(H2_FRAME_BYTES_MAX)
        .max_header_list_size(H2_HEADER_LIST_BYTES_MAX)
        .max_concurrent_streams(H2_STREAMS_MAX)
        .max_send_buffer_size(SEND_BUFFER_BYTES)
        .handshake(io);
    let mut connection = match tokio::time::timeout(PREFACE_LIMIT, handshake).await {
        Ok(Ok(connection)) => connection,
        Ok(Err(e)) => return Ending::Broken(format!("connection error: {e}")),
        Err(_) => {
            return Ending::Broken(format!(
                "connection error: no preface within {} seconds",
                PREFACE_LIMIT.as_secs()
            ));
        }
    };
    loop {
        tokio::select! {
            next = connection.accept() => match next {
                Some(Ok((request, respond))) => drop(requests.spawn(handle(request, respond))),
                Some(Err(e)) => return Ending::Broken(format!("connection error: {e}")),
                None => return Ending::Closed,
            },
            Some(_) = requests.join_next() => {}
        }
    }
}
