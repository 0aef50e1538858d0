//! The only place where results and faults become HTTP (protocol.md 1.6, 1.7): envelopes of both formats, status codes, delays, cookies.

use std::io;
use std::time::Duration;

use api::defaults::COOKIE_HTTP_ONLY;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, SET_COOKIE, UPGRADE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderValue, Response, StatusCode, header};
use serde::Serialize;
use serde_json::{Map, Value, json};
use tokio::sync::mpsc;

use crate::blocking::{Blocking, Pieces};
use crate::body::Body;
use crate::fault::Fault;
pub use crate::fault::with_causes;
use crate::room::{Growing, Room};
use crate::settings::Delays;

/// Seconds after which whoever was refused for want of room or turns may try again.
const RETRY_AFTER_S: &str = "5";

/// How an envelope begins.
const BEGUN: &[u8] = b"{\"data\":";
/// For what growing lists take room at first.
const STEP_LEAST: usize = 64 << 10;
/// The longest list: folders have some hundred thousand members, and paths some thousand bytes.
const LIST_BYTES_MAX: usize = 128 << 20;
/// What comes behind a list in the envelope.
const BESIDE_BYTES: usize = 256;

const JSON: HeaderValue = HeaderValue::from_static("application/json;charset=UTF-8");

/// The two output formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Json,
    Extjs,
}

/// What a handler gives back.
pub struct Answer {
    content: Content,
    headers: Vec<(HeaderName, HeaderValue)>,
    status: StatusCode,
    /// What was taken for it while it was made.
    room: Option<Room>,
}

enum Content {
    /// The envelope as far as its `data`, in JSON, and what stands beside that.
    Data(Vec<u8>, Map<String, Value>),
    /// JSON text without envelope, the same in both formats.
    Verbatim(String),
    /// Bytes of this content type.
    Stream(HeaderValue, Pieces),
    /// The same as it comes, for as long as it comes.
    Live(HeaderValue, mpsc::Receiver<Bytes>),
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Answer")
            .field("headers", &self.headers)
            .finish_non_exhaustive()
    }
}

impl Answer {
    /// `data` in the envelope.
    pub fn data<T: Serialize + ?Sized>(data: &T) -> Result<Answer, Fault> {
        let mut text = BEGUN.to_vec();
        serde_json::to_writer(&mut text, data)?;
        Ok(Answer {
            content: Content::Data(text, Map::new()),
            headers: Vec::new(),
            status: StatusCode::OK,
            room: None,
        })
    }

    /// A list in the envelope, written item by item as they come, in room that is taken first.
    pub fn list<T: Serialize>(
        mut growing: Growing<'_>,
        items: impl IntoIterator<Item = Result<T, Fault>>,
    ) -> Result<Answer, Fault> {
        let (mut text, mut counted) = ([BEGUN, b"["].concat(), 0);
        for (number, item) in items.into_iter().enumerate() {
            let before = text.len();
            if number > 0 {
                text.push(b',');
            }
            serde_json::to_writer(&mut text, &item?)?;
            // The next one is hardly longer than all so far and some.
            let item_bytes = text.len() - before;
            if text.len() + item_bytes + STEP_LEAST / 2 < counted {
                continue;
            }
            counted = STEP_LEAST.max(2 * text.capacity());
            if counted > LIST_BYTES_MAX {
                return Err(Fault::ListTooLong(LIST_BYTES_MAX));
            }
            if !growing.reach(counted) {
                return Err(Fault::Crowded);
            }
            text.reserve_exact(counted - text.len());
        }
        text.push(b']');
        text.shrink_to(text.len() + BESIDE_BYTES);
        let room = growing.done(text.capacity());
        Ok(Answer {
            content: Content::Data(text, Map::new()),
            headers: Vec::new(),
            status: StatusCode::OK,
            room: Some(room),
        })
    }

    /// The room that was taken while it was made.
    pub fn take_room(&mut self) -> Option<Room> {
        self.room.take()
    }

    /// `"data":null`.
    pub fn null() -> Answer {
        Answer {
            content: Content::Data([BEGUN, b"null"].concat(), Map::new()),
            headers: Vec::new(),
            status: StatusCode::OK,
            room: None,
        }
    }

