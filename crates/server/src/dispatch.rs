//! One request from its head to its answer, in the order of protocol.md 1 and 2: path rules, output format, login, route, privileges,
//! parameters, handler; then delay, compression and the line in the access log.

mod start_page;

use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use format::{AuthId, StoreName};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Version, header};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::{Body as _, Incoming};
use percent_encoding::percent_decode_str;
use serde_json::json;

use crate::app::{self, Welcome};
use crate::auth;
use crate::blocking::Broken;
use crate::body::{self, Body};
use crate::context::Context;
use crate::events::Event;
use crate::fault::{Fault, Missing};
use crate::openapi;
use crate::pages;
use crate::params::{self, Params, Parts, Source};
use crate::permission;
use crate::probes::{self, Probe};
use crate::reply::{self, Answer, Format};
use crate::room::{Room, Whose};
use crate::route::{Call, Found, Grant, Handler, Needs, Route, Tree, Upgrade};
use crate::work::Gone;

pub use start_page::StartPage;

/// The name of the description of all routes, below `/api2`.
const OPENAPI: &str = "openapi.json";

/// How often an answer is made for which there was no room.
const MADE_MOST: usize = 3;

/// Parameters whose values are written nowhere.
const SECRET_PARAMETERS: [&str; 20] = [
    "password",
    "confirmation-password",
    "new-password",
    "tfa-challenge",
    "vncticket",
    // Of second factors: what makes the numbers, a number of now, what a device is asked.
    "totp",
    "value",
    "challenge",
    // Of OpenID: the client's own secret, what an issuer gave back, and to which login.
    "client-key",
    "code",
    "state",
    // Of notifications: addresses of webhooks often are their own key.
    "secret",
    "header",
    "url",
    // It may have a password in it.
    "http-proxy",
    // Of remotes, object stores, metric servers, certificate authorities; keys of sync jobs.
    "secret-key",
    "token",
    "eab_hmac_key",
    "data",
    "key",
];

/// Answers requests: the routes, and what they work on.
#[derive(Debug)]
pub struct Dispatcher {
    pub ctx: Arc<Context>,
    pub routes: Tree,
    /// What `/api2/openapi.json` answers; made when it is first asked for.
    pub description: OnceLock<Bytes>,
    pub start_page: StartPage,
}

/// What is noted about a request while it is answered.
struct Notes<'a> {
    caller: Option<AuthId>,
    /// What was taken already for the answer.
    room: Option<Room>,
    told: Told<'a>,
}

/// What a connection wants to know of its requests.
pub struct Told<'a> {
    /// A user of this server asks.
    pub known: &'a (dyn Fn(&AuthId) + Send + Sync),
    /// All that is needed of him has come, and is worked on.
    pub works: &'a (dyn Fn() + Send + Sync),
}

impl Notes<'_> {
    /// Who has to have room for what this request brings or asks for.
    fn whose(&self, peer: SocketAddr) -> Whose {
        match &self.caller {
            Some(caller) => Whose::User(caller.user().clone()),
            None => Whose::Stranger(peer.ip()),
        }
    }
}

impl Dispatcher {
    /// Answers one request; never fails.
    pub async fn answer(
        &self,
        peer: SocketAddr,
        request: Request<Incoming>,
        told: Told<'_>,
    ) -> Response<Body> {
        let start = Instant::now();
        let (method, target, headers) = (
            request.method().clone(),
            request.uri().clone(),
            request.headers().clone(),
        );
        let mut notes = Notes {
            caller: None,
            room: None,
            told,
        };
        let (response, status) = self.route(peer, request, &mut notes).await;
        let wait =
            reply::delay(status, &self.ctx.settings().delays).saturating_sub(start.elapsed());
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
        let response = compressed(&self.ctx, &headers, response).await;
        let response = self.in_room(peer, &mut notes, response);
        self.ctx.counters().request(response.status());
        let target = target
            .path_and_query()
            .map_or(Cow::Borrowed("/"), |target| {
                without_secrets(target.as_str())
            });
        self.ctx
            .journal()
            .access(access_line(
                peer,
                notes.caller.as_ref(),
                &method,
                &target,
                &headers,
                &response,
            ))
            .await;
        response
    }

