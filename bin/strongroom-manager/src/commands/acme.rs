//! `acme account register`: the dialogue by which an account is made (cli.md 5.9). Answers are lines of standard input, terminal or not.

use std::io::{self, BufRead as _};

use anyhow::{Result, bail};
use clap::Subcommand;
use console::json::Format;
use console::out;
use console::screen::Screen;
use http::Method;
use serde_json::{Map, Value, json};

use crate::context::{Context, TaskServerArgs};
use crate::row::At;
use crate::site::Site;
use crate::{follow, run};

/// How often a selection may be wrong.
const TRIES: usize = 3;

/// Accounts, plugins and certificates of ACME.
#[derive(Subcommand, Debug)]
pub enum Command {
    #[command(subcommand)]
    Account(Account),
}

/// Accounts of ACME.
#[derive(Subcommand, Debug)]
pub enum Account {
    Register(Args),
}

/// Register an ACME account.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The account's name here.
    name: String,

    /// Mail addresses of the account.
    contact: String,

    /// The ACME directory endpoint.
    #[arg(long)]
    directory: Option<String>,

    #[command(flatten)]
    server: TaskServerArgs,
}

impl Command {
    pub fn run(self, context: &Context) -> Result<()> {
        let Command::Account(Account::Register(args)) = self;
        run::on_site(At::Server, &args.server, context, async |site| {
            register(site, &args).await
        })
    }
}

async fn register(site: &Site, args: &Args) -> Result<()> {
    let (directory, custom) = match &args.directory {
        Some(directory) => (directory.clone(), true),
        None => select(site).await?,
    };
    let mut request = Map::new();
    request.insert("name".to_owned(), json!(args.name));
    request.insert("contact".to_owned(), json!(args.contact));
    request.insert("directory".to_owned(), json!(directory));
    out::line(&format!(
        "Attempting to fetch Terms of Service from {directory:?}"
    ))?;
    match terms(site, &directory).await? {
        None => out::line("No Terms of Service found, proceeding.")?,
        Some(url) => {
            out::line(&format!("Terms of Service: {url}"))?;
            if !agrees("Do you agree to the above terms? [y|N]: ")? {
                bail!("Aborting.");
            }
            request.insert("tos_url".to_owned(), json!(url));
        }
    }
    if custom && agrees("Do you want to use external account binding? [y|N]: ")? {
        request.insert("eab_kid".to_owned(), json!(ask("Enter EAB key id: ")?));
        request.insert("eab_hmac_key".to_owned(), json!(ask("Enter EAB key: ")?));
    }
    out::line(&format!(
        "Attempting to register account with {directory:?}..."
    ))?;
    let said = site
        .call(&Method::POST, "config/acme/account", request)
        .await?;
    if let Some(upid) = said.data.as_str() {
        follow::started(site, upid, Format::Text).await?;
    }
    let mut named = Map::new();
    named.insert("name".to_owned(), json!(args.name));
    let made = site
        .call(&Method::GET, "config/acme/account/{name}", named)
        .await?;
    let url = made.data["location"].as_str().unwrap_or_default();
    Ok(out::line(&format!(
        "Registration successful, account URL: {url}"
    ))?)
}

/// The chosen directory, and whether it is none of the known ones.
async fn select(site: &Site) -> Result<(String, bool)> {
    let said = site
        .call(&Method::GET, "config/acme/directories", Map::new())
        .await?;
    let known: Vec<&str> = said
        .data
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|item| item["url"].as_str())
        .collect();
    out::line("Directory endpoints:")?;
    for (number, url) in known.iter().enumerate() {
        out::line(&format!("{number}) {url}"))?;
    }
    out::line(&format!("{}) Custom", known.len()))?;
    for _ in 0..TRIES {
        match ask("Enter selection: ")?.parse::<usize>() {
            Ok(number) if number == known.len() => {
                return Ok((ask("Enter custom directory URI: ")?, true));
            }
            Ok(number) if number < known.len() => return Ok((known[number].to_owned(), false)),
            _ => Screen::new().line("Invalid selection."),
        }
    }
    bail!("Aborting.")
}

async fn terms(site: &Site, directory: &str) -> Result<Option<String>> {
    let mut query = Map::new();
    query.insert("directory".to_owned(), json!(directory));
    let said = site.call(&Method::GET, "config/acme/tos", query).await?;
    Ok(match said.data {
        Value::String(url) if !url.is_empty() => Some(url),
        _ => None,
    })
}

fn agrees(question: &str) -> Result<bool> {
    Ok(matches!(ask(question)?.as_str(), "y" | "Y"))
}

/// A line of standard input; at its end it is empty.
fn ask(question: &str) -> Result<String> {
    out::print(question)?;
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    Ok(line.trim().to_owned())
}
