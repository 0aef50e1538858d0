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
use h2::server::{Builder, SendResponse};
use h2::{Reason, RecvStream};
use http::Request;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinSet;

/// Bytes of one answer that wait to be sent.
const SEND_BUFFER_BYTES: usize = 400 << 10;
/// Requests that are worked on. The streams alone do not bound them: a client that resets its streams may open others at once, while what it began
/// before still runs to its end.
const REQUESTS_MAX: usize = 2 * H2_STREAMS_MAX as usize;
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
///
/// The client may send `window_bytes` ahead, over all requests.
pub async fn serve<H, F>(
    io: impl AsyncRead + AsyncWrite + Unpin,
    window_bytes: u32,
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
        ending = accept(io, window_bytes, &mut requests, handle) => ending,
    };
    // The connection is gone, so bodies end and answers find nobody; what a handler has begun on disk it still completes.
    while requests.join_next().await.is_some() {}
    ending
}

async fn accept<H, F>(
    io: impl AsyncRead + AsyncWrite + Unpin,
    window_bytes: u32,
    requests: &mut JoinSet<()>,
    handle: H,
) -> Ending
where
    H: Fn(Request<RecvStream>, SendResponse<Bytes>) -> F,
    F: Future<Output = ()> + Send + 'static,
{
    let handshake = Builder::new()
        .initial_window_size(H2_SERVER_WINDOW_BYTES)
        .initial_connection_window_size(window_bytes)
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
                Some(Ok((_, mut respond))) if requests.len() >= REQUESTS_MAX => {
                    respond.send_reset(Reason::ENHANCE_YOUR_CALM);
                }
                Some(Ok((request, respond))) => drop(requests.spawn(handle(request, respond))),
                Some(Err(e)) => return Ending::Broken(format!("connection error: {e}")),
                None => return Ending::Closed,
            },
            Some(_) = requests.join_next() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// A stream that was reset counts no more as a stream, but what it began still runs.
    #[tokio::test]
    async fn resets_do_not_pile_up_requests() {
        let (server, client) = tokio::io::duplex(1 << 20);
        let begun = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&begun);
        let handle = move |_, respond: SendResponse<Bytes>| {
            count.fetch_add(1, Ordering::Relaxed);
            async move {
                let _held = respond;
                std::future::pending::<()>().await;
            }
        };
        let serving = tokio::spawn(serve(
            server,
            H2_SERVER_WINDOW_BYTES,
            std::future::pending(),
            handle,
        ));
        let (mut requests, connection) = h2::client::handshake(client).await.expect("HTTP/2");
        let driver = tokio::spawn(connection);
        let mut ask = async || {
            requests = requests.clone().ready().await.expect("ready");
            let request = Request::get("https://localhost/")
                .body(())
                .expect("request");
            requests.send_request(request, true).expect("sent")
        };
        for n in 0..REQUESTS_MAX {
            let answer = ask().await;
            while begun.load(Ordering::Relaxed) <= n {
                tokio::task::yield_now().await;
            }
            // Resets the stream.
            drop(answer);
        }
        let refused = ask().await.0.await.expect_err("one too many");
        assert_eq!(refused.reason(), Some(Reason::ENHANCE_YOUR_CALM));
        assert_eq!(begun.load(Ordering::Relaxed), REQUESTS_MAX);
        serving.abort();
        driver.abort();
    }
}
