//! The routes without a server: a program on the same machine calls them in its own process, as `root@pam`, on the same configuration and state. No
//! network is involved; locks of files keep it and a running server apart, and the server reads again what has changed. Tasks that a call starts run
//! here and must be waited for ([`Local::tasks`]).

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use config::{ConfigDir, ConfigError, identity};
use format::AuthId;
use http::{HeaderMap, Method};
use serde_json::{Map, Value};

use crate::api;
use crate::blocking::{Blocking, Broken};
use crate::certificate::{Certificate, CertificateError};
use crate::context::Context;
use crate::dispatch;
use crate::fault::Fault;
use crate::journal::Journal;
use crate::params::Params;
pub use crate::reply::Said;
use crate::route::{Call, Grant, Handler, Route};
use crate::settings::Settings;
use crate::shortage::Shortage;
use crate::tasks::{Rooms, TaskError, Tasks};
use crate::work::Gone;

/// Why the routes cannot be called here.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("cannot use the server's certificate")]
    Certificate(#[source] CertificateError),
    #[error("cannot open the task list")]
    Tasks(#[from] TaskError),
    #[error(transparent)]
    Broken(#[from] Broken),
}

/// Why a call gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    #[error("this server has no {verb} {path}")]
    NoRoute { verb: Method, path: String },
    #[error("{verb} {path} moves bytes and is only answered over the network")]
    Bytes { verb: Method, path: &'static str },
    #[error(transparent)]
    Refused(#[from] Fault),
}

/// See the module.
#[derive(Debug)]
pub struct Local {
    ctx: Arc<Context>,
}

/// The row of a verb and a path as rows write it, with `{variables}`.
pub fn route(verb: &Method, path: &str) -> Option<&'static Route> {
    let mut rows = api::tables().into_iter().flatten();
    rows.find(|row| row.verb == *verb && row.path == path)
}

impl Local {
    /// Opens what a server would open, but neither listens nor makes keys.
    pub async fn open(settings: Settings) -> Result<Local, OpenError> {
        let blocking =
            Blocking::new(settings.limits.blocking).with_patience(settings.limits.patience);
        let ctx = {
            let (settings, blocking) = (settings.clone(), blocking.clone());
            // The journal is for requests over the network; what it would say has no reader here.
            let folder = settings.log_dir.join("api");
            let (journal, _) = Journal::start(&folder, blocking.clone(), Shortage::default());
            let inner = blocking.clone();
            blocking
                .run(move || context(settings, inner, journal))
                .await??
        };
        Ok(Local { ctx: Arc::new(ctx) })
    }

    /// The tasks of this process among those of the server.
    pub fn tasks(&self) -> &Tasks {
        self.ctx.tasks()
    }

    /// Calls a row with parameters by name; those in its path are among them.
    pub async fn call(
        &self,
        verb: &Method,
        path: &str,
        members: Map<String, Value>,
    ) -> Result<Said, CallError> {
        let route = route(verb, path).ok_or_else(|| CallError::NoRoute {
            verb: verb.clone(),
            path: path.to_owned(),
        })?;
        let bytes = || CallError::Bytes {
            verb: route.verb.clone(),
            path: route.path,
        };
        let call = Call {
            ctx: Arc::clone(&self.ctx),
            auth: Some(AuthId::root()),
            params: Params::check(&route.params, members)?,
            peer: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            grant: Grant::Owned,
            headers: HeaderMap::new(),
            payload: Bytes::new(),
            gone: Gone::default(),
            room: Mutex::default(),
        };
        let answer = match route.handler {
            Handler::Call(handler) | Handler::Raw(handler) => {
                dispatch::blocking(&self.ctx, route, handler, call).await?
            }
            Handler::Async(handler) => handler(call).await?,
            Handler::Absent(instead) => return Err(Fault::NotHere(instead).into()),
            Handler::Payload(..) | Handler::Upgrade(_) => return Err(bytes()),
        };
        answer.into_said().ok_or_else(bytes)
    }
}

fn context(settings: Settings, blocking: Blocking, journal: Journal) -> Result<Context, OpenError> {
    let dir = ConfigDir::create(&settings.config_dir)?;
    let now = jiff::Timestamp::now().as_second();
    let identity = identity::load_or_temporary(&dir, &settings.node, now)?;
    let certificate = Certificate::new(&identity).map_err(OpenError::Certificate)?;
    let tasks = Tasks::open_shared(
        &settings.log_dir.join("tasks"),
        &settings.node,
        Rooms::of(&settings.limits),
        Shortage::of_server(&settings.state_dir, &settings.log_dir),
    )?;
    Ok(Context::new(
        settings,
        blocking,
        dir,
        identity,
        Arc::new(certificate),
        journal,
        tasks,
    ))
}
