//! `strongroomd`: the backup server. Arguments, places and signals are read here; everything else is the `server` crate.
//!
//! On its first start it makes certificate and keys; it prints where it listens and the certificate's fingerprint.

mod app;
mod commands;
mod logging;
mod sys;
mod systemd;

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::Parser;
use config::{ConfigError, NotADirectory, Places};
use server::{Server, Settings, ShutdownOutcome, StartError};

use commands::quickstart;
use logging::Log;
use systemd::Notifier;

/// Chunks are megabytes: an allocator that keeps pages saves the kernel the work of clearing them for every chunk.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Longest time for an orderly end: a week, as good as for ever.
const SHUTDOWN_LIMIT_MAX_S: u64 = 7 * 24 * 3600;

/// Time for the rest of an orderly end, when tasks that did not end in time are stopped.
const END_TIME: Duration = Duration::from_secs(30);

/// The server bounds its blocking calls itself, but a thread that has just done one is not free yet: without this bound a busy server has hundreds
/// of threads, each with memory of its own.
const BLOCKING_THREADS_MAX: usize = 152;

const DOES_NOT_START: &str = "the server does not start";

/// The backup server.
///
/// Serves until SIGTERM or SIGINT; running sessions end first, a second signal ends at once. SIGHUP reads the certificate and the file `log-level` in
/// the state directory again and looks at the other files. Ends with 0 after a signal, 1 if it could not start or was ended at once, 2 if the
/// arguments are wrong. A socket from systemd takes the place of `--listen`.
#[derive(Parser, Debug)]
#[command(name = "strongroomd", version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,

    #[command(flatten)]
    serve: Serve,
}

#[derive(clap::Subcommand, Debug)]
enum Command {
    Quickstart(quickstart::Args),
}

#[derive(clap::Args, Debug)]
struct Serve {
    /// Configuration files in the original's formats [default: /etc/strongroom as root, else $XDG_CONFIG_HOME/strongroom].
    #[arg(long)]
    config_dir: Option<PathBuf>,

    /// Locks and whatever must survive a restart [default: /var/lib/strongroom as root, else $XDG_STATE_HOME/strongroom].
    #[arg(long)]
    state_dir: Option<PathBuf>,

    /// Task logs, access log and authentication log [default: `log` below the state directory].
    #[arg(long)]
    log_dir: Option<PathBuf>,

    /// Address and port to listen on; port 0 takes a free one.
    #[arg(long, default_value = "[::]:8007")]
    listen: SocketAddr,

    /// Seconds that running sessions and tasks get to end by themselves after a signal.
    #[arg(long, default_value_t = 600, value_parser = clap::value_parser!(u64).range(..=SHUTDOWN_LIMIT_MAX_S))]
    shutdown_limit: u64,

    /// The server's own log on standard error: lines for people or JSON objects.
    #[arg(long, value_enum, default_value = "text")]
    log_format: logging::Format,

    /// off, error, warn, info, debug or trace, or such as `info,server::jobs=debug` [default: $PBS_LOG, else info].
    #[arg(long)]
    log_level: Option<String>,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    // Huge pages make a server of many small and short-lived things several times as large. If the kernel does not know them, so much the better.
    let _ = rustix::thread::disable_transparent_huge_pages(true);
    let format = cli.serve.log_format;
    let log = match Log::start(format, cli.serve.log_level.clone()) {
        Ok(log) => log,
        Err(error) => {
            report(&error);
            return ExitCode::FAILURE;
        }
    };
    match run(cli, &log) {
        Ok(code) => code,
        Err(error) => {
            match format {
                logging::Format::Text => report(&error),
                logging::Format::Json => {
                    let steps = next_steps(&error).into_iter();
                    let steps: String = steps.map(|step| format!("; {step}")).collect();
                    tracing::error!("{error:#}{steps}");
                }
            }
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli, log: &Log) -> Result<ExitCode> {
    // Before anything is opened: the socket is known by its number alone.
    let (variable, pid) = (|name: &str| std::env::var_os(name), std::process::id());
    let listener = match cli.command {
        Some(_) => None,
        None => systemd::listener(&variable, pid)?,
    };
    let notifier = Notifier::new(&variable, pid);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING_THREADS_MAX)
        .build()
        .context("cannot start the threads of the server")?;
    let node = rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned();
    let code = runtime.block_on(async {
        match cli.command {
            Some(Command::Quickstart(args)) => quickstart::run(args, &node).await.map(|alike| {
                if alike {
                    ExitCode::SUCCESS
                } else {
                    ExitCode::FAILURE
                }
            }),
            None => serve(cli.serve, &node, listener, log, &notifier).await,
        }
    });
    // A blocking call that hangs on a dead disk must not keep the process.
    runtime.shutdown_timeout(Duration::from_secs(1));
    code
}

async fn serve(
    args: Serve,
    node: &str,
    listener: Option<TcpListener>,
    log: &Log,
    notifier: &Notifier,
) -> Result<ExitCode> {
    let is_root = rustix::process::geteuid().is_root();
    let places = Places::resolve(args.config_dir, args.state_dir, is_root, |name| {
        std::env::var_os(name)
    })?;
    let log_dir = args.log_dir.unwrap_or_else(|| places.state_dir.join("log"));
    places
        .check()
        .and_then(|()| NotADirectory::check(&log_dir, "--log-dir"))
        .context(DOES_NOT_START)?;
    if let Err(error) = log.reload(&places.state_dir) {
        tracing::error!("{error:#}");
    }
    let state_dir = places.state_dir.clone();
    let mut settings = Settings::new(
        places.config_dir,
        places.state_dir,
        log_dir,
        args.listen,
        node,
    );
    settings.log_book = log.book.clone();
    settings.app = server::app::App::new(app::FILES);
    // Half of the descriptors, so that connections never take those that datastores need.
    settings.limits.connections = settings.limits.connections.min(open_files_max() / 2).max(1);
    let mut signals = Signals::new().context("cannot wait for signals")?;
    let server = match listener {
        Some(listener) => Server::serve(settings, listener).await,
        None => Server::bind(settings).await,
    }
    .context(DOES_NOT_START)?;
    say(&format!(
        "Strongroom listens on https://{}\nCertificate fingerprint: {}\n",
        server.address(),
        server.fingerprint()
    ));
    let serving = format!("serving at {}", server.address());
    notifier.ready(&serving);
    loop {
        let request = tokio::select! {
            request = signals.any() => request,
            () = notifier.watch() => continue,
        };
        match request {
            Request::End => break,
            Request::Reload => {
                notifier.reloading();
                reload(&server, log, &state_dir).await;
                notifier.ready(&serving);
            }
        }
    }
    let running = server.running_tasks();
    if running > 0 {
        tracing::info!(
            "ending; {running} running tasks are waited for, a second signal ends at once"
        );
    }
    let limit = Duration::from_secs(args.shutdown_limit);
    notifier.stopping(
        limit + END_TIME,
        &format!("ending; {running} tasks are waited for"),
    );
    let ended = tokio::select! {
        outcome = server.shutdown(limit) => Some(outcome),
        () = signals.end() => None,
        () = notifier.watch() => None,
    };
    Ok(match ended {
        Some(ShutdownOutcome::Clean) => ExitCode::SUCCESS,
        Some(ShutdownOutcome::Stopped(count)) => {
            tracing::warn!("{count} tasks did not end in time and were stopped");
            ExitCode::SUCCESS
        }
        None => ExitCode::FAILURE,
    })
}

async fn reload(server: &Server, log: &Log, state_dir: &Path) {
    if let Err(error) = log.reload(state_dir) {
        tracing::error!("{error:#}");
    }
    for finding in server.check_configuration().await {
        tracing::error!("{finding}");
    }
    match server.reload_certificate().await {
        Ok(true) => tracing::info!(
            "serving a new certificate, fingerprint {}",
            server.fingerprint()
        ),
        Ok(false) => tracing::info!("the certificate is the same as before"),
        Err(error) => {
            let error = anyhow::Error::new(error);
            tracing::error!("the old certificate stays: {error:#}");
        }
    }
}

/// Raises the number of open files to what the system allows, and returns it. The usual limit of 1024 would be reached by connections alone.
fn open_files_max() -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    // If that is refused the old limit stays, and counts.
    let current = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(_) => limit.current,
    };
    current.map_or(usize::MAX, |max| usize::try_from(max).unwrap_or(usize::MAX))
}

