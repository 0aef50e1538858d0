//! What each file of the original's directory is, and whether it is in order (server.md 1.0).

use super::Verdict;
use crate::dir::{FileSpec, as_text};
use crate::entry::Entry;
use crate::error::ConfigError;
use crate::files::notifications::{AllSecrets, Notifications};
use crate::files::{
    Datastores, DnsPlugin, EncryptionKey, InfluxHttp, InfluxUdp, Node, PruneJob, Remote,
    S3Endpoint, Shadow, SyncJob, Tfa, TicketLimits, TrafficRule, Users, VerifyJob, parse_acl,
    parse_domains,
};
use crate::identity::{AuthKey, CsrfKey, fingerprint, leaf_der};

/// What is in a file, in words.
pub type Checked = Result<String, ConfigError>;

/// A file: its name, the mode of its copy, whether this build uses it, what it must be.
struct Known {
    name: &'static str,
    mode: u32,
    /// Why it is not used yet.
    unused: Option<&'static str>,
    check: fn(&str, &[u8]) -> Checked,
}

const fn used(name: &'static str, mode: u32, check: fn(&str, &[u8]) -> Checked) -> Known {
    Known {
        name,
        mode,
        unused: None,
        check,
    }
}

const fn kept(
    name: &'static str,
    mode: u32,
    why: &'static str,
    check: fn(&str, &[u8]) -> Checked,
) -> Known {
    Known {
        name,
        mode,
        unused: Some(why),
        check,
    }
}

const TAPE: &str = "there are no tapes in this build";

#[rustfmt::skip]
const KNOWN: &[Known] = &[
    used("acl.cfg", 0o640, acl),
    used("authkey.key", 0o600, auth_key),
    used("authkey.pub", 0o640, pem),
    used("csrf.key", 0o640, csrf_key),
    used("datastore.cfg", 0o640, datastores),
    used("domains.cfg", 0o640, domains),
    kept("encryption-keys.cfg", 0o640, "keys of sync jobs are not used yet", entries::<EncryptionKey>),
    kept("ldap_passwords.json", 0o600, "logins by LDAP are not done yet", json),
    kept("media-pool.cfg", 0o640, TAPE, sections),
    kept("metricserver.cfg", 0o640, "metrics are not sent yet", metrics),
    used("node.cfg", 0o640, node),
    kept("notifications.cfg", 0o640, "notifications are not sent yet", notifications),
    kept("notifications-priv.cfg", 0o600, "notifications are not sent yet", notification_secrets),
    used("proxy.key", 0o640, pem),
    used("proxy.pem", 0o640, certificate),
    used("prune.cfg", 0o640, entries::<PruneJob>),
    kept("remote.cfg", 0o640, "other servers are not asked yet", entries::<Remote>),
    kept("s3.cfg", 0o640, "object stores are not used yet", entries::<S3Endpoint>),
    used("shadow.json", 0o600, shadow),
    kept("subscription", 0o600, "it is the original's", anything),
    kept("sync.cfg", 0o640, "sync jobs are not run yet", entries::<SyncJob>),
    kept("tape-encryption-key-config.json", 0o640, TAPE, json),
    kept("tape-encryption-keys.json", 0o600, TAPE, json),
    kept("tape-job.cfg", 0o640, TAPE, sections),
    kept("tape.cfg", 0o640, TAPE, sections),
    used("tfa.json", 0o600, tfa),
    used("token.shadow", 0o640, shadow),
    used("traffic-control.cfg", 0o640, entries::<TrafficRule>),
    used("user.cfg", 0o640, users),
    used("verification.cfg", 0o640, entries::<VerifyJob>),
    kept("acme/plugins.cfg", 0o640, "certificates are not ordered yet", entries::<DnsPlugin>),
];

/// Whether this is a file without which a server is another one.
pub fn is_known(name: &str) -> bool {
    KNOWN.iter().any(|known| known.name == name)
}

/// Files that only matter while a program runs: locks, what a writer left.
pub fn is_transient(file_name: &str) -> bool {
    file_name.ends_with(".lck")
        || file_name.ends_with(".lock")
        || file_name.starts_with('.') && file_name.ends_with(".tmp")
        || file_name == "proxy.new"
        // Of tickets that were given out before, which nobody else can check.
        || file_name == FileSpec::TICKET_LIMITS.name
}

fn known(name: &str) -> Option<&'static Known> {
    KNOWN.iter().find(|known| known.name == name)
}