    /// JSON without envelope, of content type `application/json`.
    pub fn verbatim<T: Serialize + ?Sized>(body: &T) -> Result<Answer, Fault> {
        Ok(Answer {
            content: Content::Verbatim(serde_json::to_string(body)?),
            headers: Vec::new(),
            status: StatusCode::OK,
            room: None,
        })
    }

    /// Bytes, chunked.
    pub fn stream(content_type: &'static str, pieces: Pieces) -> Answer {
        Answer {
            content: Content::Stream(HeaderValue::from_static(content_type), pieces),
            headers: Vec::new(),
            status: StatusCode::OK,
            room: None,
        }
    }

    /// Bytes as they come.
    pub fn live(content_type: &'static str, pieces: mpsc::Receiver<Bytes>) -> Answer {
        Answer {
            content: Content::Live(HeaderValue::from_static(content_type), pieces),
            headers: Vec::new(),
            status: StatusCode::OK,
            room: None,
        }
    }

    /// Bytes that stop with an error when `goes_on` says no; it is asked before each piece and should be quick.
    pub fn while_allowed(mut self, mut goes_on: impl FnMut() -> bool + Send + 'static) -> Answer {
        if let Content::Stream(content_type, pieces) = self.content {
            let checked = pieces.map(move |piece| match goes_on() {
                true => piece,
                false => Err(io::Error::new(
                    io::ErrorKind::PermissionDenied,
                    "the user or token is disabled, expired or gone",
                )),
            });
            self.content = Content::Stream(content_type, Box::new(checked));
        }
        self
    }

    /// Replaces the caller's ticket, if there is a new one.
    pub fn with_ticket(self, ticket: Option<String>) -> Answer {
        match ticket {
            Some(ticket) => self.header(SET_COOKIE, &ticket_cookie(&ticket)),
            None => self,
        }
    }

    /// Another status than 200.
    pub fn with_status(mut self, status: StatusCode) -> Answer {
        self.status = status;
        self
    }

    /// Adds a member beside `data`.
    pub fn beside(mut self, name: &str, value: impl Into<Value>) -> Answer {
        if let Content::Data(_, members) = &mut self.content {
            members.insert(name.to_owned(), value.into());
        }
        self
    }

    /// Adds a header; one that cannot be sent is left out.
    pub fn header(mut self, name: HeaderName, value: &str) -> Answer {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((name, value));
        }
        self
    }
}

/// What an answer says, for a caller in this process.
#[derive(Debug, Clone, PartialEq)]
pub struct Said {
    pub data: Value,
    /// What stands beside it, such as the digest of a file.
    pub beside: Map<String, Value>,
}

impl Answer {
    /// `data` and what stands beside it; `None` if it is a stream of bytes.
    pub fn into_said(self) -> Option<Said> {
        let members = |text: &str| match serde_json::from_str(text) {
            Ok(Value::Object(members)) => members,
            _ => Map::new(),
        };
        let (data, beside) = match self.content {
            // Both were made from values.
            Content::Data(text, beside) => {
                let data = text.get(BEGUN.len()..)?;
                (serde_json::from_slice(data).ok()?, beside)
            }
            Content::Verbatim(text) => {
                let mut members = members(&text);
                let data = members.remove("data").unwrap_or(Value::Null);
                (data, members)
            }
            Content::Stream(..) | Content::Live(..) => return None,
        };
        Some(Said { data, beside })
    }
}

/// The answer to a successful request.
pub fn success(format: Format, answer: Answer, blocking: &Blocking) -> Response<Body> {
    let (content_type, body) = match answer.content {
        Content::Data(data, mut members) => {
            if format == Format::Extjs {
                members.insert("status".to_owned(), 200.into());
                members.insert("success".to_owned(), true.into());
            }
            (JSON, Body::from(envelope(data, &members)))
        }
        Content::Verbatim(text) => (
            HeaderValue::from_static("application/json"),
            Body::from(text),
        ),
        Content::Stream(content_type, pieces) => (content_type, Body::pieces(blocking, pieces)),
        Content::Live(content_type, pieces) => (content_type, Body::Live(pieces)),
    };
    let mut response = unguessed(body);
    *response.status_mut() = answer.status;
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    // A handler that says itself how its answer is kept knows better.
    if answer
        .headers
        .iter()
        .any(|(name, _)| name == header::CACHE_CONTROL)
    {
        response.headers_mut().remove(header::CACHE_CONTROL);
    }
    for (name, value) in answer.headers {
        response.headers_mut().append(name, value);
    }
    response
}

