//! What a server is told from outside: its folders, its address, its limits. The library reads neither environment nor arguments, so whoever
//! starts it (the daemon, a test, quickstart) fills this in. Every limit stands here with its reason; nothing else in the crate is unbounded.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use api::defaults::{FORBIDDEN_DELAY_MS, UNAUTHORIZED_DELAY_MS};
use jiff::tz::TimeZone;

use crate::app::App;
use crate::log_book::LogBook;

/// Everything a [`crate::Server`] needs to know before it starts.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Configuration files, keys and the certificate (server.md 1.0); made with mode 0700 if missing.
    pub config_dir: PathBuf,
    /// What must survive a restart but is no configuration; locks lie below it.
    pub state_dir: PathBuf,
    /// `api/access.log`, `api/auth.log` and `tasks/`.
    pub log_dir: PathBuf,
    /// Address and port to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// First label of the host name, as it stands in task ids.
    pub node: String,
    /// In which the days of prune rules and the times of schedules are counted; the machine's own unless a test says otherwise.
    pub zone: TimeZone,
    /// Where whoever starts the server also sends its log lines, to be read over the interface.
    pub log_book: LogBook,
    /// What browsers are shown; without it a page that says how to get it.
    pub app: App,
    pub limits: Limits,
    pub delays: Delays,
}

impl Settings {
    /// Settings with the usual limits.
    pub fn new(
        config_dir: PathBuf,
        state_dir: PathBuf,
        log_dir: PathBuf,
        listen: SocketAddr,
        node: &str,
    ) -> Settings {
        Settings {
            config_dir,
            state_dir,
            log_dir,
            listen,
            node: first_label(node),
            zone: TimeZone::system(),
            log_book: LogBook::default(),
            app: App::default(),
            limits: Limits::default(),
            delays: Delays::default(),
        }
    }
}

/// First label of a host name; `localhost` if nothing is left that may stand in a task id.
fn first_label(node: &str) -> String {
    let label = node.split('.').next().unwrap_or_default();
    let fine = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let trimmed = label.trim_matches('-');
    if trimmed.is_empty() || !trimmed.chars().all(fine) {
        "localhost".to_owned()
    } else {
        trimmed.to_owned()
    }
}

/// Bytes of memory that are shared out.
#[derive(Debug, Clone, Copy)]
pub struct Space {
    /// In all, but for what each has of his own.
    pub all: usize,
    /// What one may hold.
    pub each: usize,
    /// What each has beside all that others hold.
    pub own: usize,
}

