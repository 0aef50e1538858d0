//! Routes as rows of data: verb, path, who may call it, parameters, handler. A table of rows stands in each folder of `api`; the tree made of
//! them finds the row for a path and lists what lies below an inner node. What is not in a row does not exist: nothing is open by default.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use api::Privileges;
use api::schema::{Returns, Schema};
use bytes::Bytes;
use format::{AuthId, StoreName};
use http::{HeaderMap, Method, Response};

use crate::body::Body;
use crate::context::Context;
use crate::fault::Fault;
use crate::params::Params;
use crate::reply::Answer;
use crate::room::{Growing, Room, Whose};
use crate::work::{Gone, Work};

/// Who may call a route.
#[derive(Debug, Clone, Copy)]
pub enum Needs {
    /// Anyone, without login.
    World,
    /// Any login; the handler shows each caller only what is his.
    Anybody,
    /// `root@pam` itself.
    Superuser,
    /// Any of these privileges on this path, whose `{variables}` come from the URL.
    On(&'static [&'static str], Privileges),
    /// The user named by this variable of the URL; a token is never its user.
    Self_(&'static str),
    /// Any of these.
    Either(&'static [Needs]),
    /// Each of these.
    All(&'static [Needs]),
    /// On the namespace of the request (`store`, `ns`): any of `full`; or any of `own`, and then only for groups the caller owns.
    InNamespace { full: Privileges, own: Privileges },
}

/// As documents show it to people.
impl fmt::Display for Needs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let joined = |several: &[Needs], word| {
            let all: Vec<String> = several.iter().map(Needs::to_string).collect();
            all.join(word)
        };
        match self {
            Needs::World => f.write_str("anyone"),
            Needs::Anybody => f.write_str("any login"),
            Needs::Superuser => f.write_str("root@pam"),
            Needs::On(path, any) => write!(f, "{} on /{}", any.join("|"), path.join("/")),
            Needs::Self_(name) => write!(f, "the user {{{name}}}"),
            Needs::Either(several) => f.write_str(&joined(several, ", or ")),
            Needs::All(several) => f.write_str(&joined(several, ", and ")),
            Needs::InNamespace { full, own } if full.is_empty() => {
                write!(f, "{} and owner, in the namespace", own.join("|"))
            }
            Needs::InNamespace { full, own } => {
                let (full, own) = (full.join("|"), own.join("|"));
                write!(f, "{full}, or {own} and owner, in the namespace")
            }
        }
    }
}

/// What [`Needs::InNamespace`] found out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grant {
    Full,
    /// Only what the caller owns.
    Owned,
}

/// A request as its handler sees it.
#[derive(Debug)]
pub struct Call {
    pub ctx: Arc<Context>,
    /// `None` only on routes for [`Needs::World`].
    pub auth: Option<AuthId>,
    pub params: Params,
    pub peer: SocketAddr,
    pub grant: Grant,
    pub headers: HeaderMap,
    /// The body of [`Handler::Payload`]; empty otherwise.
    pub payload: Bytes,
    /// Whether the caller waits no longer.
    pub gone: Gone,
    /// What was waited for, for an answer that grows.
    pub room: Mutex<Option<Room>>,
}

impl Call {
    /// Who calls.
    pub fn caller(&self) -> Result<&AuthId, Fault> {
        self.auth
            .as_ref()
            .ok_or(Fault::Unauthenticated(crate::fault::AuthFailure::Missing))
    }

    /// A turn for a search or a comparison in a datastore.
    pub fn work(&self, store: &StoreName) -> Result<Work, Fault> {
        let turn = self.ctx.searches().take(self.caller()?.user(), store);
        let turn = turn.ok_or(Fault::TooManySearches)?;
        let time = self.ctx.settings().limits.search_time;
        Ok(Work::new(self.gone.clone(), time, Some(turn)))
    }

    /// Room for an answer that is written piece by piece.
    pub fn growing(&self) -> Result<Growing<'_>, Fault> {
        let whose = Whose::User(self.caller()?.user().clone());
        let begun = self
            .room
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        Ok(Growing::new(self.ctx.answers(), whose, begun))
    }

    /// The same time for work that needs no turn, or has another one.
    pub fn patience(&self) -> Work {
        let time = self.ctx.settings().limits.search_time;
        Work::new(self.gone.clone(), time, None)
    }
}

/// A request to leave HTTP/1.1 for a protocol of its own.
#[derive(Debug)]
pub struct Upgrade {
    pub auth: AuthId,
    pub params: Params,
    pub peer: SocketAddr,
    /// The `Upgrade` header.
    pub protocol: Option<String>,
    pub version: http::Version,
    /// Whether the client can go on with an unfinished backup.
    pub resumes: bool,
    /// Gives the connection once the answer is sent.
    pub on_upgrade: hyper::upgrade::OnUpgrade,
}

pub type AnswerFuture = Pin<Box<dyn Future<Output = Result<Answer, Fault>> + Send>>;
pub type UpgradeFuture = Pin<Box<dyn Future<Output = Result<Response<Body>, Fault>> + Send>>;

