//! `node.cfg`: settings of the whole server, one `key: value` per line (server.md 1.4).
//!
//! Unlike the other files it has comments, which do not survive editing, except the block at the top: the description.

use api::schema::{Format, Kind, Param, PropertySchema, Schema, to_text};
use api::{kinds, pattern};
use serde_json::{Map, Value};

use crate::error::ConfigError;

const FILE: &str = "node.cfg";

const LANGUAGES: Kind = Kind::Enum(&[
    "ar", "ca", "da", "de", "en", "es", "eu", "fa", "fr", "gl", "he", "hu", "it", "ja", "kr", "nb",
    "nl", "nn", "pl", "pt_BR", "ru", "sl", "sv", "tr", "zh_CN", "zh_TW",
]);

const CIPHERS: Kind = Kind::pattern(1, usize::MAX, is_cipher_list);

const SAFE_ID: Kind = Kind::pattern(0, usize::MAX, pattern::safe_id);

/// Encoded by who writes it; lines of its own would not fit into the file.
const CONSENT: Kind = Kind::Text {
    min: 0,
    max: 65_536,
    format: Format::Any,
};

const ACME: PropertySchema = PropertySchema {
    default_key: None,
    params: &[Param::required("account", kinds::TEXT)],
};

/// A domain that a certificate is ordered for.
pub const ACME_DOMAIN: PropertySchema = PropertySchema {
    default_key: Some("domain"),
    params: &[
        Param::required("domain", Kind::pattern(0, usize::MAX, pattern::dns_name)),
        Param::optional("alias", Kind::pattern(0, usize::MAX, is_dns_alias)),
        Param::optional("plugin", SAFE_ID),
    ],
};

const LOCATION: PropertySchema = PropertySchema {
    default_key: None,
    params: &[
        Param::optional(
            "name",
            Kind::Text {
                min: 0,
                max: 128,
                format: Format::Any,
            },
        ),
        Param::required(
            "latitude",
            Kind::Number {
                min: -90.0,
                max: 90.0,
            },
        ),
        Param::required(
            "longitude",
            Kind::Number {
                min: -180.0,
                max: 180.0,
            },
        ),
    ],
};

const fn property(schema: &'static PropertySchema) -> Kind {
    Kind::Text {
        min: 0,
        max: usize::MAX,
        format: Format::Property(schema),
    }
}

/// The keys of domains.
pub const ACME_DOMAINS: [&str; 5] = [
    "acmedomain0",
    "acmedomain1",
    "acmedomain2",
    "acmedomain3",
    "acmedomain4",
];

const DOMAIN: Kind = property(&ACME_DOMAIN);

/// All keys but the description.
const SCHEMA: Schema = Schema(&[SETTINGS]);

const SETTINGS: &[Param] = &[
    Param::optional("acme", property(&ACME)).about("The acme account to use on this node."),
    Param::optional("acmedomain0", DOMAIN).about("ACME domain configuration string"),
    Param::optional("acmedomain1", DOMAIN).about("ACME domain configuration string"),
    Param::optional("acmedomain2", DOMAIN).about("ACME domain configuration string"),
    Param::optional("acmedomain3", DOMAIN).about("ACME domain configuration string"),
    Param::optional("acmedomain4", DOMAIN).about("ACME domain configuration string"),
    Param::optional("ciphers-tls-1.2", CIPHERS)
        .about("Ciphers of TLS up to 1.2, as OpenSSL lists them."),
    Param::optional("ciphers-tls-1.3", CIPHERS).about("Ciphers of TLS 1.3, as OpenSSL lists them."),
    Param::optional("consent-text", CONSENT).about("Shown before login."),
    Param::optional("default-lang", LANGUAGES).about("Language of the web interface."),
    Param::optional("email-from", kinds::PERSONAL).about("Sender of mails."),
    Param::optional("http-proxy", Kind::pattern(1, 128, is_proxy))
        .about("Proxy for requests to others."),
    Param::optional("location", property(&LOCATION)).about("Where this server stands."),
    Param::optional("task-log-max-days", Kind::at_least(0)).about("Days that task logs are kept."),
];

