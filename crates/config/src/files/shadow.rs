//! `shadow.json` and `token.shadow`: hashes by user name and by token id (server.md 1.6). And `ldap_passwords.json`: passwords by realm.

use std::collections::BTreeMap;

use crate::error::ConfigError;

/// How a file of hashes is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShadowStyle {
    /// `shadow.json`: indented by two blanks.
    Pretty,
    /// `token.shadow`: one line.
    Compact,
}

/// Secrets by name. The names of `shadow.json` are without their realm.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Shadow(pub BTreeMap<String, String>);

/// Hashes are not shown.
impl std::fmt::Debug for Shadow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Shadow {
    /// Reads a file; an empty one has no hashes.
    pub fn parse(file: &str, text: &str) -> Result<Shadow, ConfigError> {
        if text.trim().is_empty() {
            return Ok(Shadow::default());
        }
        serde_json::from_str(text)
            .map(Shadow)
            .map_err(|error| ConfigError::Parse {
                file: file.to_owned(),
                line: error.line(),
                // The parser's message may quote the file, and this file holds secrets.
                reason: "expected a JSON object with one text per name".to_owned(),
            })
    }

    /// Writes a file.
    pub fn print(&self, style: ShadowStyle) -> String {
        let text = match style {
            ShadowStyle::Pretty => serde_json::to_string_pretty(&self.0),
            ShadowStyle::Compact => serde_json::to_string(&self.0),
        };
        text.expect("a map of strings is JSON")
    }
}
