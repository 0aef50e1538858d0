//! A server over copies of the original's datastore and configuration files, in the state before the first capture, where the recorded users
//! can log in.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use server::{Server, Settings};

use super::message::{Answer, request, send};

/// Secret of `test@pbs!tok`; the recorded one is not in the captures.
pub const TOKEN_SECRET: &str = "11111111-2222-3333-4444-555555555555";
const PASSWORDS: [(&str, &str); 3] = [
    ("test@pbs", "peer-test-1"),
    ("low@pbs", "low-test-1"),
    ("low2@pbs", "low-test-2"),
];

/// Where the original's files are; nothing, and a word about it, if they are not there.
pub fn fixtures() -> Option<PathBuf> {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/fixtures");
    let path =
        std::env::var_os("STRONGROOM_FIXTURES").map_or_else(|| default.into(), PathBuf::from);
    if path.join("http/INDEX.txt").is_file() {
        return Some(path);
    }
    eprintln!("SKIPPED: no fixtures in {}", path.display());
    None
}

pub struct Site {
    server: Server,
    pub address: SocketAddr,
    log_book: server::log_book::LogBook,
    folder: tempfile::TempDir,
}

/// Ticket and token against cross-site requests.
#[derive(Debug, Clone)]
pub struct Login {
    pub ticket: String,
    pub csrf: String,
}

impl Login {
    pub fn cookie(&self) -> String {
        format!("cookie: PBSAuthCookie={}", api::form::escape(&self.ticket))
    }

    pub fn csrf(&self) -> String {
        format!("csrfpreventiontoken: {}", self.csrf)
    }
}

impl Site {
    /// `archive` becomes the list of finished tasks.
    pub async fn start(fixtures: &Path, archive: &str) -> Site {
        Site::start_with(fixtures, archive, |_| ()).await
    }

    /// The same with other settings.
    pub async fn start_with(
        fixtures: &Path,
        archive: &str,
        change: impl FnOnce(&mut Settings),
    ) -> Site {
        let folder = tempfile::tempdir().expect("tempdir");
        let at = |name: &str| folder.path().join(name);
        copy(&fixtures.join("datastore"), &at("peer"));
        configure(fixtures, &at("etc"), &at("peer"));
        task_logs(fixtures, &at("log/tasks"), archive);
        let listen = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut settings = Settings::new(at("etc"), at("state"), at("log"), listen, "pbs");
        settings.delays.unauthorized = Duration::ZERO;
        settings.delays.forbidden = Duration::ZERO;
        change(&mut settings);
        let log_book = settings.log_book.clone();
        let server = Server::bind(settings).await.expect("server");
        let site = Site {
            address: server.address(),
            server,
            log_book,
            folder,
        };
        site.prepare().await;
        site
    }