/// The mode of a copy; what is not known may be a secret.
pub fn mode(name: &str) -> u32 {
    match known(name) {
        Some(known) => known.mode,
        None if name.starts_with("notification-templates/") => 0o640,
        None => 0o600,
    }
}

/// Whether the file of this name is in order.
pub fn check(name: &str, bytes: &[u8]) -> Result<(), ConfigError> {
    match verdict(name, bytes) {
        Verdict::Wrong(error) => Err(error),
        _ => Ok(()),
    }
}

/// What becomes of a file.
pub fn verdict(name: &str, bytes: &[u8]) -> Verdict {
    match known(name) {
        Some(known) => match ((known.check)(name, bytes), known.unused) {
            (Err(error), _) => Verdict::Wrong(error),
            (Ok(_), Some(why)) => Verdict::Kept(why),
            (Ok(what), None) => Verdict::Used(what),
        },
        // Nobody takes it over, but the server needs it.
        None if name == FileSpec::TICKET_LIMITS.name => match ticket_limits(name, bytes) {
            Ok(what) => Verdict::Used(what),
            Err(error) => Verdict::Wrong(error),
        },
        None if name.starts_with("acme/accounts/") => match json(name, bytes) {
            Ok(_) => Verdict::Kept("certificates are not ordered yet"),
            Err(error) => Verdict::Wrong(error),
        },
        None if name.starts_with("encryption-keys/") => {
            Verdict::Kept("keys of sync jobs are not used yet")
        }
        None if name.starts_with("notification-templates/") => {
            Verdict::Kept("notifications are not sent yet")
        }
        None => Verdict::Kept("nobody here knows this file"),
    }
}

fn wrong(name: &str, line: usize, reason: impl Into<String>) -> ConfigError {
    ConfigError::Parse {
        file: name.to_owned(),
        line,
        reason: reason.into(),
    }
}

fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

fn anything(_: &str, _: &[u8]) -> Checked {
    Ok(String::new())
}

fn acl(name: &str, bytes: &[u8]) -> Checked {
    let text = as_text(name, bytes)?;
    parse_acl(text)?;
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    Ok(count(lines.count(), "entry", "entries"))
}

fn datastores(name: &str, bytes: &[u8]) -> Checked {
    let stores = Datastores::parse(as_text(name, bytes)?)?.list()?;
    for store in &stores {
        let of = |error: api::schema::ParamErrors| {
            wrong(name, 0, format!("section '{}' - {error}", store.name))
        };
        store.tuning().map_err(of)?;
        store.maintenance().map_err(of)?;
    }
    Ok(count(stores.len(), "datastore", "datastores"))
}

fn users(name: &str, bytes: &[u8]) -> Checked {
    let text = as_text(name, bytes)?;
    let file = Users::parse(text)?;
    let users = file.users()?;
    let mut tokens = 0;
    for user in &users {
        tokens += file.tokens_of(&user.userid)?.len();
    }
    // The superuser is there also when the file does not name him.
    let written = text.lines().filter(|line| line.starts_with("user:"));
    Ok(format!(
        "{}, {}",
        count(written.count(), "user", "users"),
        count(tokens, "token", "tokens")
    ))
}

fn domains(name: &str, bytes: &[u8]) -> Checked {
    parse_domains(as_text(name, bytes)?)?;
    Ok(String::new())
}

fn node(name: &str, bytes: &[u8]) -> Checked {
    Node::parse(as_text(name, bytes)?)?;
    Ok(String::new())
}

fn shadow(name: &str, bytes: &[u8]) -> Checked {
    let hashes = Shadow::parse(name, as_text(name, bytes)?)?;
    Ok(count(hashes.0.len(), "hash", "hashes"))
}

fn entries<E: Entry>(name: &str, bytes: &[u8]) -> Checked {
    let sections = E::SYNTAX.parse(as_text(name, bytes)?)?;
    for (id, section) in sections.of_kind(E::SECTION.name) {
        E::SYNTAX.typed::<E>(id, section)?;
    }
    Ok(count(sections.iter().count(), "entry", "entries"))
}

fn metrics(name: &str, bytes: &[u8]) -> Checked {
    entries::<InfluxHttp>(name, bytes)?;
    entries::<InfluxUdp>(name, bytes)
}

fn notifications(name: &str, bytes: &[u8]) -> Checked {
    Notifications::parse(as_text(name, bytes)?)?;
    Ok(String::new())
}

fn notification_secrets(name: &str, bytes: &[u8]) -> Checked {
    AllSecrets::parse(as_text(name, bytes)?)?;
    Ok(String::new())
}

