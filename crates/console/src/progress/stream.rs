//! Progress for programs: one JSON object per line, each with the member `type`.
//!
//! Lines are whole and flushed at once. A reader that goes away does not end the work: the
//! stream then falls silent, since giving up a backup because nobody watches would be worse.

use std::fmt;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use serde_json::Value;

use crate::json;
use crate::shown;

/// Least time between two lines about the same amount of work.
pub const INTERVAL: Duration = Duration::from_millis(500);

/// The option of commands that work for long.
#[derive(Args, Clone, Copy, Debug)]
pub struct ProgressArgs {
    /// How progress is shown: on the terminal, or as lines of JSON on standard output (on
    /// standard error where that carries the data).
    #[arg(long, default_value = "text")]
    pub progress: ProgressFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ProgressFormat {
    Text,
    Json,
}

/// Where the lines go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    StandardOutput,
    StandardError,
}

impl ProgressArgs {
    /// The stream, if one is wanted.
    pub fn stream(self, place: Place) -> Option<Stream> {
        let out: Box<dyn Write + Send> = match place {
            Place::StandardOutput => Box::new(io::stdout()),
            Place::StandardError => Box::new(io::stderr()),
        };
        (self.progress == ProgressFormat::Json).then(|| Stream::new(out))
    }
}

/// A stream of events; clones share it.
#[derive(Clone)]
pub struct Stream(Arc<Mutex<Inner>>);

struct Inner {
    out: Option<Box<dyn Write + Send>>,
    /// Of the last line that was not urgent.
    last: Option<Instant>,
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Stream")
    }
}

impl Stream {
    pub fn new(out: Box<dyn Write + Send>) -> Stream {
        Stream(Arc::new(Mutex::new(Inner {
            out: Some(out),
            last: None,
        })))
    }

    /// Writes an event: `record`, an object, with its `type`.
    pub fn event(&self, kind: &str, record: Value) {
        self.inner().write(kind, record);
    }

    /// Like [`Stream::event`], unless such a line was written a moment ago.
    pub fn progress(&self, now: Instant, record: impl FnOnce() -> Value) {
        let mut inner = self.inner();
        let is_early = |last| now.saturating_duration_since(last) < INTERVAL;
        if inner.last.is_some_and(is_early) {
            return;
        }
        inner.last = Some(now);
        inner.write("progress", record());
    }

    fn inner(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn write(&mut self, kind: &str, mut record: Value) {
        let Some(out) = &mut self.out else { return };
        if let Value::Object(members) = &mut record {
            members.insert("type".into(), kind.into());
        }
        // Reasons are others' texts; escaped they are the same JSON, also for scripts.
        let line = shown::json(&json::line(&record)).into_owned() + "\n";
        let written = out.write_all(line.as_bytes()).and_then(|()| out.flush());
        if written.is_err() {
            self.out = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Takes so many bytes, then is closed.
    struct Pipe(Arc<Mutex<String>>, usize);

    impl Write for Pipe {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let mut text = self.0.lock().unwrap();
            if text.len() + bytes.len() > self.1 {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            *text += std::str::from_utf8(bytes).unwrap();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_come_whole_and_not_too_often() {
        let text = Arc::new(Mutex::new(String::new()));
        let stream = Stream::new(Box::new(Pipe(Arc::clone(&text), 100)));
        let start = Instant::now();
        stream.event("started", json!({"archive": "a"}));
        for (after_ms, read) in [(0, 1), (499, 2), (500, 3)] {
            stream.progress(
                start + Duration::from_millis(after_ms),
                || json!({"read": read}),
            );
        }
        // This does not fit any more; from then on there is silence.
        stream.event("finished", json!({"archive": "a long name"}));
        stream.event("x", json!({}));
        let expected = [
            r#"{"archive":"a","type":"started"}"#,
            r#"{"read":1,"type":"progress"}"#,
            r#"{"read":3,"type":"progress"}"#,
        ];
        assert_eq!(*text.lock().unwrap(), expected.join("\n") + "\n");
    }
}
