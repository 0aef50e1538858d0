//! The server's memory while many ask for much and take nothing, or begin to send and do not go on. Each flood is one of a size that a server which
//! keeps what it is asked for could not hold; while it lasts others are served as ever.

use std::io::Write as _;
use std::time::Duration;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::client::{PATIENCE, connect, plain};
use super::memory::Apart;

/// The program, what it has of the browser's app, some connections, and the room for answers and parameters.
const RESIDENT_BYTES_MAX: u64 = 200 << 20;
const STREAMS: usize = 16;
const SCRIPT: &str = "/assets/main.js";
const SCRIPT_BYTES: usize = 2 << 20;
const NOTES_BYTES: usize = 400 << 10;

/// One large file of an app.
pub fn app() -> server::app::App {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder
        .write_all(&super::pressure::noise(3, SCRIPT_BYTES))
        .expect("packed");
    let packed = encoder.finish().expect("packed").leak();
    server::app::App::new(&[("index.html", packed), (&SCRIPT[1..], packed)])
}

/// A connection that asks as often as it may, and takes nothing of what it is answered.
struct Idler {
    answers: Vec<h2::client::ResponseFuture>,
    _requests: h2::client::SendRequest<Bytes>,
    driver: tokio::task::JoinHandle<Result<(), h2::Error>>,
}

impl Idler {
    async fn start(server: &Apart, target: &str, header: &str) -> Idler {
        let (name, value) = header.split_once(": ").expect("a header line");
        let mut builder = h2::client::Builder::new();
        builder.initial_window_size(0);
        let (mut requests, connection) = builder
            .handshake::<_, Bytes>(connect(server.addr).await)
            .await
            .expect("HTTP/2");
        let driver = tokio::spawn(connection);
        let mut answers = Vec::new();
        for _ in 0..STREAMS {
            requests = requests.ready().await.expect("ready");
            let request = http::Request::get(format!("https://localhost{target}"))
                .header(name, value)
                .body(())
                .expect("request");
            let (answer, _) = requests.send_request(request, true).expect("sent");
            answers.push(answer);
        }
        Idler {
            answers,
            _requests: requests,
            driver,
        }
    }

    /// Waits for the heads of all answers, so that all that can be made is made.
    async fn answered(&mut self) -> Vec<h2::RecvStream> {
        let mut bodies = Vec::new();
        for answer in self.answers.drain(..) {
            let answer = tokio::time::timeout(PATIENCE, answer).await;
            bodies.push(answer.expect("no answer").expect("head").into_body());
        }
        bodies
    }
}

impl Drop for Idler {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// Someone with an ordinary request.
async fn others_are_served(server: &Apart, target: &str, auth: &str) {
    let head = format!("GET {target} HTTP/1.1\r\nhost: localhost\r\n{auth}\r\n\r\n");
    let mut stream = connect(server.addr).await;
    let asked = plain(&mut stream, &head, b"");
    let asked = tokio::time::timeout(PATIENCE, asked).await;
    let (status, _, body) = asked.expect("no answer");
    assert_eq!(status, 200, "{target}: {}", String::from_utf8_lossy(&body));
}

/// A thousand connections of somebody without a login made the server hold gigabytes: each answer was unpacked anew.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_of_the_app_that_are_not_taken() {
    let server = Apart::start();
    let mut held = Vec::new();
    for n in 0..30 {
        let accepted = ["identity", "deflate", "gzip"][n % 3];
        let header = format!("accept-encoding: {accepted}");
        let mut idler = Idler::start(&server, SCRIPT, &header).await;
        held.push((idler.answered().await, idler));
    }
    others_are_served(&server, SCRIPT, "x: y").await;
    others_are_served(&server, "/api2/json/version", &server.auth).await;
    drop(held);
    server.held_at_most(RESIDENT_BYTES_MAX);
}

/// The same with answers that are made for one reader.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_that_are_not_taken() {
    let server = Apart::start();
    let group = server.store.join("host/g");
    std::fs::create_dir_all(&group).expect("group");
    std::fs::write(group.join("owner"), "back@pbs!tok\n").expect("owner");
    std::fs::write(group.join("notes"), "n".repeat(NOTES_BYTES)).expect("notes");
    let target = "/api2/json/admin/datastore/peer/group-notes?backup-type=host&backup-id=g";
    others_are_served(&server, target, &server.backer).await;
    let mut held = Vec::new();
    for _ in 0..60 {
        held.push(Idler::start(&server, target, &server.backer).await);
    }
    // Whoever comes too late is told so.
    held.last_mut().expect("one").answered().await;
    others_are_served(&server, target, &server.auth).await;
    others_are_served(&server, "/api2/json/version", &server.backer).await;
    drop(held);
    // What he held he may have again.
    others_are_served(&server, target, &server.backer).await;
    server.held_at_most(RESIDENT_BYTES_MAX);
}

/// Each of two thousand requests of a user without any right held the half MiB that it had sent.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_that_do_not_end() {
    const BODY_BYTES: usize = 512 << 10;
    let server = Apart::start();
    let head = format!(
        "PUT /api2/json/access/acl HTTP/1.1\r\nhost: localhost\r\n{}\r\ncontent-type: application/json\r\ncontent-length: {BODY_BYTES}\r\n\r\n",
        server.stranger
    );
    let body = vec![b' '; BODY_BYTES - 1000];
    let mut held = Vec::new();
    for _ in 0..400 {
        let mut stream = connect(server.addr).await;
        stream.write_all(head.as_bytes()).await.expect("head");
        // What is not read does not fit into the connection.
        let sent = tokio::time::timeout(Duration::from_millis(100), stream.write_all(&body));
        let _ = sent.await;
        held.push(stream);
    }
    others_are_served(&server, "/api2/json/version", &server.auth).await;
    let head = format!(
        "PUT /api2/json/access/acl HTTP/1.1\r\nhost: localhost\r\n{}\r\ncontent-type: application/json\r\ncontent-length: {{}}\r\n\r\n",
        server.auth
    );
    let body = br#"{"path":"/","role":"Audit","auth-id":"low@pbs"}"#;
    let head = head.replace("{}", &body.len().to_string());
    let mut stream = connect(server.addr).await;
    let (status, _, text) = plain(&mut stream, &head, body).await;
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(&text));
    // The last one is told that there is no room, or that he is late.
    let mut said = [0; 12];
    let last = held.last_mut().expect("one");
    let read = tokio::time::timeout(PATIENCE, last.read_exact(&mut said)).await;
    read.expect("no answer").expect("bytes");
    assert!(
        said.ends_with(b"503") || said.ends_with(b"400"),
        "{}",
        String::from_utf8_lossy(&said)
    );
    drop(held);
    server.held_at_most(RESIDENT_BYTES_MAX);
}