    /// The answer, and the status that counts for the delay: the `extjs` format hides it.
    async fn route(
        &self,
        peer: SocketAddr,
        request: Request<Incoming>,
        notes: &mut Notes<'_>,
    ) -> (Response<Body>, StatusCode) {
        let bare = |fault: Fault| {
            let response = reply::bare_failure(&fault);
            let status = response.status();
            (response, status)
        };
        if !names_its_host(&request) {
            return bare(Fault::Host);
        }
        let components = match components(request.uri(), self.ctx.settings().limits.target_bytes) {
            Ok(components) => components,
            Err(fault) => return bare(fault),
        };
        let reads = matches!(*request.method(), Method::GET | Method::HEAD);
        let (format, path) = match components.as_slice() {
            [api, name] if api == "api2" && name == OPENAPI && reads => {
                return (reply::json(self.description()), StatusCode::OK);
            }
            [api, format, path @ ..] if api == "api2" => match format.as_str() {
                "json" => (Format::Json, path),
                "extjs" => (Format::Extjs, path),
                other => return bare(Fault::OutputFormat(other.to_owned())),
            },
            [api] if api == "api2" => return bare(Fault::ApiPath("/api2".to_owned())),
            [name] if reads && Probe::of(name).is_some() => {
                return self.probe(name, peer, &request, notes).await;
            }
            other => return self.page(&request, &other.join("/")).await,
        };
        let found = self.routes.find(request.method(), path);
        let world = matches!(
            &found,
            Some(Found::Route(
                Route {
                    needs: Needs::World,
                    ..
                },
                _
            ))
        );
        if !world {
            match auth::authenticate(&self.ctx, request.method(), request.headers(), peer).await {
                Ok(caller) => {
                    (notes.told.known)(&caller);
                    notes.caller = Some(caller);
                }
                Err(fault) => return bare(fault),
            }
        }
        let outcome = match found {
            None => Err(Fault::NoPath(format!("/{}", components.join("/")))),
            Some(Found::Inner(names)) => {
                index(&names).map(|answer| reply::success(format, answer, self.ctx.blocking()))
            }
            Some(Found::Route(route, variables)) => {
                let outcome = self
                    .run(route, &variables, peer, request, notes, format)
                    .await;
                if let Err(fault) = &outcome
                    && !route.not_all
                    && reply::status(fault).0 == StatusCode::NOT_IMPLEMENTED
                {
                    tracing::error!("{} {} should not be missing", route.verb, route.path);
                }
                outcome
            }
        };
        match outcome {
            Ok(response) => (response, StatusCode::OK),
            Err(fault) => {
                auth::note_refusal(&self.ctx, &fault, peer).await;
                if matches!(fault, Fault::Broken(_)) {
                    tracing::error!("a handler broke: {}", components.join("/"));
                }
                (reply::failure(format, &fault), reply::status(&fault).0)
            }
        }
    }

    /// What lies beside the interface: the browser's app and the guide.
    async fn page(&self, request: &Request<Incoming>, path: &str) -> (Response<Body>, StatusCode) {
        let reads = matches!(*request.method(), Method::GET | Method::HEAD);
        if reads && path == app::GUIDE && !request.uri().path().ends_with('/') {
            return (pages::to_guide(), StatusCode::PERMANENT_REDIRECT);
        }
        let welcome = match reads && app::is_start(path) {
            true => self.start_page.now(&self.ctx).await,
            false => Welcome::default(),
        };
        let app = &self.ctx.settings().app;
        let page = pages::answer(app, &welcome, request.method(), path, request.headers());
        let response = page.unwrap_or_else(|| {
            reply::bare_failure(&match reads {
                true => Fault::NoStaticFile(path.to_owned()),
                false => Fault::StaticMethod,
            })
        });
        let status = response.status();
        (response, status)
    }

