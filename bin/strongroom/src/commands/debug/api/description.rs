//! What a server says of its own interface: its paths, their verbs, their parameters.

use std::collections::BTreeMap;

use anyhow::Result;
use console::report::Failure;
use remote::Client;
use serde::Deserialize;

/// The parts of an OpenAPI document that are of use here.
#[derive(Debug, Default, Deserialize)]
pub struct Description {
    paths: BTreeMap<String, BTreeMap<String, Operation>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Operation {
    #[serde(default)]
    pub parameters: Vec<Parameter>,
    request_body: Option<Body>,
}

#[derive(Debug, Deserialize)]
pub struct Parameter {
    pub name: String,
    #[serde(default)]
    pub required: bool,
    #[serde(rename = "in", default)]
    pub place: String,
}

#[derive(Debug, Deserialize)]
struct Body {
    content: BTreeMap<String, Content>,
}

#[derive(Debug, Deserialize)]
struct Content {
    schema: Option<BodySchema>,
}

#[derive(Debug, Deserialize)]
struct BodySchema {
    #[serde(default)]
    properties: BTreeMap<String, serde::de::IgnoredAny>,
    #[serde(default)]
    required: Vec<String>,
}

/// Our words for HTTP's, in the order of `ls`.
pub const VERBS: [(&str, &str, char); 4] = [
    ("get", "get", 'r'),
    ("put", "set", 'w'),
    ("post", "create", 'c'),
    ("delete", "delete", 'd'),
];

impl Description {
    pub async fn of(client: &Client) -> Result<Description> {
        let described = client.description().await.map_err(|error| {
            Failure::new("the server does not describe its API")
                .cause(error)
                .hint("`strongroom debug api get` works without, and lists what lies below most paths")
        })?;
        Ok(serde_json::from_value(described)?)
    }

    /// The operations of a path, by HTTP's verbs; a name that is no part of the tree stands for a variable.
    pub fn find(&self, path: &str) -> Option<&BTreeMap<String, Operation>> {
        let wanted = components(path);
        let exact = self
            .paths
            .iter()
            .find(|(known, _)| components(known) == wanted);
        let fits = |known: &[&str]| {
            known.len() == wanted.len()
                && known
                    .iter()
                    .zip(&wanted)
                    .all(|(known, wanted)| known == wanted || known.starts_with('{'))
        };
        exact
            .or_else(|| {
                self.paths
                    .iter()
                    .find(|(known, _)| fits(&components(known)))
            })
            .map(|(_, operations)| operations)
    }

    /// Whether the answer of GET has a form that is described.
    pub fn answers(&self, path: &str) -> bool {
        self.find(path)
            .is_some_and(|operations| operations.contains_key("get"))
    }

    /// What lies right below a path: the name, its verbs, whether something lies below it.
    pub fn below(&self, path: &str) -> BTreeMap<String, (bool, Vec<char>)> {
        let parent = components(path);
        let mut found: BTreeMap<String, (bool, Vec<char>)> = BTreeMap::new();
        for (known, operations) in &self.paths {
            let known = components(known);
            let is_below = known.len() > parent.len()
                && parent
                    .iter()
                    .zip(&known)
                    .all(|(parent, known)| parent == known || known.starts_with('{'));
            if !is_below {
                continue;
            }
            let entry = found.entry(known[parent.len()].to_owned()).or_default();
            if known.len() > parent.len() + 1 {
                entry.0 = true;
            } else {
                let verbs = VERBS
                    .iter()
                    .filter(|(http, ..)| operations.contains_key(*http));
                entry.1.extend(verbs.map(|(.., letter)| *letter));
            }
        }
        found
    }
}

fn components(path: &str) -> Vec<&str> {
    path.split('/').filter(|part| !part.is_empty()).collect()
}

impl Operation {
    /// Names and whether they are needed, without those of the path.
    pub fn options(&self) -> Vec<(String, bool)> {
        let of_query = self
            .parameters
            .iter()
            .filter(|parameter| parameter.place != "path");
        let mut all: BTreeMap<String, bool> = of_query
            .map(|parameter| (parameter.name.clone(), parameter.required))
            .collect();
        let bodies = self
            .request_body
            .iter()
            .flat_map(|body| body.content.values());
        for schema in bodies.filter_map(|content| content.schema.as_ref()) {
            for name in schema.properties.keys() {
                all.insert(name.clone(), schema.required.contains(name));
            }
        }
        all.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_what_lies_below() {
        let known: Description = serde_json::from_value(serde_json::json!({"paths": {
            "/access": {"get": {}},
            "/access/users": {"get": {}, "post": {"requestBody": {"content": {"application/json": {"schema":
                {"properties": {"userid": {}, "comment": {}}, "required": ["userid"]}}}}}},
            "/access/users/{userid}": {"get": {}, "put": {"parameters": [
                {"name": "userid", "in": "path", "required": true}, {"name": "comment", "in": "query"}]}},
        }}))
        .expect("a description");
        assert!(known.answers("/access/users/ann@pbs") && !known.answers("/nope"));
        assert_eq!(known.below("/access")["users"], (true, vec!['r', 'c']));
        assert_eq!(
            known.below("/access/users")["{userid}"],
            (false, vec!['r', 'w'])
        );
        let options = |path: &str, verb: &str| known.find(path).expect("path")[verb].options();
        assert_eq!(
            options("access/users", "post"),
            [("comment".into(), false), ("userid".into(), true)]
        );
        assert_eq!(
            options("access/users/x", "put"),
            [("comment".into(), false)]
        );
    }
}
