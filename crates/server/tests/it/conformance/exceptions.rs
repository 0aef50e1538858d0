//! What differs from the specification, and why. Each line must be needed.

use super::rows::Served;

/// Row (`*` at its end stands for any end, in place of the verb for any verb), what about it, and the reason.
#[rustfmt::skip]
pub const TABLE: &[(&str, &str, &str)] = &[
    ("GET /nodes/{node}/tasks", "param limit", "a negative number is refused a little earlier"),
    ("GET /nodes/{node}/tasks", "param start", "a negative number is refused a little earlier"),
    ("* /config/datastore*", "param notification-thresholds", "a negative number is refused a little earlier"),
    ("GET /backup", "answer", "an upgrade"),
    ("GET /reader", "answer", "an upgrade"),
    ("GET /access/acl", "answer", "to be declared, by helper conf"),
    ("GET /access/domains", "answer", "to be declared, by helper conf"),
    ("GET /access/permissions", "answer", "to be declared, by helper conf"),
    ("GET /access/roles", "answer", "to be declared, by helper conf"),
    ("GET /access/users", "answer", "to be declared, by helper conf"),
    ("GET /access/users/{userid}", "answer", "to be declared, by helper conf"),
    ("GET /access/users/{userid}/token", "answer", "to be declared, by helper conf"),
    ("GET /access/users/{userid}/token/{token-name}", "answer", "to be declared, by helper conf"),
    ("GET /admin/datastore", "answer", "to be declared, by helper conf"),
    ("GET /admin/datastore/{store}/catalog", "answer", "to be declared, by helper conf"),
    ("GET /admin/datastore/{store}/download", "answer", "to be declared, by helper conf"),
    ("GET /admin/datastore/{store}/files", "answer", "to be declared, by helper conf"),
    ("GET /admin/datastore/{store}/gc", "answer", "to be declared, by helper conf"),
    ("GET /admin/datastore/{store}/group-notes", "answer", "to be declared, by helper conf"),
    ("GET /admin/datastore/{store}/groups", "answer", "to be declared, by helper conf"),
    ("GET /admin/datastore/{store}/namespace", "answer", "to be declared, by helper conf"),
    ("GET /admin/datastore/{store}/notes", "answer", "to be declared, by helper conf"),
    ("GET /admin/datastore/{store}/protected", "answer", "to be declared, by helper conf"),
    ("GET /admin/datastore/{store}/pxar-file-download", "answer", "to be declared, by helper conf"),
    ("GET /admin/datastore/{store}/snapshots", "answer", "to be declared, by helper conf"),
    ("GET /admin/datastore/{store}/status", "answer", "to be declared, by helper conf"),
    ("GET /admin/gc", "answer", "to be declared, by helper conf"),
    ("GET /admin/gc/{store}", "answer", "to be declared, by helper conf"),
    ("GET /admin/prune", "answer", "to be declared, by helper conf"),
    ("GET /admin/verify", "answer", "to be declared, by helper conf"),
    ("GET /config/datastore", "answer", "to be declared, by helper conf"),
    ("GET /config/datastore/{name}", "answer", "to be declared, by helper conf"),
    ("GET /config/prune", "answer", "to be declared, by helper conf"),
    ("GET /config/prune/{id}", "answer", "to be declared, by helper conf"),
    ("GET /config/verify", "answer", "to be declared, by helper conf"),
    ("GET /config/verify/{id}", "answer", "to be declared, by helper conf"),
    ("GET /nodes", "answer", "to be declared, by helper conf"),
    ("GET /nodes/{node}/identity", "answer", "to be declared, by helper conf"),
    ("GET /nodes/{node}/status", "answer", "to be declared, by helper conf"),
    ("GET /nodes/{node}/tasks", "answer", "to be declared, by helper conf"),
    ("GET /nodes/{node}/tasks/{upid}/log", "answer", "to be declared, by helper conf"),
    ("GET /nodes/{node}/tasks/{upid}/status", "answer", "to be declared, by helper conf"),
    ("GET /ping", "answer", "to be declared, by helper conf"),
    ("GET /version", "answer", "to be declared, by helper conf"),
    ("GET /access/acl", "returns", "to be declared, by helper conf"),
    ("GET /access/domains", "returns", "to be declared, by helper conf"),
    ("GET /access/permissions", "returns", "to be declared, by helper conf"),
    ("GET /access/roles", "returns", "to be declared, by helper conf"),
    ("POST /access/ticket", "returns", "to be declared, by helper conf"),
    ("GET /access/users", "returns", "to be declared, by helper conf"),
    ("GET /access/users/{userid}", "returns", "to be declared, by helper conf"),
    ("GET /access/users/{userid}/token", "returns", "to be declared, by helper conf"),
    ("GET /access/users/{userid}/token/{token-name}", "returns", "to be declared, by helper conf"),
    ("POST /access/users/{userid}/token/{token-name}", "returns", "to be declared, by helper conf"),
    ("PUT /access/users/{userid}/token/{token-name}", "returns", "to be declared, by helper conf"),
    ("GET /admin/datastore", "returns", "to be declared, by helper conf"),
    ("GET /admin/datastore/{store}/files", "returns", "to be declared, by helper conf"),
    ("GET /admin/datastore/{store}/gc", "returns", "to be declared, by helper conf"),
    ("POST /admin/datastore/{store}/gc", "returns", "to be declared, by helper conf"),
    ("DELETE /admin/datastore/{store}/groups", "returns", "to be declared, by helper conf"),
    ("GET /admin/datastore/{store}/groups", "returns", "to be declared, by helper conf"),
    ("GET /admin/datastore/{store}/namespace", "returns", "to be declared, by helper conf"),
    ("POST /admin/datastore/{store}/namespace", "returns", "to be declared, by helper conf"),
    ("POST /admin/datastore/{store}/prune", "returns", "to be declared, by helper conf"),
    ("POST /admin/datastore/{store}/prune-datastore", "returns", "to be declared, by helper conf"),
    ("GET /admin/datastore/{store}/snapshots", "returns", "to be declared, by helper conf"),
    ("GET /admin/datastore/{store}/status", "returns", "to be declared, by helper conf"),
    ("POST /admin/datastore/{store}/verify", "returns", "to be declared, by helper conf"),
    ("GET /admin/gc", "returns", "to be declared, by helper conf"),
    ("GET /admin/gc/{store}", "returns", "to be declared, by helper conf"),
    ("GET /admin/prune", "returns", "to be declared, by helper conf"),
    ("GET /admin/verify", "returns", "to be declared, by helper conf"),
    ("GET /config/datastore", "returns", "to be declared, by helper conf"),
    ("GET /config/datastore/{name}", "returns", "to be declared, by helper conf"),
    ("GET /config/prune", "returns", "to be declared, by helper conf"),
    ("GET /config/prune/{id}", "returns", "to be declared, by helper conf"),
    ("GET /config/verify", "returns", "to be declared, by helper conf"),
    ("GET /config/verify/{id}", "returns", "to be declared, by helper conf"),
    ("GET /nodes/{node}/identity", "returns", "to be declared, by helper conf"),
    ("GET /nodes/{node}/status", "returns", "to be declared, by helper conf"),
    ("GET /nodes/{node}/tasks", "returns", "to be declared, by helper conf"),
    ("GET /nodes/{node}/tasks/{upid}/status", "returns", "to be declared, by helper conf"),
    ("GET /ping", "returns", "to be declared, by helper conf"),
    ("GET /version", "returns", "to be declared, by helper conf"),
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
