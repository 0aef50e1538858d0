//! The session against an HTTP/2 peer in memory: bodies arrive whole and in slices, answers and refusals come back, and a lost connection
//! is told as such.

use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{Method, Response, StatusCode};
use tokio::io::{AsyncRead, ReadBuf};

use super::{Content, FRAME_BYTES, SILENCE_MAX, SLICE_BYTES, Session};
use crate::error::Error;
use crate::query::Query;

/// Requests that the peer saw: method, path with query, length of the body, number of its frames.
type Seen = Vec<(String, String, usize, usize)>;

/// A peer that answers by path until it has had `requests` of them, then hangs up.
async fn session(requests: usize) -> (Session, tokio::task::JoinHandle<Seen>) {
    let (near, far) = tokio::io::duplex(1 << 16);
    let peer = tokio::spawn(async move {
        let mut connection = h2::server::Builder::new()
            .initial_window_size(1 << 20)
            .max_frame_size(4 << 20)
            .handshake::<_, Bytes>(far)
            .await
            .expect("preface");
        let mut serving = Vec::new();
        while serving.len() < requests {
            let Some(Ok((request, mut respond))) = connection.accept().await else {
                break;
            };
            serving.push(tokio::spawn(async move {
                let (head, mut body) = request.into_parts();
                let (mut len, mut frames) = (0, 0);
                while let Some(Ok(data)) = body.data().await {
                    len += data.len();
                    frames += 1;
                    let _ = body.flow_control().release_capacity(data.len());
                }
                let path = head.uri.path().to_owned();
                let (status, answer) = answer(&path);
                let head_only = Response::builder()
                    .status(status)
                    .body(())
                    .expect("response");
                if path != "/never" {
                    let mut out = respond.send_response(head_only, false).expect("open");
                    out.send_data(answer, true).expect("open");
                }
                let target = head.uri.path_and_query().expect("path").to_string();
                (head.method.to_string(), target, len, frames)
            }));
        }
        // Says good-bye, and works on until all answers have left.
        connection.graceful_shutdown();
        while connection.accept().await.is_some() {}
        let mut seen = Seen::new();
        for one in serving {
            seen.push(one.await.expect("served"));
        }
        seen
    });
    (open(near, SILENCE_MAX).await, peer)
}

async fn open(near: tokio::io::DuplexStream, silence_max: Duration) -> Session {
    let server = "peer:1".to_owned();
    Session::start(near, Bytes::new(), server, "test".to_owned(), silence_max)
        .await
        .expect("session")
}

fn answer(path: &str) -> (StatusCode, Bytes) {
    match path {
        "/number" => (StatusCode::OK, Bytes::from_static(b"{\"data\":7}")),
        "/empty" => (StatusCode::OK, Bytes::new()),
        "/nonsense" => (StatusCode::OK, Bytes::from_static(b"[]")),
        "/refused" => (
            StatusCode::BAD_REQUEST,
            Bytes::from_static(b"no such chunk"),
        ),
        "/file" => (StatusCode::OK, Bytes::from(vec![5; 3_000_000])),
        _ => (StatusCode::OK, Bytes::from_static(b"{\"data\":null}")),
    }
}

#[tokio::test]
async fn answers_are_taken_apart() {
    let (session, peer) = session(5).await;
    let get = |path| {
        let session = &session;
        async move {
            let query = Query::new().set("a", 1);
            session
                .call::<Option<u64>>(Method::GET, path, &query, Content::Nothing)
                .await
        }
    };
    assert_eq!(get("number").await.expect("number"), Some(7));
    assert_eq!(get("empty").await.expect("empty"), None);
    assert!(matches!(get("nonsense").await, Err(Error::Reply { .. })));
    let refused = get("refused").await.expect_err("refused");
    assert_eq!(refused.status(), Some(400));
    assert_eq!(refused.to_string(), "no such chunk");
    assert_eq!(get("null").await.expect("null"), None);
    let seen = peer.await.expect("peer");
    assert_eq!(seen[0], ("GET".to_owned(), "/number?a=1".to_owned(), 0, 0));
}

#[tokio::test]
async fn bodies_travel_in_slices_and_one_after_the_other() {
    let (session, peer) = session(3).await;
    let session = Arc::new(session);
    let uploads = [1, SLICE_BYTES * 3 + 17, 5_000_000].map(|len| {
        let session = Arc::clone(&session);
        tokio::spawn(async move {
            let body = Content::Bytes(BytesMut::zeroed(len).freeze());
            session
                .call::<Option<u8>>(Method::POST, "chunk", &Query::new(), body)
                .await
        })
    });
    for upload in uploads {
        upload.await.expect("task").expect("uploaded");
    }
    let mut seen = peer.await.expect("peer");
    seen.sort_by_key(|(_, _, len, _)| *len);
    for ((_, _, len, frames), expected) in seen.iter().zip([1, SLICE_BYTES * 3 + 17, 5_000_000]) {
        assert_eq!(*len, expected);
        assert!(
            *frames >= expected.div_ceil(SLICE_BYTES),
            "{frames} frames of {len} bytes"
        );
    }
}

