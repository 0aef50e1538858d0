//! From a repository to a connection that is logged in (cli.md 2.3 to 2.5): secrets, caches,
//! the question about an unknown certificate, the proxy.

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Result;
use api::Repository;
use api::rest::access::TfaChallenge;
use console::prompt::{self, PromptError};
use console::report::Failure;
use console::screen::Screen;
use format::{Fingerprint, Namespace, Userid};
use remote::{
    Client, Confirm, Connect, Credential, Proxy, Query, Rate, SecondFactor, Secret, Ticket,
};

use crate::caches::{self, CachedTicket};
use crate::context::{Context, now};
use crate::environment::{FINGERPRINT, PASSWORD};
use crate::places::{self, RuntimeDirError};
use crate::repository::Target;

const FINGERPRINTS: &str = "fingerprints";
const TICKETS: &str = "tickets";
const REPOSITORIES: &str = "repo-list";

/// A server we are logged in at, and the datastore that is meant.
pub struct Connection {
    pub client: Arc<Client>,
    pub repository: Repository,
}

impl Connection {
    /// `/admin/datastore/STORE/below`.
    pub fn path(&self, below: &str) -> String {
        format!("/admin/datastore/{}/{below}", self.repository.store)
    }
}

/// Parameters that begin with the namespace, which the root leaves out.
pub fn in_namespace(namespace: &Namespace) -> Query {
    Query::new().opt("ns", (!namespace.is_root()).then(|| namespace.to_string()))
}

/// Connects to the repository's server and logs in.
pub async fn connect(context: &Context, target: Target, rate: Option<Rate>) -> Result<Connection> {
    let Target {
        repository,
        ca_file,
    } = target;
    let authorities = ca_file.as_deref().map(authorities).transpose()?;
    let pin = Pin::find(context, repository.host())?;
    let credential = credential(context, &repository)?;
    let confirmed = Arc::new(AtomicBool::new(false));
    let had_password = matches!(credential, Credential::Password { .. });
    let cached = match &credential {
        Credential::Ticket { ticket, .. } => Some(ticket.ticket.clone()),
        _ => None,
    };
    let mut connect = Connect::new(repository.host(), repository.port(), credential);
    connect.fingerprint = pin.expected;
    connect.authorities = authorities;
    connect.rate = rate;
    connect.proxy = context
        .environment
        .text("ALL_PROXY")
        .map(proxy)
        .transpose()?
        .flatten();
    if !context.completes {
        connect.confirm = Some(confirm(&context.screen, Arc::clone(&confirmed)));
        connect.second_factor = Some(SecondFactor(Box::new(second_factor)));
    }
    if let Some(proxy) = &connect.proxy {
        tracing::info!("Using proxy connection: {}:{}", proxy.host, proxy.port);
    }
    let client = Client::connect(connect)
        .await
        .map_err(|error| match (error, &ca_file) {
            (error @ remote::Error::Authorities { .. }, Some(path)) => unusable(path, error),
            (error, _) => explain(error, &repository),
        })?;
    if confirmed.load(Ordering::Relaxed) && pin.may_store {
        remember_fingerprint(context, repository.host(), client.fingerprint());
    }
    if let Some(ticket) = client.ticket().await
        && (had_password || cached.is_none_or(|before| before.reveal() != ticket.ticket.reveal()))
    {
        remember_ticket(context, repository.host(), &ticket);
    }
    context.used.note(&repository);
    Ok(Connection {
        client: Arc::new(client),
        repository,
    })
}

/// Where logins are kept, if anywhere.
pub fn tickets(context: &Context) -> Result<PathBuf, RuntimeDirError> {
    context.places.runtime(TICKETS)
}

/// Removes the cached ticket; `false` if there was none.
pub fn forget_ticket(context: &Context, repository: &Repository) -> Result<bool> {
    let path = tickets(context)?;
    let user = repository.auth_id().to_string();
    let forget = |text: &str| caches::tickets::forget(text, repository.host(), &user);
    places::update(&path, 0o600, forget).map_err(|error| {
        let what = format!("cannot forget the login in {} - {error}", path.display());
        Failure::new(what).cause(error).into()
    })
}

