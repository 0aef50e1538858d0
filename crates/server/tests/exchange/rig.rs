//! A server in a temporary folder, with the datastore `peer`, a user with a token that may do everything in it, and one that may nothing;
//! and eyes for what it leaves on disk and in the logs of its tasks.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use api::Role;
use api::rest::access::{AclUpdate, TokenChange, UserCreate};
use config::{ConfigDir, edit};
use serde_json::Value;
use server::{Server, Settings};

use super::client::{PATIENCE, Session, connect, plain};

pub struct Rig {
    server: Server,
    folder: tempfile::TempDir,
    pub addr: SocketAddr,
    /// Path of the datastore.
    pub store: PathBuf,
    /// Header line of the token that may do everything.
    pub auth: String,
    /// Header line of a token that may back up, and read what it owns.
    pub backer: String,
    /// Header line of the token that may nothing.
    pub stranger: String,
}

/// A finished task.
#[derive(Debug)]
pub struct Finished {
    pub upid: String,
    pub status: String,
    /// Its lines without the time.
    pub log: Vec<String>,
}

/// What differs from test to test.
#[derive(Debug, Default)]
pub struct Wishes {
    pub verify_new: bool,
    pub upload_bytes: Option<usize>,
    /// What browsers are shown.
    pub app: server::app::App,
}

impl Rig {
    pub async fn start() -> Rig {
        Rig::with(Wishes::default()).await
    }

    pub async fn with(wishes: Wishes) -> Rig {
        let folder = tempdir();
        let at = |name: &str| folder.path().join(name);
        let mut settings = Settings::new(
            at("etc"),
            at("state"),
            at("log"),
            SocketAddr::from(([127, 0, 0, 1], 0)),
            "pbs.example.com",
        );
        settings.delays.unauthorized = Duration::ZERO;
        settings.delays.forbidden = Duration::ZERO;
        if let Some(bytes) = wishes.upload_bytes {
            settings.limits.upload_bytes = bytes;
        }
        settings.app = wishes.app;
        let store = at("peer");
        let dir = ConfigDir::create(&at("etc")).expect("config");
        let auth = user(&dir, "test@pbs", Some(Role::Admin));
        let backer = user(&dir, "back@pbs", Some(Role::DatastoreBackup));
        let stranger = user(&dir, "low@pbs", None);
        let mut entry = config::files::Datastore::new(
            "peer".parse().expect("name"),
            store.display().to_string(),
        );
        entry.verify_new = Some(wishes.verify_new);
        edit::create_datastore(&dir, &entry, |_| Ok(store::Datastore::create(&store)?))
            .expect("datastore");
        let server = Server::bind(settings).await.expect("server");
        Rig {
            addr: server.address(),
            server,
            store,
            auth,
            backer,
            stranger,
            folder,
        }
    }

    /// Query of a backup in the group `host/{id}`.
    pub fn backup(&self, id: &str, time: i64) -> String {
        format!(
            "/api2/json/backup?store=peer&backup-type=host&backup-id={id}&backup-time={time}&debug=1"
        )
    }

    pub async fn open(&self, target: &str) -> Session {
        Session::open(self.addr, target, &self.auth)
            .await
            .unwrap_or_else(|refusal| panic!("{target}: {refusal:?}"))
    }

    /// The refusal of an upgrade.
    pub async fn refused(&self, target: &str, auth: &str) -> (u16, String) {
        match Session::open(self.addr, target, auth).await {
            Ok(_) => panic!("{target} was accepted"),
            Err(refusal) => refusal,
        }
    }

    /// One REST request.
    pub async fn rest(&self, method: &str, target: &str) -> (u16, String) {
        let head = format!(
            "{method} {target} HTTP/1.1\r\nhost: localhost\r\n{}\r\nconnection: close\r\n\r\n",
            self.auth
        );
        let (status, _, body) = plain(&mut connect(self.addr).await, &head, b"").await;
        (status, String::from_utf8(body).expect("text"))
    }

    /// Waits until no task runs.
    pub async fn idle(&self) {
        self.until("tasks have ended", || self.server.running_tasks() == 0)
            .await;
    }

