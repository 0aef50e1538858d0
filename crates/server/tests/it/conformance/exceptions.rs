//! What differs from the specification, and why. Each line must be needed.

use super::rows::Served;

/// Row (`*` at its end stands for any end, in place of the verb for any verb), what about it, and the reason.
#[rustfmt::skip]
pub const TABLE: &[(&str, &str, &str)] = &[
    ("POST /access/tfa/{userid}", "returns recovery", "texts, and only of recovery codes, as protocol.md 2.7 tells; the dump says numbers"),
    ("PUT /nodes/{node}/config", "fault consent-text", "a query of that length is refused by the front already"),
    ("GET /nodes/{node}/tasks", "param limit", "a negative number is refused a little earlier"),
    ("GET /nodes/{node}/tasks", "param start", "a negative number is refused a little earlier"),
    ("* /config/datastore*", "param notification-thresholds", "a negative number is refused a little earlier"),
    ("GET /events", "row", "what happens, as it happens: ours alone"),
    ("GET /admin/datastore/{store}/usage", "row", "what each snapshot costs: ours alone"),
    ("POST /admin/datastore/{store}/selection", "row", "what is to be in one download: ours alone"),
    ("GET /admin/datastore/{store}/selection-download", "row", "that download: ours alone"),
    ("GET /admin/datastore/{store}/snapshot-diff", "row", "what two snapshots have not in common: ours alone"),
    ("GET /admin/datastore/{store}/search", "row", "files by their names: ours alone"),
    ("POST /admin/datastore/{store}/usage", "row", "counts it: ours alone"),
    ("POST /config/datastore", "fault path", "the test's query of 4097 characters is longer than a request's head may be"),
    ("DELETE /admin/datastore/{store}/namespace", "returns", "what was removed, as protocol.md 6.4 tells"),
    ("POST /admin/datastore/{store}/prune", "returns", "more members, and a task with use-task, as protocol.md 6.5 tells"),
    ("GET /admin/datastore/{store}/snapshots", "returns files", "objects, as protocol.md 6.3 tells; the dump says names"),
    ("* /config/metrics/influxdb-http*", "param max-body-size", "a negative number is refused a little earlier"),
    ("* /config/metrics/influxdb-udp*", "param mtu", "a negative number is refused a little earlier"),
    ("* /config/remote*", "param port", "a negative number is refused a little earlier"),
    ("* /config/s3*", "param port", "a negative number is refused a little earlier"),
    ("* /config/s3*", "param put-rate-limit", "a negative number is refused a little earlier"),
    ("POST /config/acme/plugins", "param type", "only the two types that there are, as cli.md 5 tells"),
    ("POST /config/encryption-keys", "returns", "the key file, as server.md 3.3 tells"),
    ("GET /config/acme/account/{name}", "answer", "an account comes from an authority, or was there before; see rest/config.rs"),
];

/// What one test finds.
pub struct Complaints {
    /// The first word of `about` in the table.
    kind: &'static str,
    found: Vec<(String, String, String)>,
}

impl Complaints {
    pub fn about(kind: &'static str) -> Complaints {
        Complaints {
            kind,
            found: Vec::new(),
        }
    }

    /// `what` is the part that is wrong; empty for the whole.
    pub fn add(&mut self, row: &str, what: &str, text: impl Into<String>) {
        let about = format!("{} {what}", self.kind).trim_end().to_owned();
        self.found.push((row.to_owned(), about, text.into()));
    }

    /// Fails if there is anything that the table does not excuse, or if the table excuses what is not there.
    pub fn settle(self, served: &Served) {
        let excuses: Vec<_> = TABLE
            .iter()
            .filter(|(_, about, _)| about.split(' ').next() == Some(self.kind))
            .collect();
        let excused = |(row, about, _): &&(String, String, String)| {
            excuses.iter().any(|(r, a, _)| fits(r, row) && a == about)
        };
        let mut lines: Vec<String> = self
            .found
            .iter()
            .filter(|complaint| !excused(complaint))
            .map(|(row, about, text)| format!("{row}: {about} {text}"))
            .collect();
        let is_served = |pattern: &str| served.routes().any(|(row, _)| fits(pattern, &row.name()));
        for (row, about, _) in excuses {
            let needed = self
                .found
                .iter()
                .any(|(r, a, _)| fits(row, r) && a == about);
            if !needed && is_served(row) {
                lines.push(format!("{row}: {about}: the exception is not needed"));
            }
        }
        assert!(
            lines.is_empty(),
            "{} differences (see conformance.rs):\n{}",
            lines.len(),
            lines.join("\n")
        );
    }
}

fn fits(pattern: &str, row: &str) -> bool {
    let (mut pattern, mut row) = (pattern, row);
    if let (Some(any_verb), Some((_, path))) = (pattern.strip_prefix("* "), row.split_once(' ')) {
        (pattern, row) = (any_verb, path);
    }
    match pattern.strip_suffix('*') {
        Some(start) => row.starts_with(start),
        None => row == pattern,
    }
}
