//! Reads the recordings of the fixtures: connections, and in each the requests with their answers.

use std::path::PathBuf;

/// One upgraded connection.
#[derive(Debug, Default)]
pub struct Connection {
    /// Path and query of the upgrade.
    pub target: String,
    pub exchanges: Vec<Exchange>,
    /// What the server announced: number and value.
    pub settings: Vec<(u16, u32)>,
}

/// One request and its answer.
#[derive(Debug, Default, Clone)]
pub struct Exchange {
    pub method: String,
    pub target: String,
    pub remark: String,
    pub request: Message,
    pub status: u16,
    pub answer: Message,
}

#[derive(Debug, Default, Clone)]
pub struct Message {
    pub content_type: Option<String>,
    pub content_length: Option<usize>,
    pub body: Body,
}

#[derive(Debug, Default, Clone, PartialEq)]
pub enum Body {
    #[default]
    None,
    Text(String),
    /// Length, SHA-256, and for answers the first bytes in hex.
    Bytes {
        length: usize,
        sha256: String,
        starts: String,
    },
    /// This many times the letter A.
    Run(usize),
}

/// The connections of a recording; `None`, and a word on stderr, if the fixtures are not there.
pub fn read(name: &str) -> Option<Vec<Connection>> {
    let path = fixtures().join("h2").join(name);
    match std::fs::read_to_string(&path) {
        Ok(text) => Some(parse(&text)),
        Err(e) => {
            eprintln!("skipped: {}: {e}", path.display());
            None
        }
    }
}

fn fixtures() -> PathBuf {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/fixtures");
    std::env::var_os("STRONGROOM_FIXTURES").map_or_else(|| PathBuf::from(default), PathBuf::from)
}

fn parse(text: &str) -> Vec<Connection> {
    let mut connections: Vec<Connection> = Vec::new();
    let mut in_answer = false;
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("GET /api2/json/") {
            let target = rest.strip_suffix(" HTTP/1.1").expect("request line");
            connections.push(Connection {
                target: format!("/api2/json/{target}"),
                ..Connection::default()
            });
            continue;
        }
        let Some(connection) = connections.last_mut() else {
            continue;
        };
        if let Some(request) = line.strip_prefix("## ") {
            let (request, remark) = request.split_once("    ").unwrap_or((request, ""));
            let (method, target) = request.split_once(' ').expect("method and target");
            connection.exchanges.push(Exchange {
                method: method.to_owned(),
                target: target.to_owned(),
                remark: remark.trim().to_owned(),
                ..Exchange::default()
            });
            in_answer = false;
        } else if line == "-- response" {
            in_answer = true;
        } else if let Some(settings) = line.strip_prefix("(settings announced by the server: {") {
            connection.settings = pairs(settings);
        } else if let (Some(exchange), Some((name, value))) =
            (connection.exchanges.last_mut(), header(line))
        {
            let message = if in_answer {
                &mut exchange.answer
            } else {
                &mut exchange.request
            };
            match name {
                ":status" => exchange.status = value.parse().expect("status"),
                "content-type" => message.content_type = Some(value.to_owned()),
                "content-length" => message.content_length = Some(value.parse().expect("length")),
                "body" => message.body = body(value),
                _ => {}
            }
        }
    }
    connections
}

fn header(line: &str) -> Option<(&str, &str)> {
    match line.strip_prefix(":status: ") {
        Some(status) => Some((":status", status)),
        None => line.split_once(": "),
    }
}

fn body(value: &str) -> Body {
    if value.starts_with("AAAA") {
        let length = value
            .rsplit_once('(')
            .and_then(|(_, tail)| tail.split(' ').next())
            .expect("length");
        return Body::Run(length.parse().expect("length"));
    }
    let Some((length, rest)) = value.split_once(" bytes, sha256 ") else {
        return Body::Text(value.to_owned());
    };
    let (sha256, starts) = rest.split_once(", starts ").unwrap_or((rest, ""));
    Body::Bytes {
        length: length.parse().expect("length"),
        sha256: sha256.to_owned(),
        starts: starts.to_owned(),
    }
}

fn pairs(text: &str) -> Vec<(u16, u32)> {
    let number = |text: &str| {
        text.chars()
            .filter(char::is_ascii_digit)
            .collect::<String>()
    };
    text.trim_end_matches("})")
        .split(',')
        .map(|pair| {
            let (id, value) = pair.split_once(':').expect("pair");
            (
                number(id).parse().expect("id"),
                number(value).parse().expect("value"),
            )
        })
        .collect()
}