    /// The captures were taken after a note was written.
    async fn prepare(&self) {
        let login = self.log_in("test@pbs").await;
        let body = "backup-type=host&backup-id=plain&backup-time=1700000000&notes=a+note";
        let headers = [
            login.cookie(),
            login.csrf(),
            "content-type: application/x-www-form-urlencoded".to_owned(),
        ];
        let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
        let answer = send(
            self.address,
            &request(
                "PUT",
                "/api2/json/admin/datastore/peer/notes",
                &headers,
                body,
            ),
        )
        .await;
        assert_eq!(
            (answer.status, answer.text().as_str()),
            (200, r#"{"data":null}"#)
        );
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn fingerprint(&self) -> String {
        self.server.fingerprint()
    }

    pub async fn log_in(&self, user: &str) -> Login {
        let (_, password) = PASSWORDS
            .iter()
            .find(|(name, _)| *name == user)
            .expect("a recorded user");
        let body = format!(r#"{{"username":"{user}","password":"{password}"}}"#);
        let answer = send(
            self.address,
            &request(
                "POST",
                "/api2/json/access/ticket",
                &["content-type: application/json"],
                &body,
            ),
        )
        .await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let data = answer.json()["data"].take();
        let member = |name: &str| data[name].as_str().expect("text").to_owned();
        Login {
            ticket: member("ticket"),
            csrf: member("CSRFPreventionToken"),
        }
    }

    /// All recorded users.
    pub async fn log_all_in(&self) -> HashMap<String, Login> {
        let mut logins = HashMap::new();
        for (user, _) in PASSWORDS {
            logins.insert(user.to_owned(), self.log_in(user).await);
        }
        logins
    }

    /// A request of `test@pbs`.
    pub async fn call(&self, login: &Login, method: &str, target: &str, body: &str) -> Answer {
        let form = "content-type: application/x-www-form-urlencoded";
        send(
            self.address,
            &request(
                method,
                target,
                &[&login.cookie(), &login.csrf(), form],
                body,
            ),
        )
        .await
    }

    /// What the scheduler does at such a minute (Unix seconds); gives how many jobs it started, once they have ended.
    pub async fn minute(&self, now: i64) -> usize {
        let started = self.server.run_due_jobs(now).await.expect("scheduler");
        self.idle().await;
        started
    }

    /// Adds the original's split archives: `host/split` and others.
    pub fn add_split(&self, fixtures: &Path) {
        copy(&fixtures.join("split/datastore"), &self.path("peer"));
    }

    /// The server's own log.
    pub fn log_book(&self) -> &server::log_book::LogBook {
        &self.log_book
    }

    /// Observes host and datastores as at such a time.
    pub async fn observe(&self, now: i64) {
        self.server.observe(now).await.expect("observed");
    }

    /// So many changes at once, as those see them who watch.
    pub fn flood(&self, count: usize) {
        use server::events::{Event, What};
        for _ in 0..count {
            self.server.tell(Event::changed(What::Config, None));
        }
    }

    /// Waits until no task runs.
    pub async fn idle(&self) {
        while self.server.running_tasks() > 0 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    pub async fn end(self) {
        self.end_with(|| ()).await;
    }

    /// Ends the server, then looks at what it left, before the folder goes.
    pub async fn end_with(self, look: impl FnOnce()) {
        self.server.shutdown(Duration::from_secs(10)).await;
        look();
        drop(self.folder);
    }
}

fn configure(fixtures: &Path, etc: &Path, store: &Path) {
    let state = fixtures.join("server-state");
    std::fs::create_dir_all(etc).expect("etc");
    for name in ["user.cfg", "shadow.json"] {
        std::fs::copy(state.join(name), etc.join(name)).expect(name);
    }
    let write = |name: &str, text: &str| std::fs::write(etc.join(name), text).expect("write");
    // These two were changed by captures; so they were before.
    write("acl.cfg", "acl:1:/:test@pbs,test@pbs!tok:Admin\n");
    write(
        "datastore.cfg",
        &format!(
            "datastore: peer\n\tcomment fixture store\n\tpath {}\n",
            store.display()
        ),
    );
    let hash = config::password::hash(TOKEN_SECRET.as_bytes(), [7; 16]).expect("hash");
    write("token.shadow", &format!(r#"{{"test@pbs!tok":"{hash}"}}"#));
}

fn task_logs(fixtures: &Path, tasks: &Path, archive: &str) {
    std::fs::create_dir_all(tasks.join("88")).expect("tasks");
    std::fs::write(tasks.join("archive"), archive).expect("archive");
    for name in ["backup", "gc", "reader", "verify"] {
        let state = fixtures.join("server-state");
        let upid =
            std::fs::read_to_string(state.join(format!("task-log-{name}.upid.txt"))).expect("upid");
        let log = state.join(format!("task-log-{name}.txt"));
        std::fs::copy(log, tasks.join("88").join(upid.trim())).expect("log");
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("folder");
    for entry in std::fs::read_dir(from).expect("read") {
        let entry = entry.expect("entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("type").is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("copy");
        }
    }
}
