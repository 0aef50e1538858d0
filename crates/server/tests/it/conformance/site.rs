//! A server with something of everything, `root@pam` at its door, and requests that are valid for a row.

use std::time::UNIX_EPOCH;

use config::ConfigDir;

use super::line::Line;
use super::rows::Served;
use super::spec::{Row, Shape};
use super::texts;
use crate::rest::message::Answer;
use crate::rest::site::{Login, Site, fixtures};

/// Values for parameters where any text of the right form will not do: below a path, a name, its value. The first that fits counts.
const SAMPLES: &[(&str, &str, &str)] = &[
    ("/nodes/{node}/network/{iface}", "iface", "lo"),
    ("/access/domains", "realm", "pbs"),
    ("/access/tfa", "id", "recovery"),
    ("/access/tfa", "userid", "job-1@pbs"),
    ("/access/users", "userid", "test@pbs"),
    (
        "/admin/datastore/{store}/pxar-file-download",
        "filepath",
        "L3Jvb3QucHhhci5kaWR4",
    ),
    ("/config/access/ad", "realm", "ad-1"),
    ("/config/access/ldap", "realm", "ldap-1"),
    ("/config/access/openid", "realm", "openid-1"),
    ("/config/datastore", "name", "peer"),
    ("/config/acme/plugins", "type", "dns"),
    ("/config/metrics/influxdb-udp", "name", "udp-1"),
    ("/config/notifications/endpoints/gotify", "name", "phone"),
    ("/config/notifications/endpoints/sendmail", "name", "mail"),
    ("/config/notifications/endpoints/smtp", "name", "relay"),
    ("/config/notifications/endpoints/webhook", "name", "hook"),
    ("/config/notifications/matchers", "name", "nights"),
    ("/config/notifications/targets", "name", "phone"),
    ("", "archive-name", "root.pxar.didx"),
    ("", "backup-id", "plain"),
    ("", "backup-time", "1700000000"),
    ("", "backup-type", "host"),
    ("", "cf", "AVERAGE"),
    ("", "filepath", "/"),
    ("", "file-name", "index.json.blob"),
    ("", "node", "localhost"),
    ("", "service", "proxmox-backup-proxy"),
    ("", "store", "peer"),
    ("", "timeframe", "hour"),
    ("", "token-name", "tok"),
    ("", "userid", "test@pbs"),
];

/// What is made before rows are asked for what there is; requests for rows that are pending are left out.
const PREPARATION: &[(&str, &str, &str)] = &[
    (
        "POST",
        "config/prune",
        "id=job-1&store=peer&schedule=daily&keep-last=3&comment=x",
    ),
    (
        "POST",
        "config/verify",
        "id=job-1&store=peer&schedule=daily&outdated-after=7&ignore-verified=1",
    ),
    (
        "POST",
        "config/remote",
        "name=job-1&host=h&auth-id=a@pbs&password=x&port=8007&comment=x&use-node-proxy=0",
    ),
    (
        "POST",
        "config/sync",
        "id=job-1&store=peer&remote=job-1&remote-store=other&schedule=daily&group-filter=type:vm&rate-in=1MiB&max-depth=1&remove-vanished=1",
    ),
    (
        "POST",
        "config/traffic-control",
        "name=job-1&network=10.0.0.0/8&timeframe=8-17&users=a@pbs&rate-out=1MB&comment=x",
    ),
    (
        "POST",
        "config/s3",
        "id=job-1&endpoint=h&access-key=a&secret-key=b&provider-quirks=skip-if-none-match-header&region=eu-1&port=443&path-style=1",
    ),
    (
        "POST",
        "config/metrics/influxdb-http",
        "name=job-1&url=http://h&enable=0&bucket=b&max-body-size=1000&token=t&verify-tls=0&comment=x",
    ),
    (
        "POST",
        "config/metrics/influxdb-udp",
        "name=udp-1&host=h:8089&enable=0&mtu=1400&comment=x",
    ),
    ("POST", "config/encryption-keys", "id=key-1"),
    (
        "POST",
        "config/acme/plugins",
        "id=job-1&type=dns&api=pdns&data=QQ%3D%3D&disable=1&validation-delay=5",
    ),
    (
        "POST",
        "access/users",
        "userid=job-1@pbs&comment=x&email=a@example.com&firstname=ab&lastname=cd&expire=0",
    ),
    (
        "PUT",
        "access/acl",
        "path=/datastore/peer&role=DatastoreAudit&auth-id=job-1@pbs",
    ),
    (
        "POST",
        "config/notifications/endpoints/gotify",
        "name=phone&server=https://push.example.com&token=t&comment=x&disable=1&filter=x",
    ),
    (
        "POST",
        "config/notifications/endpoints/sendmail",
        "name=mail&mailto=a@example.com&mailto-user=root@pam&author=x&from-address=b@example.com&comment=x&disable=0",
    ),
    (
        "POST",
        "config/notifications/endpoints/smtp",
        "name=relay&server=x&from-address=b@example.com&mailto=a@example.com&mode=starttls&port=587&username=x&password=y",
    ),
    (
        "POST",
        "config/notifications/endpoints/webhook",
        "name=hook&method=put&url=https://example.com/x&body=YQ==&header=name%3Da,value%3DYQ==&secret=name%3Da,value%3DYQ==",
    ),
    (
        "POST",
        "config/notifications/matchers",
        "name=nights&target=phone&match-field=exact:type%3Dgc&match-severity=info&match-calendar=8-9&mode=any&invert-match=1&comment=x",
    ),
    ("POST", "access/tfa/job-1@pbs", "type=recovery"),
    (
        "POST",
        "config/access/ldap",
        "realm=ldap-1&server1=x&base-dn=x&user-attr=uid&comment=x&verify=1&port=1&default=1",
    ),
    (
        "POST",
        "config/access/ad",
        "realm=ad-1&server1=x&filter=x&user-classes=a,b",
    ),
    (
        "POST",
        "config/access/openid",
        "realm=openid-1&issuer-url=x&client-id=x&autocreate=1&scopes=email,profile",
    ),
    (
        "PUT",
        "config/access/tfa/webauthn",
        "rp=x&id=x&origin=https://x",
    ),
    ("POST", "admin/datastore/peer/namespace", "name=inner"),
    (
        "PUT",
        "admin/datastore/peer/group-notes",
        "backup-type=host&backup-id=plain&notes=x",
    ),
    ("POST", "admin/datastore/peer/verify", ""),
    ("POST", "admin/prune/job-1/run", ""),
    ("POST", "admin/verify/job-1/run", ""),
];

