//! More requests of one user than may wait at once: he is told, everybody else is served as before, and so is he when some have ended.

use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};
use h2::SendStream;
use h2::client::{ResponseFuture, SendRequest};

use super::message::{request, send};
use super::site::{Login, Site, fixtures};
use crate::exchange::client::{PATIENCE, connect};

/// What the settings allow unless a test says otherwise.
const OF_USER: usize = 1024;
/// What is sent beyond that.
const SURPLUS: usize = 32;
/// On one connection.
const STREAMS: usize = 16;

/// A request whose body does not come, so that it waits: its answer, and its body as long as it is held.
type Waiting = (ResponseFuture, SendStream<Bytes>);

async fn connection(site: &Site) -> SendRequest<Bytes> {
    let (requests, connection) = h2::client::handshake(connect(site.address).await)
        .await
        .expect("HTTP/2");
    tokio::spawn(connection);
    requests
}

async fn begin(requests: &SendRequest<Bytes>, login: &Login) -> Waiting {
    let header = |line: String| line.split_once(": ").expect("header").1.to_owned();
    let request = http::Request::put("https://localhost/api2/json/access/password")
        .header("cookie", header(login.cookie()))
        .header("csrfpreventiontoken", header(login.csrf()))
        .header("content-type", "application/json")
        .header("content-length", "10")
        .body(())
        .expect("request");
    let mut requests = requests.clone().ready().await.expect("ready");
    requests.send_request(request, false).expect("sent")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_user_has_a_bounded_number_of_requests() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start_with(&fixtures, "", |settings| {
        assert_eq!(settings.limits.requests_of_user, OF_USER);
        // Longer than it takes to send them all.
        settings.limits.body = 3 * PATIENCE;
        settings.limits.body_pause = 3 * PATIENCE;
    })
    .await;
    let (low, admin) = (site.log_in("low@pbs").await, site.log_in("test@pbs").await);
    let status = async |login: &Login, path: &str| {
        let path = format!("/api2/json/{path}");
        let message = request("GET", &path, &[&login.cookie()], "");
        let answer = tokio::time::timeout(PATIENCE, send(site.address, &message)).await;
        let answer = answer.expect("no answer in time");
        (answer.status, answer.text())
    };
    let mut connections = Vec::new();
    let mut waiting = FuturesUnordered::new();
    let mut bodies = Vec::new();
    for number in 0..OF_USER + SURPLUS {
        if number % STREAMS == 0 {
            connections.push(connection(&site).await);
        }
        let requests = connections.last().expect("one");
        let (answer, body) = begin(requests, &low).await;
        waiting.push(answer);
        bodies.push(body);
    }
    // Whichever of them come last are refused: from then on all places are taken, and stay so.
    for number in 0..SURPLUS {
        let refused = tokio::time::timeout(PATIENCE, waiting.next()).await;
        let refused = refused.unwrap_or_else(|_| panic!("only {number} were refused"));
        assert_eq!(refused.expect("one").expect("answer").status(), 429);
    }
    assert_eq!(waiting.len(), OF_USER);
    let too_many = "too many requests of this user are waiting; try again later";
    let told = status(&low, "version").await;
    assert_eq!(told, (429, too_many.to_owned()));

    for path in ["version", "access/users", "admin/datastore/peer/groups"] {
        let (status, text) = status(&admin, path).await;
        assert_eq!(status, 200, "{path}: {text}");
    }
    // Who is not logged in counts for nobody, and a login is one of those.
    site.log_in("low2@pbs").await;
    let low = site.log_in("low@pbs").await;

    // None of those that waited was refused for it.
    let answer = waiting.next().now_or_never();
    assert!(answer.is_none(), "{answer:?}");
    drop(waiting);
    drop(bodies);
    drop(connections);
    let served = async {
        while status(&low, "version").await.0 != 200 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let served = tokio::time::timeout(PATIENCE, served).await;
    served.expect("as before when they have ended");
    site.end().await;
}