/// Repositories that were used before, for completion.
pub fn known_repositories(context: &Context) -> Vec<String> {
    let path = context.places.cache(REPOSITORIES);
    let text = path.and_then(|path| places::read(&path).ok().flatten());
    caches::repositories::names(&String::from_utf8_lossy(&text.unwrap_or_default()))
}

/// The certificate that is expected, and whether a confirmed one may be stored.
struct Pin {
    expected: Option<Fingerprint>,
    may_store: bool,
}

impl Pin {
    fn find(context: &Context, host: &str) -> Result<Pin> {
        let given = context
            .environment
            .setting(FINGERPRINT)
            .unwrap_or_else(|error| {
                tracing::warn!("ignoring PBS_FINGERPRINT - {error}");
                None
            });
        if let Some(text) = given {
            let text = text.trim();
            let expected = match text {
                "" => None,
                text => Some(text.parse().map_err(|error| {
                    Failure::new("PBS_FINGERPRINT is not a certificate fingerprint")
                        .cause(error)
                        .hint("the form is 32 pairs of hex digits joined by ':'")
                })?),
            };
            return Ok(Pin {
                expected,
                may_store: false,
            });
        }
        let text = match context
            .places
            .find_config(FINGERPRINTS)
            .map(|path| places::read(&path))
        {
            Some(Ok(Some(text))) => String::from_utf8_lossy(&text).into_owned(),
            _ => String::new(),
        };
        let expected = caches::fingerprints::find(&text, host).and_then(|text| text.parse().ok());
        Ok(Pin {
            expected,
            may_store: true,
        })
    }
}

/// The certificates that stand in for the system's.
fn authorities(path: &Path) -> Result<Vec<u8>> {
    let read = places::read(path)
        .and_then(|found| found.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound)));
    read.map_err(|error| unusable(path, error))
}

fn unusable(path: &Path, cause: impl std::error::Error + Send + Sync + 'static) -> anyhow::Error {
    let what = format!("cannot use the certificates in '{}'", path.display());
    Failure::new(what)
        .cause(cause)
        .hint("--ca-file and PBS_CA_FILE name a file with one or more certificates as PEM")
        .into()
}

fn credential(context: &Context, repository: &Repository) -> Result<Credential> {
    let auth_id = repository.auth_id();
    let building = || format!("error building client for repository {repository}");
    let secret = context
        .environment
        .setting(PASSWORD)
        .map_err(|error| Failure::new(format!("{} - {error}", building())).cause(error))?;
    if auth_id.is_token() {
        let secret = secret.ok_or_else(|| {
            Failure::new("API token secret must be provided!")
                .hint("set PBS_PASSWORD to the token's secret")
        })?;
        return Ok(Credential::Token {
            id: auth_id,
            secret: Secret::new(secret.to_string()),
        });
    }
    let user = auth_id.user().clone();
    if let Some(password) = secret {
        return Ok(Credential::Password {
            user,
            password: Secret::new(password.to_string()),
        });
    }
    if let Some((ticket, age)) = cached_ticket(context, repository) {
        let ticket = Ticket {
            user,
            ticket: ticket.ticket.into(),
            csrf: ticket.csrf_token.into(),
            age,
        };
        return Ok(Credential::Ticket {
            ticket,
            password: None,
        });
    }
    let typed = match context.completes {
        false => prompt::password(&format!("Password for \"{user}\": ")),
        true => Err(PromptError::NoTerminal),
    };
    let password = typed.map_err(|error| unanswered(error, building()))?;
    Ok(Credential::Password {
        user,
        password: Secret::new(password.to_string()),
    })
}

/// Why there is no password; who broke off knows what it was for.
fn unanswered(error: PromptError, building: String) -> Failure {
    match error {
        PromptError::Cancelled => Failure::new(error.to_string()),
        PromptError::NoTerminal => Failure::new(format!("{building} - {error}"))
            .hint("set PBS_PASSWORD, PBS_PASSWORD_FILE or PBS_PASSWORD_CMD, or use `strongroom login` on a terminal first"),
        other => Failure::new(building).cause(other),
    }
}

fn cached_ticket(context: &Context, repository: &Repository) -> Option<(CachedTicket, Duration)> {
    let path = tickets(context).ok()?;
    let text = places::read(&path).ok()??;
    let text = String::from_utf8_lossy(&text);
    let user = repository.auth_id().to_string();
    let (ticket, age_s) = caches::tickets::find(&text, repository.host(), &user, now())?;
    Some((ticket, Duration::from_secs(age_s)))
}

