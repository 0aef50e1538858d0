//! `debug api ls`

use anyhow::Result;
use console::output::OutputArgs;
use console::report::Failure;
use remote::Query;
use serde_json::{Value, json};

use super::description::{Description, VERBS};
use crate::context::Context;
use crate::repository::RepositoryArgs;

/// List what lies below a path, with what can be done with it: D for a directory, then read, write, create, delete.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  strongroom debug api ls /access")]
pub struct Args {
    /// The path, with or without a slash in front.
    path: Option<String>,

    #[command(flatten)]
    repository: RepositoryArgs,
    #[command(flatten)]
    output: OutputArgs,
}

pub async fn run(args: Args, context: &Context) -> Result<()> {
    let output = context.output(&args.output)?;
    let at = super::open(&args.repository, context).await?;
    let path = args.path.unwrap_or_default();
    let known = Description::of(&at.client).await?;
    let mut below = known.below(&path);
    if below.is_empty() && known.find(&path).is_none() {
        let text = format!("no such resource '/{}'", path.trim_matches('/'));
        return Err(Failure::new(text)
            .hint("`strongroom debug api ls` lists the top")
            .into());
    }
    // Where names are the users' own, the server knows which there are.
    if let Some((variable, what)) = below.iter().find(|(name, _)| name.starts_with('{')) {
        let (variable, what) = (variable.clone(), what.clone());
        let full = format!("/{}", path.trim_matches('/'));
        let items: Value = at
            .client
            .get(&full, &Query::new())
            .await
            .unwrap_or_default();
        let key = variable.trim_matches(['{', '}']);
        below.remove(&variable);
        for item in items.as_array().into_iter().flatten() {
            let name = [key, "name", "id"]
                .iter()
                .find_map(|key| item[*key].as_str());
            below.extend(name.map(|name| (name.to_owned(), what.clone())));
        }
    }
    let rows: Vec<(String, &String)> = below
        .iter()
        .map(|(name, (is_directory, verbs))| (caps(*is_directory, verbs), name))
        .collect();
    let data: Vec<Value> = rows
        .iter()
        .map(|(caps, name)| json!({"capabilities": caps, "name": name}))
        .collect();
    let text = || {
        rows.iter()
            .map(|(caps, name)| format!("{caps} {name}\n"))
            .collect()
    };
    Ok(output.value(&Value::Array(data), text)?)
}

fn caps(is_directory: bool, verbs: &[char]) -> String {
    let mut caps = String::from(if is_directory { "D" } else { "-" });
    for (.., letter) in VERBS {
        caps.push(if verbs.contains(&letter) { letter } else { '-' });
    }
    caps
}

#[cfg(test)]
mod tests {
    #[test]
    fn capabilities() {
        assert_eq!(super::caps(true, &['r', 'c']), "Dr-c-");
        assert_eq!(super::caps(false, &['d', 'w']), "--w-d");
    }
}