    fn description(&self) -> Bytes {
        let made = || openapi::document(&self.routes).to_string().into();
        self.description.get_or_init(made).clone()
    }

    /// What monitoring asks; its answers have no envelope.
    async fn probe(
        &self,
        name: &str,
        peer: SocketAddr,
        request: &Request<Incoming>,
        notes: &mut Notes<'_>,
    ) -> (Response<Body>, StatusCode) {
        let outcome = match Probe::of(name) {
            None => Err(Fault::NoStaticFile(name.to_owned())),
            Some(probe) => {
                let headers = probes::with_bearer(request.headers());
                let checked = match probe.needs_login() {
                    true => auth::authenticate(&self.ctx, request.method(), &headers, peer)
                        .await
                        .map(Some),
                    false => Ok(None),
                };
                match checked {
                    Ok(caller) => {
                        notes.caller = caller;
                        probes::answer(&self.ctx, probe, notes.caller.as_ref()).await
                    }
                    Err(fault) => Err(fault),
                }
            }
        };
        let response = outcome.unwrap_or_else(|fault| reply::bare_failure(&fault));
        let status = response.status();
        (response, status)
    }

    async fn run(
        &self,
        route: &Route,
        variables: &[(&'static str, String)],
        peer: SocketAddr,
        request: Request<Incoming>,
        notes: &mut Notes<'_>,
        format: Format,
    ) -> Result<Response<Body>, Fault> {
        let ctx = &self.ctx;
        // Whoever waits holds little, but not nothing.
        let _request = match (&notes.caller, route.handler) {
            (None, _) | (_, Handler::Upgrade(_)) => None,
            (Some(caller), _) => {
                let turn = ctx.requests().take(caller.user().clone());
                Some(turn.ok_or(Fault::TooManyRequests)?)
            }
        };
        permission::check_static(ctx, route.needs, notes.caller.as_ref(), variables).await?;
        let (head, body) = request.into_parts();
        let content_type = head
            .headers
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok());
        let parts = |body| Parts {
            path: variables,
            query: head.uri.query(),
            content_type,
            body,
        };
        let limits = &ctx.settings().limits;
        let collect = |source, body| params::collect(&route.params, source, parts(body));
        let body_max = match route.needs {
            Needs::World => limits.open_body_bytes,
            _ => limits.body_bytes,
        };
        // Both are held until the answer is made.
        let (mut _turn, mut _room) = (None, None);
        let whose = notes.whose(peer);
        let told = notes.told.works;
        let works = || match whose {
            Whose::User(_) => told(),
            Whose::Stranger(_) => (),
        };
        if !matches!(route.handler, Handler::Call(_) | Handler::Async(_)) {
            works();
        }
        let (params, payload, handler) = match route.handler {
            Handler::Call(_) | Handler::Async(_) | Handler::Absent(_) => {
                let length = expected(&body, body_max)?;
                let room = ctx.bodies();
                let room = room.within(limits.room_patience, &whose, length);
                _room = Some(room.await.ok_or(Fault::NoRoom)?);
                let body = read_body(ctx, body, body_max).await?;
                works();
                (
                    collect(Source::QueryAndBody, &body)?,
                    Bytes::new(),
                    route.handler,
                )
            }
            Handler::Raw(_) => (
                collect(Source::QueryOnly, &[])?,
                Bytes::new(),
                route.handler,
            ),
            Handler::Payload(max, _) => {
                let params = collect(Source::QueryOnly, &[])?;
                // Payloads are large: nothing of one is taken before its sender may send it.
                let (inner, auth, given) = (Arc::clone(ctx), notes.caller.clone(), params.clone());
                let needs = route.needs;
                let check =
                    move || permission::check_namespace(&inner, needs, auth.as_ref(), &given);
                ctx.blocking().run(check).await??;
                if let Some(store) = store_of(route, &params) {
                    let turns = ctx.payloads(&store);
                    let turn = tokio::time::timeout(limits.opening_patience, turns.shared_first());
                    let turn = turn.await.map_err(|_| Fault::DiskBusy(store))?;
                    _turn = Some(turn.ok_or(Broken)?);
                }
                expected(&body, max)?;
                (params, read_body(ctx, body, max).await?, route.handler)
            }
            Handler::Upgrade(open) => {
                let params = collect(Source::QueryOnly, &[])?;
                let protocol = head
                    .headers
                    .get(header::UPGRADE)
                    .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
                let auth = notes
                    .caller
                    .clone()
                    .ok_or(Fault::Forbidden(Missing::Unnamed))?;
                let version = head.version;
                let resumes = head
                    .headers
                    .get(api::backup::UPLOADED_HEADER)
                    .is_some_and(|form| form == api::backup::UPLOADED_FORM);
                let on_upgrade = hyper::upgrade::on(Request::from_parts(head, body));
                return open(
                    Arc::clone(ctx),
                    Upgrade {
                        auth,
                        params,
                        peer,
                        protocol,
                        version,
                        resumes,
                        on_upgrade,
                    },
                )
                .await;
            }
        };
        let store = store_of(route, &params);
        let call = |room| Call {
            ctx: Arc::clone(ctx),
            auth: notes.caller.clone(),
            params: params.clone(),
            peer,
            grant: Grant::Owned,
            headers: head.headers.clone(),
            payload: payload.clone(),
            gone: Gone::default(),
            room: Mutex::new(room),
        };
        let pulls = match &store {
            Some(store) => &ctx.on_disk(store),
            None => ctx.blocking(),
        };
        let made = handled(ctx, route, handler, call(None)).await;
        let mut answer = match made {
            // It may become larger than all that there was room for: it waits for all that one may have.
            Err(Fault::Crowded) => {
                let room = ctx.answers();
                let room = room.within(limits.room_patience, &whose, usize::MAX);
                let room = room.await.ok_or(Fault::NoRoom)?;
                handled(ctx, route, handler, call(Some(room))).await?
            }
            made => made?,
        };
        let room = answer.take_room();
        if route.verb != Method::GET
            && let Some(event) = Event::of_request(route.path, variables)
        {
            ctx.events().tell(event);
        }
        let mut response = reply::success(format, answer, pulls);
        let length = whole_bytes(&response);
        if let Some(room) = room.filter(|room| room.is_for(length)) {
            notes.room = Some(room);
            return Ok(response);
        }
        // What there is no room for does not wait here: it is made again once there is. What changes something, or takes
        // long, is not done twice.
        for _ in 0..MADE_MOST {
            let length = whole_bytes(&response);
            if let Some(room) = ctx.answers().now(&whose, length) {
                notes.room = Some(room);
                return Ok(response);
            }
            let again = route.verb == Method::GET && !route.made_once;
            if again {
                drop(response);
                response = Response::new(Body::empty());
            }
            let room = ctx.answers().within(limits.room_patience, &whose, length);
            let room = room.await.ok_or(Fault::NoRoom)?;
            if again {
                let answer = handled(ctx, route, handler, call(None)).await?;
                response = reply::success(format, answer, pulls);
            }
            if whole_bytes(&response) <= length {
                notes.room = Some(room);
                return Ok(response);
            }
        }
        Err(Fault::NoRoom)
    }

    /// The answer with the room that it takes until it is on its way; or that there is none.
    fn in_room(
        &self,
        peer: SocketAddr,
        notes: &mut Notes<'_>,
        mut response: Response<Body>,
    ) -> Response<Body> {
        let (Body::Whole(held) | Body::Packed(held)) = response.body_mut() else {
            return response;
        };
        let bytes = std::mem::take(held);
        let room = notes.room.take().filter(|room| room.is_for(bytes.len()));
        let room = room.or_else(|| self.ctx.answers().now(&notes.whose(peer), bytes.len()));
        match room {
            Some(room) => {
                *held = room.keep(bytes);
                response
            }
            None => reply::no_room(),
        }
    }
}

async fn handled(
    ctx: &Context,
    route: &Route,
    handler: Handler,
    call: Call,
) -> Result<Answer, Fault> {
    let lives = call.auth.as_ref().map(|caller| lives(&call.ctx, caller));
    let answer = match handler {
        Handler::Call(handler) | Handler::Raw(handler) | Handler::Payload(_, handler) => {
            blocking(ctx, route, handler, call).await?
        }
        Handler::Async(handler) => handler(call).await?,
        Handler::Absent(instead) => return Err(Fault::NotHere(instead)),
        Handler::Upgrade(_) => return Err(Fault::UpgradeMissing),
    };
    Ok(match lives {
        Some(lives) => answer.while_allowed(lives),
        None => answer,
    })
}

/// What an answer takes of memory as long as it is not sent.
fn whole_bytes(response: &Response<Body>) -> usize {
    match response.body() {
        Body::Whole(bytes) => bytes.len(),
        _ => 0,
    }
}

/// HTTP/1.1 wants one name of whom is meant (RFC 9112, 3.2); the others say it otherwise or need not.
fn names_its_host<B>(request: &Request<B>) -> bool {
    request.version() != Version::HTTP_11
        || request.headers().get_all(header::HOST).iter().count() == 1
}

/// Whether a user or token is still there and enabled; looks now and then.
fn lives(ctx: &Arc<Context>, id: &AuthId) -> impl FnMut() -> bool + Send + 'static {
    let interval = ctx.settings().limits.login_look;
    let (ctx, id, mut looked) = (Arc::downgrade(ctx), id.clone(), Instant::now());
    move || {
        if looked.elapsed() < interval {
            return true;
        }
        looked = Instant::now();
        // Where it cannot be told nobody loses his download.
        ctx.upgrade()
            .is_none_or(|ctx| ctx.is_active(&id).unwrap_or(true))
    }
}