#[tokio::test]
async fn downloads_are_bounded_and_reuse_their_buffer() {
    let (session, _peer) = session(2).await;
    let mut file = vec![9; 10];
    session
        .download("file", &Query::new(), 3_000_000, &mut file)
        .await
        .expect("file");
    assert!(file.len() == 3_000_000 && file.iter().all(|byte| *byte == 5));
    let limit = u64::from(FRAME_BYTES);
    let result = session
        .download("file", &Query::new(), limit, &mut file)
        .await;
    assert!(matches!(result, Err(Error::TooLarge { limit_bytes, .. }) if limit_bytes == limit));
}

#[tokio::test]
async fn a_peer_that_hangs_up_is_told() {
    let (session, peer) = session(1).await;
    let nothing = Query::new();
    let waiting = session.call::<Option<u8>>(Method::GET, "never", &nothing, Content::Nothing);
    let error = waiting.await.expect_err("no answer");
    assert!(
        matches!(error, Error::Lost { .. } | Error::Ended { .. }),
        "{error:?}"
    );
    assert!(error.to_string().contains("peer:1"), "{error}");
    peer.await.expect("peer");
    let later = session.call::<Option<u8>>(Method::GET, "number", &nothing, Content::Nothing);
    assert!(later.await.is_err());
}

/// A peer that goes without a farewell, as TLS says it.
struct Rude;

impl AsyncRead for Rude {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
        _: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let text = "peer closed connection without sending TLS close_notify: https://docs.rs/x";
        Poll::Ready(Err(std::io::Error::new(
            std::io::ErrorKind::UnexpectedEof,
            text,
        )))
    }
}

#[tokio::test]
async fn a_peer_without_a_farewell_is_told_in_our_words() {
    let stream = tokio::io::join(Rude, tokio::io::sink());
    let (server, agent) = ("peer:1".to_owned(), "test".to_owned());
    let session = Session::start(stream, Bytes::new(), server, agent, SILENCE_MAX).await;
    let session = session.expect("nothing was read yet");
    let nothing = Query::new();
    let waiting = session.call::<Option<u8>>(Method::GET, "never", &nothing, Content::Nothing);
    let error = waiting.await.expect_err("no answer");
    let cause = std::error::Error::source(&error).expect("a cause");
    assert_eq!(
        cause.to_string(),
        "the server closed it before everything was said"
    );
}

#[tokio::test]
async fn a_peer_that_falls_silent_is_given_up_and_a_slow_one_is_not() {
    const SILENCE: Duration = Duration::from_secs(1);
    let ask = async |silent: bool| {
        let (near, far) = tokio::io::duplex(1 << 16);
        let peer = tokio::spawn(async move {
            let mut connection = h2::server::handshake(far).await.expect("preface");
            let (_request, mut respond) = connection.accept().await.expect("one").expect("request");
            if silent {
                // Keeps the connection open and reads nothing any more.
                std::future::pending::<()>().await;
            }
            let later = async {
                tokio::time::sleep(SILENCE * 5 / 2).await;
                let head = Response::new(());
                let mut out = respond.send_response(head, false).expect("open");
                out.send_data(Bytes::from_static(b"{\"data\":7}"), true)
                    .expect("open");
            };
            tokio::join!(later, async {
                while connection.accept().await.is_some() {}
            });
        });
        let session = open(near, SILENCE).await;
        let answer = session
            .call::<u8>(Method::GET, "number", &Query::new(), Content::Nothing)
            .await;
        peer.abort();
        answer
    };
    let (slow, silent) = tokio::join!(ask(false), ask(true));
    assert_eq!(slow.expect("late"), 7);
    let error = silent.expect_err("nobody answers");
    assert_eq!(error.to_string(), "peer:1 did not answer within 1 s");
}

#[tokio::test]
async fn a_refusal_in_the_middle_of_a_body_is_heard() {
    let (near, far) = tokio::io::duplex(1 << 16);
    let peer = tokio::spawn(async move {
        let mut connection = h2::server::handshake(far).await.expect("preface");
        let (request, mut respond) = connection.accept().await.expect("one").expect("request");
        let head = Response::builder().status(StatusCode::BAD_REQUEST);
        let head = head.body(()).expect("response");
        let mut out = respond.send_response(head, false).expect("open");
        out.send_data(Bytes::from_static(b"too large"), true)
            .expect("open");
        // The body is neither read nor refused by a reset.
        while connection.accept().await.is_some() {}
        drop(request);
    });
    let session = open(near, SILENCE_MAX).await;
    let body = Content::Bytes(BytesMut::zeroed(4 << 20).freeze());
    let nothing = Query::new();
    let upload = session.call::<Option<u8>>(Method::POST, "chunk", &nothing, body);
    let upload = tokio::time::timeout(Duration::from_secs(20), upload);
    let error = upload.await.expect("ends").expect_err("refused");
    assert_eq!(error.to_string(), "too large");
    peer.abort();
}
