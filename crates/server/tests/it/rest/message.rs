//! HTTP/1.1 messages as bytes, recorded or live, taken apart by the same code.

use std::net::SocketAddr;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::exchange::client::connect;

/// An answer with its body as it was before transfer coding.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    /// Takes an answer apart; nothing while bytes are missing. An answer without length ends where the bytes end.
    pub fn parse(bytes: &[u8], at_end: bool) -> Option<Answer> {
        let split = bytes.windows(4).position(|w| w == b"\r\n\r\n")?;
        let head = std::str::from_utf8(&bytes[..split]).expect("head is text");
        let mut lines = head.split("\r\n");
        let status = lines.next()?.split(' ').nth(1)?.parse().expect("status");
        let header = |line: &str| {
            let (name, value) = line.split_once(':').expect("header");
            (name.to_ascii_lowercase(), value.trim().to_owned())
        };
        let headers: Vec<(String, String)> = lines.map(header).collect();
        let mut answer = Answer {
            status,
            headers,
            body: Vec::new(),
        };
        let rest = &bytes[split + 4..];
        answer.body = match (
            answer.header("transfer-encoding"),
            answer.header("content-length"),
        ) {
            (Some("chunked"), _) => chunks(rest)?,
            (_, Some(length)) => rest.get(..length.parse().expect("length"))?.to_vec(),
            _ if at_end => rest.to_vec(),
            _ => return None,
        };
        Some(answer)
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.text()))
    }
}

fn chunks(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = rest.windows(2).position(|w| w == b"\r\n")?;
        let size = std::str::from_utf8(&rest[..end]).expect("size is text");
        let size = usize::from_str_radix(size, 16).expect("size");
        rest = &rest[end + 2..];
        body.extend_from_slice(rest.get(..size)?);
        rest = rest.get(size + 2..)?;
        if size == 0 {
            return Some(body);
        }
    }
}

/// Sends a request as it stands, on a connection of its own.
pub async fn send(address: SocketAddr, request: &[u8]) -> Answer {
    let mut stream = connect(address).await;
    stream.write_all(request).await.expect("request");
    stream.flush().await.expect("flush");
    let mut bytes = Vec::new();
    loop {
        let n = stream.read_buf(&mut bytes).await.expect("answer");
        if let Some(answer) = Answer::parse(&bytes, n == 0) {
            return answer;
        }
        assert!(
            n > 0,
            "the answer is cut off: {}",
            String::from_utf8_lossy(&bytes)
        );
    }
}

/// A request with these header lines.
pub fn request(method: &str, target: &str, headers: &[&str], body: &str) -> Vec<u8> {
    let mut text = format!("{method} {target} HTTP/1.1\r\nhost: localhost\r\n");
    for header in headers {
        text.push_str(&format!("{header}\r\n"));
    }
    text.push_str(&format!("content-length: {}\r\n\r\n{body}", body.len()));
    text.into_bytes()
}
