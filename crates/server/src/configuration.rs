//! The configuration files as the server reads them: parsed once, and again when a file was replaced. Changes go through `config` directly,
//! under its locks; whoever reads next sees them. Everything here blocks for at least a look at the file.

use std::sync::{Arc, Mutex, PoisonError};

use api::AclTree;
use config::files::{
    Datastores, Domains, Node, Shadow, Tfa, TicketLimits, Users, parse_acl, parse_domains,
};
use config::{ConfigDir, ConfigError, FileSpec, Stamp};
use format::Digest;

/// A parsed file.
#[derive(Debug)]
pub struct Loaded<T> {
    pub value: T,
    /// SHA-256 of the file.
    pub digest: Digest,
    pub stamp: Stamp,
}

/// One file, parsed again when it has changed.
#[derive(Debug)]
struct Cached<T> {
    spec: FileSpec,
    parse: fn(&str) -> Result<T, ConfigError>,
    slot: Mutex<Option<Arc<Loaded<T>>>>,
}

impl<T> Cached<T> {
    fn new(spec: FileSpec, parse: fn(&str) -> Result<T, ConfigError>) -> Cached<T> {
        Cached {
            spec,
            parse,
            slot: Mutex::new(None),
        }
    }

    fn get(&self, dir: &ConfigDir) -> Result<Arc<Loaded<T>>, ConfigError> {
        let mut slot = self.slot.lock().unwrap_or_else(PoisonError::into_inner);
        // The stamp is taken first: if the file is replaced in between, the next call reads it again.
        let stamp = dir.stamp(self.spec)?;
        if let Some(loaded) = slot.as_ref().filter(|loaded| loaded.stamp == stamp) {
            return Ok(Arc::clone(loaded));
        }
        let (text, digest) = dir.read(self.spec)?;
        let loaded = Arc::new(Loaded {
            value: (self.parse)(&text)?,
            digest,
            stamp,
        });
        *slot = Some(Arc::clone(&loaded));
        Ok(loaded)
    }
}

/// All files that requests look at.
#[derive(Debug)]
pub struct Configuration {
    dir: ConfigDir,
    users: Cached<Users>,
    acl: Cached<AclTree>,
    datastores: Cached<Datastores>,
    domains: Cached<Domains>,
    node: Cached<Node>,
    token_shadow: Cached<Shadow>,
    ticket_limits: Cached<TicketLimits>,
}

impl Configuration {
    pub fn new(dir: ConfigDir) -> Configuration {
        Configuration {
            dir,
            users: Cached::new(FileSpec::USER, Users::parse),
            acl: Cached::new(FileSpec::ACL, parse_acl),
            datastores: Cached::new(FileSpec::DATASTORE, Datastores::parse),
            domains: Cached::new(FileSpec::DOMAINS, parse_domains),
            node: Cached::new(FileSpec::NODE, Node::parse),
            ticket_limits: Cached::new(FileSpec::TICKET_LIMITS, TicketLimits::parse),
            token_shadow: Cached::new(FileSpec::TOKEN_SHADOW, |text| {
                Shadow::parse(FileSpec::TOKEN_SHADOW.name, text)
            }),
        }
    }

    /// The directory, to change files in it.
    pub fn dir(&self) -> &ConfigDir {
        &self.dir
    }

    pub fn users(&self) -> Result<Arc<Loaded<Users>>, ConfigError> {
        self.users.get(&self.dir)
    }

    pub fn acl(&self) -> Result<Arc<Loaded<AclTree>>, ConfigError> {
        self.acl.get(&self.dir)
    }

    pub fn datastores(&self) -> Result<Arc<Loaded<Datastores>>, ConfigError> {
        self.datastores.get(&self.dir)
    }

    pub fn domains(&self) -> Result<Arc<Loaded<Domains>>, ConfigError> {
        self.domains.get(&self.dir)
    }

    /// Settings of the whole server.
    pub fn node(&self) -> Result<Arc<Loaded<Node>>, ConfigError> {
        self.node.get(&self.dir)
    }

    /// Since when tickets count.
    pub fn ticket_limits(&self) -> Result<Arc<Loaded<TicketLimits>>, ConfigError> {
        self.ticket_limits.get(&self.dir)
    }

    /// Hashes of API token secrets.
    pub fn token_shadow(&self) -> Result<Arc<Loaded<Shadow>>, ConfigError> {
        self.token_shadow.get(&self.dir)
    }

    /// Hashes of the passwords of realm `pbs`; never held in memory.
    pub fn shadow(&self) -> Result<Shadow, ConfigError> {
        Shadow::parse(FileSpec::SHADOW.name, &self.dir.read(FileSpec::SHADOW)?.0)
    }

    /// The second factors of users; never held in memory. A file that cannot be understood is an error: no factor is skipped because of it.
    pub fn tfa(&self) -> Result<Tfa, ConfigError> {
        Tfa::parse(&self.dir.read(FileSpec::TFA)?.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replaced_file_is_read_again() {
        let folder = tempfile::tempdir().expect("tempdir");
        let configuration = Configuration::new(ConfigDir::open(folder.path()).expect("dir"));
        let count = || {
            configuration
                .users()
                .expect("users")
                .value
                .users()
                .expect("list")
                .len()
        };
        assert_eq!(count(), 1, "root@pam is always there");
        let first = configuration.users().expect("users");
        assert!(
            Arc::ptr_eq(&first, &configuration.users().expect("users")),
            "parsed once"
        );
        configuration
            .dir()
            .lock(FileSpec::USER)
            .expect("lock")
            .replace(b"user: a@pbs\n")
            .expect("replace");
        assert_eq!(count(), 2);
    }
}
