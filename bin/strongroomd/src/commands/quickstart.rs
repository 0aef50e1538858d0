//! `strongroomd quickstart`: the whole job on a user's own files, with the real server and the real client code, over TLS on loopback.
//!
//! Makes what is missing below one folder (`house`), backs a directory up twice, verifies, restores to a scratch folder, compares every
//! byte and every metadata field (`compare`), and prints one table (`table`). Then it serves on, or ends with the exit status.

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use client::{
    ArchiveStats, BackupOptions, BackupWatch, Notice, Place, Protection, Restore, RestoreWatch,
    Source, SourceKind,
};
use console::human;
use format::{ArchiveName, BackupTime, Namespace, Snapshot};
use pxar::{MatchKind, Pattern};
use remote::{Client, Connect, Credential, Query, Secret};
use server::app::App;
use server::{Server, Settings, StartError};
use tree::{CreateOptions, ExtractOptions};

mod compare;
mod house;
mod steps;
mod table;

use house::House;
use steps::Steps;

/// Ports tried after a taken one.
const PORTS_TRIED: u16 = 20;
/// Time for running sessions at the end.
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(30);

/// Show everything on your own files: server, backup, verify, restore, comparison.
///
/// Makes a server on loopback with its data below one folder, backs DIR up twice over TLS, verifies the datastore, restores to a
/// scratch folder, compares every byte and every metadata field, prints one table, and keeps serving.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Directory to back up.
    #[arg(default_value = ".")]
    dir: PathBuf,

    /// Where the server keeps its configuration, state and datastore.
    #[arg(long, default_value = "strongroom-data")]
    data: PathBuf,

    /// Address and port to listen on; if the port is taken, the next free one is used.
    #[arg(long, default_value = "127.0.0.1:8007")]
    listen: SocketAddr,

    /// End after the comparison, with the exit status, instead of serving on.
    #[arg(long)]
    once: bool,
}

/// `true` if everything came back as it was.
pub async fn run(args: Args, node: &str) -> Result<bool> {
    let dir = args
        .dir
        .canonicalize()
        .with_context(|| format!("cannot open the directory {}", args.dir.display()))?;
    if !dir.is_dir() {
        bail!(
            "{} is not a directory; give the directory to back up",
            dir.display()
        );
    }
    let data = args.data.clone();
    let house = tokio::task::block_in_place(|| House::make(&data))?;
    let server = serve(&house, args.listen, node).await?;
    say(&format!("Server     https://{}", server.address()));
    say(&format!(
        "           certificate fingerprint {}",
        server.fingerprint()
    ));
    say(&format!("Data       {}", house.root.display()));

    let outcome = show(&house, &server, &dir).await;
    let alike = match outcome {
        Ok(alike) => alike,
        Err(error) => {
            server.shutdown(SHUTDOWN_LIMIT).await;
            return Err(error);
        }
    };
    if !args.once {
        how_to_reach(&house, &server);
        tokio::select! {
            ended = tokio::signal::ctrl_c() => ended.context("cannot wait for the end")?,
            () = terminated() => {}
        }
        say("Ending; running sessions are waited for.");
    }
    server.shutdown(SHUTDOWN_LIMIT).await;
    Ok(alike)
}

async fn terminated() {
    match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        Ok(mut signal) => {
            signal.recv().await;
        }
        Err(_) => std::future::pending().await,
    }
}

/// A line for the reader, who may have gone (`| head -1`): the job and its exit status go on.
fn say(line: &str) {
    let _ = console::out::line(line);
}