fn tfa(name: &str, bytes: &[u8]) -> Checked {
    Tfa::parse(as_text(name, bytes)?)?;
    Ok(String::new())
}

fn ticket_limits(name: &str, bytes: &[u8]) -> Checked {
    TicketLimits::parse(as_text(name, bytes)?)?;
    Ok(String::new())
}

fn csrf_key(_: &str, bytes: &[u8]) -> Checked {
    CsrfKey::checked(bytes).map(|_| "a key".to_owned())
}

fn auth_key(name: &str, bytes: &[u8]) -> Checked {
    AuthKey::from_pem(bytes).map_err(|error| wrong(name, 0, error.to_string()))?;
    Ok(String::new())
}

fn pem(name: &str, bytes: &[u8]) -> Checked {
    match as_text(name, bytes)?.contains("-----BEGIN ") {
        true => Ok(String::new()),
        false => Err(wrong(name, 0, "there is no PEM block in it")),
    }
}

fn certificate(name: &str, bytes: &[u8]) -> Checked {
    let der = leaf_der(bytes).map_err(|error| wrong(name, 0, error.to_string()))?;
    Ok(format!("fingerprint {}", fingerprint(&der)))
}

/// The parser's message may quote the file, which may hold secrets.
fn json(name: &str, bytes: &[u8]) -> Checked {
    if bytes.trim_ascii().is_empty() {
        return Ok(String::new());
    }
    serde_json::from_slice::<serde::de::IgnoredAny>(bytes)
        .map(|_| String::new())
        .map_err(|error| wrong(name, error.line(), "it is no JSON"))
}

/// The form of sections alone: which types and properties there are is for whoever uses the file.
fn sections(name: &str, bytes: &[u8]) -> Checked {
    let mut open = false;
    let mut number = 0;
    for (place, line) in as_text(name, bytes)?.lines().enumerate() {
        if line.trim().is_empty() {
            open = false;
        } else if open {
            if !line.starts_with([' ', '\t']) {
                return Err(wrong(name, place + 1, "a property is indented"));
            }
        } else {
            let header = line
                .split_once(':')
                .map(|(kind, id)| (kind.trim(), id.trim()));
            if line.starts_with([' ', '\t']) || header.is_none_or(|(kind, _)| kind.is_empty()) {
                return Err(wrong(name, place + 1, "a section begins with `type: id`"));
            }
            (open, number) = (true, number + 1);
        }
    }
    Ok(count(number, "entry", "entries"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_in_order_and_wrong_ones() {
        for (name, text, expected) in [
            (
                "user.cfg",
                "user: a@pbs\n\ntoken: a@pbs!t\n",
                Ok("1 user, 1 token"),
            ),
            ("acl.cfg", "acl:1:/:a@pbs:Admin\n", Ok("1 entry")),
            (
                "datastore.cfg",
                "datastore: tank\n\tpath /x\n",
                Ok("1 datastore"),
            ),
            (
                "prune.cfg",
                "prune: p1x\n\tschedule daily\n\tstore tank\n",
                Ok("1 entry"),
            ),
            ("shadow.json", "{\"a\":\"x\"}", Ok("1 hash")),
            ("tape.cfg", "lto: one\n\tpath x\n", Ok("1 entry")),
            ("remote.cfg", "remote: one\n\thost x\n", Err(1)),
            ("user.cfg", "# no\n", Err(1)),
            (
                "datastore.cfg",
                "datastore: tank\n\tpath /x\n\tnope 1\n",
                Err(3),
            ),
            ("shadow.json", "{\n\"a\" 1}", Err(2)),
            ("tfa.json", "[", Err(1)),
            ("tape.cfg", "lto: one\npath x\n", Err(2)),
            ("authkey.key", "x", Err(0)),
            (
                "user.cfg",
                "user: a@pbs\n\tcomment \u{fffd}",
                Ok("1 user, 0 tokens"),
            ),
        ] {
            let check = known(name).expect("a known file").check;
            match (check(name, text.as_bytes()), expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{name}"),
                (Err(ConfigError::Parse { file, line, .. }), Err(expected)) => {
                    assert!(file.ends_with(name), "{file}");
                    assert_eq!(line, expected, "{name}");
                }
                (found, expected) => panic!("{name}: {found:?}, {expected:?}"),
            }
        }
        let error = users("user.cfg", b"user: a@pbs\n\tcomment \xff\n").expect_err("no UTF-8");
        assert!(error.to_string().contains("line 2"), "{error}");
    }
}
