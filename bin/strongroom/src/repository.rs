//! Which datastore on which server: options, then environment (cli.md 2.1, 2.2, 2.5); and who vouches for the server.

use std::ops::Deref;
use std::path::PathBuf;

use api::Repository;
use api::repository::normalise_host;
use clap::Args;
use console::args::integer;
use console::report::Failure;
use format::{AuthId, Namespace, StoreName};

use crate::environment::{Environment, REPOSITORY};

#[derive(Args, Clone, Debug, Default)]
pub struct RepositoryArgs {
    /// Where the backups are: [[user@realm[!token]@]host[:port]:]datastore.
    #[arg(long)]
    repository: Option<String>,

    /// The server's name or address.
    #[arg(long)]
    server: Option<String>,

    /// The server's port.
    #[arg(long, value_name = "<integer> (1 - 65535)", value_parser = integer(1, 65535))]
    port: Option<i64>,

    /// The datastore's name.
    #[arg(long)]
    datastore: Option<StoreName>,

    /// User, or user and API token, to log in as: user@realm[!token].
    #[arg(long)]
    auth_id: Option<AuthId>,

    /// Certificates, in PEM form, of the authorities that vouch for the server, instead of
    /// those of the system.
    #[arg(long)]
    ca_file: Option<PathBuf>,
}

/// A repository, and whom to ask about its server's certificate.
#[derive(Clone, Debug)]
pub struct Target {
    pub repository: Repository,
    pub ca_file: Option<PathBuf>,
}

impl Deref for Target {
    type Target = Repository;

    fn deref(&self) -> &Repository {
        &self.repository
    }
}

impl RepositoryArgs {
    /// The repository; a [`Failure`] if none is named or its name is malformed.
    pub fn resolve(&self, environment: &Environment) -> Result<Target, Failure> {
        let variable = || {
            let path = environment.raw("PBS_CA_FILE").map(PathBuf::from);
            path.filter(|path| !path.as_os_str().is_empty())
        };
        Ok(Target {
            repository: self.name(environment)?,
            ca_file: self.ca_file.clone().or_else(variable),
        })
    }

    fn name(&self, environment: &Environment) -> Result<Repository, Failure> {
        let hparts_name = self.hparts_name();
        match &self.repository {
            Some(_) if hparts_name => Err(Failure::new(
                "--repository and --server/--port/--datastore/--auth-id are mutually exclusive",
            )
            .hint("give either the one or the others")),
            Some(text) => parse(text, "--repository"),
            None if hparts_name => self.parts_name(environment)?.ok_or_else(|| {
                Failure::new("--datastore is required when not using --repository")
                    .hint("add --datastore NAME or set PBS_DATASTORE")
            }),
            None => self.environment_names(environment)?.ok_or_else(|| {
                Failure::new("unable to get (default) repository").hint(
                    "add --repository [[user@realm[!token]@]host[:port]:]datastore or set PBS_REPOSITORY",
                )
            }),
        }
    }

    /// Whether nothing at all names a repository, so that a command may do without.
    pub fn is_absent(&self, environment: &Environment) -> bool {
        self.repository.is_none()
            && !self.hparts_name()
            && matches!(self.environment_names(environment), Ok(None))
    }

    fn hparts_name(&self) -> bool {
        self.server.is_some()
            || self.port.is_some()
            || self.datastore.is_some()
            || self.auth_id.is_some()
    }

    fn environment_names(&self, environment: &Environment) -> Result<Option<Repository>, Failure> {
        match environment.setting(REPOSITORY) {
            Ok(Some(text)) => return parse(&text, "PBS_REPOSITORY").map(Some),
            Ok(None) => {}
            Err(error) => tracing::warn!("ignoring PBS_REPOSITORY - {error}"),
        }
        self.parts_name(environment)
    }

    /// From the component options, missing ones from the environment; malformed numbers and
    /// ids there are ignored, as the original does.
    fn parts_name(&self, environment: &Environment) -> Result<Option<Repository>, Failure> {
        let from_variable = |name| environment.text(name).filter(|text| !text.is_empty());
        let store = match (&self.datastore, from_variable("PBS_DATASTORE")) {
            (Some(store), _) => store.clone(),
            (None, Some(text)) => text.parse().map_err(|error| {
                Failure::new("PBS_DATASTORE does not name a datastore").cause(error)
            })?,
            (None, None) => return Ok(None),
        };
        let host = self.server.as_deref().or(from_variable("PBS_SERVER"));
        let host = host.map(|text| {
            normalise_host(text).ok_or_else(|| {
                Failure::new(format!(
                    "server '{text}' is neither a host name nor an IP address"
                ))
                .hint("check --server and PBS_SERVER")
            })
        });
        let port = self.port.and_then(|port| u16::try_from(port).ok());
        let port = port.or_else(|| from_variable("PBS_PORT")?.parse().ok());
        let auth_id = self
            .auth_id
            .clone()
            .or_else(|| from_variable("PBS_AUTH_ID")?.parse().ok());
        Ok(Some(Repository {
            auth_id,
            host: host.transpose()?,
            port,
            store,
        }))
    }
}

