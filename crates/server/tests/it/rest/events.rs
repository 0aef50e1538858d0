//! The stream of events: what it tells to whom, how many there are, and how it ends.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};

use super::message::{request, send};
use super::site::{Login, Site, TOKEN_SECRET, fixtures};
use crate::exchange::client::connect;

const TARGET: &str = "/api2/json/events";
const TIME: Duration = Duration::from_secs(20);

/// A stream that is read, and all that it has said.
struct Reader<S> {
    stream: S,
    said: String,
}

async fn open(site: &Site, credentials: &str) -> Reader<impl AsyncRead + Unpin + use<>> {
    let mut stream = connect(site.address).await;
    // A browser accepts deflate: collected events would come late or never.
    let headers = [credentials, "accept-encoding: gzip, deflate, br"];
    let bytes = request("GET", TARGET, &headers, "");
    stream.write_all(&bytes).await.expect("request");
    stream.flush().await.expect("flush");
    let said = String::new();
    let mut reader = Reader { stream, said };
    reader.until("event: hello").await;
    reader
}

impl<S: AsyncRead + Unpin> Reader<S> {
    /// Reads until this was said.
    async fn until(&mut self, wanted: &str) {
        // Heartbeats are no progress.
        let end = tokio::time::Instant::now() + TIME;
        while !self.said.contains(wanted) {
            let mut bytes = [0; 4096];
            let read = tokio::time::timeout_at(end, self.stream.read(&mut bytes)).await;
            let n = read.unwrap_or_else(|_| panic!("{wanted} is not told: {}", self.said));
            let n = n.expect("bytes");
            assert!(n > 0, "ended before {wanted}: {}", self.said);
            self.said.push_str(&String::from_utf8_lossy(&bytes[..n]));
        }
    }

    /// Reads until the server ends it.
    async fn read_to_end(&mut self) {
        let mut rest = Vec::new();
        let read = tokio::time::timeout(TIME, async {
            // The last piece of a chunked body; the connection may live on.
            loop {
                let n = self.stream.read_buf(&mut rest).await.unwrap_or(0);
                if n == 0 || rest.ends_with(b"0\r\n\r\n") {
                    return;
                }
            }
        });
        read.await.expect("the stream does not end");
        self.said.push_str(&String::from_utf8_lossy(&rest));
    }
}