const DESCRIPTION: Kind = Kind::pattern(0, usize::MAX, pattern::multi_line);

/// All settings with the description, as parameters.
pub const NODE_PROPERTIES: &[&[Param]] = &[
    SETTINGS,
    &[Param::optional("description", DESCRIPTION).about("Notes about this node.")],
];

/// DNS labels that may also begin with `_`.
fn is_dns_alias(text: &str) -> bool {
    let label = |label: &str| {
        let rest = label.strip_prefix('_').unwrap_or(label);
        pattern::hostname(rest) || (rest.is_empty() && label == "_")
    };
    text.split('.').all(label)
}

/// `[http://][user:password@]host[:port]`
fn is_proxy(text: &str) -> bool {
    let rest = text.strip_prefix("http://").unwrap_or(text);
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    let (login, place) = rest.rsplit_once('@').unwrap_or(("", rest));
    let login_is_clean = !login.contains(|c: char| c.is_whitespace() || c.is_control() || c == '/');
    login_is_clean && pattern::http_url(&format!("http://{place}")) && !place.contains('/')
}

fn is_cipher_list(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"_:, +!-@=.".contains(&byte))
}

/// The file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Node {
    /// Notes; each line ends with LF.
    pub description: Option<String>,
    /// The settings, as JSON of their types.
    pub settings: Map<String, Value>,
}

impl Node {
    /// Reads the file.
    pub fn parse(text: &str) -> Result<Node, ConfigError> {
        let top = text
            .lines()
            .take_while(|line| line.starts_with('#'))
            .count();
        let description: String = text
            .lines()
            .take(top)
            .map(|line| format!("{}\n", &line[1..]))
            .collect();
        let mut node = Node {
            description: (top > 0).then_some(description),
            settings: Map::new(),
        };
        for (place, line) in text.lines().enumerate().skip(top) {
            let line = line.trim_start();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            node.parse_line(line).map_err(|reason| ConfigError::Parse {
                file: FILE.to_owned(),
                line: place + 1,
                reason,
            })?;
        }
        Ok(node)
    }

    fn parse_line(&mut self, line: &str) -> Result<(), String> {
        let (key, value) = line.split_once(':').ok_or("expected 'key: value'")?;
        let param = SCHEMA
            .find(key)
            .ok_or_else(|| format!("unknown key '{key}'"))?;
        let value = param
            .kind
            .parse(value.trim_start())
            .map_err(|e| format!("'{key}': {e}"))?;
        match self.settings.insert(key.to_owned(), value) {
            Some(_) => Err(format!("duplicate key '{key}'")),
            None => Ok(()),
        }
    }

    /// Writes the file.
    pub fn print(&self) -> Result<String, ConfigError> {
        let error = |reason: String| ConfigError::Print {
            file: FILE.to_owned(),
            reason,
        };
        SCHEMA
            .check(self.settings.clone())
            .map_err(|e| error(e.to_string()))?;
        let mut out: String = self
            .description
            .iter()
            .flat_map(|text| text.lines())
            .map(|line| format!("#{line}\n"))
            .collect();
        for (key, value) in &self.settings {
            let text = to_text(value).unwrap_or_default();
            if text.contains(['\n', '\r']) || text.trim_start() != text {
                return Err(error(format!(
                    "value of '{key}' contains a line end or begins with white space"
                )));
            }
            out.push_str(&format!("{key}: {text}\n"));
        }
        Ok(out)
    }

    /// Days that task logs are kept.
    pub fn task_log_max_days(&self) -> Option<u64> {
        self.settings
            .get("task-log-max-days")
            .and_then(Value::as_u64)
    }

    /// A setting that is a text.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.settings.get(key).and_then(Value::as_str)
    }
}
