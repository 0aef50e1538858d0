//! A login at a server: REST calls, and the door to sessions.
//!
//! Connections are kept and used again. A request that meets a connection which the server has closed meanwhile is sent once more on a
//! new one, if it was certainly not handled. Calls may run at the same time.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use api::backup::{UPLOADED_FORM, UPLOADED_HEADER};
use api::defaults;
use api::rest::access::{TicketReply, TicketRequest};
use bytes::Bytes;
use format::{AuthId, Fingerprint, Namespace, Snapshot, StoreName};
use http::{Method, Request, header};
use http_body_util::Full;
use hyper::body::Incoming;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::backup::BackupSession;
use crate::connect::{Connect, Endpoint};
use crate::error::Error;
use crate::login::{Auth, SecondFactor, Step, Ticket};
use crate::query::Query;
use crate::reader::ReaderSession;
use crate::session::{self, Session};
use crate::wire::{self, Switched, Wire};

/// Connections kept open while nobody uses them.
const IDLE_MAX: usize = 2;

/// Speaks to one server as one user or token.
pub struct Client {
    endpoint: Endpoint,
    user_agent: String,
    auth: tokio::sync::RwLock<Auth>,
    auth_id: AuthId,
    second_factor: Option<SecondFactor>,
    idle: Mutex<Vec<Wire>>,
}

/// What a backup session shall write.
#[derive(Debug, Clone)]
pub struct BackupTarget {
    pub store: StoreName,
    pub namespace: Namespace,
    pub snapshot: Snapshot,
    /// The server's task log names each request.
    pub debug: bool,
    /// Only with `host/benchmark`: nothing is kept.
    pub benchmark: bool,
    /// Ask the server to bypass its cache of an object store.
    pub no_cache: bool,
}

impl Client {
    /// Connects and logs in.
    pub async fn connect(mut connect: Connect) -> Result<Client, Error> {
        let user_agent = connect.user_agent.clone();
        let second_factor = connect.second_factor.take();
        let (endpoint, credential) = Endpoint::new(connect)?;
        let auth = Auth::new(credential, Instant::now())?;
        let client = Client {
            endpoint,
            user_agent,
            second_factor,
            auth_id: auth.auth_id(),
            auth: auth.into(),
            idle: Mutex::new(Vec::new()),
        };
        client.log_in().await?;
        if client.idle().is_empty() {
            let wire = Wire::open(&client.endpoint).await?;
            client.keep(wire);
        }
        Ok(client)
    }

    /// As whom we are logged in.
    pub fn auth_id(&self) -> &AuthId {
        &self.auth_id
    }

    /// `host:port`.
    pub fn server(&self) -> &str {
        &self.endpoint.server
    }

    /// The fingerprint of the server's certificate.
    pub fn fingerprint(&self) -> Option<Fingerprint> {
        self.endpoint.fingerprint()
    }

    /// The ticket to keep for the next login; tokens have none.
    pub async fn ticket(&self) -> Option<Ticket> {
        self.auth.read().await.ticket(Instant::now())
    }

    /// `GET path?query`; `path` starts with a slash and lies below `/api2/json`.
    pub async fn get<T: DeserializeOwned>(&self, path: &str, query: &Query) -> Result<T, Error> {
        self.data(Method::GET, path, query, None).await
    }

    /// `PUT path?query`.
    pub async fn put<T: DeserializeOwned>(&self, path: &str, query: &Query) -> Result<T, Error> {
        self.data(Method::PUT, path, query, None).await
    }

    /// `DELETE path?query`.
    pub async fn delete<T: DeserializeOwned>(&self, path: &str, query: &Query) -> Result<T, Error> {
        self.data(Method::DELETE, path, query, None).await
    }

    /// `POST path` with the parameters as JSON body.
    pub async fn post<T: DeserializeOwned>(&self, path: &str, query: &Query) -> Result<T, Error> {
        let body = (JSON, Bytes::from(query.to_json().to_string()));
        self.data(Method::POST, path, &Query::new(), Some(body))
            .await
    }