/// The same on standard error.
fn warn(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// Binds to `listen`, or to the next free port with a message.
async fn serve(house: &House, listen: SocketAddr, node: &str) -> Result<Server> {
    let mut address = listen;
    for _ in 0..=PORTS_TRIED {
        let mut settings = Settings::new(house.config(), house.state(), house.log(), address, node);
        settings.app = app();
        match Server::bind(settings).await {
            Err(StartError::PortTaken(taken)) if taken.port() < u16::MAX => {
                address.set_port(taken.port() + 1);
                warn(&format!(
                    "{taken} is in use by another program; trying {address}"
                ));
            }
            other => return other.context("the server does not start"),
        }
    }
    bail!("no free port from {listen} on; give another one with --listen")
}

/// The job itself; prints the table.
async fn show(house: &House, server: &Server, dir: &Path) -> Result<bool> {
    let client = connect(house, server).await?;
    let exclude = house.seen_from(dir);
    let archive = ArchiveName::from_user("root.pxar").context("a fixed name")?;
    let mut rows = Vec::new();
    let mut snapshots = Vec::new();
    let mut losses = Vec::new();
    for name in ["first backup", "second backup"] {
        say(&format!("{name} of {} ...", dir.display()));
        let watch = Arc::new(Watch::default());
        let snapshot = next_snapshot(house, snapshots.last()).await?;
        let place = Place {
            store: house.store_name(),
            namespace: Namespace::default(),
            snapshot: snapshot.clone(),
        };
        let mut options = CreateOptions::default();
        if let Some(pattern) = &exclude {
            options.excludes = vec![
                Pattern::parse(pattern, MatchKind::Exclude)
                    .context("the pattern that leaves out our own data")?,
            ];
        }
        let source = Source {
            archive: archive.clone(),
            path: dir.to_path_buf(),
            kind: SourceKind::Tree(Box::new(options)),
        };
        let started = Instant::now();
        client::backup(
            &client,
            &place,
            &BackupOptions::new(Protection::None),
            vec![source],
            watch.clone(),
        )
        .await
        .context(name)?;
        let heard =
            std::mem::take(&mut *watch.heard.lock().unwrap_or_else(PoisonError::into_inner));
        losses = heard.losses;
        let stats = heard
            .archives
            .iter()
            .find(|s| s.archive == archive)
            .context("the archive has no figures")?;
        rows.push(table::Row::backup(name, stats, started.elapsed()));
        snapshots.push(snapshot);
    }

    say("verify ...");
    let started = Instant::now();
    let verdict = verify(&client, house).await?;
    rows.push(table::Row::plain("verify", verdict, started.elapsed()));

    let snapshot = snapshots.pop().context("two backups were made")?;
    let scratch = tempfile::Builder::new()
        .prefix("restored-")
        .tempdir_in(&house.root)
        .context("cannot make a scratch folder")?;
    let target = scratch.path().join("root");
    say(&format!("restore to {} ...", target.display()));
    let started = Instant::now();
    let place = Place {
        store: house.store_name(),
        namespace: Namespace::default(),
        snapshot,
    };
    let restore = Restore::open(&client, &place, None).await?;
    let options = ExtractOptions {
        strict: true,
        ..ExtractOptions::default()
    };
    let stats = restore
        .tree(&archive, target.clone(), options, Arc::new(Remarks))
        .await?;
    rows.push(table::Row::restore(
        stats.entries,
        stats.file_bytes,
        started.elapsed(),
    ));

    say("compare ...");
    let started = Instant::now();
    let (source, skip) = (dir.to_path_buf(), exclude.map(|_| house.root.clone()));
    let report = tokio::task::spawn_blocking(move || {
        compare::trees(&source, &target, skip.as_deref(), &losses)
    })
    .await??;
    rows.push(table::Row::plain(
        "compare",
        report.verdict(),
        started.elapsed(),
    ));
    tokio::task::spawn_blocking(move || scratch.close())
        .await?
        .context("cannot remove the scratch folder")?;

    let (chunks, bytes) = tokio::task::block_in_place(|| house.chunks())?;
    say("");
    say(table::render(&rows).trim_end_matches('\n'));
    say(&format!(
        "datastore: {chunks} chunks, {} on disk",
        human::bytes(bytes)
    ));
    for line in report.lines() {
        say(&line);
    }
    Ok(report.is_alike())
}

async fn connect(house: &House, server: &Server) -> Result<Client> {
    let credential = Credential::Token {
        id: house.token_id(),
        secret: Secret::new(house.token.clone()),
    };
    let host = match server.address().ip() {
        ip if ip.is_unspecified() => "127.0.0.1".to_owned(),
        ip => ip.to_string(),
    };
    let mut connect = Connect::new(&host, server.address().port(), credential);
    connect.fingerprint = Some(
        server
            .fingerprint()
            .parse()
            .context("our own fingerprint")?,
    );
    Client::connect(connect)
        .await
        .context("cannot log in to our own server")
}

/// A snapshot later than all before: two of a group in one second are refused.
async fn next_snapshot(house: &House, before: Option<&Snapshot>) -> Result<Snapshot> {
    loop {
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .context("the clock is before 1970")?;
        let time = BackupTime::new(i64::try_from(now.as_secs())?)?;
        if before.is_none_or(|b| b.time < time) {
            return Ok(Snapshot {
                group: house.group(),
                time,
            });
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Verifies what is not yet verified, by the server's own task; returns its last line of meaning.
async fn verify(client: &Client, house: &House) -> Result<String> {
    let base = format!("/admin/datastore/{}/verify", house.store_name());
    let upid: String = client
        .post(&base, &Query::new())
        .await
        .context("cannot start the verification")?;
    let status = format!("/nodes/localhost/tasks/{}/status", remote_escape(&upid));
    loop {
        let state: serde_json::Value = client.get(&status, &Query::new()).await?;
        if state["status"] == "stopped" {
            let exit = state["exitstatus"].as_str().unwrap_or("unknown").to_owned();
            if exit != "OK" {
                bail!("the verification found damage: {exit}");
            }
            return Ok("all chunks as they should be".to_owned());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// A task id holds `:`, `\` and `@`.
fn remote_escape(text: &str) -> String {
    text.bytes()
        .map(|b| match b {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' => {
                char::from(b).to_string()
            }
            _ => format!("%{b:02X}"),
        })
        .collect()
}

fn how_to_reach(house: &House, server: &Server) {
    let steps = Steps {
        address: server.address(),
        fingerprint: &server.fingerprint(),
        has_app: app().is_there(),
        user: house::USER,
        password_file: &house.password_file(),
        store: house.store_name(),
        token: house.token_id(),
        token_file: &house.token_file(),
    };
    say("");
    for line in steps.lines() {
        say(&line);
    }
}

/// The browser's app, if this program has it.
fn app() -> App {
    App::new(crate::app::FILES)
}

/// What the client told during one backup.
#[derive(Default)]
struct Heard {
    archives: Vec<ArchiveStats>,
    /// Paths that are missing in the archive, or not as they were.
    losses: Vec<PathBuf>,
}

#[derive(Default)]
struct Watch {
    heard: Mutex<Heard>,
}

impl BackupWatch for Watch {
    fn notice(&self, _notice: &Notice) {}

    fn walked(&self, _archive: &ArchiveName, notice: &tree::Notice) {
        use tree::Notice as N;
        if notice.is_loss() {
            warn(&format!("warning: {notice}"));
        }
        if let N::Vanished(path)
        | N::NoPermission(path)
        | N::Stale(path)
        | N::XattrTooLarge(path)
        | N::Grew { path, .. }
        | N::Shrank { path, .. }
        | N::MountPoint(path) = notice
        {
            self.heard
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .losses
                .push(path.clone());
        }
    }

    fn finished(&self, stats: &ArchiveStats) {
        self.heard
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .archives
            .push(stats.clone());
    }
}

struct Remarks;

impl RestoreWatch for Remarks {
    fn remark(&self, remark: &tree::Remark) {
        warn(&format!("note: {remark}"));
    }

    fn entry_error(&self, error: &tree::EntryError) {
        warn(&format!("warning: {error}: {}", error.source));
    }
}

/// For the callers in this folder: an I/O error with its path.
fn at(path: &Path) -> impl FnOnce(io::Error) -> anyhow::Error + '_ {
    move |error| anyhow::Error::new(error).context(format!("cannot use {}", path.display()))
}
