//! One request inside a session, from its head to its answer: path rules, parameters, the session's step, the lines in the task's log, and
//! the answer in the form of protocol.md 3.2. A refused request never ends the session.

use std::fs::File;
use std::future::Future;
use std::sync::Arc;
use std::time::Instant;

use api::schema::Schema;
use bytes::Bytes;
use h2::server::SendResponse;
use h2::{RecvStream, SendStream};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, DATE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use percent_encoding::percent_decode_str;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::OwnedSemaphorePermit;

use crate::blocking::Blocking;
use crate::context::Context;
use crate::fault::Fault;
use crate::params::{self, Parts, Source};
use crate::reply;
use crate::tasks::Task;
use crate::transfer::window::Window;
use crate::transfer::{intake, send};

const JSON: HeaderValue = HeaderValue::from_static("application/json;charset=UTF-8");
const OCTETS: HeaderValue = HeaderValue::from_static("application/octet-stream");

/// A session, as its requests see it.
pub trait Session: Send + Sync + 'static {
    fn common(&self) -> &Common;

    /// Whether others wait for the memory that an answer holds until its client has taken it.
    fn is_pressed(&self) -> bool {
        false
    }

    /// Finds the step for verb and path, and runs it.
    fn step(self: Arc<Self>, call: Call) -> impl Future<Output = Result<Answer, Fault>> + Send;
}

/// What every session has.
#[derive(Debug)]
pub struct Common {
    pub ctx: Arc<Context>,
    /// Turns at the disk of the session's datastore.
    pub disk: Blocking,
    pub task: Arc<Task>,
    /// Log every request.
    pub debug: bool,
    /// What the client may send ahead.
    pub window: Window,
    /// What the client has taken of the answers.
    pub taken: send::Taken,
}

impl Common {
    /// Writes lines into the task's log, from async code.
    pub async fn log(&self, text: String) {
        let task = Arc::clone(&self.task);
        if self
            .ctx
            .blocking()
            .run(move || task.log(&text))
            .await
            .is_err()
        {
            tracing::error!("a line of the log of task {} is lost", self.task.text());
        }
    }

    /// Runs blocking work that refuses with a fault.
    pub async fn run<T, F>(&self, work: F) -> Result<T, Fault>
    where
        T: Send + 'static,
        F: FnOnce() -> Result<T, Fault> + Send + 'static,
    {
        self.disk.run(work).await?
    }
}

/// A request whose path is in order.
#[derive(Debug)]
pub struct Call {
    pub method: Method,
    /// One slash and the components, decoded.
    pub path: String,
    query: Option<String>,
    content_type: Option<String>,
    pub body: RecvStream,
    /// Longest body with parameters.
    body_max: usize,
}

impl Call {
    /// Parameters of a request whose body is payload.
    pub fn query<T: DeserializeOwned>(&self, schema: &Schema) -> Result<T, Fault> {
        params::collect(schema, Source::QueryOnly, self.parts(&[]))?.read()
    }

    /// Parameters from query, form or JSON.
    pub async fn params<T: DeserializeOwned>(&mut self, schema: &Schema) -> Result<T, Fault> {
        let body = intake::small(&mut self.body, self.body_max).await;
        let body = body
            .map_err(|e| Fault::BodyBroken(e.to_string()))?
            .ok_or(Fault::BodyTooLarge)?;
        params::collect(schema, Source::QueryAndBody, self.parts(&body))?.read()
    }

    fn parts<'a>(&'a self, body: &'a [u8]) -> Parts<'a> {
        Parts {
            path: &[],
            query: self.query.as_deref(),
            content_type: self.content_type.as_deref(),
            body,
        }
    }
}

/// What a step gives back.
#[derive(Debug)]
pub enum Answer {
    /// JSON text that stands as `data` in the envelope.
    Data(String),
    /// Bytes of a known length.
    Bytes(Bytes),
    /// A file, streamed.
    File(File),
    /// A file, streamed, whose session makes no other one meanwhile.
    Held(File, OwnedSemaphorePermit),
}

impl Answer {
    pub fn data<T: Serialize + ?Sized>(data: &T) -> Result<Answer, Fault> {
        Ok(Answer::Data(serde_json::to_string(data)?))
    }

    pub fn null() -> Answer {
        Answer::Data("null".to_owned())
    }

    /// The names below the root of a session.
    pub fn index(names: &[&str]) -> Result<Answer, Fault> {
        Answer::data(
            &names
                .iter()
                .map(|name| serde_json::json!({ "subdir": name }))
                .collect::<Vec<_>>(),
        )
    }
}

