//! A server with one datastore, a client with a token that may do everything, and a watch that remembers what it heard.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use api::Role;
use api::rest::access::{AclUpdate, TokenChange, UserCreate};
use client::{
    ArchiveStats, BackupOptions, BackupReport, BackupWatch, Counters, Error, Notice, Place,
    Protection, Restore, Source, SourceKind,
};
use config::{ConfigDir, edit};
use crypto::Key;
use format::{ArchiveName, AuthId, BackupTime, Fingerprint, Group, Namespace};
use remote::{Client, Connect, Credential, Secret};
use server::{Server, Settings};

pub struct Rig {
    server: Server,
    pub folder: tempfile::TempDir,
    token: AuthId,
    secret: String,
}

/// The only user; it has this password and a token.
pub const USER: &str = "ann@pbs";
pub const PASSWORD: &str = "correct horse";

impl Rig {
    pub async fn start() -> Rig {
        let folder = tempfile::tempdir_in("/dev/shm")
            .or_else(|_| tempfile::tempdir())
            .unwrap();
        let at = |name: &str| folder.path().join(name);
        let listen = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut settings = Settings::new(at("etc"), at("state"), at("log"), listen, "pbs");
        settings.delays.unauthorized = Duration::ZERO;
        settings.delays.forbidden = Duration::ZERO;
        let dir = ConfigDir::create(&at("etc")).unwrap();
        let (token, secret) = user(&dir);
        let store = at("store");
        let entry =
            config::files::Datastore::new("vault".parse().unwrap(), store.display().to_string());
        edit::create_datastore(&dir, &entry, |_| Ok(store::Datastore::create(&store)?)).unwrap();
        let server = Server::bind(settings).await.unwrap();
        Rig {
            server,
            folder,
            token,
            secret,
        }
    }

    pub fn fingerprint(&self) -> Fingerprint {
        self.server.fingerprint().parse().unwrap()
    }

    pub fn port(&self) -> u16 {
        self.server.address().port()
    }

    /// A connection with the token, the certificate pinned.
    pub fn connect(&self) -> Connect {
        let credential = Credential::Token {
            id: self.token.clone(),
            secret: Secret::new(self.secret.clone()),
        };
        let mut connect = Connect::new("127.0.0.1", self.port(), credential);
        connect.fingerprint = Some(self.fingerprint());
        connect
    }

    pub async fn client(&self) -> Client {
        Client::connect(self.connect()).await.unwrap()
    }

    /// Files of a snapshot as they lie in the datastore.
    pub fn stored(&self, place: &Place) -> PathBuf {
        self.folder
            .path()
            .join("store")
            .join(place.snapshot.to_string())
    }

    /// Damages every chunk in a way that its checksum does not show, so that only the client can notice.
    pub fn damage_chunks(&self) {
        let chunks = self.folder.path().join("store/.chunks");
        for folder in std::fs::read_dir(chunks).unwrap() {
            let folder = folder.unwrap().path();
            if !folder.is_dir() {
                continue;
            }
            for chunk in std::fs::read_dir(folder).unwrap() {
                let path = chunk.unwrap().path();
                let mut bytes = std::fs::read(&path).unwrap();
                *bytes.last_mut().unwrap() ^= 1;
                format::blob::set_crc(&mut bytes).unwrap();
                std::fs::write(&path, bytes).unwrap();
            }
        }
    }
}

fn user(dir: &ConfigDir) -> (AuthId, String) {
    let userid: format::Userid = USER.parse().unwrap();
    edit::create_user(
        dir,
        &UserCreate {
            userid: userid.clone(),
            password: Some(PASSWORD.to_owned()),
            properties: Default::default(),
        },
    )
    .unwrap();
    let token = TokenChange {
        userid,
        token_name: "laptop".parse().unwrap(),
        comment: None,
        enable: None,
        expire: None,
        regenerate: None,
        delete: Default::default(),
        digest: None,
    };
    let made = edit::create_token(dir, &token).unwrap();
    for id in [USER.to_owned(), made.tokenid.to_string()] {
        let acl = AclUpdate {
            path: "/".to_owned(),
            role: Role::Admin,
            auth_id: Some(id.parse().unwrap()),
            group: None,
            propagate: None,
            delete: None,
            digest: None,
        };
        edit::update_acl(dir, &acl).unwrap();
    }
    (made.tokenid, made.secret.to_string())
}

/// Snapshot `host/pc` at a time.
pub fn place(epoch: i64) -> Place {
    let group: Group = "host/pc".parse().unwrap();
    Place {
        store: "vault".parse().unwrap(),
        namespace: Namespace::root(),
        snapshot: group.at(BackupTime::new(epoch).unwrap()),
    }
}

pub fn key(byte: u8) -> Arc<Key> {
    Arc::new(Key::from_bytes([byte; 32]))
}

pub fn archive(name: &str) -> ArchiveName {
    name.parse().unwrap()
}

pub fn source(name: &str, path: &Path) -> Source {
    let kind = match archive(name).kind() {
        format::ArchiveKind::Dynamic => SourceKind::Tree(Box::default()),
        format::ArchiveKind::Fixed => SourceKind::Image,
        format::ArchiveKind::Blob => SourceKind::File,
    };
    Source {
        archive: archive(name),
        path: path.to_owned(),
        kind,
    }
}

/// Small pieces, so that small data has many of them.
pub fn options(protection: Protection) -> BackupOptions {
    let mut options = BackupOptions::new(protection);
    options.chunk_size_avg = BackupOptions::CHUNK_SIZE_MIN;
    options.workers = NonZeroUsize::new(2).unwrap();
    options
}

/// What a backup told.
#[derive(Default)]
pub struct Ear(pub Mutex<Heard>);

#[derive(Default)]
pub struct Heard {
    pub notices: Vec<String>,
    pub walked: Vec<String>,
    pub last: Vec<(String, Counters)>,
    pub finished: Vec<ArchiveStats>,
}

impl BackupWatch for Ear {
    fn notice(&self, notice: &Notice) {
        self.0.lock().unwrap().notices.push(notice.to_string());
    }

    fn walked(&self, _archive: &ArchiveName, notice: &tree::Notice) {
        self.0.lock().unwrap().walked.push(notice.to_string());
    }

    fn progress(&self, archive: &ArchiveName, counters: Counters) {
        let mut heard = self.0.lock().unwrap();
        let name = archive.to_string();
        heard.last.retain(|(known, _)| *known != name);
        heard.last.push((name, counters));
    }

    fn finished(&self, stats: &ArchiveStats) {
        self.0.lock().unwrap().finished.push(stats.clone());
    }
}

pub async fn back_up(
    client: &Client,
    place: &Place,
    options: &BackupOptions,
    sources: Vec<Source>,
) -> (Result<BackupReport, Error>, Arc<Ear>) {
    let ear = Arc::new(Ear::default());
    let report = client::backup(client, place, options, sources, ear.clone()).await;
    (report, ear)
}

pub async fn open(client: &Client, place: &Place, key: Option<Arc<Key>>) -> Restore {
    Restore::open(client, place, key).await.unwrap()
}

/// Bytes that do not compress, the same for the same seed.
pub fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(len + 8);
    while bytes.len() < len {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(len);
    bytes
}

/// The error with its causes.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
