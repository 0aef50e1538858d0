//! The configuration's files while the server runs: damaged ones, and what is let go of when they change.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::json;

use super::message::{request, send};
use super::site::{Site, fixtures};
use super::steps::done;

/// Far longer than it takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// What this process holds open below a folder.
fn held(folder: &Path) -> Vec<PathBuf> {
    let links = std::fs::read_dir("/proc/self/fd").expect("descriptors");
    let targets = links.filter_map(|link| std::fs::read_link(link.ok()?.path()).ok());
    targets.filter(|path| path.starts_with(folder)).collect()
}

async fn let_go(folder: &Path) {
    let began = Instant::now();
    while !held(folder).is_empty() {
        assert!(began.elapsed() < PATIENCE, "still open: {:?}", held(folder));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// `datastore remove` of the manager left the server with `.chunks` and `.lock` open until it ended, so that the disk could not be unmounted.
#[tokio::test]
async fn what_is_out_of_use_is_closed() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start(&fixtures, "").await;
    let admin = site.log_in("test@pbs").await;
    let (peer, file) = (site.path("peer"), site.path("etc/datastore.cfg"));
    let before = std::fs::read_to_string(&file).expect("datastore.cfg");
    let mode = |mode: &str| format!("{}\n\tmaintenance-mode {mode}\n", before.trim_end());
    for left in [mode("offline"), mode("unmount"), String::new()] {
        done(&site, &admin, "GET", "admin/datastore/peer/groups", "").await;
        assert!(!held(&peer).is_empty(), "it is used");
        std::fs::write(&file, &left).expect("datastore.cfg");
        let_go(&peer).await;
        std::fs::write(&file, &before).expect("datastore.cfg");
    }
    site.end().await;
}

const UNCHECKABLE: &str = "this server cannot check logins now, because a file of its configuration is damaged or cannot be read; its log says which, and what is wrong there";

/// With a damaged file logins were refused like those with a wrong password.
#[tokio::test]
async fn a_damaged_file_is_no_wrong_password() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start(&fixtures, "").await;
    let admin = site.log_in("test@pbs").await;
    let expected = (500, UNCHECKABLE.to_owned());
    for (name, concerns_tickets) in [
        ("user.cfg", true),
        ("domains.cfg", false),
        ("shadow.json", false),
    ] {
        let file = site.path("etc").join(name);
        let before = std::fs::read(&file).ok();
        std::fs::write(&file, "# secret-word\n").expect(name);
        // Nor does the answer tell who is a user here; and nobody is locked out after many tries.
        for user in ["test@pbs", "nobody@pbs"].repeat(20) {
            let body = json!({"username": user, "password": "peer-test-1"}).to_string();
            let headers = ["content-type: application/json"];
            let login = request("POST", "/api2/json/access/ticket", &headers, &body);
            let answer = send(site.address, &login).await;
            assert_eq!((answer.status, answer.text()), expected, "{name} {user}");
        }
        let answer = site.call(&admin, "GET", "/api2/json/version", "").await;
        match concerns_tickets {
            true => assert_eq!((answer.status, answer.text()), expected, "{name}"),
            false => assert_eq!(answer.status, 200, "{name}"),
        }
        match before {
            Some(before) => std::fs::write(&file, before).expect(name),
            None => std::fs::remove_file(&file).expect(name),
        }
    }
    site.log_in("test@pbs").await;
    site.end().await;
}

/// Good tickets were no longer accepted, and a login told its client the path of the file; nothing stood in the server's log.
#[tokio::test]
async fn limits_of_tickets_that_cannot_be_read_are_told() {
    let Some(fixtures) = fixtures() else { return };
    let site = Site::start(&fixtures, "").await;
    let admin = site.log_in("test@pbs").await;
    let file = site.path("etc/ticket-limits.json");
    let expected = (500, UNCHECKABLE.to_owned());
    let log_in = async |password: &str| {
        let body = json!({"username": "test@pbs", "password": password}).to_string();
        let headers = ["content-type: application/json"];
        let login = request("POST", "/api2/json/access/ticket", &headers, &body);
        let answer = send(site.address, &login).await;
        (answer.status, answer.text())
    };
    let break_it: [fn(&Path); 2] = [
        |file| std::fs::create_dir(file).expect("folder"),
        |file| std::fs::write(file, "[]").expect("file"),
    ];
    for (break_it, mend) in break_it.into_iter().zip([
        (|file| std::fs::remove_dir(file)) as fn(&Path) -> std::io::Result<()>,
        |file| std::fs::remove_file(file),
    ]) {
        break_it(&file);
        let answer = site.call(&admin, "GET", "/api2/json/version", "").await;
        assert_eq!((answer.status, answer.text()), expected);
        assert_eq!(log_in("peer-test-1").await, expected, "by a password");
        assert_eq!(log_in(&admin.ticket).await, expected, "by a ticket");
        let (status, _) = log_in("wrong").await;
        assert_eq!(status, 401, "who is refused in any case needs no ticket");
        mend(&file).expect("mended");
        let answer = site.call(&admin, "GET", "/api2/json/version", "").await;
        assert_eq!(answer.status, 200);
    }
    site.end().await;
}
