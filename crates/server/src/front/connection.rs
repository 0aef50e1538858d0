//! One accepted connection, from its first byte to its end: TLS or the redirect for plain HTTP (protocol.md 1.1), then HTTP/1.1, or HTTP/2 if
//! the client starts with its preface. What is answered is for `dispatch`.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use format::AuthId;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode, header};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use crate::body::Body;
use crate::dispatch::{Dispatcher, Told};
use crate::front::delivery::Deliveries;
use crate::front::held::Held;
use crate::front::lingering::Lingering;
use crate::front::peers::Guest;
use crate::front::prefixed::Prefixed;
use crate::front::throttled::{Origin, Throttled};

/// What an HTTP/2 client sends first.
const H2_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Read buffer of an HTTP/1.1 connection, so also the bound on the size of a request's head.
const HEAD_BYTES_MAX: usize = 32 << 10;
/// Requests at the same time on one HTTP/2 connection.
const H2_STREAMS_MAX: u32 = 16;
/// Bytes that a client may send ahead on one HTTP/2 connection, whatever becomes of its requests: the least that HTTP/2 allows. Sessions, which
/// carry backups, have windows of their own.
const H2_WINDOW_BYTES: u32 = 65_535;
/// A client of HTTP/2 is asked this often whether it is still there, and must answer within [`H2_PING_LIMIT`].
const H2_PING_INTERVAL: Duration = Duration::from_secs(60);
const H2_PING_LIMIT: Duration = Duration::from_secs(30);
/// Bytes of an answer that one HTTP/2 stream keeps to be sent.
const H2_SEND_BYTES: usize = 64 << 10;
/// An HTTP/2 connection that was asked to end has this long in any case, then as long as it has requests.
const H2_END_LIMIT: Duration = Duration::from_secs(30);

/// Who is at the other end.
#[derive(Clone)]
struct Client {
    peer: SocketAddr,
    guest: Arc<Guest>,
    origin: Arc<Origin>,
}

/// Serves one connection until it ends; `stop` turns true when the server shuts down.
pub async fn serve(
    desk: Arc<Dispatcher>,
    tls: TlsAcceptor,
    tcp: TcpStream,
    peer: SocketAddr,
    guest: Arc<Guest>,
    stop: watch::Receiver<bool>,
) {
    let limit = desk.ctx.settings().limits.handshake;
    let origin = Origin::new(Arc::clone(&desk.ctx), peer.ip());
    let mut tcp = Prefixed::new(Throttled::new(tcp, Arc::clone(&origin)));
    let first = tokio::time::timeout(limit, tcp.look(|bytes| bytes.len() >= 5)).await;
    let Ok(Ok(first)) = first else { return };
    if !looks_like_tls(first) {
        if !first.is_empty() {
            redirect(tcp, limit).await;
        }
        return;
    }
    let mut tls = match tokio::time::timeout(limit, tls.accept(tcp)).await {
        Ok(Ok(tls)) => Prefixed::new(tls),
        Ok(Err(e)) => return tracing::debug!("TLS handshake with {peer} failed: {e}"),
        Err(_) => return tracing::debug!("TLS handshake with {peer} took too long"),
    };
    let head = desk.ctx.settings().limits.head;
    guest.settled();
    let client = Client {
        peer,
        guest,
        origin,
    };
    let mut stop = stop;
    let first = tokio::select! {
        first = tokio::time::timeout(head, tls.look(|bytes| !H2_PREFACE.starts_with(bytes) || bytes.len() >= H2_PREFACE.len())) => first,
        () = stopped(&mut stop) => return,
    };
    let Ok(Ok(first)) = first else { return };
    if first.starts_with(H2_PREFACE) {
        serve_h2(desk, tls, client, stop).await
    } else {
        serve_h1(desk, tls, client, stop).await
    }
}

/// A TLS record of a handshake with a length that TLS allows.
fn looks_like_tls(first: &[u8]) -> bool {
    matches!(first, [0x16, 0x03, _, high, low, ..] if u16::from_be_bytes([*high, *low]) <= 0x4000)
}

async fn serve_h1<S>(
    desk: Arc<Dispatcher>,
    stream: S,
    client: Client,
    mut stop: watch::Receiver<bool>,
) where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let (head, patience) = (
        desk.ctx.settings().limits.head,
        desk.ctx.settings().limits.patience,
    );
    let (peer, origin) = (client.peer, Arc::clone(&client.origin));
    let service = service_fn(move |request| answer(Arc::clone(&desk), client.clone(), request));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(head)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(Lingering::new(stream)), service)
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let serving = async {
        tokio::select! {
            ended = connection.as_mut() => ended,
            () = stopped(&mut stop) => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        }
    };
    let ended = tokio::select! {
        ended = serving => ended,
        () = origin.deliveries.given_up(patience) => return given_up(peer),
    };
    if let Err(e) = ended {
        tracing::debug!("connection with {peer} ended: {e}");
    }
}

fn given_up(peer: SocketAddr) {
    tracing::debug!("{peer} did not take what it asked for");
}