/// The envelope is there as far as its `data`, so that long lists are written once.
fn envelope(mut text: Vec<u8>, members: &Map<String, Value>) -> Bytes {
    for (name, value) in members {
        let member = format!(",{}:{value}", Value::from(name.as_str()));
        text.extend_from_slice(member.as_bytes());
    }
    text.push(b'}');
    text.into()
}

/// JSON that is no answer of a route, the same for all.
pub fn json(text: Bytes) -> Response<Body> {
    let mut response = unguessed(Body::Shared(text));
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    response
}

/// The answer to a refused request.
pub fn failure(format: Format, fault: &Fault) -> Response<Body> {
    let (status, text) = status(fault);
    let mut response = match format {
        Format::Json => response(status, text),
        Format::Extjs => response(StatusCode::OK, extjs_failure(fault, status, text)),
    };
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    clear_cookie_if_unauthorized(status, &mut response);
    come_again(status, &mut response);
    response
}

/// In place of an answer for which there is no room; it takes none itself.
pub fn no_room() -> Response<Body> {
    let text = Bytes::from_static(b"the server has no room for this answer now; try again later");
    let mut response = unguessed(Body::Shared(text));
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    come_again(StatusCode::SERVICE_UNAVAILABLE, &mut response);
    response
}

/// What is refused for want of something that others hold may be asked again.
fn come_again(status: StatusCode, response: &mut Response<Body>) {
    if matches!(
        status,
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
    ) {
        let headers = response.headers_mut();
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_S));
    }
}

/// The answer to a request that was refused before its output format was known: plain text without content type.
pub fn bare_failure(fault: &Fault) -> Response<Body> {
    let (status, text) = status(fault);
    let mut response = response(
        status,
        if status == StatusCode::URI_TOO_LONG {
            String::new()
        } else {
            text
        },
    );
    clear_cookie_if_unauthorized(status, &mut response);
    come_again(status, &mut response);
    response
}

fn response(status: StatusCode, text: String) -> Response<Body> {
    let mut response = unguessed(Body::from(text));
    *response.status_mut() = status;
    response
}