async fn set_note(site: &Site, login: &Login, note: &str) {
    let body = format!("backup-type=host&backup-id=plain&backup-time=1700000000&notes={note}");
    let target = "/api2/json/admin/datastore/peer/notes";
    let answer = site.call(login, "PUT", target, &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[tokio::test]
async fn each_sees_what_is_his() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start(&fixtures, "").await;
    let admin = site.log_in("test@pbs").await;
    let low = site.log_in("low@pbs").await;
    let token = format!("authorization: PBSAPIToken test@pbs!tok:{TOKEN_SECRET}");
    let mut seen = open(&site, &admin.cookie()).await;
    let mut by_token = open(&site, &token).await;
    let mut nothing = open(&site, &low.cookie()).await;
    assert!(seen.said.contains("text/event-stream"), "{}", seen.said);
    assert!(!seen.said.contains("content-encoding"), "{}", seen.said);

    set_note(&site, &admin, "x").await;
    let gc = "/api2/json/admin/datastore/peer/gc";
    let upid = site.call(&admin, "POST", gc, "").await.json()["data"].take();
    let upid = upid.as_str().expect("id").to_owned();
    let end = r#""status":"OK""#;
    for reader in [&mut seen, &mut by_token] {
        reader
            .until(r#"data: {"what":"snapshots","store":"peer"}"#)
            .await;
        reader.until(&format!(r#"data: {{"upid":"{upid}""#)).await;
        reader.until(end).await;
        reader
            .until(r#"data: {"what":"jobs","store":"peer"}"#)
            .await;
    }
    // He gets the right to see it while he watches: from then on he does.
    assert!(!nothing.said.contains("peer"), "{}", nothing.said);
    let acl = "path=/datastore/peer&role=DatastoreAudit&auth-id=low@pbs";
    let answer = site.call(&admin, "PUT", "/api2/json/access/acl", acl).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    seen.until(r#"data: {"what":"config"}"#).await;
    set_note(&site, &admin, "y").await;
    nothing
        .until(r#"{"what":"snapshots","store":"peer"}"#)
        .await;
    assert!(!nothing.said.contains("UPID"), "{}", nothing.said);
    assert!(!nothing.said.contains(r#""config""#), "{}", nothing.said);
    // Open streams hold up no end of the server.
    let start = std::time::Instant::now();
    site.end().await;
    assert!(
        start.elapsed() < Duration::from_secs(5),
        "the end was delayed"
    );
    nothing.read_to_end().await;
}

#[tokio::test]
async fn without_a_login_there_is_none_and_too_many_are_refused() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start_with(&fixtures, "", |settings| {
        settings.limits.event_streams = 3;
        settings.limits.event_streams_of_user = 2;
        settings.limits.event_streams_own = 0;
    })
    .await;
    let answer = send(site.address, &request("GET", TARGET, &[], "")).await;
    assert_eq!(answer.status, 401);
    let (admin, low) = (site.log_in("test@pbs").await, site.log_in("low@pbs").await);
    let ask = async |login: &Login| {
        send(
            site.address,
            &request("GET", TARGET, &[&login.cookie()], ""),
        )
        .await
    };
    let first = open(&site, &admin.cookie()).await;
    let _second = open(&site, &admin.cookie()).await;
    let answer = ask(&admin).await;
    assert_eq!(answer.status, 429);
    assert!(
        answer.text().contains("too many streams of events"),
        "{}",
        answer.text()
    );
    let _third = open(&site, &low.cookie()).await;
    assert_eq!(ask(&low).await.status, 429, "all of them are taken");
    // One that goes makes room.
    drop(first);
    let again = async {
        while ask_is_refused(&site, &admin).await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(TIME, again).await.expect("room");
    site.end().await;
}

async fn ask_is_refused(site: &Site, login: &Login) -> bool {
    let mut stream = connect(site.address).await;
    let bytes = request("GET", TARGET, &[&login.cookie()], "");
    stream.write_all(&bytes).await.expect("request");
    stream.flush().await.expect("flush");
    let mut head = [0; 64];
    let n = stream.read(&mut head).await.expect("answer");
    head[..n].starts_with(b"HTTP/1.1 429")
}

#[tokio::test]
async fn a_stream_ends_with_its_login_and_shows_that_it_lives() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start_with(&fixtures, "", |settings| {
        settings.limits.heartbeat = Duration::from_millis(20);
    })
    .await;
    let (admin, low) = (site.log_in("test@pbs").await, site.log_in("low@pbs").await);
    let mut reader = open(&site, &low.cookie()).await;
    reader.until(":\n\n").await;
    let target = "/api2/json/access/users/low@pbs";
    let answer = site.call(&admin, "PUT", target, "enable=0").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    reader.read_to_end().await;
    site.end().await;
}

/// Whoever does not read holds up nobody, and is told afterwards that he missed something.
#[tokio::test]
async fn a_slow_reader_is_told_that_he_missed_something() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start(&fixtures, "").await;
    let admin = site.log_in("test@pbs").await;
    let mut slow = open(&site, &admin.cookie()).await;
    let mut quick = open(&site, &admin.cookie()).await;
    // More than the ring and all buffers on the way hold.
    for round in 0..40 {
        site.flood(3000);
        if round == 0 {
            quick.until("event: resync").await;
        }
    }
    let answer = site.call(&admin, "GET", "/api2/json/version", "").await;
    assert_eq!(answer.status, 200, "others are served");
    slow.until("event: resync").await;
    set_note(&site, &admin, "last").await;
    slow.until(r#""store":"peer""#).await;
    site.end().await;
}