/// Bounds on what others can make the server hold.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Open connections; each costs a task and its buffers, some 20 KiB. A further one takes the place of one that is at work for nobody.
    pub connections: usize,
    /// Of these at most so many from one IPv4 address or one IPv6 network, by the same rule.
    pub connections_of_network: usize,
    /// Connections that have not yet shown what they speak (protocol.md 1.1), by the same rule.
    pub handshakes: usize,
    /// Time for the first bytes and for the TLS handshake (protocol.md 1.9).
    pub handshake: Duration,
    /// Time in which a request's head must arrive after the answer before it, so also the longest idle time of an HTTP/1.1 connection.
    pub head: Duration,
    /// Form and JSON bodies (protocol.md 1.5).
    pub body_bytes: usize,
    /// The same on routes that need no login: whoever has none gets room for a login and no more.
    pub open_body_bytes: usize,
    /// Time in which such a body must arrive,
    pub body: Duration,
    /// without a longer pause than this.
    pub body_pause: Duration,
    /// Such bodies of users in memory, until they are worked on: what is read from one takes a multiple of it.
    pub bodies: Space,
    /// Answers to users that were made whole and are not yet taken.
    pub answers: Space,
    /// The same two of those who have not logged in, by network.
    pub open: Space,
    /// Requests of one user and his tokens that are worked on or wait, but for those that open sessions; each holds some 20 KiB.
    pub requests_of_user: usize,
    /// How long a request waits for such room before it is refused.
    pub room_patience: Duration,
    /// Requests with a payload (16 MiB at most) that are received and stored at the same time; more wait their turn, as long as one that opens a session.
    pub payloads: usize,
    /// Of each datastore, beside these.
    pub payloads_own: usize,
    /// Path and query (protocol.md 1.3).
    pub target_bytes: usize,
    /// Blocking calls at the same time; more wait their turn.
    pub blocking: usize,
    /// Beside these, blocking calls that need the disk of a datastore: of all datastores together,
    pub disk_calls: usize,
    /// of each at most: a disk that does not answer holds so many of them and no more,
    pub disk_calls_of_store: usize,
    /// and of each beside those of all: when several disks are silent, others still have these. They run on threads of their own.
    pub disk_calls_own: usize,
    /// How long a request waits for a turn of its datastore before it is refused. Open sessions wait as long as it takes.
    pub disk_patience: Duration,
    /// The same for a request that opens a session: a scheduled backup rather begins late than not at all.
    pub opening_patience: Duration,
    /// How long a look at all datastores waits for one of them.
    pub look_patience: Duration,
    /// How long an answer of `/readyz` counts: anybody may ask, as often as he likes.
    pub readiness_counts: Duration,
    /// Password hashes at the same time, and as many hashes of tokens: each takes tens of milliseconds of one core and 16 MiB.
    pub hashing: usize,
    /// Passwords that the system's modules check at the same time; each takes a blocking call for as long as they like.
    pub system_checks: usize,
    /// Downloads that decode chunks at the same time; each holds up to 32 MiB of them.
    pub downloads: usize,
    /// Of these at most so many for one user and his tokens.
    pub downloads_of_user: usize,
    /// Of each datastore beside these, so that one whose disk is silent does not take all.
    pub downloads_own: usize,
    /// Searches and comparisons of snapshots at the same time; each reads what it needs of catalogs and metadata, and holds up to 200 MiB of
    /// names if folders are that large.
    pub searches: usize,
    /// Of these at most so many for one user and his tokens.
    pub searches_of_user: usize,
    /// Of each datastore beside these, so that one whose disk is silent does not take all.
    pub searches_own: usize,
    /// How long one looks before it answers with what it has.
    pub search_time: Duration,
    /// How long a client may take nothing of what it asked for, be it a download or any other answer.
    pub patience: Duration,
    /// How often a long answer looks whether its reader may still log in.
    pub login_look: Duration,
    /// Streams of events at the same time; each has a connection and next to nothing else.
    pub event_streams: usize,
    /// Of these at most so many for one user and his tokens.
    pub event_streams_of_user: usize,
    /// Each user has so many beside these, so that others who take all leave him some.
    pub event_streams_own: usize,
    /// How often such a stream shows that it is there, and looks whether its login still counts.
    pub heartbeat: Duration,
    /// Worker tasks at the same time.
    pub tasks: usize,
    /// Of these at most so many of one user and his tokens, so that nobody takes them all; `root@pam`, who also is the server itself, may.
    pub tasks_of_user: usize,
    /// How long a task may take to stop before whoever stops it again ends it in the lists; its thread is left to itself and keeps its place.
    pub stop_patience: Duration,
    /// Verifications that work or wait, beside these tasks. One that waits holds an open log and little else.
    pub verifications: usize,
    /// Of these at most so many of one user and his tokens: new snapshots of as many guests can be verified after one night.
    pub verifications_of_user: usize,
    /// Verifications of one datastore at the same time; more wait their turn. Each reads with threads of its own that hold a chunk or two.
    pub verifications_of_store: usize,
    /// Bodies of uploads in memory, of all sessions together; more wait, or go to the datastore's disk if waiting would stall their session.
    pub upload_bytes: usize,
    /// What clients of sessions may send ahead, together; each may send 1 MiB in any case.
    pub window_bytes: u64,
    /// Uploaded bodies that are decoded and stored at the same time for one datastore; one of them is that datastore's own, the others are shared by
    /// all. Each may take 16 MiB, and what it decodes (`store` bounds that for all).
    pub upload_workers: usize,
    /// Chunks on their way to clients, of all sessions together.
    pub download_bytes: usize,
    /// As much again for the sessions of each user, and one chunk for those of each datastore.
    pub download_bytes_of_user: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            connections: 4096,
            connections_of_network: 1024,
            handshakes: 1024,
            handshake: Duration::from_secs(10),
            head: Duration::from_secs(300),
            body_bytes: api::defaults::BODY_BYTES_MAX,
            open_body_bytes: 8 << 10,
            body: Duration::from_secs(60),
            body_pause: Duration::from_secs(20),
            bodies: Space {
                all: 16 << 20,
                each: 2 << 20,
                own: 512 << 10,
            },
            answers: Space {
                all: 64 << 20,
                each: 16 << 20,
                own: 1 << 20,
            },
            open: Space {
                all: 4 << 20,
                each: 512 << 10,
                own: 0,
            },
            requests_of_user: 1024,
            room_patience: Duration::from_secs(15),
            payloads: 8,
            payloads_own: 1,
            target_bytes: api::defaults::PATH_BYTES_MAX,
            blocking: 64,
            disk_calls: 80,
            disk_calls_of_store: 16,
            disk_calls_own: 4,
            disk_patience: Duration::from_secs(10),
            opening_patience: Duration::from_secs(120),
            look_patience: Duration::from_secs(3),
            readiness_counts: Duration::from_secs(1),
            hashing: 2,
            system_checks: 8,
            downloads: 16,
            downloads_of_user: 8,
            downloads_own: 1,
            searches: 4,
            searches_of_user: 2,
            searches_own: 1,
            search_time: Duration::from_secs(15),
            patience: crate::blocking::PATIENCE,
            login_look: Duration::from_secs(5),
            event_streams: 256,
            event_streams_of_user: 24,
            event_streams_own: 4,
            heartbeat: Duration::from_secs(15),
            tasks: 256,
            tasks_of_user: 128,
            stop_patience: Duration::from_secs(10),
            verifications: 512,
            verifications_of_user: 256,
            verifications_of_store: 4,
            upload_bytes: 32 << 20,
            window_bytes: 64 << 20,
            upload_workers: std::thread::available_parallelism()
                .map_or(2, |cores| cores.get().clamp(2, 8)),
            download_bytes: 48 << 20,
            download_bytes_of_user: 32 << 20,
        }
    }
}

/// How long refusals are held back, counted from the start of the request (protocol.md 1.7). Tests set them to zero.
#[derive(Debug, Clone, Copy)]
pub struct Delays {
    pub unauthorized: Duration,
    pub forbidden: Duration,
}

impl Default for Delays {
    fn default() -> Delays {
        Delays {
            unauthorized: Duration::from_millis(UNAUTHORIZED_DELAY_MS),
            forbidden: Duration::from_millis(FORBIDDEN_DELAY_MS),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::first_label;

    #[test]
    fn node_is_the_first_label() {
        for (given, expected) in [
            ("pbs", "pbs"),
            ("pbs.example.com", "pbs"),
            ("", "localhost"),
            ("a_b", "localhost"),
            ("-x-", "x"),
        ] {
            assert_eq!(first_label(given), expected, "{given:?}");
        }
    }
}
