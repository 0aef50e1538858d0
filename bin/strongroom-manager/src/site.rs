//! Where the routes are called: by the server that runs on this machine, or in this process on the same files. Both give the same answers.

use anyhow::Result;
use config::Places;
use config::edit::EditError;
use console::report::Failure;
use http::Method;
use remote::{Client, Query};
use serde_json::{Map, Value};
use server::fault::Fault;
use server::local::{CallError, Local, Said};
use server::settings::Settings;

mod connection;

use crate::context::node;
use crate::row::At;

/// See the module.
pub enum Site {
    Here(Local),
    Server(Box<Client>),
}

impl Site {
    /// The running server if it is wanted and there is one; else this process.
    pub async fn open(at: At, places: &Places, log_dir: std::path::PathBuf) -> Result<Site> {
        if at == At::Server
            && let Some(client) = connection::open(places).await?
        {
            return Ok(Site::Server(Box::new(client)));
        }
        // Nobody listens there.
        let nowhere = std::net::SocketAddr::from((std::net::Ipv4Addr::LOCALHOST, 0));
        let settings = Settings::new(
            places.config_dir.clone(),
            places.state_dir.clone(),
            log_dir,
            nowhere,
            &node(),
        );
        Ok(Site::Here(Local::open(settings).await?))
    }

    /// Calls a route; `path` has `{variables}`, whose values are among the members.
    pub async fn call(
        &self,
        verb: &Method,
        path: &str,
        members: Map<String, Value>,
    ) -> Result<Said> {
        match self {
            Site::Here(local) => {
                let said = local.call(verb, path, members).await;
                said.map_err(|error| explained(error, path))
            }
            Site::Server(client) => over_network(client, verb, path, members).await,
        }
    }

    /// Waits until nothing of what was started here is left to do.
    pub async fn settle(&self) {
        if let Site::Here(local) = self {
            local.tasks().idle().await;
        }
    }
}

/// A refusal with the next step, where it is not in the words.
fn explained(error: CallError, path: &str) -> anyhow::Error {
    match &error {
        // The command's words differ from the API's (cli.md 5.1).
        CallError::Refused(Fault::Edit(EditError::EntryMissing("job", id))) => {
            let section = match path {
                "config/prune/{id}" => "prune",
                "config/verify/{id}" => "verification",
                _ => "sync",
            };
            Failure::new(format!("no such {section} '{id}'")).into()
        }
        CallError::Refused(Fault::Maintenance { .. }) => Failure::new(error.to_string())
            .hint("end it with `datastore update NAME --delete maintenance-mode`")
            .into(),
        _ => error.into(),
    }
}

async fn over_network(
    client: &Client,
    verb: &Method,
    path: &str,
    mut members: Map<String, Value>,
) -> Result<Said> {
    let path = filled(path, &mut members);
    let query = Query::of(&members);
    let data = match *verb {
        Method::GET => {
            let Value::Object(mut envelope) = client.envelope(&path, &query).await? else {
                anyhow::bail!("the server's answer to GET {path} is no object");
            };
            let data = envelope.remove("data").unwrap_or_default();
            return Ok(Said {
                data,
                beside: envelope,
            });
        }
        Method::POST => client.post_form(&path, &query).await?,
        Method::PUT => client.put_form(&path, &query).await?,
        _ => client.delete(&path, &query).await?,
    };
    Ok(Said {
        data,
        beside: Map::new(),
    })
}

/// The path with the values of its variables, which are then no members any more.
fn filled(path: &str, members: &mut Map<String, Value>) -> String {
    let mut out = String::new();
    for component in path.split('/') {
        out.push('/');
        match component
            .strip_prefix('{')
            .and_then(|c| c.strip_suffix('}'))
        {
            Some(name) => {
                let value = members.remove(name);
                let text = value.as_ref().and_then(api::schema::to_text);
                out += &api::form::escape(&text.unwrap_or_default());
            }
            None => out += component,
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::filled;
    use serde_json::{Map, json};

    #[test]
    fn variables_leave_the_members() {
        let mut members = Map::new();
        members.insert("upid".into(), json!("UPID:a/b"));
        members.insert("limit".into(), json!(5));
        assert_eq!(
            filled("nodes/tasks/{upid}/log", &mut members),
            "/nodes/tasks/UPID%3Aa%2Fb/log"
        );
        assert_eq!(members.len(), 1);
    }
}