fn parse(text: &str, place: &str) -> Result<Repository, Failure> {
    text.parse()
        .map_err(|error: api::repository::RepositoryError| {
            Failure::new(format!("{error}")).hint(format!("check {place}"))
        })
}

#[derive(Args, Clone, Debug, Default)]
pub struct NamespaceArgs {
    /// The namespace; without it that of PBS_NAMESPACE, else the root.
    #[arg(long)]
    ns: Option<Namespace>,
}

impl NamespaceArgs {
    pub fn resolve(&self, environment: &Environment) -> Result<Namespace, Failure> {
        namespace_or_default(self.ns.clone(), environment)
    }
}

/// The given namespace, else that of `PBS_NAMESPACE`, else the root.
pub fn namespace_or_default(
    given: Option<Namespace>,
    environment: &Environment,
) -> Result<Namespace, Failure> {
    match (given, environment.text("PBS_NAMESPACE")) {
        (Some(namespace), _) => Ok(namespace),
        (None, Some(text)) => text.parse().map_err(|error: format::NamespaceError| {
            Failure::new("PBS_NAMESPACE does not name a namespace").cause(error)
        }),
        (None, None) => Ok(Namespace::root()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        repository: RepositoryArgs,
    }

    fn resolve(options: &str, variables: &[(&str, &str)]) -> String {
        let environment: Environment = variables.iter().copied().collect();
        let line = ["x"].into_iter().chain(options.split_whitespace());
        let line: Line = clap::Parser::try_parse_from(line).unwrap();
        match line.repository.resolve(&environment) {
            Ok(repository) => format!(
                "{}@{}:{}:{}",
                repository.auth_id(),
                repository.host(),
                repository.port(),
                repository.store
            ),
            Err(error) => format!("error: {error}"),
        }
    }

    #[test]
    fn options_then_environment() {
        let all = &[
            ("PBS_REPOSITORY", "env@pbs@other:store"),
            ("PBS_SERVER", "vault"),
            ("PBS_PORT", "9007"),
            ("PBS_DATASTORE", "tank"),
            ("PBS_AUTH_ID", "ann@pbs"),
        ];
        let parts = &all[1..];
        for (options, variables, expected) in [
            ("", &[][..], "error: unable to get (default) repository"),
            ("", all, "env@pbs@other:8007:store"),
            ("", parts, "ann@pbs@vault:9007:tank"),
            (
                "",
                &[("PBS_SERVER", "vault")],
                "error: unable to get (default) repository",
            ),
            (
                "",
                &[
                    ("PBS_DATASTORE", "tank"),
                    ("PBS_PORT", "x"),
                    ("PBS_AUTH_ID", "x"),
                ],
                "root@pam@localhost:8007:tank",
            ),
            ("--repository given:store", all, "root@pam@given:8007:store"),
            ("--datastore mine", all, "ann@pbs@vault:9007:mine"),
            ("--server fd00::7", all, "ann@pbs@[fd00::7]:9007:tank"),
            (
                "--server vault",
                &[("PBS_REPOSITORY", "x:store")],
                "error: --datastore is required when not using --repository",
            ),
            (
                "--repository s1s --port 1",
                &[],
                "error: --repository and --server/--port/--datastore/--auth-id are mutually exclusive",
            ),
        ] {
            assert_eq!(
                resolve(options, variables),
                expected,
                "{options} {variables:?}"
            );
        }
    }

    #[test]
    fn authorities_from_the_option_then_the_environment() {
        let environment: Environment = [("PBS_CA_FILE", "/e.pem"), ("PBS_REPOSITORY", "tank")]
            .into_iter()
            .collect();
        for (line, expected) in [("x", "/e.pem"), ("x --ca-file=/o.pem", "/o.pem")] {
            let line: Line = clap::Parser::try_parse_from(line.split(' ')).unwrap();
            let target = line.repository.resolve(&environment).unwrap();
            assert_eq!(target.ca_file, Some(PathBuf::from(expected)));
        }
    }

    #[test]
    fn namespaces() {
        let environment: Environment = [("PBS_NAMESPACE", "a/b")].into_iter().collect();
        assert_eq!(
            namespace_or_default(None, &environment)
                .unwrap()
                .to_string(),
            "a/b"
        );
        assert!(
            namespace_or_default(Some(Namespace::root()), &environment)
                .unwrap()
                .is_root()
        );
        assert!(
            namespace_or_default(None, &Environment::default())
                .unwrap()
                .is_root()
        );
    }
}