/// Runs a handler on a blocking thread, after the check that needs the parameters.
pub async fn blocking(
    ctx: &Context,
    route: &Route,
    handler: fn(&Call) -> Result<Answer, Fault>,
    mut call: Call,
) -> Result<Answer, Fault> {
    let (needs, store) = (route.needs, store_of(route, &call.params));
    // With the connection this goes, and the work goes on without anybody to wait for it.
    let _waiting = call.gone.waiting();
    let run = move || {
        call.grant =
            permission::check_namespace(&call.ctx, needs, call.auth.as_ref(), &call.params)?;
        handler(&call)
    };
    match store {
        Some(store) => ctx.at_disk(&store, run).await,
        None => ctx.blocking().run(run).await?,
    }
}

/// The datastore that a route works on, where that stands in its path: its disk is needed.
fn store_of(route: &Route, params: &Params) -> Option<StoreName> {
    #[derive(serde::Deserialize)]
    struct OnStore {
        store: StoreName,
    }
    let of: Option<OnStore> = route
        .path
        .contains("{store}")
        .then(|| params.read().ok())
        .flatten();
    of.map(|of| of.store)
}

/// Path components, decoded; empty ones are dropped.
fn components(uri: &http::Uri, target_max: usize) -> Result<Vec<String>, Fault> {
    if uri
        .path_and_query()
        .map_or(0, |target| target.as_str().len())
        > target_max
    {
        return Err(Fault::TargetTooLong);
    }
    let legal = |component: &str| !component.starts_with('.');
    uri.path()
        .split('/')
        .filter(|component| !component.is_empty())
        .map(
            |component| match percent_decode_str(component).decode_utf8() {
                Ok(decoded) if legal(component) && legal(&decoded) => Ok(decoded.into_owned()),
                _ => Err(Fault::IllegalPath),
            },
        )
        .collect()
}