    /// Waits until something holds.
    pub async fn until(&self, what: &str, holds: impl Fn() -> bool) {
        let begin = Instant::now();
        while !holds() {
            assert!(begin.elapsed() < PATIENCE, "it took too long until {what}");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Ends the server; gives back its folder, which is removed when dropped.
    pub async fn shutdown(self, limit: Duration) -> tempfile::TempDir {
        self.server.shutdown(limit).await;
        self.folder
    }

    /// Names in a folder of the datastore, sorted.
    pub fn files(&self, folder: &str) -> Vec<String> {
        names(&self.store.join(folder))
    }

    /// A stored chunk.
    pub fn chunk(&self, digest: &str) -> Vec<u8> {
        std::fs::read(self.store.join(".chunks").join(&digest[..4]).join(digest)).expect("chunk")
    }

    pub fn manifest(&self, snapshot: &str) -> Value {
        let blob =
            std::fs::read(self.store.join(snapshot).join("index.json.blob")).expect("manifest");
        let blob = format::Blob::parse(&blob).expect("blob");
        blob.check_crc().expect("checksum");
        assert!(
            blob.kind().is_compressed(),
            "a stored manifest is compressed"
        );
        let mut text = Vec::new();
        format::Decompressor::new()
            .decode(&blob, 1 << 20, &mut text)
            .expect("decode");
        serde_json::from_slice(&text).expect("JSON")
    }

    /// Ids of running tasks.
    pub fn running(&self) -> Vec<String> {
        let active = std::fs::read_to_string(self.tasks().join("active")).unwrap_or_default();
        active
            .lines()
            .filter(|line| !line.contains(' '))
            .map(str::to_owned)
            .collect()
    }

    /// The task of this type that ended last.
    pub fn last_task(&self, kind: &str) -> Finished {
        let lists = ["archive", "active"]
            .map(|name| std::fs::read_to_string(self.tasks().join(name)).unwrap_or_default());
        let ended = |line: &&str| line.contains(' ') && line.split(':').nth(6) == Some(kind);
        let line = lists
            .iter()
            .flat_map(|list| list.lines())
            .rfind(ended)
            .unwrap_or_else(|| panic!("no {kind} task: {lists:?}"));
        let mut words = line.splitn(3, ' ');
        let (upid, _, status) = (
            words.next().expect("id"),
            words.next(),
            words.next().expect("status"),
        );
        let log = find(&self.tasks(), upid).unwrap_or_else(|| panic!("no log of {upid}"));
        let log = std::fs::read_to_string(log).expect("log");
        let log = log
            .lines()
            .map(|line| {
                line.split_once(": ")
                    .map_or(line, |(_, text)| text)
                    .to_owned()
            })
            .collect();
        Finished {
            upid: upid.to_owned(),
            status: status.to_owned(),
            log,
        }
    }

    /// The server's folder of state.
    pub fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    fn tasks(&self) -> PathBuf {
        self.folder.path().join("log/tasks")
    }
}

/// A datastore has 65536 directories; where there is a file system in memory they cost nothing.
fn tempdir() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .expect("tempdir")
}

/// Makes a user with a token; gives the header line of the token.
fn user(dir: &ConfigDir, name: &str, role: Option<Role>) -> String {
    let userid: format::Userid = name.parse().expect("userid");
    edit::create_user(
        dir,
        &UserCreate {
            userid: userid.clone(),
            password: None,
            properties: Default::default(),
        },
    )
    .expect("user");
    let token = TokenChange {
        userid,
        token_name: "tok".parse().expect("name"),
        comment: None,
        enable: None,
        expire: None,
        regenerate: None,
        delete: Default::default(),
        digest: None,
    };
    let made = edit::create_token(dir, &token).expect("token");
    for id in [name.to_owned(), made.tokenid.to_string()] {
        let Some(role) = role else { continue };
        let path = "/".to_owned();
        let acl = AclUpdate {
            path,
            role,
            auth_id: Some(id.parse().expect("id")),
            group: None,
            propagate: None,
            delete: None,
            digest: None,
        };
        edit::update_acl(dir, &acl).expect("acl");
    }
    format!(
        "authorization: PBSAPIToken={}:{}",
        made.tokenid, made.secret
    )
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut names: Vec<String> = entries
        .map(|entry| {
            entry
                .expect("entry")
                .file_name()
                .into_string()
                .expect("name")
        })
        .collect();
    names.sort();
    names
}

fn find(tasks: &Path, upid: &str) -> Option<PathBuf> {
    names(tasks)
        .into_iter()
        .map(|folder| tasks.join(folder).join(upid))
        .find(|path| path.is_file())
}
