//! Clients that do not take what they asked for, or do not send what they announced: when the server gives them up, and when not.

use std::time::Duration;

use bytes::Bytes;
use server::app::App;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::message::{request, send};
use super::site::{Site, fixtures};
use crate::exchange::client::connect;

const FILE: &str = "/assets/a.bin";
const FILE_BYTES: usize = 32 << 20;
const PATIENCE: Duration = Duration::from_secs(2);
const TIME: Duration = Duration::from_secs(60);

/// A site with a large file and little patience.
async fn site(fixtures: &std::path::Path) -> Site {
    use std::io::Write as _;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(&vec![0; FILE_BYTES]).expect("packed");
    let packed = encoder.finish().expect("packed").leak();
    Site::start_with(fixtures, "", |settings| {
        settings.app = App::new(&[("index.html", packed), (&FILE[1..], packed)]);
        settings.limits.patience = PATIENCE;
        settings.limits.body_pause = Duration::from_millis(200);
    })
    .await
}

type Connection = tokio::task::JoinHandle<Result<(), h2::Error>>;

async fn ask(site: &Site, window: u32) -> (h2::RecvStream, Connection) {
    let mut builder = h2::client::Builder::new();
    builder.initial_window_size(window);
    let (requests, connection) = builder
        .handshake::<_, Bytes>(connect(site.address).await)
        .await
        .expect("HTTP/2");
    let driver = tokio::spawn(connection);
    let mut requests = requests.ready().await.expect("ready");
    let request = http::Request::get(format!("https://localhost{FILE}"));
    let request = request.body(()).expect("request");
    let (answer, _) = requests.send_request(request, true).expect("sent");
    let answer = tokio::time::timeout(TIME, answer).await;
    let body = answer.expect("no answer").expect("head").into_body();
    (body, driver)
}

/// With its window closed a client kept as many answers as it liked, for ever, if only it answered pings.
#[tokio::test]
async fn a_closed_window_ends_the_connection() {
    let Some(fixtures) = fixtures() else { return };
    let site = site(&fixtures).await;
    for window in [0, 1, 1000, 40_000] {
        let (body, driver) = ask(&site, window).await;
        let ended = tokio::time::timeout(TIME, driver).await;
        assert!(ended.is_ok(), "a window of {window} is waited for");
        drop(body);
    }
    site.end().await;
}

#[tokio::test]
async fn a_small_window_that_moves_is_waited_for() {
    let Some(fixtures) = fixtures() else { return };
    let site = site(&fixtures).await;
    let (mut body, driver) = ask(&site, 16 << 10).await;
    let begin = std::time::Instant::now();
    let mut taken = 0;
    while begin.elapsed() < 2 * PATIENCE {
        let piece = tokio::time::timeout(TIME, body.data()).await;
        let piece = piece.expect("no piece").expect("more").expect("whole");
        taken += piece.len();
        tokio::time::sleep(Duration::from_millis(50)).await;
        let flow = body.flow_control();
        flow.release_capacity(piece.len()).expect("released");
    }
    assert!(!driver.is_finished() && taken > 0, "{taken}");
    driver.abort();
    site.end().await;
}

#[tokio::test]
async fn whoever_reads_nothing_is_given_up() {
    let Some(fixtures) = fixtures() else { return };
    let site = site(&fixtures).await;
    let mut stream = connect(site.address).await;
    let asked = request("GET", FILE, &[], "");
    stream.write_all(&asked).await.expect("request");
    // Longer than the server waits; then what had been on its way comes, and no more.
    tokio::time::sleep(3 * PATIENCE).await;
    let mut read = 0;
    let mut space = vec![0; 1 << 20];
    let reading = async {
        while let Ok(n @ 1..) = stream.read(&mut space).await {
            read += n;
        }
    };
    tokio::time::timeout(TIME, reading).await.expect("no end");
    assert!(read < FILE_BYTES, "all of it came");
    site.end().await;
}

#[tokio::test]
async fn a_body_that_pauses_is_refused() {
    let Some(fixtures) = fixtures() else { return };
    let site = site(&fixtures).await;
    let head =
        "POST /api2/json/access/ticket HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nuser";
    let answer = send(site.address, head.as_bytes()).await;
    assert_eq!(
        (answer.status, answer.text().as_str()),
        (400, "request body did not arrive in time")
    );
    site.end().await;
}

#[tokio::test]
async fn a_request_names_one_host() {
    let Some(fixtures) = fixtures() else { return };
    let site = site(&fixtures).await;
    for (head, status) in [
        ("GET /api2/json/ping HTTP/1.1\r\n\r\n", 400),
        (
            "GET /api2/json/ping HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n",
            400,
        ),
        ("GET /api2/json/ping HTTP/1.1\r\nhost: a\r\n\r\n", 200),
        ("GET /api2/json/ping HTTP/1.0\r\n\r\n", 200),
    ] {
        let answer = send(site.address, head.as_bytes()).await;
        assert_eq!(answer.status, status, "{head}");
        let of = |name| answer.header(name);
        assert_eq!(of("cache-control"), Some("no-store"));
        assert_eq!(of("x-content-type-options"), Some("nosniff"));
    }
    for probe in ["/healthz", "/readyz"] {
        let answer = send(site.address, &request("GET", probe, &[], "")).await;
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    }
    site.end().await;
}