/// A server, and `root@pam` on a connection.
pub struct Door {
    pub site: Site,
    pub line: Line,
    root: Login,
    upid: String,
}

impl Door {
    /// Nothing without fixtures.
    pub async fn open() -> Option<Door> {
        let site = Site::start(&fixtures()?, "").await;
        let root = root_of(&site);
        let line = Line::to(site.address);
        Some(Door {
            site,
            line,
            root,
            upid: texts::UPID.to_owned(),
        })
    }

    /// Makes something of everything.
    pub async fn prepare(&mut self, served: &Served) {
        for (verb, target, body) in PREPARATION {
            let components: Vec<String> = target.split('/').map(str::to_owned).collect();
            let verb_ = verb.parse().expect("verb");
            if served.tree.find(&verb_, &components).is_none() {
                continue;
            }
            let answer = self.ask(verb, target, "", Some(body)).await;
            assert_eq!(
                answer.status,
                200,
                "{verb} {target} {body}: {}",
                answer.text()
            );
            self.site.idle().await;
        }
        let tasks = self
            .ask("GET", "nodes/localhost/tasks", "", None)
            .await
            .json();
        let newest = tasks["data"][0]["upid"].as_str();
        self.upid = newest.expect("a task ran").to_owned();
    }

    /// A request of `root@pam` with this query; a body is a form.
    pub async fn ask(&mut self, verb: &str, path: &str, query: &str, body: Option<&str>) -> Answer {
        let form = "content-type: application/x-www-form-urlencoded";
        let headers = [&self.root.cookie(), &self.root.csrf(), form];
        let target = format!("/api2/json/{path}?{query}");
        let headers = if body.is_some() {
            &headers[..]
        } else {
            &headers[..2]
        };
        self.line
            .ask(verb, &target, headers, body.unwrap_or_default())
            .await
    }

    /// A request of `root@pam` with a JSON body.
    pub async fn ask_json(&mut self, verb: &str, path: &str, body: &str) -> Answer {
        let json = "content-type: application/json";
        let headers = [&self.root.cookie(), &self.root.csrf(), json];
        let target = format!("/api2/json/{path}");
        self.line.ask(verb, &target, &headers, body).await
    }

    /// A value that is valid for this row.
    pub fn sample(&self, row: &Row, name: &str, shape: Option<&Shape>) -> String {
        if name == "upid" {
            return self.upid.clone();
        }
        let known = SAMPLES
            .iter()
            .find(|(path, known, _)| row.path.starts_with(path) && *known == name);
        match (known, shape) {
            (Some((.., value)), _) => (*value).to_owned(),
            (None, Some(shape)) => texts::sample(shape),
            (None, None) => "job-1".to_owned(),
        }
    }

    /// The row's path with values in it; `given` takes the place of one.
    pub fn path(&self, row: &Row, given: Option<(&str, &str)>) -> String {
        let parts = row.path.split('/').filter(|part| !part.is_empty());
        let value = |part: &str| match part.strip_prefix('{') {
            None => part.to_owned(),
            Some(name) => {
                let name = name.trim_end_matches('}');
                let value = match given {
                    Some((given, value)) if given == name => value.to_owned(),
                    _ => self.sample(row, name, row.params.get(name)),
                };
                api::form::escape(&value)
            }
        };
        parts.map(value).collect::<Vec<_>>().join("/")
    }

    /// The mandatory parameters that are not in the path, but for one.
    pub fn query(&self, row: &Row, without: Option<&str>) -> Vec<String> {
        row.params
            .iter()
            .filter(|(name, shape)| {
                !shape.is_optional() && !row.in_path(name) && without != Some(name.as_str())
            })
            .map(|(name, shape)| pair(name, &self.sample(row, name, Some(shape))))
            .collect()
    }
}

/// `name=value` for a query.
pub fn pair(name: &str, value: &str) -> String {
    format!("{name}={}", api::form::escape(value))
}

/// Nobody can log in as `root@pam` here, so the ticket is made with the server's key.
fn root_of(site: &Site) -> Login {
    let now = i64::try_from(UNIX_EPOCH.elapsed().expect("clock").as_secs()).expect("time");
    let dir = ConfigDir::open(&site.path("etc")).expect("etc");
    let identity = config::identity::load_or_create(&dir, "pbs", now).expect("identity");
    let ticket = api::Ticket::new(api::ticket::PREFIX, "root@pam", now);
    let ticket = identity.auth_key.sign(ticket, None).expect("ticket");
    Login {
        ticket: ticket.to_string(),
        csrf: identity.csrf_key.token("root@pam", now),
    }
}