fn remember_ticket(context: &Context, host: &str, ticket: &Ticket) {
    let entry = CachedTicket {
        ticket: ticket.ticket.reveal().to_string(),
        csrf_token: ticket.csrf.reveal().to_string(),
    };
    let path = match tickets(context) {
        Ok(path) => path,
        Err(error) => {
            if io::stdout().is_terminal() {
                tracing::warn!("storing login ticket failed: {error}");
            }
            return;
        }
    };
    let issued = now().saturating_sub(i64::try_from(ticket.age.as_secs()).unwrap_or(0));
    let user = ticket.user.to_string();
    let remember = |text: &str| caches::tickets::remember(text, host, &user, &entry, issued);
    if let Err(error) = places::update(&path, 0o600, |text| Some(remember(text))) {
        tracing::warn!("storing login ticket failed: {}: {error}", path.display());
    }
}

fn remember_fingerprint(context: &Context, host: &str, fingerprint: Option<Fingerprint>) {
    let (Some(path), Some(fingerprint)) = (context.places.own_config(FINGERPRINTS), fingerprint)
    else {
        return;
    };
    let fingerprint = fingerprint.to_string();
    let remember = |text: &str| caches::fingerprints::remember(text, host, &fingerprint);
    if let Err(error) = places::update(&path, 0o644, |text| Some(remember(text))) {
        tracing::warn!(
            "storing the certificate's fingerprint failed: {}: {error}",
            path.display()
        );
    }
}

/// The list only helps shell completion; whether it can be written is nobody's concern.
/// Remembers the repository of a command that succeeded; what refuses is not offered again (cli.md 2.4).
pub fn count_use(context: &Context) {
    let (Some(repository), Some(path)) = (context.used.take(), context.places.cache(REPOSITORIES))
    else {
        return;
    };
    let name = repository.to_string();
    let count = |text: &str| caches::repositories::count(text, &name);
    let _ = places::update(&path, 0o644, |text| Some(count(text)));
}

fn confirm(screen: &Screen, confirmed: Arc<AtomicBool>) -> Confirm {
    let screen = screen.clone();
    Confirm(Box::new(move |certificate| {
        if let Some(expected) = certificate.expected {
            tracing::warn!("WARNING: certificate fingerprint does not match expected fingerprint!");
            tracing::warn!("expected:    {expected}");
        }
        if !io::stdin().is_terminal() {
            tracing::error!(
                "certificate validation failed - Certificate fingerprint was not confirmed."
            );
            return false;
        }
        screen.line(&format!("fingerprint: {}", certificate.found));
        let yes = prompt::confirm("Are you sure you want to continue connecting? (y/n): ")
            .unwrap_or(false);
        confirmed.fetch_or(yes, Ordering::Relaxed);
        yes
    }))
}

/// Asks on a terminal for what follows the password, if it is something that can be typed.
fn second_factor(user: &Userid, challenge: &TfaChallenge) -> Option<Secret> {
    let what = match (challenge.totp, &challenge.recovery) {
        (true, None) => "TOTP code",
        (true, Some(_)) => "TOTP or recovery code",
        (false, Some(_)) => "Recovery code",
        (false, None) => return None,
    };
    let typed = prompt::password(&format!("{what} for \"{user}\": ")).ok()?;
    Some(Secret::new(second_factor_answer(typed.trim())))
}

/// Recovery codes have dashes, TOTP codes have not.
fn second_factor_answer(code: &str) -> String {
    let kind = if code.contains('-') {
        "recovery"
    } else {
        "totp"
    };
    format!("{kind}:{code}")
}

