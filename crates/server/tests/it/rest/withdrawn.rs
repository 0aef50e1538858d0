//! Users and tokens that are disabled, expired or removed while they download. A download went on to its end, however long it was.

use std::path::Path;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::message::request;
use super::site::{Login, Site, TOKEN_SECRET, fixtures};
use super::steps::done;
use crate::exchange::client::{PATIENCE, connect};

/// More than lies in buffers on the way.
const LOG_BYTES: usize = 48 << 20;

/// A task's log that takes long to download; gives the path of the download.
fn long_log(site: &Site) -> String {
    let logs = std::fs::read_dir(site.path("log/tasks/88")).expect("logs");
    let log = logs.map(|log| log.expect("log").path()).next();
    let log = log.expect("one of the fixtures");
    let line = "2026-01-01T00:00:00+00:00: a line\n";
    std::fs::write(&log, line.repeat(LOG_BYTES / line.len())).expect("write");
    let upid = log.file_name().expect("name").to_str().expect("text");
    format!(
        "/api2/json/nodes/localhost/tasks/{}/log?download=1",
        api::form::escape(upid)
    )
}

/// Begins a download, changes something, and reads on: whether all of it came.
async fn is_whole(site: &Site, path: &str, auth: &str, change: impl Future<Output = ()>) -> bool {
    let mut stream = connect(site.address).await;
    let asked = request("GET", path, &[auth, "connection: close"], "");
    stream.write_all(&asked).await.expect("request");
    let mut read = vec![0; 64 << 10];
    let first = stream.read(&mut read).await.expect("answer");
    let head = String::from_utf8_lossy(&read[..first]).into_owned();
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    change.await;
    let (mut count, mut tail) = (first, Vec::new());
    let reading = async {
        // A download that was broken off may end with or without a word of TLS.
        while let Ok(n @ 1..) = stream.read(&mut read).await {
            count += n;
            tail.extend_from_slice(&read[..n]);
            tail.drain(..tail.len().saturating_sub(5));
        }
    };
    tokio::time::timeout(PATIENCE, reading).await.expect("ends");
    let whole = tail == b"0\r\n\r\n";
    assert!(whole == (count >= LOG_BYTES - 64), "{count} bytes");
    whole
}

async fn site(fixtures: &Path) -> (Site, Login, String) {
    let site = Site::start_with(fixtures, "", |settings| {
        settings.limits.login_look = Duration::ZERO;
    })
    .await;
    let admin = site.log_in("test@pbs").await;
    let path = long_log(&site);
    for (id, role) in [("low@pbs", "Audit"), ("low2@pbs", "Audit")] {
        let right = format!("path=/&role={role}&auth-id={id}");
        done(&site, &admin, "PUT", "access/acl", &right).await;
    }
    (site, admin, path)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_download_ends_with_its_user() {
    let Some(fixtures) = fixtures() else { return };
    let (site, admin, path) = site(&fixtures).await;
    let token = format!("authorization: PBSAPIToken=test@pbs!tok:{TOKEN_SECRET}");
    let (low, low2) = (site.log_in("low@pbs").await, site.log_in("low2@pbs").await);
    let (low, low2) = (low.cookie(), low2.cookie());
    for (auth, verb, target, body, whole) in [
        (&low, "PUT", "access/users/low2@pbs", "comment=x", true),
        // Rights count when a download begins, as with the original.
        (
            &low,
            "PUT",
            "access/acl",
            "path=/&role=Audit&auth-id=low@pbs&delete=1",
            true,
        ),
        (&low2, "PUT", "access/users/low2@pbs", "enable=0", false),
        (
            &token,
            "DELETE",
            "access/users/test@pbs/token/tok",
            "",
            false,
        ),
    ] {
        let change = async {
            done(&site, &admin, verb, target, body).await;
        };
        let came = is_whole(&site, &path, auth, change).await;
        assert_eq!(came, whole, "{verb} {target} {body}");
    }
    let again = "path=/&role=Audit&auth-id=low@pbs";
    done(&site, &admin, "PUT", "access/acl", again).await;
    let remove = async {
        done(&site, &admin, "DELETE", "access/users/low@pbs", "").await;
    };
    assert!(
        !is_whole(&site, &path, &low, remove).await,
        "a removed user"
    );
    site.end().await;
}
