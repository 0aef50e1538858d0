//! The rows of the original's REST tree, as its own schema dumps tell them: those of 4.2, and what 3.2 had beyond them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use api::Privileges;
use serde::Deserialize;

/// One row: a path and a verb.
#[derive(Debug, Clone, Deserialize)]
pub struct Row {
    pub path: String,
    pub method: String,
    #[serde(default)]
    pub params: BTreeMap<String, Shape>,
    pub returns: Shape,
    /// Without it only `root@pam` may call.
    pub permissions: Option<Permission>,
}

/// A type, of a parameter or of an answer.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Shape {
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(default)]
    pub optional: u8,
    pub default: Option<serde_json::Value>,
    pub minimum: Option<f64>,
    pub maximum: Option<f64>,
    pub min_length: Option<usize>,
    pub max_length: Option<usize>,
    pub pattern: Option<String>,
    #[serde(rename = "enum")]
    pub words: Option<Vec<String>>,
    /// What stands inside a text: a property string or a list.
    pub format: Option<Box<Shape>>,
    pub items: Option<Box<Shape>>,
    #[serde(default)]
    pub properties: BTreeMap<String, Shape>,
    #[serde(default)]
    pub additional_properties: bool,
    #[serde(rename = "default_key")]
    pub default_key: Option<String>,
    /// A hint for help; where it stands alone, the original has a grammar that the dump does not show.
    pub typetext: Option<String>,
}

/// Who may call.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Permission {
    /// `world` or `all`.
    User(String),
    /// The user that this parameter names.
    UserParam(String),
    Check(Check),
    Or(Vec<Permission>),
    And(Vec<Permission>),
}

/// Privileges on a path.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Check {
    pub path: Vec<String>,
    pub privs: Vec<String>,
    /// One of them is enough.
    pub partial: bool,
}

impl Check {
    pub fn privileges(&self) -> Privileges {
        let of = |name: &String| name.parse::<api::Privilege>().expect("a known privilege");
        self.privs
            .iter()
            .fold(Privileges::NONE, |all, name| all | of(name).into())
    }
}

impl Row {
    /// `GET /access/acl`
    pub fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    pub fn is_get(&self) -> bool {
        self.method == "GET"
    }

    /// Whether a parameter stands in the path.
    pub fn in_path(&self, name: &str) -> bool {
        self.path.contains(&format!("{{{name}}}"))
    }
}

impl Shape {
    pub fn is_optional(&self) -> bool {
        self.optional != 0
    }
}

/// Where the dumps are; nothing, and a word about it, if they are not there.
fn folder() -> Option<PathBuf> {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/spec");
    let beside = std::env::var_os("STRONGROOM_FIXTURES").map(|f| Path::new(&f).join("../spec"));
    let path = std::env::var_os("STRONGROOM_SPEC").map(PathBuf::from);
    let path = path.or(beside).unwrap_or_else(|| default.into());
    if path.join("api-4.2.jsonl").is_file() && path.join("api.jsonl").is_file() {
        return Some(path);
    }
    eprintln!("SKIPPED: no specification in {}", path.display());
    None
}

fn read(path: &Path) -> Vec<Row> {
    let text = std::fs::read_to_string(path).expect("specification");
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}")))
        .collect()
}

/// What this server leaves to others: tapes, and the calls inside of protocol sessions, which `tests/exchange` shows.
fn is_left_out(path: &str) -> bool {
    let tape = [
        "/tape",
        "/config/drive",
        "/config/changer",
        "/config/media-pool",
        "/config/tape-",
    ];
    tape.iter().any(|prefix| path.starts_with(prefix)) || path.contains("/_upgrade_")
}

/// What the dumps hold.
pub struct Spec {
    /// In the order of their paths.
    pub rows: Vec<Row>,
    /// How many rows are none of ours.
    pub left_out: usize,
}

/// All rows; nothing if there is no specification here.
pub fn spec() -> Option<Spec> {
    let folder = folder()?;
    let old = read(&folder.join("api.jsonl"));
    let mut left_out = 0;
    let mut rows = Vec::new();
    for mut row in read(&folder.join("api-4.2.jsonl")) {
        if is_left_out(&row.path) {
            left_out += 1;
            continue;
        }
        if let Some(before) = old
            .iter()
            .find(|old| (&old.path, &old.method) == (&row.path, &row.method))
        {
            unite(&mut row, before);
        }
        rows.push(row);
    }
    Some(Spec { rows, left_out })
}

/// What 3.2 took or gave and 4.2 does not: its clients are still there.
fn unite(row: &mut Row, old: &Row) {
    for (name, shape) in &old.params {
        match row.params.get_mut(name) {
            Some(new) => unite_words(new, shape),
            None => {
                row.params.insert(name.clone(), shape.clone());
            }
        }
    }
}

fn unite_words(new: &mut Shape, old: &Shape) {
    if let (Some(new), Some(old)) = (&mut new.items, &old.items) {
        unite_words(new, old);
    }
    if let (Some(words), Some(more)) = (&mut new.words, &old.words) {
        let missing: Vec<String> = more
            .iter()
            .filter(|word| !words.contains(word))
            .cloned()
            .collect();
        words.extend(missing);
    }
}