/// Browsers take it for what it is said to be, since texts and files may hold what others wrote; and nobody on the way keeps what was for one reader.
pub fn unguessed(body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn extjs_failure(fault: &Fault, status: StatusCode, text: String) -> String {
    let (message, errors) = match fault {
        Fault::Params(errors) if errors.iter().all(|error| !error.name.is_empty()) => {
            let errors = errors
                .iter()
                .map(|e| (e.name.clone(), Value::from(e.error.to_string())))
                .collect();
            ("parameter verification errors".to_owned(), errors)
        }
        _ => (text, Map::new()),
    };
    json!({ "errors": errors, "message": message, "status": status.as_u16(), "success": false })
        .to_string()
}

/// Every 401 takes the cookie away (since 4.0.7).
fn clear_cookie_if_unauthorized(status: StatusCode, response: &mut Response<Body>) {
    if status == StatusCode::UNAUTHORIZED
        && let Ok(value) = HeaderValue::from_str(&cleared_cookie())
    {
        response.headers_mut().append(SET_COOKIE, value);
    }
}

/// `Set-Cookie` that removes the ticket.
pub fn cleared_cookie() -> String {
    format!(
        "{COOKIE_HTTP_ONLY}=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Secure; SameSite=Lax; HttpOnly; Path=/;"
    )
}

/// `Set-Cookie` that stores a ticket out of reach of scripts.
pub fn ticket_cookie(ticket: &str) -> String {
    format!("{COOKIE_HTTP_ONLY}={ticket}; Secure; SameSite=Lax; HttpOnly; Path=/;")
}

/// `101`: the connection now speaks `protocol`.
pub fn switching_protocols(protocol: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    response
        .headers_mut()
        .insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    response
        .headers_mut()
        .insert(UPGRADE, HeaderValue::from_static(protocol));
    response
}

/// The same for a client that asked what an unfinished backup has left.
pub fn switching_with_uploads(protocol: &'static str, left: u64) -> Response<Body> {
    let mut response = switching_protocols(protocol);
    let name = HeaderName::from_static(api::backup::UPLOADED_HEADER);
    response.headers_mut().insert(name, HeaderValue::from(left));
    response
}

/// How long an answer of this status is held back, from the start of the request.
pub fn delay(status: StatusCode, delays: &Delays) -> Duration {
    match status {
        StatusCode::UNAUTHORIZED => delays.unauthorized,
        StatusCode::FORBIDDEN => delays.forbidden,
        _ => Duration::ZERO,
    }
}

/// Status and text of a refusal. The text holds the causes too, as far as the error does not name them itself.
pub fn status(fault: &Fault) -> (StatusCode, String) {
    use config::edit::EditError;
    use store::{BeginError, SessionError, StoreError};
    let status = match fault {
        Fault::Seen(fault) => return status(fault),
        Fault::Unauthenticated(_)
        | Fault::LoginRefused { .. }
        | Fault::OwnerChange(_)
        | Fault::Confirmation { .. }
        | Fault::PasswordMissing
        | Fault::NoTarget(_) => StatusCode::UNAUTHORIZED,
        Fault::ChunkNotAllowed(_) => StatusCode::UNAUTHORIZED,
        Fault::Forbidden(_)
        | Fault::UpgradeForbidden { .. }
        | Fault::Gone(_)
        | Fault::CrossSite => StatusCode::FORBIDDEN,
        Fault::NoPath(_)
        | Fault::NoStaticFile(_)
        | Fault::ApiPath(_)
        | Fault::NoFactor(_)
        | Fault::NoRealm(_) => StatusCode::NOT_FOUND,
        Fault::Edit(EditError::TfaMissing(_)) => StatusCode::NOT_FOUND,
        Fault::Begin(BeginError::NoNamespace) | Fault::Store(StoreError::NoFile { .. }) => {
            StatusCode::NOT_FOUND
        }
        Fault::Session(SessionError::Store(StoreError::NoFile { .. })) => StatusCode::NOT_FOUND,
        Fault::Edit(EditError::EntryMissing(..) | EditError::DatastoreMissing(_)) => {
            StatusCode::NOT_FOUND
        }
        Fault::Uncheckable => StatusCode::INTERNAL_SERVER_ERROR,
        Fault::TargetTooLong => StatusCode::URI_TOO_LONG,
        Fault::TooManyRequests | Fault::TooManyStreams | Fault::TooManySearches => {
            StatusCode::TOO_MANY_REQUESTS
        }
        Fault::NoRoom
        | Fault::Crowded
        | Fault::DiskBusy(_)
        | Fault::Edit(EditError::UnseenDatastore { .. } | EditError::SilentPlace(_)) => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        Fault::Edit(EditError::NoSuchNotification(..)) => StatusCode::NOT_FOUND,
        Fault::NotYet(_) | Fault::NotHere(_) | Fault::FactorKind { .. } => {
            StatusCode::NOT_IMPLEMENTED
        }
        Fault::Edit(EditError::TfaNotBuilt(_)) => StatusCode::NOT_IMPLEMENTED,
        _ => StatusCode::BAD_REQUEST,
    };
    (status, with_causes(fault))
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;
    use crate::fault::{AuthFailure, Missing};
    use crate::room::{Rooms, Whose};
    use crate::settings::Space;

    async fn text(response: Response<Body>) -> (u16, Option<String>, String) {
        let content_type = response
            .headers()
            .get(CONTENT_TYPE)
            .map(|v| v.to_str().expect("text").to_owned());
        let status = response.status().as_u16();
        let body = response
            .into_body()
            .collect()
            .await
            .expect("body")
            .to_bytes();
        (
            status,
            content_type,
            String::from_utf8(body.to_vec()).expect("text"),
        )
    }

    const CONTENT: &str = "application/json;charset=UTF-8";

    #[test]
    fn browsers_guess_no_type() {
        let blocking = Blocking::new(1);
        for answer in [
            success(Format::Json, Answer::null(), &blocking),
            json(Bytes::from_static(b"{}")),
            failure(Format::Extjs, &Fault::TooManyStreams),
            bare_failure(&Fault::TargetTooLong),
        ] {
            let options: Vec<_> = answer
                .headers()
                .get_all(X_CONTENT_TYPE_OPTIONS)
                .iter()
                .collect();
            assert_eq!(options, ["nosniff"]);
            let kept: Vec<_> = answer
                .headers()
                .get_all(header::CACHE_CONTROL)
                .iter()
                .collect();
            assert_eq!(kept, ["no-store"]);
        }
    }

    /// For each list of 18 MB some 90 were held before it was counted: as values, as text, in the envelope.
    #[tokio::test]
    async fn a_list_is_counted_while_it_is_made() {
        let space = Space {
            all: 4 << 20,
            each: 1 << 20,
            own: 0,
        };
        let rooms = Rooms::new(space, space);
        let whose = || Whose::User("a@pbs".parse().expect("user"));
        let growing = || Growing::new(&rooms, whose(), None);
        for count in [0usize, 1, 2, 3000, 10_000] {
            let items: Vec<String> = (0..count).map(|n| format!("item {n}")).collect();
            let list = Answer::list(growing(), items.iter().map(Ok)).expect("a list");
            let plain = Answer::data(&items).expect("json");
            assert_eq!(list.into_said(), plain.into_said(), "{count}");
        }
        let mut list = Answer::list(growing(), [1, 2].map(Ok)).expect("a list");
        let room = list.take_room().expect("room");
        let list = text(success(Format::Json, list, &Blocking::new(1))).await;
        assert_eq!(list.2, r#"{"data":[1,2]}"#);
        assert!(room.is_for(list.2.len()));

        // While another answer of his is not taken, no more is made than there is room for.
        let other = rooms.now(&whose(), 700 << 10);
        let made = std::cell::Cell::new(0);
        let items = || {
            (0..100_000).map(|_| {
                made.set(made.get() + 1);
                Ok("some ten b")
            })
        };
        let crowded = Answer::list(growing(), items());
        assert!(matches!(crowded, Err(Fault::Crowded)));
        assert!(made.get() * 13 < 300 << 10, "{}", made.get());
        drop(other);
        let list = Answer::list(growing(), items()).expect("it is the only one");
        assert!(list.room.is_some_and(|room| room.is_for(100_000 * 13)));
        // Nor is it made without an end, and an item that cannot be read ends it.
        let endless = std::iter::repeat_with(|| Ok("x".repeat(1 << 20)));
        let error = Answer::list(growing(), endless).expect_err("too long");
        assert!(matches!(error, Fault::ListTooLong(LIST_BYTES_MAX)));
        let broken = [Ok("fine"), Err(Fault::NoRoom)];
        assert!(matches!(
            Answer::list(growing(), broken),
            Err(Fault::NoRoom)
        ));
    }

    #[tokio::test]
    async fn envelopes() {
        let blocking = Blocking::new(1);
        let answer = || {
            Answer::data(&json!({"b": 1, "a": [true]}))
                .expect("json")
                .beside("digest", "x")
        };
        let json = text(success(Format::Json, answer(), &blocking)).await;
        assert_eq!(
            json,
            (
                200,
                Some(CONTENT.into()),
                r#"{"data":{"a":[true],"b":1},"digest":"x"}"#.into()
            )
        );
        let extjs = text(success(Format::Extjs, Answer::null(), &blocking)).await;
        assert_eq!(
            extjs,
            (
                200,
                Some(CONTENT.into()),
                r#"{"data":null,"status":200,"success":true}"#.into()
            )
        );
        let verbatim = text(success(
            Format::Extjs,
            Answer::verbatim(&json!({"total": 1})).expect("json"),
            &blocking,
        ))
        .await;
        assert_eq!(
            verbatim,
            (
                200,
                Some("application/json".into()),
                r#"{"total":1}"#.into()
            )
        );
    }

    #[tokio::test]
    async fn faults_have_their_status_and_text() {
        let params = |pairs: &[(&str, &str)]| {
            const SCHEMA: api::schema::Schema =
                api::schema::Schema(&[&[api::schema::Param::optional(
                    "verbose",
                    api::schema::Kind::Boolean,
                )]]);
            Fault::Params(SCHEMA.parse(pairs.iter().copied()).expect_err("wrong"))
        };
        for (fault, status, json, extjs) in [
            (
                Fault::Unauthenticated(AuthFailure::TicketExpired),
                401,
                "authentication failed",
                r#"{"errors":{},"message":"authentication failed","status":401,"success":false}"#,
            ),
            (
                Fault::LoginRefused {
                    user: None,
                    cause: AuthFailure::Credentials,
                },
                401,
                "permission check failed.",
                r#"{"errors":{},"message":"permission check failed.","status":401,"success":false}"#,
            ),
            (
                Fault::from(AuthFailure::Damaged),
                500,
                "this server cannot check logins now, because a file of its configuration is damaged or cannot be read; its log says which, and what is wrong there",
                r#"{"errors":{},"message":"this server cannot check logins now, because a file of its configuration is damaged or cannot be read; its log says which, and what is wrong there","status":500,"success":false}"#,
            ),
            (
                Fault::Forbidden(Missing::AnyOf(
                    api::Privileges::DatastoreAudit | api::Privileges::DatastoreBackup,
                    "/datastore/p".into(),
                )),
                403,
                "permission check failed - missing Datastore.Audit|Datastore.Backup on /datastore/p",
                r#"{"errors":{},"message":"permission check failed - missing Datastore.Audit|Datastore.Backup on /datastore/p","status":403,"success":false}"#,
            ),
            (
                Fault::NoPath("/api2/json/nope".into()),
                404,
                "Path '/api2/json/nope' not found.",
                r#"{"errors":{},"message":"Path '/api2/json/nope' not found.","status":404,"success":false}"#,
            ),
            (
                Fault::NotHere("use `ls`"),
                501,
                "not available on this installation: use `ls`",
                r#"{"errors":{},"message":"not available on this installation: use `ls`","status":501,"success":false}"#,
            ),
            (
                Fault::NotYet("send notifications"),
                501,
                "this build does not send notifications yet",
                r#"{"errors":{},"message":"this build does not send notifications yet","status":501,"success":false}"#,
            ),
            (
                params(&[("nope", "1"), ("verbose", "maybe")]),
                400,
                "parameter verification failed:\n- 'nope': schema does not allow additional properties.\n- 'verbose': Unable to parse boolean option.",
                r#"{"errors":{"nope":"schema does not allow additional properties.","verbose":"Unable to parse boolean option."},"message":"parameter verification errors","status":400,"success":false}"#,
            ),
            (
                Fault::UpgradeVersion(http::Version::HTTP_2),
                400,
                "unexpected http version 'HTTP/2.0' (expected version < 2)",
                r#"{"errors":{},"message":"unexpected http version 'HTTP/2.0' (expected version < 2)","status":400,"success":false}"#,
            ),
        ] {
            assert_eq!(
                text(failure(Format::Json, &fault)).await,
                (status, Some(CONTENT.into()), json.into())
            );
            assert_eq!(
                text(failure(Format::Extjs, &fault)).await,
                (200, Some(CONTENT.into()), extjs.into())
            );
            assert_eq!(
                text(bare_failure(&fault)).await,
                (status, None, json.into())
            );
        }
        assert_eq!(
            text(bare_failure(&Fault::TargetTooLong)).await,
            (414, None, String::new())
        );
    }

    #[test]
    fn a_401_takes_the_cookie_away() {
        let answer = bare_failure(&Fault::Unauthenticated(AuthFailure::Missing));
        let cookie = answer
            .headers()
            .get(SET_COOKIE)
            .expect("cookie")
            .to_str()
            .expect("text");
        assert!(
            cookie.starts_with("__Host-PBSAuthCookie=; Expires=Thu, 01 Jan 1970"),
            "{cookie}"
        );
        assert!(
            bare_failure(&Fault::NoPath(String::new()))
                .headers()
                .get(SET_COOKIE)
                .is_none()
        );
    }
}