/// Standard output may be closed; a server lives on.
fn say(text: &str) {
    use std::io::Write as _;
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes());
    let _ = out.flush();
}

/// What a signal asks for.
enum Request {
    End,
    Reload,
}

struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    hangup: tokio::signal::unix::Signal,
}

impl Signals {
    fn new() -> std::io::Result<Signals> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Signals {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    async fn any(&mut self) -> Request {
        tokio::select! {
            _ = self.interrupt.recv() => Request::End,
            _ = self.terminate.recv() => Request::End,
            _ = self.hangup.recv() => Request::Reload,
        }
    }

    /// Returns when the server shall end.
    async fn end(&mut self) {
        while let Request::Reload = self.any().await {}
    }
}

/// Error, cause and, where we know one, the next step.
fn report(error: &anyhow::Error) {
    use std::io::Write as _;
    let mut err = std::io::stderr().lock();
    let _ = writeln!(err, "error: {error}");
    for cause in error.chain().skip(1) {
        let _ = writeln!(err, "cause: {cause}");
    }
    for step in next_steps(error) {
        let _ = writeln!(err, "hint: {step}");
    }
}

fn next_steps(error: &anyhow::Error) -> Vec<String> {
    let is_root = rustix::process::geteuid().is_root();
    let find = |cause: &(dyn std::error::Error + 'static)| {
        cause.downcast_ref().map(NotADirectory::next_step)
    };
    if let Some(step) = error.chain().find_map(find) {
        return vec![step];
    }
    let start = error.chain().find_map(|cause| cause.downcast_ref());
    let other = match start {
        // It knows more than the system's reason.
        Some(StartError::Unreadable(files)) => return files.steps(),
        Some(StartError::PortTaken(_)) => {
            Some("is a server running already? another address is given with --listen ADDR:PORT")
        }
        // Of a file that is there and wrong its error says enough.
        Some(
            StartError::Folder { .. }
            | StartError::Unwritable { .. }
            | StartError::Config {
                source: ConfigError::Io { .. } | ConfigError::Owner { .. },
                ..
            },
        ) => Some("other folders are chosen with --config-dir, --state-dir and --log-dir"),
        _ => None,
    };
    let refused = console::refusal::next_step(&**error, is_root);
    let steps = refused.into_iter().chain(other);
    steps.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_for_an_end_is_bounded() {
        for (given, expected) in [
            ("0", Some(0)),
            ("604800", Some(SHUTDOWN_LIMIT_MAX_S)),
            // Adding this to a clock would overflow, at the worst moment.
            ("18446744073709551615", None),
        ] {
            let cli = Cli::try_parse_from(["strongroomd", "--shutdown-limit", given]);
            let limit = cli.map(|cli| cli.serve.shutdown_limit).ok();
            assert_eq!(limit, expected, "{given}");
        }
    }

    #[test]
    fn files_may_be_open() {
        let first = open_files_max();
        assert!(first > 0);
        assert_eq!(open_files_max(), first, "the limit stays raised");
    }
}
