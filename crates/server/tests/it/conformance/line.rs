//! One connection for thousands of small requests, one after the other.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use crate::exchange::client::connect;
use crate::rest::message::{Answer, request};

/// A connection that is made anew when the server has closed it.
pub struct Line {
    address: SocketAddr,
    stream: Option<TlsStream<TcpStream>>,
}

impl Line {
    pub fn to(address: SocketAddr) -> Line {
        Line {
            address,
            stream: None,
        }
    }

    /// Sends a request and waits for its answer.
    pub async fn ask(&mut self, verb: &str, target: &str, headers: &[&str], body: &str) -> Answer {
        let request = request(verb, target, headers, body);
        if let Some(stream) = &mut self.stream
            && let Some(answer) = exchange(stream, &request).await
        {
            return answer;
        }
        let stream = self.stream.insert(connect(self.address).await);
        let answer = exchange(stream, &request).await;
        answer.unwrap_or_else(|| panic!("{verb} {target}: no answer"))
    }
}

/// Nothing if the connection is gone before there is an answer.
async fn exchange(stream: &mut TlsStream<TcpStream>, request: &[u8]) -> Option<Answer> {
    stream.write_all(request).await.ok()?;
    stream.flush().await.ok()?;
    let mut bytes = Vec::new();
    loop {
        let n = stream.read_buf(&mut bytes).await.unwrap_or(0);
        match Answer::parse(&bytes, n == 0) {
            Some(answer) => return Some(answer),
            None if n == 0 => return None,
            None => {}
        }
    }
}
