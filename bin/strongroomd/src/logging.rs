//! The server's own log on standard error: lines for people, or JSON objects for programs; how much of it can change while it runs.
//!
//! What counts is the file `log-level` in the state folder, then the option `--log-level`, then `PBS_LOG`, then `info`. The file is read at the
//! start and at each SIGHUP, so that a level can change without a restart and without a route that could be misused.

use std::fmt;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use serde_json::{Map, Value};
use server::log_book::LogBook;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _, Registry, reload};

/// What is logged if nobody says anything.
const USUAL_LEVEL: &str = "info";
/// Name of the file in the state folder.
const LEVEL_FILE: &str = "log-level";
/// Longest content of it that is read.
const LEVEL_BYTES_MAX: u64 = 4096;

/// How lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    Text,
    Json,
}

/// The running log.
#[derive(Debug)]
pub struct Log {
    filter: reload::Handle<EnvFilter, Registry>,
    /// What counts without the file.
    given: String,
    /// The same lines, for who reads them over the interface.
    pub book: LogBook,
}

/// Puts log lines into the book, which notes the time itself; each line comes in one piece.
struct Noting(LogBook);

impl std::io::Write for Noting {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        let now = std::time::UNIX_EPOCH.elapsed().unwrap_or_default();
        let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        self.0.note(now, &String::from_utf8_lossy(line));
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// Begins to log; a wrong level is an error.
    pub fn start(format: Format, level: Option<String>) -> Result<Log> {
        let given = level
            .or_else(|| {
                std::env::var("PBS_LOG")
                    .ok()
                    .filter(|level| !level.is_empty())
            })
            .unwrap_or_else(|| USUAL_LEVEL.to_owned());
        let (filter, handle) = reload::Layer::new(parse(&given)?);
        let lines = tracing_subscriber::fmt::layer()
            .with_writer(std::io::stderr)
            // Where standard error was closed this would try again with a macro that panics.
            .log_internal_errors(false)
            .with_target(false);
        let lines = match format {
            Format::Text => lines.boxed(),
            Format::Json => lines.event_format(Json).boxed(),
        };
        let book = LogBook::default();
        let kept = book.clone();
        let to_book = tracing_subscriber::fmt::layer()
            .with_writer(move || Noting(kept.clone()))
            .log_internal_errors(false)
            .without_time()
            .with_target(false);
        tracing_subscriber::registry()
            .with(filter)
            .with(lines)
            .with(to_book)
            .try_init()
            .context("cannot begin to log")?;
        Ok(Log {
            filter: handle,
            given,
            book,
        })
    }

    /// Takes the level that counts now; with an error the one before stays.
    pub fn reload(&self, state_dir: &Path) -> Result<()> {
        let path = state_dir.join(LEVEL_FILE);
        let level = read(&path)?.unwrap_or_else(|| self.given.clone());
        let filter = parse(&level).with_context(|| format!("cannot use {}", path.display()))?;
        self.filter
            .reload(filter)
            .context("cannot change the log level")?;
        tracing::debug!("log level is {level}");
        Ok(())
    }
}

/// The level in the file; nothing if there is no file or nothing in it. Whatever lies there, it is read without waiting and only as far as a level can go.
fn read(path: &Path) -> Result<Option<String>> {
    let nonblocking = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(nonblocking)
        .open(path);
    let file = match file {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    };
    let mut bytes = Vec::new();
    file.take(LEVEL_BYTES_MAX)
        .read_to_end(&mut bytes)
        .with_context(|| format!("cannot read {}", path.display()))?;
    let text = String::from_utf8_lossy(&bytes);
    let level = text.trim();
    Ok((!level.is_empty()).then(|| level.to_owned()))
}

fn parse(level: &str) -> Result<EnvFilter> {
    let refusal = || {
        format!(
            "{level:?} is no log level; it is off, error, warn, info, debug or trace, or such as info,server::jobs=debug"
        )
    };
    if let Some(word) = unknown_word(level) {
        bail!("{}; {word:?} is none of them", refusal());
    }
    EnvFilter::try_new(level).with_context(refusal)
}

/// A word that the filter would take for a place in the program, so that nothing else would be logged.
fn unknown_word(level: &str) -> Option<&str> {
    let is_known = |word: &str| {
        word.contains('=') || (!word.is_empty() && word.parse::<LevelFilter>().is_ok())
    };
    level.split(',').find(|word| !is_known(word))
}

/// One JSON object per line: time, level, where in the program, message, further fields.
struct Json;

impl<S, N> FormatEvent<S, N> for Json
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut fields = Fields(Map::new());
        event.record(&mut fields);
        let mut members = fields.0;
        let metadata = event.metadata();
        members.insert("level".to_owned(), metadata.level().as_str().into());
        members.insert("target".to_owned(), metadata.target().into());
        members.insert("time".to_owned(), now().into());
        writeln!(writer, "{}", Value::Object(members))
    }
}

/// UTC with microseconds.
fn now() -> String {
    let since = std::time::UNIX_EPOCH.elapsed().unwrap_or_default();
    let seconds = i64::try_from(since.as_secs()).unwrap_or_default();
    let text = format::time::rfc3339_utc(seconds).unwrap_or_default();
    format!(
        "{}.{:06}Z",
        text.trim_end_matches('Z'),
        since.subsec_micros()
    )
}

struct Fields(Map<String, Value>);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0
            .insert(field.name().to_owned(), format!("{value:?}").into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels() {
        for (level, expected) in [
            ("info", true),
            ("off", true),
            ("info,server::jobs=debug", true),
            ("WARN", true),
            ("[span]=debug", true),
            ("loud=very", false),
            // These were taken for places in the program.
            ("nope", false),
            ("info,nope", false),
            ("", false),
        ] {
            assert_eq!(parse(level).is_ok(), expected, "{level}");
            let told = parse(level).err().map(|error| error.to_string());
            let lists = |told: String| told.contains(" off, error, warn, info, debug or trace");
            assert!(told.is_none_or(lists), "{level}");
        }
        let folder = tempfile::tempdir().expect("tempdir");
        let path = folder.path().join(LEVEL_FILE);
        assert_eq!(read(&path).expect("no file"), None);
        for (text, expected) in [("\n", None), (" debug\n", Some("debug"))] {
            std::fs::write(&path, text).expect("write");
            assert_eq!(read(&path).expect("read").as_deref(), expected);
        }
        // A file of gigabytes was read whole.
        let huge = std::fs::File::create(&path).expect("file");
        huge.set_len(1 << 40).expect("length");
        let level = read(&path).expect("read").expect("zeros");
        assert!(level.len() <= 4096 && parse(&level).is_err());
        std::fs::remove_file(&path).expect("file");
        let fifo = rustix::fs::FileType::Fifo;
        rustix::fs::mknodat(rustix::fs::CWD, &path, fifo, rustix::fs::Mode::RWXU, 0).expect("fifo");
        assert_eq!(read(&path).expect("nobody writes"), None);
    }
}