fn index(names: &[&str]) -> Result<Answer, Fault> {
    Answer::data(
        &names
            .iter()
            .map(|name| json!({ "subdir": name }))
            .collect::<Vec<_>>(),
    )
}

/// What a body may come to; a client that does not say may send all it is allowed.
fn expected(body: &Incoming, max: usize) -> Result<usize, Fault> {
    let hint = body.size_hint();
    let fits = |length: u64| usize::try_from(length).ok().filter(|&length| length <= max);
    fits(hint.lower()).ok_or(Fault::BodyTooLarge)?;
    Ok(hint.upper().and_then(fits).unwrap_or(max))
}

/// Reads it all, in time and without long pauses.
async fn read_body(ctx: &Context, body: Incoming, max: usize) -> Result<Bytes, Fault> {
    let limits = &ctx.settings().limits;
    let end = tokio::time::Instant::now() + limits.body;
    let mut body = Limited::new(body, max);
    let mut bytes = BytesMut::new();
    loop {
        let pause = tokio::time::Instant::now() + limits.body_pause;
        match tokio::time::timeout_at(end.min(pause), body.frame()).await {
            Err(_) => return Err(Fault::BodyTooSlow),
            Ok(None) => return Ok(bytes.freeze()),
            Ok(Some(Ok(frame))) => {
                if let Ok(data) = frame.into_data() {
                    bytes.extend_from_slice(&data);
                }
            }
            Ok(Some(Err(e))) if e.is::<LengthLimitError>() => return Err(Fault::BodyTooLarge),
            Ok(Some(Err(e))) => return Err(Fault::BodyBroken(e.to_string())),
        }
    }
}

