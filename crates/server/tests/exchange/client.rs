//! A client made of raw parts: TLS without a check of the certificate, an upgrade written by hand, then the `h2` crate. It can also
//! be rude: leave at any moment, or send bytes that are no HTTP/2.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use h2::client::{ResponseFuture, SendRequest};
use http::Request;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// No exchange of these tests takes longer; a hang must fail, not wait.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Takes any certificate.
#[derive(Debug)]
struct Trusting(Arc<rustls::crypto::CryptoProvider>);

impl ServerCertVerifier for Trusting {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        m: &[u8],
        c: &CertificateDer<'_>,
        d: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(m, c, d, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        m: &[u8],
        c: &CertificateDer<'_>,
        d: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(m, c, d, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// A TLS connection on which nothing was said yet.
pub async fn connect(addr: SocketAddr) -> TlsStream<TcpStream> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Trusting(provider)))
        .with_no_client_auth();
    let tcp = TcpStream::connect(addr).await.expect("connect");
    let name = ServerName::try_from("localhost").expect("name");
    TlsConnector::from(Arc::new(config))
        .connect(name, tcp)
        .await
        .expect("TLS")
}

/// Sends a request head and reads status and head of the answer, and its body if it has a content-length.
pub async fn plain(
    stream: &mut TlsStream<TcpStream>,
    head: &str,
    body: &[u8],
) -> (u16, String, Vec<u8>) {
    stream.write_all(head.as_bytes()).await.expect("head");
    stream.write_all(body).await.expect("body");
    stream.flush().await.expect("flush");
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        answer.push(stream.read_u8().await.expect("answer"));
    }
    let answer = String::from_utf8(answer).expect("text");
    let status = answer
        .split(' ')
        .nth(1)
        .and_then(|s| s.parse().ok())
        .expect("status");
    let length = answer.lines().find_map(|line| {
        line.to_ascii_lowercase()
            .strip_prefix("content-length: ")
            .map(|n| n.parse::<usize>().expect("length"))
    });
    let mut content = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut content).await.expect("content");
    (status, answer, content)
}

/// The head of an upgrade.
pub fn upgrade_head(target: &str, protocol: &str, auth: &str) -> String {
    format!(
        "GET {target} HTTP/1.1\r\nhost: 127.0.0.1:8007\r\n{auth}\r\nconnection: upgrade\r\nupgrade: {protocol}\r\n\r\n"
    )
}

/// The protocol of a target.
pub fn protocol_of(target: &str) -> &'static str {
    if target.contains("/reader?") {
        "proxmox-backup-reader-protocol-v1"
    } else {
        "proxmox-backup-protocol-v1"
    }
}

/// What a request was answered with.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    pub status: u16,
    pub content_type: Option<String>,
    pub content_length: Option<usize>,
    pub body: Bytes,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// `data` of a good answer.
    #[track_caller]
    pub fn data(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.text());
        let mut value: Value = serde_json::from_slice(&self.body).expect("JSON");
        value["data"].take()
    }

    /// Status and text of a refusal.
    pub fn refusal(&self) -> (u16, String) {
        (self.status, self.text())
    }
}

/// An HTTP/2 session.
#[derive(Clone)]
pub struct Session {
    send: SendRequest<Bytes>,
    connection: Arc<tokio::task::JoinHandle<()>>,
}

impl Session {
    /// Upgrades a new connection; the refusal if there is one.
    pub async fn open(
        addr: SocketAddr,
        target: &str,
        auth: &str,
    ) -> Result<Session, (u16, String)> {
        let mut stream = connect(addr).await;
        let (status, head, body) = plain(
            &mut stream,
            &upgrade_head(target, protocol_of(target), auth),
            b"",
        )
        .await;
        if status != 101 {
            return Err((status, String::from_utf8(body).expect("text")));
        }
        let lower = head.to_ascii_lowercase();
        assert!(
            lower.contains("connection: upgrade\r\n")
                && lower.contains(&format!("upgrade: {}\r\n", protocol_of(target))),
            "{head}"
        );
        Ok(Session::on(stream).await)
    }

    /// Speaks HTTP/2 on an upgraded connection, with the settings of the official client.
    pub async fn on(stream: TlsStream<TcpStream>) -> Session {
        Session::with_window(stream, (1 << 31) - 2).await
    }

