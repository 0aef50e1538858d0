//! `node.cfg`: settings of the whole server, one `key: value` per line (server.md 1.4).
//!
//! Unlike the other files it has comments, which do not survive editing, except the block at the top: the description.

use api::schema::{Kind, Param, Schema, to_text};
use api::{kinds, pattern};
use serde_json::{Map, Value};

use crate::error::ConfigError;

const FILE: &str = "node.cfg";

const LANGUAGES: Kind = Kind::Enum(&[
    "ar", "ca", "da", "de", "en", "es", "eu", "fa", "fr", "gl", "he", "hu", "it", "ja", "kr", "nb",
    "nl", "nn", "pl", "pt_BR", "ru", "sl", "sv", "tr", "zh_CN", "zh_TW",
]);

const CIPHERS: Kind = Kind::pattern(1, usize::MAX, is_cipher_list);

/// All keys but the description.
const SCHEMA: Schema = Schema(&[&[
    Param::optional("acme", kinds::TEXT),
    Param::optional("acmedomain0", kinds::TEXT),
    Param::optional("acmedomain1", kinds::TEXT),
    Param::optional("acmedomain2", kinds::TEXT),
    Param::optional("acmedomain3", kinds::TEXT),
    Param::optional("acmedomain4", kinds::TEXT),
    Param::optional("ciphers-tls-1.2", CIPHERS),
    Param::optional("ciphers-tls-1.3", CIPHERS),
    Param::optional(
        "consent-text",
        Kind::pattern(0, 65_536, pattern::single_line),
    ),
    Param::optional("default-lang", LANGUAGES),
    Param::optional("email-from", kinds::PERSONAL),
    Param::optional("http-proxy", kinds::TEXT),
    Param::optional("location", kinds::TEXT),
    Param::optional("task-log-max-days", Kind::at_least(0)),
]]);

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