/// The answer deflated, if the client asks for it (protocol.md 1.8). A part is a part of the bytes themselves, so it comes as it is; and of
/// what comes deflated nobody is told that he may ask for parts.
async fn compressed(
    ctx: &Context,
    request: &HeaderMap,
    response: Response<Body>,
) -> Response<Body> {
    let wanted = request
        .get_all(header::ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split([',', ' ']))
        .any(|word| word == "deflate" || word.starts_with("deflate;"));
    let encoded = response.headers().contains_key(header::CONTENT_ENCODING);
    if !wanted || encoded || is_bare(response.status()) || response.body().is_end_stream() {
        return response;
    }
    let (mut head, body) = response.into_parts();
    let body = match body {
        Body::Whole(bytes) => {
            let (plain, pack) = (bytes.clone(), move || body::deflated_whole(&bytes));
            match ctx.blocking().run(pack).await {
                Ok(Ok(packed)) => Body::Packed(packed),
                // It is as good as it is.
                Ok(Err(_)) | Err(_) => return Response::from_parts(head, Body::Whole(plain)),
            }
        }
        Body::Pull(pull) => {
            let blocking = pull.blocking().clone();
            match pull.into_pieces() {
                Ok(pieces) => Body::pieces(&blocking, body::deflated(pieces)),
                Err(pull) => return Response::from_parts(head, Body::Pull(pull)),
            }
        }
        as_it_is @ (Body::Packed(_) | Body::Shared(_) | Body::Live(_)) => {
            return Response::from_parts(head, as_it_is);
        }
    };
    head.headers.remove(header::ACCEPT_RANGES);
    head.headers.insert(
        header::CONTENT_ENCODING,
        HeaderValue::from_static("deflate"),
    );
    Response::from_parts(head, body)
}

fn is_bare(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::SWITCHING_PROTOCOLS
            | StatusCode::NOT_MODIFIED
            | StatusCode::PARTIAL_CONTENT
            | StatusCode::RANGE_NOT_SATISFIABLE
    )
}

