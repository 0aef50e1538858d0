//! Long work done by the running server, if there is one: it is asked over its API, as `root@pam` by a ticket signed with the server's own key, and
//! its task is followed. Work that keeps other processes away, as garbage collection does, would stop the server's backups if it ran here.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use config::identity::{self, Identity};
use config::{ConfigDir, Places};
use console::json::Format;
use console::out;
use format::{AuthId, Fingerprint, Userid};
use remote::{Client, Connect, Credential, Query, Secret};
use server::presence;
use server::tasks::TaskStatus;

use crate::context::{node, now};

/// Lines of a log per request, and the pause before the next look.
const LINES: usize = 500;
const PAUSE: Duration = Duration::from_millis(500);

/// Has the server start the task of this route and follows it to its end; false if no server answers, and then nothing was done.
pub fn run(places: &Places, config: &ConfigDir, format: Format, route: &str) -> Result<bool> {
    let Some(address) = presence::find(&places.state_dir) else {
        return Ok(false);
    };
    let identity = identity::load_or_create(config, &node(), now())?;
    let connect = Connect {
        fingerprint: Some(identity.fingerprint.parse::<Fingerprint>()?),
        ..Connect::new(
            &address.ip().to_string(),
            address.port(),
            Credential::Ticket {
                ticket: ticket(&identity)?,
                password: None,
            },
        )
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start a thread for the connection")?;
    runtime.block_on(async {
        let started = match Client::connect(connect).await {
            Ok(client) => {
                let upid: Result<String, _> =
                    client.post(&format!("/{route}"), &Query::new()).await;
                upid.map(|upid| (client, upid))
            }
            Err(error) => Err(error),
        };
        match started {
            Ok((client, upid)) => follow(&client, &upid, format).await.map(|()| true),
            // It was reached and says no.
            Err(error) if error.status().is_some() => Err(error.into()),
            // A server that ended hard leaves its address behind.
            Err(remote::Error::Connect { .. }) => Ok(false),
            Err(error) => Err(error).context(format!("cannot ask the server at {address}")),
        }
    })
}

/// A login of `root@pam`, made with the keys that the server checks it with.
fn ticket(identity: &Identity) -> Result<remote::Ticket> {
    let user: Userid = AuthId::root().user().clone();
    let (name, now) = (user.to_string(), now());
    let unsigned = api::Ticket::new(api::ticket::PREFIX, &name, now);
    let signed = identity.auth_key.sign(unsigned, None)?;
    Ok(remote::Ticket {
        ticket: Secret::from(signed.to_string()),
        csrf: Secret::from(identity.csrf_key.token(&name, now)),
        age: Duration::ZERO,
        user,
    })
}

/// Prints a task's log until it ends; a failed task is an error. An interrupt asks the server to stop it, a second one gives up waiting.
async fn follow(client: &Client, upid: &str, format: Format) -> Result<()> {
    if let Some(text) = console::json::render(&upid.into(), format) {
        out::print(&text)?;
    }
    let task = format!("/nodes/localhost/tasks/{}", api::form::escape(upid));
    let (mut next, mut interrupted) = (1, false);
    loop {
        let query = Query::new()
            .set("start", next)
            .set("limit", LINES)
            .set("test-status", true);
        let page = client.envelope(&format!("{task}/log"), &query).await?;
        let lines = page["data"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        let texts = lines.iter().filter(|line| line["n"].as_u64() >= Some(next));
        let mut new = 0;
        for text in texts.filter_map(|line| line["t"].as_str()) {
            if format == Format::Text {
                out::line(without_time(text))?;
            }
            new += 1;
        }
        next += new;
        if next <= page["total"].as_u64().unwrap_or(0) && new > 0 {
            continue;
        }
        if page["active"] != true {
            break;
        }
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            _ = tokio::signal::ctrl_c() => {
                if interrupted {
                    bail!("forced exit (task still running)");
                }
                interrupted = true;
                let _: serde_json::Value = client.delete(&task, &Query::new()).await?;
            }
        }
    }
    let status: serde_json::Value = client.get(&format!("{task}/status"), &Query::new()).await?;
    match status["exitstatus"].as_str().map(TaskStatus::from_list) {
        Some(TaskStatus::Ok | TaskStatus::Warnings(_)) => Ok(()),
        Some(TaskStatus::Unknown) | None => bail!("task stopped with unknown status"),
        Some(status) => bail!("task failed (status {status})"),
    }
}

/// A line of a log without its time (cli.md 1.8).
fn without_time(line: &str) -> &str {
    match line.as_bytes().get(25..27) {
        Some(b": ") => line.get(27..).unwrap_or(line),
        _ => line,
    }
}

#[cfg(test)]
mod tests {
    use super::without_time;

    #[test]
    fn times_of_lines() {
        for (line, expected) in [
            ("2026-11-22T17:04:45+00:00: TASK OK", "TASK OK"),
            ("2026-11-22T17:04:45+00:00: ", ""),
            ("continued without a time", "continued without a time"),
            ("", ""),
            ("äöüäöüäöüäöüäöü: x", "äöüäöüäöüäöüäöü: x"),
        ] {
            assert_eq!(without_time(line), expected);
        }
    }
}