    /// `POST path` with the parameters as a form: each is text, and the server knows of which type it is.
    pub async fn post_form<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &Query,
    ) -> Result<T, Error> {
        self.form(Method::POST, path, query).await
    }

    /// `PUT path` with the parameters as a form.
    pub async fn put_form<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &Query,
    ) -> Result<T, Error> {
        self.form(Method::PUT, path, query).await
    }

    async fn form<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        query: &Query,
    ) -> Result<T, Error> {
        let body = (FORM, Bytes::from(query.to_string()));
        self.data(method, path, &Query::new(), Some(body)).await
    }

    /// What the server says of its own interface, an OpenAPI document; the original has none.
    pub async fn description(&self) -> Result<Value, Error> {
        self.envelope(DESCRIPTION, &Query::new()).await
    }

    /// `POST path?query` with bytes as body.
    pub async fn upload<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &Query,
        body: Bytes,
    ) -> Result<T, Error> {
        self.data(Method::POST, path, query, Some((OCTETS, body)))
            .await
    }

    /// `GET path?query`, the whole JSON of the answer and not only its `data`.
    pub async fn envelope(&self, path: &str, query: &Query) -> Result<Value, Error> {
        let name = format!("GET {path}");
        let body = self.answer(&name, Method::GET, path, query, None).await?;
        serde_json::from_slice(&body).map_err(|source| Error::Reply {
            request: name,
            source,
        })
    }

    /// `GET path?query` whose answer is bytes.
    pub async fn download(&self, path: &str, query: &Query) -> Result<Download, Error> {
        self.log_in().await?;
        let name = format!("GET {path}");
        let request = self.request(Method::GET, path, query, None).await?;
        let mut wire = Wire::open(&self.endpoint).await?;
        let answer = wire.send(&name, request).await?;
        Ok(Download {
            body: answer.into_body(),
            server: self.endpoint.server.clone(),
            _wire: wire,
        })
    }

    /// Opens a backup session; the snapshot exists from now on, and vanishes unless the session is finished.
    pub async fn start_backup(&self, target: &BackupTarget) -> Result<BackupSession, Error> {
        let query = Query::of(&api::backup::Open {
            snapshot: target.snapshot.clone().into(),
            benchmark: target.benchmark,
            debug: target.debug,
            no_cache: target.no_cache,
            ns: target.namespace.clone(),
            store: target.store.clone(),
        });
        let asks = Some((UPLOADED_HEADER, UPLOADED_FORM));
        let (session, told) = self
            .switch("/backup", &query, defaults::BACKUP_PROTOCOL, asks)
            .await?;
        let left = told.and_then(|told| told.parse().ok());
        Ok(BackupSession::new(session, left.unwrap_or(0)))
    }

    /// Opens a reader session on a finished snapshot.
    pub async fn start_reader(
        &self,
        store: &StoreName,
        namespace: &Namespace,
        snapshot: &Snapshot,
    ) -> Result<ReaderSession, Error> {
        let query = Query::of(&api::reader::Open {
            snapshot: snapshot.clone().into(),
            debug: true,
            ns: namespace.clone(),
            store: store.clone(),
        });
        let (session, _) = self
            .switch("/reader", &query, defaults::READER_PROTOCOL, None)
            .await?;
        Ok(ReaderSession::new(session))
    }

    /// A session, and what the server says to the header `asks`, which only some know. Who has been away for long may hold a ticket that the server does not take any more, and logs in anew.
    async fn switch(
        &self,
        path: &str,
        query: &Query,
        protocol: &'static str,
        asks: Option<(&'static str, &'static str)>,
    ) -> Result<(Session, Option<String>), Error> {
        match self.switch_once(path, query, protocol, asks).await {
            Err(Error::Refused { status: 401, .. }) if self.forgets_ticket().await => {
                self.switch_once(path, query, protocol, asks).await
            }
            other => other,
        }
    }

    /// Whether there is a password to log in with instead of the ticket, which is dropped then.
    async fn forgets_ticket(&self) -> bool {
        let mut auth = self.auth.write().await;
        let can = auth.has_password();
        if can {
            auth.forget();
        }
        can
    }

    async fn switch_once(
        &self,
        path: &str,
        query: &Query,
        protocol: &'static str,
        asks: Option<(&'static str, &'static str)>,
    ) -> Result<(Session, Option<String>), Error> {
        self.log_in().await?;
        let name = format!("GET {path}");
        let mut request = self.request(Method::GET, path, query, None).await?;
        let headers = request.headers_mut();
        headers.insert(
            header::CONNECTION,
            http::HeaderValue::from_static("upgrade"),
        );
        headers.insert(header::UPGRADE, http::HeaderValue::from_static(protocol));
        if let Some((name, value)) = asks {
            headers.insert(name, http::HeaderValue::from_static(value));
        }
        let switched = match self.take() {
            Some(wire) => match wire.switch(&name, request.clone(), protocol).await {
                Err(error) if was_not_sent(&error) => {
                    self.switch_anew(&name, request, protocol).await?
                }
                other => other?,
            },
            None => self.switch_anew(&name, request, protocol).await?,
        };
        let server = self.endpoint.server.clone();
        // Held to a rate, what is taken at once may be waited for longer than that.
        let silence_max = session::SILENCE_MAX + self.endpoint.pause_max();
        let told = asks.and_then(|(name, _)| switched.headers.get(name));
        let told = told.and_then(|told| told.to_str().ok().map(str::to_owned));
        let (stream, early) = (switched.stream, switched.early);
        let session = Session::start(stream, early, server, self.user_agent.clone(), silence_max);
        Ok((session.await?, told))
    }

    async fn switch_anew(
        &self,
        name: &str,
        request: Request<Full<Bytes>>,
        protocol: &str,
    ) -> Result<Switched, Error> {
        let wire = Wire::open(&self.endpoint).await?;
        wire.switch(name, request, protocol).await
    }

    /// Logs in or renews the ticket if it is time to.
    async fn log_in(&self) -> Result<(), Error> {
        if self.auth.read().await.step(Instant::now()) == Step::Ready {
            return Ok(());
        }
        let mut auth = self.auth.write().await;
        let step = auth.step(Instant::now());
        if step == Step::Renew {
            match self.ask_for_ticket(&mut auth, &step).await {
                // The ticket is refused: try the password, if there is one.
                Err(Error::Refused { .. }) if auth.has_password() => auth.forget(),
                other => return other,
            }
        }
        let step = auth.step(Instant::now());
        self.ask_for_ticket(&mut auth, &step).await
    }

    async fn ask_for_ticket(&self, auth: &mut Auth, step: &Step) -> Result<(), Error> {
        let Some(login) = auth.request(step) else {
            return Ok(());
        };
        let mut reply = self.ticket_for(&login).await?;
        if let Some(login) = auth.second_step(&reply, self.second_factor.as_ref())? {
            reply = self.ticket_for(&login).await?;
        }
        auth.grant(reply, Instant::now())
    }

    async fn ticket_for(&self, login: &TicketRequest) -> Result<TicketReply, Error> {
        let path = "/access/ticket";
        let name = format!("POST {path}");
        let body = serde_json::to_vec(login).expect("a few strings are valid JSON");
        let answer = self
            .exchange(&name, || {
                let body = Bytes::copy_from_slice(&body);
                self.head(Method::POST, path, &Query::new(), JSON)
                    .body(Full::new(body))
                    .map_err(|source| Error::Request {
                        request: name.clone(),
                        source,
                    })
            })
            .await?;
        session::reply(&name, &answer)
    }

    async fn data<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        query: &Query,
        body: Option<(&'static str, Bytes)>,
    ) -> Result<T, Error> {
        let name = format!("{method} {path}");
        let answer = self.answer(&name, method, path, query, body).await?;
        session::reply(&name, &answer)
    }

    async fn answer(
        &self,
        name: &str,
        method: Method,
        path: &str,
        query: &Query,
        body: Option<(&'static str, Bytes)>,
    ) -> Result<Bytes, Error> {
        self.log_in().await?;
        let request = self.request(method, path, query, body).await?;
        self.exchange(name, || Ok(request.clone())).await
    }

    /// Sends a request on an idle connection or a new one.
    async fn exchange(
        &self,
        name: &str,
        request: impl Fn() -> Result<Request<Full<Bytes>>, Error>,
    ) -> Result<Bytes, Error> {
        if let Some(mut wire) = self.take() {
            let answer = wire.call(name, request()?).await;
            if !answer.as_ref().is_err_and(was_not_sent) {
                return self.settled(wire, answer);
            }
        }
        let mut wire = Wire::open(&self.endpoint).await?;
        let answer = wire.call(name, request()?).await;
        self.settled(wire, answer)
    }

    /// Keeps the connection if its answer was read to the end.
    fn settled(&self, wire: Wire, answer: Result<Bytes, Error>) -> Result<Bytes, Error> {
        if matches!(answer, Ok(_) | Err(Error::Refused { .. })) {
            self.keep(wire);
        }
        answer
    }

    async fn request(
        &self,
        method: Method,
        path: &str,
        query: &Query,
        body: Option<(&'static str, Bytes)>,
    ) -> Result<Request<Full<Bytes>>, Error> {
        let (kind, body) = body.unwrap_or((FORM, Bytes::new()));
        let name = format!("{method} {path}");
        let mut request = self
            .head(method, path, query, kind)
            .body(Full::new(body))
            .map_err(|source| Error::Request {
                request: name,
                source,
            })?;
        self.auth.read().await.apply(request.headers_mut())?;
        Ok(request)
    }

    fn head(
        &self,
        method: Method,
        path: &str,
        query: &Query,
        kind: &'static str,
    ) -> http::request::Builder {
        Request::builder()
            .method(method)
            .uri(query.target(&match path {
                DESCRIPTION => format!("/api2{path}"),
                path => format!("/api2/json{path}"),
            }))
            .header(header::HOST, &self.endpoint.server)
            .header(header::USER_AGENT, &self.user_agent)
            .header(header::CONTENT_TYPE, kind)
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Wire>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Option<Wire> {
        let mut idle = self.idle();
        idle.retain(Wire::is_open);
        idle.pop()
    }

    fn keep(&self, wire: Wire) {
        let mut idle = self.idle();
        if wire.is_open() && idle.len() < IDLE_MAX {
            idle.push(wire);
        }
    }
}

const FORM: &str = "application/x-www-form-urlencoded";
const DESCRIPTION: &str = "/openapi.json";
const JSON: &str = "application/json";
const OCTETS: &str = "application/octet-stream";

/// True if the connection was closed before the request went out.
fn was_not_sent(error: &Error) -> bool {
    let Error::Lost { source, .. } = error else {
        return false;
    };
    source
        .downcast_ref::<hyper::Error>()
        .is_some_and(|cause| cause.is_canceled() || cause.is_closed())
}

/// Bytes on their way from the server.
pub struct Download {
    body: Incoming,
    server: String,
    _wire: Wire,
}

impl Download {
    /// The next piece; nothing at the end.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        wire::next(&self.server, &mut self.body).await
    }
}