/// The target as the access log shows it: a client may send any parameter in the query, also those that nobody else should read.
fn without_secrets(target: &str) -> Cow<'_, str> {
    let Some((path, query)) = target.split_once('?') else {
        return Cow::Borrowed(target);
    };
    let is_secret = |pair: &&str| {
        let name = pair.split('=').next().unwrap_or_default();
        let name = percent_decode_str(name).decode_utf8_lossy();
        SECRET_PARAMETERS.contains(&name.as_ref())
    };
    if !query.split('&').any(|pair| is_secret(&pair)) {
        return Cow::Borrowed(target);
    }
    let shown: Vec<&str> = query
        .split('&')
        .map(|pair| if is_secret(&pair) { "(secret)" } else { pair })
        .collect();
    Cow::Owned(format!("{path}?{}", shown.join("&")))
}

/// `{ip} - {caller or -} [{time}] "{method} {target}" {status} {length} {agent or -}`
fn access_line(
    peer: SocketAddr,
    caller: Option<&AuthId>,
    method: &Method,
    target: &str,
    request: &HeaderMap,
    response: &Response<Body>,
) -> String {
    let caller = caller.map_or_else(|| "-".to_owned(), AuthId::to_string);
    let time = jiff::Zoned::now().strftime("%d/%m/%Y:%H:%M:%S %z");
    let length = response.body().size_hint().exact().unwrap_or(0);
    let agent = request
        .get(header::USER_AGENT)
        .and_then(|agent| agent.to_str().ok())
        .unwrap_or("-");
    format!(
        "{} - {caller} [{time}] \"{method} {target}\" {} {length} {agent}",
        peer.ip(),
        response.status().as_u16()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_access_log_shows_no_secrets() {
        for (target, expected) in [
            ("/api2/json/ping", "/api2/json/ping"),
            ("/x?ns=a&limit=3", "/x?ns=a&limit=3"),
            (
                "/api2/json/access/ticket?username=a@pbs&password=x&path=/",
                "/api2/json/access/ticket?username=a@pbs&(secret)&path=/",
            ),
            ("/x?confirmation-p%61ssword=y", "/x?(secret)"),
            ("/x?tfa-challenge", "/x?(secret)"),
            (
                "/x?totp=otpauth://totp/a&value=123456&description=phone",
                "/x?(secret)&(secret)&description=phone",
            ),
            ("/x?client-id=me&client-key=a", "/x?client-id=me&(secret)"),
            (
                "/x?state=a&code=b&redirect-url=https://h",
                "/x?(secret)&(secret)&redirect-url=https://h",
            ),
            (
                "/x?header=name%3Da,value%3Db&secret=c&secret=d&url=https://u:p@h/t",
                "/x?(secret)&(secret)&(secret)&(secret)",
            ),
            ("/x?http-proxy=http://u:p@h&acme=a", "/x?(secret)&acme=a"),
        ] {
            assert_eq!(without_secrets(target), expected, "{target}");
        }
    }

    #[test]
    fn path_rules() {
        let long = format!("/api2/json/x?{}", "y".repeat(3072));
        for (target, expected) in [
            ("/api2/json/ping", Ok("api2 json ping")),
            ("//api2//json/ping?", Ok("api2 json ping")),
            (
                "/api2/json/admin/datast%6Fre/a%2Fb",
                Ok("api2 json admin datastore a/b"),
            ),
            ("/", Ok("")),
            ("/api2/../etc", Err("path contains illegal components")),
            ("/api2/%2e%2e/etc", Err("path contains illegal components")),
            ("/.hidden", Err("path contains illegal components")),
            ("/%ff", Err("path contains illegal components")),
            (long.as_str(), Err("path is longer than the server accepts")),
        ] {
            let found = components(&target.parse().expect("uri"), 3072);
            let found = found.map(|c| c.join(" ")).map_err(|e| e.to_string());
            assert_eq!(
                found,
                expected.map(str::to_owned).map_err(str::to_owned),
                "{target}"
            );
        }
    }
}