/// What the original says when there is no connection, and what may help.
fn explain(error: remote::Error, repository: &Repository) -> anyhow::Error {
    use remote::Error;
    let is_port = repository.host().bytes().all(|byte| byte.is_ascii_digit());
    let hint = match &error {
        Error::Host { .. } | Error::Resolve { .. } | Error::Connect { .. } if is_port => {
            return Failure::new(error.to_string())
                .hint("a number alone is taken for a host; name the host before a port, as in localhost:8007:store")
                .into();
        }
        Error::Resolve { .. } => "check the host name in the repository",
        Error::Connect { .. } | Error::Timeout { .. } => {
            "is the server running, and is the port reachable?"
        }
        Error::UnknownCertificate { .. } => {
            "compare the fingerprint with the server's own and set PBS_FINGERPRINT to it, or confirm it on a terminal; --ca-file names a certificate to trust"
        }
        Error::WrongFingerprint { .. } => {
            "if the server's certificate was changed on purpose, set PBS_FINGERPRINT to the new fingerprint"
        }
        Error::Tls { .. } => "does the port belong to a backup server?",
        Error::SecondFactor { .. } => {
            return Failure::new(error.to_string())
                .hint("on a terminal `strongroom login` asks for a TOTP or recovery code, and its ticket serves the next commands")
                .into();
        }
        Error::Refused { status: 401, .. } => {
            return Failure::new(error.to_string())
                .hint("check user and password; `strongroom logout` forgets a saved login")
                .into();
        }
        _ => return error.into(),
    };
    let cause =
        std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
    let place = format!("https://{}:{}/", repository.host(), repository.port());
    Failure::new(format!(
        "error trying to connect: error connecting to {place} - {cause}"
    ))
    .hint(hint)
    .into()
}

/// `[http://][user:password@]host[:port]`; empty means none.
fn proxy(text: &str) -> Result<Option<Proxy>> {
    const PORT: u16 = 1080;
    if text.is_empty() {
        return Ok(None);
    }
    let wrong = || {
        Failure::new("ALL_PROXY does not name a proxy")
            .hint("the form is [http://][user:password@]host[:port]")
    };
    let rest = match text.split_once("://") {
        Some(("http", rest)) => rest,
        Some((scheme, _)) => {
            return Err(wrong().cause(format!("unknown scheme '{scheme}'")).into());
        }
        None => text,
    };
    let (login, place) = match rest.rsplit_once('@') {
        Some((login, place)) => {
            let (user, password) = login.split_once(':').ok_or_else(wrong)?;
            (
                Some((user.to_string(), Secret::new(password.to_string()))),
                place,
            )
        }
        None => (None, rest),
    };
    let place = place.trim_end_matches('/');
    let (host, port) = match place.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port.parse().map_err(|_| wrong())?),
        _ => (place, PORT),
    };
    if host.is_empty() {
        return Err(wrong().into());
    }
    Ok(Some(Proxy {
        host: host.trim_matches(['[', ']']).to_string(),
        port,
        login,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proxies() {
        for (text, expected) in [
            ("", Some(None)),
            ("p", Some(Some(("p", 1080, None)))),
            ("http://p:3128/", Some(Some(("p", 3128, None)))),
            (
                "http://ann:s:e@p",
                Some(Some(("p", 1080, Some(("ann", "s:e"))))),
            ),
            ("[::1]:8080", Some(Some(("::1", 8080, None)))),
            ("[::1]", Some(Some(("::1", 1080, None)))),
            ("socks5://p", None),
            ("http://", None),
            ("p:port", None),
        ] {
            let found = proxy(text).ok();
            let found = found.as_ref().map(|proxy| {
                proxy.as_ref().map(|proxy| {
                    let login = proxy
                        .login
                        .as_ref()
                        .map(|(user, secret)| (user.as_str(), secret.reveal()));
                    (proxy.host.as_str(), proxy.port, login)
                })
            });
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn a_question_that_was_not_answered() {
        let text = |error| console::report::text(&unanswered(error, "error building".into()));
        assert_eq!(text(PromptError::Cancelled), "Error: cancelled\n");
        let none = text(PromptError::NoTerminal);
        let expected = "Error: error building - no password input mechanism available\nhint: ";
        assert!(none.starts_with(expected), "{none}");
        let long = text(PromptError::TooLong);
        assert!(
            long.contains("error building\n\nCaused by:\n    password is"),
            "{long}"
        );
    }

    /// A port without a host is taken for the host.
    #[test]
    fn a_number_for_a_host() {
        for (text, is_told) in [("9007:store", true), ("vault:9007:store", false)] {
            let repository: Repository = text.parse().unwrap();
            let error = remote::Error::Host {
                host: repository.host().into(),
            };
            let told = console::report::text(&*explain(error, &repository));
            assert_eq!(told.contains("localhost:8007:store"), is_told, "{told}");
        }
    }
}