/// Serves one request. A client that goes away in the middle is told nothing, of course.
pub async fn serve<S: Session>(
    session: Arc<S>,
    request: Request<RecvStream>,
    respond: SendResponse<Bytes>,
) {
    let start = Instant::now();
    let (head, body) = request.into_parts();
    let path = path_of(head.uri.path());
    let shown = path.as_deref().unwrap_or(head.uri.path());
    let line = format!("{} {}", head.method, one_line(shown));
    let common = session.common();
    if common.debug {
        common.log(line.clone()).await;
    }
    let outcome = match path {
        Ok(path) => {
            let content_type = head
                .headers
                .get(CONTENT_TYPE)
                .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
            let (query, body_max) = (
                head.uri.query().map(str::to_owned),
                common.ctx.settings().limits.body_bytes,
            );
            let call = Call {
                method: head.method,
                path,
                query,
                content_type,
                body,
                body_max,
            };
            Arc::clone(&session).step(call).await
        }
        Err(fault) => Err(fault),
    };
    let sent = match outcome {
        Ok(answer) => success(&*session, respond, answer).await,
        Err(fault) => {
            let (status, text) = refusal(&fault);
            common
                .log(format!("{line}: {status}: {}", one_line(&text)))
                .await;
            tokio::time::sleep(
                reply::delay(status, &common.ctx.settings().delays).saturating_sub(start.elapsed()),
            )
            .await;
            failure(respond, status, text, has_content_type(&fault)).await
        }
    };
    if let Err(e) = sent {
        tracing::debug!(
            "an answer in task {} did not get through: {e}",
            common.task.text()
        );
    }
}

/// Decoded components behind one slash each; empty ones are dropped.
fn path_of(path: &str) -> Result<String, Fault> {
    let mut decoded = String::new();
    for component in path.split('/').filter(|component| !component.is_empty()) {
        let component = percent_decode_str(component)
            .decode_utf8()
            .map_err(|_| Fault::IllegalPath)?;
        if component.starts_with('.') {
            return Err(Fault::IllegalPath);
        }
        decoded.push('/');
        decoded.push_str(&component);
    }
    Ok(if decoded.is_empty() {
        "/".to_owned()
    } else {
        decoded
    })
}

/// What a client wrote, without the means to write lines of its own into the log.
fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

/// Status and text. The original's texts of session errors stand alone, whatever caused them.
fn refusal(fault: &Fault) -> (StatusCode, String) {
    let (status, text) = reply::status(fault);
    match fault {
        Fault::Session(store::SessionError::ReuseNoArchive { .. }) => (status, fault.to_string()),
        _ => (status, text),
    }
}

/// Errors found while parameters are read have no content type (protocol.md 1.6).
fn has_content_type(fault: &Fault) -> bool {
    use Fault::{
        BodyBroken, BodyTooLarge, ContentType, Form, IllegalPath, Json, JsonNotObject, Params,
    };
    !matches!(
        fault,
        Params(_)
            | BodyBroken(_)
            | BodyTooLarge
            | ContentType(_)
            | Form(_)
            | IllegalPath
            | Json(_)
            | JsonNotObject
    )
}

async fn success<S: Session>(
    session: &S,
    respond: SendResponse<Bytes>,
    answer: Answer,
) -> Result<(), h2::Error> {
    match answer {
        Answer::Data(data) => {
            let text = Bytes::from(format!("{{\"data\":{data}}}"));
            let mut stream = begin(respond, StatusCode::OK, Some(JSON), Some(text.len()))?;
            send::bytes(&mut stream, text, &session.common().taken, || false).await
        }
        Answer::Bytes(bytes) => {
            let mut stream = begin(respond, StatusCode::OK, Some(OCTETS), Some(bytes.len()))?;
            send::bytes(&mut stream, bytes, &session.common().taken, || {
                session.is_pressed()
            })
            .await
        }
        Answer::File(file) => send_file(session, respond, file).await,
        Answer::Held(file, _turn) => send_file(session, respond, file).await,
    }
}

async fn send_file<S: Session>(
    session: &S,
    respond: SendResponse<Bytes>,
    file: File,
) -> Result<(), h2::Error> {
    let mut stream = begin(respond, StatusCode::OK, Some(OCTETS), None)?;
    let common = session.common();
    send::file(&mut stream, file, &common.disk, &common.taken).await
}

async fn failure(
    respond: SendResponse<Bytes>,
    status: StatusCode,
    text: String,
    content_type: bool,
) -> Result<(), h2::Error> {
    let mut stream = begin(
        respond,
        status,
        content_type.then_some(JSON),
        Some(text.len()),
    )?;
    send::bytes(
        &mut stream,
        Bytes::from(text),
        &send::Taken::default(),
        || false,
    )
    .await
}

fn begin(
    mut respond: SendResponse<Bytes>,
    status: StatusCode,
    content_type: Option<HeaderValue>,
    length: Option<usize>,
) -> Result<SendStream<Bytes>, h2::Error> {
    let mut head = Response::new(());
    *head.status_mut() = status;
    let headers = head.headers_mut();
    headers.extend(content_type.map(|value| (CONTENT_TYPE, value)));
    headers.extend(now().map(|value| (DATE, value)));
    headers.extend(length.map(|length| (CONTENT_LENGTH, HeaderValue::from(length))));
    respond.send_response(head, false)
}

fn now() -> Option<HeaderValue> {
    let text = jiff::fmt::rfc2822::DateTimePrinter::new()
        .timestamp_to_rfc9110_string(&jiff::Timestamp::now())
        .ok()?;
    HeaderValue::from_str(&text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_rules() {
        for (given, expected) in [
            ("/dynamic_chunk", Some("/dynamic_chunk")),
            ("//dynamic_chunk//", Some("/dynamic_chunk")),
            ("/", Some("/")),
            ("/a/%62", Some("/a/b")),
            ("/../owner", None),
            ("/%2e%2e/owner", None),
            ("/%ff", None),
        ] {
            assert_eq!(path_of(given).ok().as_deref(), expected, "{given}");
        }
        assert_eq!(one_line("/a\nTASK OK"), "/a TASK OK");
    }
}