    /// The same with room for so many bytes of each answer, until they are taken.
    pub async fn with_window(stream: TlsStream<TcpStream>, bytes: u32) -> Session {
        let (send, connection) = h2::client::Builder::new()
            .initial_window_size(bytes)
            .initial_connection_window_size((1 << 31) - 2)
            .max_frame_size(4 << 20)
            .enable_push(false)
            .handshake(stream)
            .await
            .expect("HTTP/2");
        let connection = tokio::spawn(async move { drop(connection.await) });
        Session {
            send,
            connection: Arc::new(connection),
        }
    }

    pub async fn send(
        &self,
        method: &str,
        target: &str,
        content_type: Option<&str>,
        body: Bytes,
    ) -> Answer {
        let answer = async {
            let (answer, mut stream) = self
                .begin(method, target, content_type, body.is_empty())
                .await;
            if !body.is_empty() {
                // The server may answer and stop listening before it has everything.
                let _ = stream.send_data(body, true);
            }
            received(answer).await.expect("answer")
        };
        tokio::time::timeout(PATIENCE, answer)
            .await
            .expect("no answer in time")
    }

    /// For a request whose session may have ended.
    pub fn sender(&self) -> SendRequest<Bytes> {
        self.send.clone()
    }

    /// Sends the head of a request and gives the rest into the caller's hands.
    pub async fn begin(
        &self,
        method: &str,
        target: &str,
        content_type: Option<&str>,
        end: bool,
    ) -> (ResponseFuture, h2::SendStream<Bytes>) {
        let uri = format!("https://localhost:8007{target}");
        let mut request = Request::builder().method(method).uri(uri);
        if let Some(content_type) = content_type {
            request = request.header("content-type", content_type);
        }
        let mut send = self.send.clone().ready().await.expect("ready");
        send.send_request(request.body(()).expect("request"), end)
            .expect("send")
    }

    pub async fn get(&self, target: &str) -> Answer {
        self.send(
            "GET",
            target,
            Some("application/x-www-form-urlencoded"),
            Bytes::new(),
        )
        .await
    }

    pub async fn post(&self, target: &str) -> Answer {
        self.send(
            "POST",
            target,
            Some("application/x-www-form-urlencoded"),
            Bytes::new(),
        )
        .await
    }

    pub async fn json(&self, method: &str, target: &str, body: &Value) -> Answer {
        self.send(
            method,
            target,
            Some("application/json"),
            Bytes::from(body.to_string()),
        )
        .await
    }

    pub async fn upload(&self, target: &str, body: impl Into<Bytes>) -> Answer {
        self.send(
            "POST",
            target,
            Some("application/octet-stream"),
            body.into(),
        )
        .await
    }

    /// Uploads `data` as an uncompressed chunk.
    pub async fn chunk(&self, kind: &str, wid: u64, data: &[u8]) -> Answer {
        let encoded = super::bodies::blob(data);
        let target = format!(
            "/{kind}_chunk?wid={wid}&digest={}&size={}&encoded-size={}",
            super::bodies::digest(data),
            data.len(),
            encoded.len()
        );
        self.upload(&target, encoded).await
    }

    /// Uploads `encoded` as a blob.
    pub async fn blob(&self, name: &str, encoded: Vec<u8>) -> Answer {
        self.upload(
            &format!("/blob?file-name={name}&encoded-size={}", encoded.len()),
            encoded,
        )
        .await
    }

    /// Drops TCP without a word.
    pub fn leave(self) {
        self.connection.abort();
    }
}

/// The whole answer.
pub async fn received(answer: ResponseFuture) -> Result<Answer, h2::Error> {
    let (head, mut body) = answer.await?.into_parts();
    let mut bytes = BytesMut::new();
    while let Some(piece) = body.data().await.transpose()? {
        bytes.extend_from_slice(&piece);
        body.flow_control().release_capacity(piece.len())?;
    }
    assert!(head.headers.contains_key("date"), "an answer without date");
    let text = |name: &str| {
        head.headers
            .get(name)
            .map(|value| value.to_str().expect("text").to_owned())
    };
    Ok(Answer {
        status: head.status.as_u16(),
        content_type: text("content-type"),
        content_length: text("content-length").map(|n| n.parse().expect("length")),
        body: bytes.freeze(),
    })
}
