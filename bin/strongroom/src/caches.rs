//! What the client remembers between runs: fingerprints, tickets, repositories (cli.md 2.4).
//!
//! The texts are the original's, so both programs share them. All three are conveniences: a
//! file that cannot be read or written is a warning or nothing, never the end of a command.
//! These functions work on texts; reading and writing is the callers'.

use serde_json::{Map, Value, json};

/// A ticket younger than this is used again; older ones are dropped at the next write.
pub const TICKET_AGE_MAX_S: i64 = 7140;
/// Repositories that are remembered, the most used ones.
const REPOSITORIES_MAX: usize = 11;

/// Lines `HOST FINGERPRINT`.
pub mod fingerprints {
    /// The fingerprint remembered for `host`.
    pub fn find<'a>(text: &'a str, host: &str) -> Option<&'a str> {
        text.lines()
            .filter_map(entry)
            .filter(|(name, _)| *name == host)
            .map(|(_, value)| value)
            .next_back()
    }

    /// The file with a new value for `host`, which moves to the end.
    pub fn remember(text: &str, host: &str, fingerprint: &str) -> String {
        let kept = text
            .lines()
            .filter(|line| entry(line).is_some_and(|(name, _)| name != host));
        let mut lines: Vec<_> = kept.map(str::to_string).collect();
        lines.push(format!("{host} {fingerprint}"));
        lines.join("\n") + "\n"
    }

    fn entry(line: &str) -> Option<(&str, &str)> {
        let (host, value) = line.trim().split_once(char::is_whitespace)?;
        Some((host, value.trim()))
    }
}

/// A login that the server still knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CachedTicket {
    pub ticket: String,
    pub csrf_token: String,
}

/// JSON `{host:{userid:{"ticket","timestamp","token"}}}`.
pub mod tickets {
    use super::*;

    /// The ticket for `user` at `host` if it is young enough, and its age in seconds.
    pub fn find(text: &str, host: &str, user: &str, now: i64) -> Option<(CachedTicket, u64)> {
        let all: Value = serde_json::from_str(text).ok()?;
        let entry = &all[host][user];
        if !is_fresh(entry, now) {
            return None;
        }
        let field = |name: &str| entry[name].as_str().map(str::to_string);
        let age_s = u64::try_from(now - entry["timestamp"].as_i64()?).ok()?;
        Some((
            CachedTicket {
                ticket: field("ticket")?,
                csrf_token: field("token")?,
            },
            age_s,
        ))
    }

    /// The file with a new ticket and without the old ones.
    pub fn remember(text: &str, host: &str, user: &str, ticket: &CachedTicket, now: i64) -> String {
        let mut all = fresh(text, now);
        let entry = json!({"ticket": ticket.ticket, "timestamp": now, "token": ticket.csrf_token});
        let users = all.entry(host).or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(users) = users {
            users.insert(user.into(), entry);
        }
        Value::Object(all).to_string()
    }

    /// The file without the ticket of `user` at `host`; `None` if it has none.
    pub fn forget(text: &str, host: &str, user: &str) -> Option<String> {
        let mut all: Map<String, Value> = serde_json::from_str(text).ok()?;
        all.get_mut(host)?.as_object_mut()?.remove(user)?;
        Some(Value::Object(all).to_string())
    }

    fn is_fresh(entry: &Value, now: i64) -> bool {
        let age_s = entry["timestamp"]
            .as_i64()
            .map(|time| now.saturating_sub(time));
        age_s.is_some_and(|age_s| (0..TICKET_AGE_MAX_S).contains(&age_s))
    }

    fn fresh(text: &str, now: i64) -> Map<String, Value> {
        let all: Map<String, Value> = serde_json::from_str(text).unwrap_or_default();
        let hosts = all.into_iter().filter_map(|(host, users)| match users {
            Value::Object(users) => {
                let users: Map<_, _> = users
                    .into_iter()
                    .filter(|(_, entry)| is_fresh(entry, now))
                    .collect();
                (!users.is_empty()).then_some((host, Value::Object(users)))
            }
            _ => None,
        });
        hosts.collect()
    }
}

/// JSON object: canonical repository to use count.
pub mod repositories {
    use super::*;

    /// All that are remembered.
    pub fn names(text: &str) -> Vec<String> {
        let all: Map<String, Value> = serde_json::from_str(text).unwrap_or_default();
        all.into_iter().map(|(name, _)| name).collect()
    }

    /// The file after one more use of `repository`; keeps the most used ones and this one.
    pub fn count(text: &str, repository: &str) -> String {
        let mut all: Map<String, Value> = serde_json::from_str(text).unwrap_or_default();
        let uses = |value: &Value| value.as_i64().unwrap_or(0);
        let now = all.get(repository).map_or(0, uses).saturating_add(1);
        all.insert(repository.into(), now.into());
        let mut order: Vec<_> = all.into_iter().collect();
        order.sort_by_key(|(name, value)| (name != repository, -uses(value)));
        order.truncate(REPOSITORIES_MAX);
        Value::Object(order.into_iter().collect()).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_replaces_its_line() {
        let text = fingerprints::remember("", "vault", "aa");
        let text = fingerprints::remember(&text, "other", "bb");
        assert_eq!(text, "vault aa\nother bb\n");
        let text = fingerprints::remember(&format!("{text}broken\n\n"), "vault", "cc");
        assert_eq!(text, "other bb\nvault cc\n");
        assert_eq!(fingerprints::find(&text, "vault"), Some("cc"));
        assert_eq!(fingerprints::find(&text, "vaul"), None);
    }

    #[test]
    fn tickets_grow_old() {
        let ticket = |name: &str| CachedTicket {
            ticket: name.into(),
            csrf_token: "t".into(),
        };
        let text = tickets::remember("not json", "h", "a@pbs", &ticket("1"), 1000);
        assert_eq!(
            text,
            r#"{"h":{"a@pbs":{"ticket":"1","timestamp":1000,"token":"t"}}}"#
        );
        for (now, found) in [
            (1000, true),
            (1000 + 7139, true),
            (1000 + 7140, false),
            (999, false),
        ] {
            assert_eq!(
                tickets::find(&text, "h", "a@pbs", now).is_some(),
                found,
                "{now}"
            );
        }
        assert_eq!(tickets::find(&text, "h", "b@pbs", 1000), None);
        let later = tickets::remember(&text, "g", "b@pbs", &ticket("2"), 9000);
        assert_eq!(
            later,
            r#"{"g":{"b@pbs":{"ticket":"2","timestamp":9000,"token":"t"}}}"#
        );
        assert_eq!(
            tickets::forget(&later, "g", "b@pbs").as_deref(),
            Some(r#"{"g":{}}"#)
        );
        assert_eq!(tickets::forget(&later, "h", "a@pbs"), None);
    }

    #[test]
    fn the_most_used_repositories_are_kept() {
        let mut text = String::new();
        for number in 0..15 {
            for _ in 0..number {
                text = repositories::count(&text, &format!("store{number:02}"));
            }
        }
        let all: Map<String, Value> = serde_json::from_str(&text).unwrap();
        assert_eq!(all.len(), REPOSITORIES_MAX);
        assert_eq!(all["store14"], 14);
        assert!(!all.contains_key("store01"));
        let text = repositories::count(&text, "new");
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap()["new"], 1);
    }
}