/// What a route does.
#[derive(Debug, Clone, Copy)]
pub enum Handler {
    /// Runs on a blocking thread; parameters in query and body.
    Call(fn(&Call) -> Result<Answer, Fault>),
    /// The same with the parameters in the query alone.
    Raw(fn(&Call) -> Result<Answer, Fault>),
    /// The same with a body of at most so many bytes as payload.
    Payload(usize, fn(&Call) -> Result<Answer, Fault>),
    /// Runs on the reactor; for what waits its turn before it blocks.
    Async(fn(Call) -> AnswerFuture),
    /// Nothing but what to do instead, after all checks: it would need a server that owns its machine.
    Absent(&'static str),
    /// Leaves HTTP; checks what it needs itself.
    Upgrade(fn(Arc<Context>, Upgrade) -> UpgradeFuture),
}

/// One row.
#[derive(Debug, Clone)]
pub struct Route {
    pub verb: Method,
    /// Below `/api2/{format}/`; `{name}` is a variable.
    pub path: &'static str,
    pub needs: Needs,
    pub params: Schema,
    pub handler: Handler,
    /// What stands in `data`.
    pub returns: Returns,
    /// Some or all of it is not done by this build, which 501 tells; of other rows 501 is a mistake.
    pub not_all: bool,
    /// Making its answer takes long: for want of room it waits, and is not made again.
    pub made_once: bool,
}

impl Route {
    pub const fn new(
        verb: Method,
        path: &'static str,
        needs: Needs,
        params: Schema,
        handler: Handler,
    ) -> Route {
        Route {
            verb,
            path,
            needs,
            params,
            handler,
            returns: Returns::Null,
            not_all: matches!(handler, Handler::Absent(_)),
            made_once: false,
        }
    }

    /// Says that making its answer takes long.
    pub const fn made_once(mut self) -> Route {
        self.made_once = true;
        self
    }

    /// Says that some or all of it is not done by this build.
    pub const fn not_all(mut self) -> Route {
        self.not_all = true;
        self
    }

    /// Says what it gives back, if that is not `null`.
    pub const fn returns(mut self, returns: Returns) -> Route {
        self.returns = returns;
        self
    }
}

/// All routes, as a tree of path components.
#[derive(Debug, Default)]
pub struct Tree {
    root: Node,
}

#[derive(Debug, Default)]
struct Node {
    children: BTreeMap<&'static str, Node>,
    variable: Option<(&'static str, Box<Node>)>,
    routes: Vec<Route>,
}

/// What a path and verb lead to.
#[derive(Debug)]
pub enum Found<'a> {
    Route(&'a Route, Vec<(&'static str, String)>),
    /// An inner node: the names below it.
    Inner(Vec<&'static str>),
}

impl Tree {
    pub fn new(tables: &[&[Route]]) -> Tree {
        let mut tree = Tree::default();
        for route in tables.iter().copied().flatten() {
            tree.root.at(route.path).routes.push(route.clone());
        }
        tree
    }

    /// Finds the row for decoded path components.
    pub fn find(&self, verb: &Method, path: &[String]) -> Option<Found<'_>> {
        let (mut node, mut variables) = (&self.root, Vec::new());
        for component in path {
            node = match (node.children.get(component.as_str()), &node.variable) {
                (Some(child), _) => child,
                (None, Some((name, child))) => {
                    variables.push((*name, component.clone()));
                    child
                }
                (None, None) => return None,
            };
        }
        if let Some(route) = node.routes.iter().find(|route| route.verb == *verb) {
            return Some(Found::Route(route, variables));
        }
        let inner = *verb == Method::GET && (!node.children.is_empty() || node.variable.is_some());
        inner.then(|| Found::Inner(node.children.keys().copied().collect()))
    }

    /// The paths of all nodes that only list what is below them.
    pub fn inner_nodes(&self) -> Vec<String> {
        let mut all = Vec::new();
        self.root.collect_inner(String::new(), &mut all);
        all
    }

    /// All rows in the order of their paths.
    pub fn routes(&self) -> Vec<&Route> {
        let mut all = Vec::new();
        self.root.collect(&mut all);
        all
    }
}

impl Node {
    fn at(&mut self, path: &'static str) -> &mut Node {
        path.split('/')
            .filter(|c| !c.is_empty())
            .fold(self, |node, component| match component.strip_prefix('{') {
                Some(name) => {
                    let name = name.trim_end_matches('}');
                    &mut node
                        .variable
                        .get_or_insert_with(|| (name, Box::default()))
                        .1
                }
                None => node.children.entry(component).or_default(),
            })
    }

    fn collect_inner(&self, path: String, all: &mut Vec<String>) {
        let below = |name: &str| {
            if path.is_empty() {
                name.to_owned()
            } else {
                format!("{path}/{name}")
            }
        };
        for (name, child) in &self.children {
            child.collect_inner(below(name), all);
        }
        if let Some((name, child)) = &self.variable {
            child.collect_inner(below(&format!("{{{name}}}")), all);
        }
        let is_leaf = self.children.is_empty() && self.variable.is_none();
        if !is_leaf && self.routes.iter().all(|route| route.verb != Method::GET) {
            all.push(path);
        }
    }

    fn collect<'a>(&'a self, all: &mut Vec<&'a Route>) {
        all.extend(&self.routes);
        self.children.values().for_each(|child| child.collect(all));
        self.variable
            .iter()
            .for_each(|(_, child)| child.collect(all));
    }
}
