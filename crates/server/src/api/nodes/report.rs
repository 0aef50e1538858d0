//! `GET /nodes/{node}/report`: what somebody who helps wants to see, as one text without secrets.

use std::fmt::Write as _;

use config::FileSpec;

use crate::fault::Fault;
use crate::machine;
use crate::presence;
use crate::reply::Answer;
use crate::route::Call;
use crate::tasks::Filter;

/// Files that hold no secrets by their kind. Remotes, storage keys, targets of notifications do, and are left out.
const FILES: [FileSpec; 6] = [
    FileSpec::DATASTORE,
    FileSpec::PRUNE,
    FileSpec::SYNC,
    FileSpec::VERIFICATION,
    FileSpec::ACL,
    FileSpec::NODE,
];
/// Of each file.
const LINES_MAX: usize = 500;
/// Finished tasks that are listed.
const TASKS: u64 = 50;

/// `GET`
pub fn read(call: &Call) -> Result<Answer, Fault> {
    let mut out = String::new();
    // Writing to a string does not fail.
    let _ = machine_part(call, &mut out);
    let _ = stores_part(call, &mut out);
    for spec in FILES {
        let (text, _) = call.ctx.configuration().dir().read(spec)?;
        let _ = writeln!(out, "\n==== {} ====\n{}", spec.name, without_secrets(&text));
    }
    let filter = Filter {
        limit: TASKS,
        ..Filter::default()
    };
    let _ = writeln!(out, "\n==== tasks ====");
    for task in call.ctx.tasks().list(&filter, |_| true)?.entries {
        let status = task
            .end
            .map_or_else(|| "running".to_owned(), |(_, status)| status.to_string());
        let _ = writeln!(out, "{} {status}", task.upid);
    }
    Answer::data(&out)
}

fn machine_part(call: &Call, out: &mut String) -> std::fmt::Result {
    let name = rustix::system::uname();
    let memory = machine::Memory::parse(&machine::text("/proc/meminfo"));
    let processors = machine::Processors::parse(&machine::text("/proc/cpuinfo"));
    writeln!(out, "==== strongroomd {} ====", env!("CARGO_PKG_VERSION"))?;
    writeln!(
        out,
        "interface:    {}.{}",
        api::defaults::API_VERSION,
        api::defaults::API_RELEASE
    )?;
    writeln!(out, "node:         {}", call.ctx.settings().node)?;
    // A manager that makes this report listens nowhere itself; the server that does has said so.
    let listens = presence::announced(&call.ctx.settings().state_dir);
    let listens = listens.map_or_else(|| "no server is running".to_owned(), |at| at.to_string());
    writeln!(out, "listens on:   {listens}")?;
    writeln!(
        out,
        "fingerprint:  {}",
        call.ctx.certificate().fingerprint()
    )?;
    writeln!(out, "time:         {}", crate::journal::now_text())?;
    writeln!(
        out,
        "kernel:       {} {} {}",
        name.sysname().to_string_lossy(),
        name.release().to_string_lossy(),
        name.machine().to_string_lossy()
    )?;
    writeln!(
        out,
        "processors:   {} x {}",
        processors.count, processors.model
    )?;
    writeln!(
        out,
        "memory:       {} bytes, {} used",
        memory.total,
        memory.used()
    )?;
    writeln!(
        out,
        "load:         {}",
        machine::text("/proc/loadavg").trim()
    )?;
    writeln!(
        out,
        "this process: {} bytes resident",
        machine::resident_bytes()
    )
}

fn stores_part(call: &Call, out: &mut String) -> Result<(), Fault> {
    let stores = call.ctx.configuration().datastores()?.value.list()?;
    out.push_str("\n==== datastores ====\n");
    for store in stores {
        let path = store.directory();
        // As it was seen last: no disk is asked, so none that hangs holds this up.
        let seen = call.ctx.statistics().space(&store.name);
        let space = match seen {
            Some((time, s)) => format!(
                "total {} used {} avail {} ({} s ago)",
                s.total,
                s.used,
                s.avail,
                call.ctx.now() - time
            ),
            None => "not seen yet, or cannot be reached".to_owned(),
        };
        out.push_str(&format!("{}: {} {space}\n", store.name, path.display()));
    }
    Ok(())
}

/// The first lines of a file; whatever looks like a secret is masked, credentials in addresses too.
fn without_secrets(text: &str) -> String {
    const WORDS: [&str; 4] = ["password", "secret", "token", "credential"];
    let mut lines: Vec<String> = text
        .lines()
        .take(LINES_MAX)
        .map(|line| {
            let (key, _) = line
                .trim_start()
                .split_once([' ', ':'])
                .unwrap_or((line, ""));
            let key_is_secret = WORDS
                .iter()
                .any(|word| key.to_ascii_lowercase().contains(word));
            let is_proxy = key == "http-proxy" && line.contains('@');
            match key_is_secret || is_proxy {
                true => format!("{key} (hidden)"),
                false => line.to_owned(),
            }
        })
        .collect();
    let count = text.lines().count();
    if count > LINES_MAX {
        lines.push(format!("({} more lines)", count - LINES_MAX));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secrets() {
        let text =
            "datastore: a\n\tpath /a\n\tpassword x\nhttp-proxy: http://u:p@h\nhttp-proxy: h:1\n";
        assert_eq!(
            without_secrets(text),
            "datastore: a\n\tpath /a\npassword (hidden)\nhttp-proxy (hidden)\nhttp-proxy: h:1"
        );
        let long = "x\n".repeat(LINES_MAX + 2);
        assert!(without_secrets(&long).ends_with("(2 more lines)"));
    }
}
