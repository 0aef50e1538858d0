//! `[[AUTHID@]HOST[:PORT]:]DATASTORE`: where a client's backups live (cli.md 2.1).
//!
//! Kept as given: what was left out is `None` and gets its default on asking, since the printed form differs.

use std::fmt;
use std::str::FromStr;

use format::{AuthId, StoreName};
use serde::{Deserialize, Serialize};

use crate::{defaults, pattern};

/// Longest accepted text.
pub const TEXT_CHARS_MAX: usize = 256;

/// A datastore on a server, and as whom to log in there.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Repository {
    /// Who logs in; default [`defaults::AUTH_ID`].
    pub auth_id: Option<AuthId>,
    /// DNS name, IPv4 address or IPv6 address in brackets; default [`defaults::HOST`].
    pub host: Option<String>,
    /// Default [`defaults::PORT`].
    pub port: Option<u16>,
    /// The datastore.
    pub store: StoreName,
}

/// Why a text names no repository.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
pub enum RepositoryError {
    /// Longer than [`TEXT_CHARS_MAX`] characters.
    #[error("value may only be {TEXT_CHARS_MAX} characters long")]
    TooLong,
    /// One of the parts is malformed.
    #[error(
        "unable to parse repository url '{text}': {part} is malformed (form: [[user@realm[!token]@]host[:port]:]datastore)"
    )]
    Form {
        /// The whole text.
        text: String,
        /// Which part.
        part: &'static str,
    },
}

impl Repository {
    /// The login, or the default user.
    pub fn auth_id(&self) -> AuthId {
        self.auth_id.clone().unwrap_or_else(|| {
            defaults::AUTH_ID
                .parse()
                .expect("the default user is a valid auth id")
        })
    }

    /// The host as it stands in a URL (IPv6 in brackets).
    pub fn host(&self) -> &str {
        self.host.as_deref().unwrap_or(defaults::HOST)
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(defaults::PORT)
    }
}

/// Checks a host and puts brackets around a bare IPv6 address.
pub fn normalise_host(host: &str) -> Option<String> {
    if host.parse::<std::net::Ipv6Addr>().is_ok() {
        return Some(format!("[{host}]"));
    }
    let inner = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let valid = match inner {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => pattern::dns_name(host),
    };
    valid.then(|| host.to_owned())
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(auth_id) = &self.auth_id {
            return write!(
                f,
                "{auth_id}@{}:{}:{}",
                self.host(),
                self.port(),
                self.store
            );
        }
        match (&self.host, self.port) {
            (None, None) => write!(f, "{}", self.store),
            (_, None) => write!(f, "{}:{}", self.host(), self.store),
            (_, Some(port)) => write!(f, "{}:{port}:{}", self.host(), self.store),
        }
    }
}

impl FromStr for Repository {
    type Err = RepositoryError;

    fn from_str(text: &str) -> Result<Repository, RepositoryError> {
        if text.chars().count() > TEXT_CHARS_MAX {
            return Err(RepositoryError::TooLong);
        }
        parse(text).map_err(|part| RepositoryError::Form {
            text: text.to_owned(),
            part,
        })
    }
}

fn parse(text: &str) -> Result<Repository, &'static str> {
    let (auth, place) = match text.rsplit_once('@') {
        Some((auth, place)) => (Some(auth), place),
        None => (None, text),
    };
    let (server, store) = match place.rsplit_once(':') {
        Some((server, store)) => (Some(server), store),
        None => (None, place),
    };
    let (host, port) = match server {
        Some(server) => split_port(server)?,
        None if auth.is_some() => return Err("the host"),
        None => (None, None),
    };
    Ok(Repository {
        auth_id: auth
            .map(str::parse)
            .transpose()
            .map_err(|_| "the auth id")?,
        host,
        port,
        store: store.parse().map_err(|_| "the datastore")?,
    })
}

fn split_port(server: &str) -> Result<(Option<String>, Option<u16>), &'static str> {
    let in_brackets = server.starts_with('[');
    let split = match server.rsplit_once(':') {
        Some((host, port)) if !in_brackets || host.ends_with(']') => (host, Some(port)),
        _ => (server, None),
    };
    let host = split.0;
    let inner = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    if inner.is_none() && host.contains(':') {
        return Err("the host");
    }
    let host = normalise_host(host).ok_or("the host")?;
    let port = match split.1 {
        Some(digits)
            if (1..=5).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) =>
        {
            Some(digits.parse().map_err(|_| "the port")?)
        }
        Some(_) => return Err("the port"),
        None => None,
    };
    Ok((Some(host), port))
}

impl TryFrom<String> for Repository {
    type Error = RepositoryError;
    fn try_from(text: String) -> Result<Repository, RepositoryError> {
        text.parse()
    }
}

impl From<Repository> for String {
    fn from(repository: Repository) -> String {
        repository.to_string()
    }
}