async fn serve_h2<S>(
    desk: Arc<Dispatcher>,
    stream: S,
    client: Client,
    mut stop: watch::Receiver<bool>,
) where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let (idle_limit, patience) = (
        desk.ctx.settings().limits.head,
        desk.ctx.settings().limits.patience,
    );
    let (peer, origin) = (client.peer, Arc::clone(&client.origin));
    let seen = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&seen);
    let service = service_fn(move |request| {
        count.fetch_add(1, Ordering::Relaxed);
        // In a box it takes no room any more once it has been answered, however long the answer is being sent.
        Box::pin(answer(Arc::clone(&desk), client.clone(), request))
    });
    let connection = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .max_concurrent_streams(H2_STREAMS_MAX)
        .max_send_buf_size(H2_SEND_BYTES)
        .initial_stream_window_size(H2_WINDOW_BYTES)
        .initial_connection_window_size(H2_WINDOW_BYTES)
        .keep_alive_interval(H2_PING_INTERVAL)
        .keep_alive_timeout(H2_PING_LIMIT)
        .max_header_list_size(api::defaults::H2_HEADER_LIST_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let serving = async {
        tokio::select! {
            ended = connection.as_mut() => return ended,
            () = stopped(&mut stop) => {},
            () = idle(&seen, idle_limit) => {}
        }
        connection.as_mut().graceful_shutdown();
        tokio::select! {
            ended = connection => ended,
            () = finished(&origin.deliveries) => Ok(()),
        }
    };
    let ended = tokio::select! {
        ended = serving => ended,
        () = origin.deliveries.given_up(patience) => return given_up(peer),
    };
    if let Err(e) = ended {
        tracing::debug!("HTTP/2 connection with {peer} ended: {e}");
    }
}

/// Returns when there is nothing left to answer, some time after the client was told that this is the end.
async fn finished(deliveries: &Deliveries) {
    loop {
        tokio::time::sleep(H2_END_LIMIT).await;
        if !deliveries.is_busy() {
            return;
        }
    }
}

/// Returns when no request has come for `limit`; whatever runs then is still completed.
async fn idle(seen: &AtomicU64, limit: Duration) {
    let mut before = None;
    loop {
        let now = seen.load(Ordering::Relaxed);
        if before.replace(now) == Some(now) {
            return;
        }
        tokio::time::sleep(limit).await;
    }
}

/// Returns when the server shuts down.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    // A sender that is gone means the same.
    let _ = stop.wait_for(|stop| *stop).await;
}

async fn answer(
    desk: Arc<Dispatcher>,
    client: Client,
    request: Request<Incoming>,
) -> Result<Response<Held>, Infallible> {
    let load = client.origin.deliveries.begin();
    let work = OnceLock::new();
    let told = Told {
        known: &|caller: &AuthId| client.origin.known(caller.user()),
        works: &|| {
            work.get_or_init(|| client.guest.busy());
        },
    };
    let answer = desk.answer(client.peer, request, told).await;
    let work = work.into_inner();
    Ok(answer.map(|body| Held::new(body, load, work)))
}

/// Answers one plain HTTP request with the way to the TLS port, then closes.
async fn redirect(tcp: Prefixed<Throttled<TcpStream>>, limit: Duration) {
    let service = service_fn(|request: Request<Incoming>| async move {
        Ok::<_, Infallible>(redirection(&request))
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limit)
        .max_buf_size(HEAD_BYTES_MAX)
        .keep_alive(false)
        .serve_connection(TokioIo::new(tcp), service);
    // Whoever speaks plain HTTP here gets one answer or none; either way there is nobody to tell about an error.
    let _ = tokio::time::timeout(limit, connection).await;
}

fn redirection<B>(request: &Request<B>) -> Response<Body> {
    let status = match *request.method() {
        Method::GET | Method::HEAD => StatusCode::MOVED_PERMANENTLY,
        _ => StatusCode::PERMANENT_REDIRECT,
    };
    let target = request
        .headers()
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .map(|host| format!("https://{host}"));
    let answer = match target {
        Some(target) => Response::builder()
            .status(status)
            .header(header::LOCATION, target),
        None => Response::builder().status(StatusCode::BAD_REQUEST),
    };
    answer
        .body(Body::empty())
        .unwrap_or_else(|_| Response::new(Body::empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_connection_without_requests_is_idle() {
        let seen = AtomicU64::new(7);
        let waiting = idle(&seen, Duration::from_millis(1));
        let ended = tokio::time::timeout(Duration::from_secs(20), waiting).await;
        assert!(ended.is_ok());
    }

    #[test]
    fn what_looks_like_tls() {
        for (bytes, expected) in [
            (&b"\x16\x03\x01\x02\x00\x01"[..], true),
            (b"\x16\x03\x01\x40\x00", true),
            (b"\x16\x03\x01\x40\x01", false),
            (b"\x15\x03\x01\x00\x02", false),
            (b"GET /", false),
            (b"\x16\x03", false),
        ] {
            assert_eq!(looks_like_tls(bytes), expected, "{bytes:?}");
        }
    }

    #[test]
    fn plain_http_is_sent_to_tls() {
        for (method, host, status, location) in [
            ("GET", Some("pbs:8007"), 301, Some("https://pbs:8007")),
            ("HEAD", Some("pbs"), 301, Some("https://pbs")),
            ("POST", Some("pbs:8007"), 308, Some("https://pbs:8007")),
            ("GET", None, 400, None),
        ] {
            let mut request = Request::builder().method(method).uri("/api2/json?x=1");
            if let Some(host) = host {
                request = request.header("host", host);
            }
            let answer = redirection(&request.body(()).expect("request"));
            assert_eq!(answer.status(), status, "{method} {host:?}");
            assert_eq!(
                answer
                    .headers()
                    .get("location")
                    .map(|v| v.to_str().expect("text")),
                location
            );
        }
    }
}
