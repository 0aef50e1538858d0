//! From a host and a port to an encrypted stream: address, TCP with its options, a proxy if there is one, TLS, certificate.
//!
//! A certificate that nobody vouches for is shown to [`Connect::confirm`] after the handshake has failed, so that a person may
//! take his time; then the connection is made anew with that fingerprint pinned.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use format::Fingerprint;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::certificate::Checker;
use crate::error::Error;
use crate::login::{Credential, SecondFactor};
use crate::rate::{Bucket, Rate};
use crate::secret::Secret;
use crate::socket::{self, Limits, Socket};

const CONNECT_SECONDS: u64 = 10;
/// How long an address is tried alone.
const NEXT_ADDRESS: Duration = Duration::from_millis(300);
const KEEPALIVE: Duration = Duration::from_secs(120);
/// Plain bytes that rustls encrypts before it writes: four times its default, which quarters the system calls.
const TLS_BUFFER_LEN: usize = 256 * 1024;
/// Longest answer of a proxy.
const PROXY_ANSWER_MAX: usize = 8 * 1024;

/// Where to connect to, and as whom.
#[derive(Debug)]
pub struct Connect {
    /// Name or address; an IPv6 address with or without brackets.
    pub host: String,
    pub port: u16,
    pub credential: Credential,
    /// SHA-256 of the server's certificate; accepted even if no authority vouches for it.
    pub fingerprint: Option<Fingerprint>,
    /// PEM certificates that stand in for the system's authorities.
    pub authorities: Option<Vec<u8>>,
    /// Holds reading and writing to a rate, each for itself.
    pub rate: Option<Rate>,
    pub proxy: Option<Proxy>,
    /// Asked about a certificate that is neither pinned nor vouched for. Without it the connection fails.
    pub confirm: Option<Confirm>,
    /// Asked when the password alone is not enough. Without it such a login fails.
    pub second_factor: Option<SecondFactor>,
    /// How we call ourselves.
    pub user_agent: String,
}

impl Connect {
    /// A connection without any extra.
    pub fn new(host: &str, port: u16, credential: Credential) -> Connect {
        Connect {
            host: host.to_owned(),
            port,
            credential,
            fingerprint: None,
            authorities: None,
            rate: None,
            proxy: None,
            confirm: None,
            second_factor: None,
            user_agent: concat!("strongroom/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

/// A proxy that opens a tunnel by `CONNECT`.
#[derive(Debug, Clone)]
pub struct Proxy {
    pub host: String,
    pub port: u16,
    /// User and password.
    pub login: Option<(String, Secret)>,
}

/// What [`Confirm`] is asked about.
#[derive(Debug, Clone)]
pub struct UnknownCertificate<'a> {
    pub server: &'a str,
    pub found: Fingerprint,
    /// The pinned fingerprint, if there is one and it is another.
    pub expected: Option<Fingerprint>,
}

/// Decides about an unknown certificate; may block while a person thinks.
pub struct Confirm(pub Box<dyn Fn(&UnknownCertificate<'_>) -> bool + Send + Sync>);

impl std::fmt::Debug for Confirm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Confirm")
    }
}

pub(crate) type Stream = TlsStream<Socket<TcpStream>>;

/// Makes encrypted streams to one server.
#[derive(Debug)]
pub(crate) struct Endpoint {
    /// Without brackets.
    host: String,
    port: u16,
    /// `host:port` as messages and the `host` header show it.
    pub server: String,
    name: ServerName<'static>,
    tls: Arc<rustls::ClientConfig>,
    checker: Arc<Checker>,
    confirm: Option<Confirm>,
    limits: Limits,
    rate: Option<Rate>,
    proxy: Option<Proxy>,
}

impl Endpoint {
    /// Prepares; connects nowhere. Returns the credential too, which is the login's.
    pub fn new(connect: Connect) -> Result<(Endpoint, Credential), Error> {
        let host = connect.host.trim_matches(['[', ']']).to_owned();
        let name = ServerName::try_from(host.clone()).map_err(|_| Error::Host {
            host: connect.host.clone(),
        })?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let authorities = connect.authorities.as_deref();
        let checker = Checker::new(Arc::clone(&provider), connect.fingerprint, authorities)
            .map_err(|source| Error::Authorities { source })?;
        let checker = Arc::new(checker);
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|source| Error::Authorities { source })?
            .dangerous()
            .with_custom_certificate_verifier(Arc::<Checker>::clone(&checker))
            .with_no_client_auth();
        let bucket = || {
            connect
                .rate
                .map(|rate| Arc::new(Bucket::new(rate, Instant::now())))
        };
        let limits = Limits {
            read: bucket(),
            write: bucket(),
        };
        let server = authority(&host, connect.port);
        let endpoint = Endpoint {
            host,
            port: connect.port,
            server,
            name,
            tls: Arc::new(tls),
            checker,
            confirm: connect.confirm,
            limits,
            rate: connect.rate,
            proxy: connect.proxy,
        };
        Ok((endpoint, connect.credential))
    }

    /// How long the rate may hold back what passes at once.
    pub fn pause_max(&self) -> Duration {
        let at_once = (socket::READ_LEN + 2 * TLS_BUFFER_LEN) as u64;
        let seconds = self
            .rate
            .map_or(0, |rate| at_once / rate.bytes_per_second.max(1));
        Duration::from_secs(seconds)
    }

    /// The fingerprint of the certificate that was last accepted.
    pub fn fingerprint(&self) -> Option<Fingerprint> {
        self.checker
            .seen()
            .filter(|seen| seen.accepted)
            .map(|seen| seen.fingerprint)
    }

    pub async fn open(&self) -> Result<Stream, Error> {
        match self.open_once().await {
            Err(error @ (Error::UnknownCertificate { .. } | Error::WrongFingerprint { .. })) => {
                if !self.confirmed(&error) {
                    return Err(error);
                }
                self.open_once().await
            }
            other => other,
        }
    }

    fn confirmed(&self, error: &Error) -> bool {
        let (
            Some(confirm),
            Error::UnknownCertificate { found, .. } | Error::WrongFingerprint { found, .. },
        ) = (&self.confirm, error)
        else {
            return false;
        };
        let question = UnknownCertificate {
            server: &self.server,
            found: *found,
            expected: self.checker.pinned(),
        };
        let yes = (confirm.0)(&question);
        if yes {
            self.checker.pin(*found);
        }
        yes
    }

    async fn open_once(&self) -> Result<Stream, Error> {
        let limit = Duration::from_secs(CONNECT_SECONDS);
        let timeout = |_| Error::Timeout {
            server: self.server.clone(),
            seconds: CONNECT_SECONDS,
        };
        let tcp = tokio::time::timeout(limit, self.reach())
            .await
            .map_err(timeout)??;
        let socket = Socket::new(tcp, self.limits.clone());
        let connector = TlsConnector::from(Arc::clone(&self.tls));
        let handshake = connector.connect_with(self.name.clone(), socket, |session| {
            session.set_buffer_limit(Some(TLS_BUFFER_LEN));
        });
        tokio::time::timeout(limit, handshake)
            .await
            .map_err(timeout)?
            .map_err(|source| self.handshake_failed(source))
    }

    fn handshake_failed(&self, source: io::Error) -> Error {
        let server = self.server.clone();
        let refused = source
            .get_ref()
            .and_then(|cause| cause.downcast_ref::<rustls::Error>())
            .is_some_and(|cause| matches!(cause, rustls::Error::InvalidCertificate(_)));
        match (self.checker.seen(), self.checker.pinned()) {
            (Some(seen), Some(expected)) if refused && !seen.accepted => Error::WrongFingerprint {
                server,
                expected,
                found: seen.fingerprint,
            },
            (Some(seen), None) if refused && !seen.accepted => Error::UnknownCertificate {
                server,
                found: seen.fingerprint,
            },
            _ => Error::Tls { server, source },
        }
    }

    /// A TCP stream to the server, straight or through the proxy.
    async fn reach(&self) -> Result<TcpStream, Error> {
        match &self.proxy {
            None => dial(&self.host, self.port).await,
            Some(proxy) => {
                let stream = dial(&proxy.host, proxy.port).await?;
                self.tunnel(proxy, stream).await
            }
        }
    }

    async fn tunnel(&self, proxy: &Proxy, mut stream: TcpStream) -> Result<TcpStream, Error> {
        let name = authority(&proxy.host, proxy.port);
        let failed = |source| Error::Connect {
            server: name.clone(),
            source,
        };
        let mut request = format!("CONNECT {0} HTTP/1.1\r\nhost: {0}\r\n", self.server);
        if let Some((user, password)) = &proxy.login {
            let plain = format!("{user}:{}", password.reveal());
            let coded = base64::engine::general_purpose::STANDARD.encode(plain);
            request.push_str(&format!("proxy-authorization: Basic {coded}\r\n"));
        }
        request.push_str("\r\n");
        stream.write_all(request.as_bytes()).await.map_err(failed)?;
        let mut answer = Vec::new();
        // Byte by byte: what follows the empty line belongs to TLS.
        while !answer.ends_with(b"\r\n\r\n") {
            if answer.len() > PROXY_ANSWER_MAX {
                return Err(failed(io::ErrorKind::InvalidData.into()));
            }
            answer.push(stream.read_u8().await.map_err(failed)?);
        }
        let answer = String::from_utf8_lossy(&answer);
        let status = answer.lines().next().unwrap_or_default();
        if status.split(' ').nth(1) == Some("200") {
            return Ok(stream);
        }
        Err(Error::Proxy {
            proxy: name,
            server: self.server.clone(),
            answer: status.to_owned(),
        })
    }
}

/// `host:port`, an IPv6 address in brackets.
fn authority(host: &str, port: u16) -> String {
    if host.contains(':') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    }
}

/// The first connection that comes about. An address that keeps silent is not waited for: the next one is tried beside it.
async fn dial(host: &str, port: u16) -> Result<TcpStream, Error> {
    let addresses = addresses(host, port).await;
    let mut addresses = addresses
        .map_err(|source| Error::Resolve {
            host: host.to_owned(),
            source,
        })?
        .into_iter();
    let mut attempts = JoinSet::new();
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    loop {
        let more = match addresses.next() {
            Some(address) => {
                attempts.spawn(async move { TcpStream::connect(address).await.and_then(prepared) });
                true
            }
            None => false,
        };
        tokio::select! {
            attempt = attempts.join_next() => match attempt {
                Some(Ok(Ok(stream))) => return Ok(stream),
                Some(Ok(Err(error))) => last = error,
                Some(Err(error)) => last = io::Error::other(error),
                None => break,
            },
            () = tokio::time::sleep(NEXT_ADDRESS), if more => {}
        }
    }
    Err(Error::Connect {
        server: authority(host, port),
        source: last,
    })
}

/// `localhost` is this machine (RFC 6761), also where no file and no name server says so.
async fn addresses(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    if host.eq_ignore_ascii_case("localhost") {
        let six = SocketAddr::from((Ipv6Addr::LOCALHOST, port));
        return Ok(vec![six, (Ipv4Addr::LOCALHOST, port).into()]);
    }
    Ok(tokio::net::lookup_host((host, port)).await?.collect())
}

/// Sets the options of protocol.md 1.1.
fn prepared(stream: TcpStream) -> io::Result<TcpStream> {
    stream.set_nodelay(true)?;
    rustix::net::sockopt::set_socket_keepalive(&stream, true)?;
    rustix::net::sockopt::set_tcp_keepidle(&stream, KEEPALIVE)?;
    Ok(stream)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    /// Answers one `CONNECT` and passes what it read on.
    async fn proxy(answer: &'static str) -> (u16, tokio::task::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("port");
        let port = listener.local_addr().expect("address").port();
        let heard = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("client");
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                request.push(stream.read_u8().await.expect("request"));
            }
            stream.write_all(answer.as_bytes()).await.expect("answer");
            String::from_utf8(request).expect("text")
        });
        (port, heard)
    }

    fn endpoint(host: &str, port: u16, proxy: Option<Proxy>) -> Result<Endpoint, Error> {
        let credential = Credential::Token {
            id: "ann@pbs!laptop".parse().expect("token id"),
            secret: Secret::new("s".to_owned()),
        };
        let mut connect = Connect::new(host, port, credential);
        connect.proxy = proxy;
        Endpoint::new(connect).map(|(endpoint, _)| endpoint)
    }

    #[tokio::test]
    async fn a_proxy_is_asked_politely_and_its_no_is_told() {
        let refusal = "HTTP/1.1 407 Proxy Authentication Required\r\nx: y\r\n\r\n";
        let (port, heard) = proxy(refusal).await;
        let through = Proxy {
            host: "127.0.0.1".to_owned(),
            port,
            login: Some(("me".to_owned(), Secret::new("pw".to_owned()))),
        };
        let endpoint = endpoint("fd00::7", 8007, Some(through)).expect("endpoint");
        let error = endpoint.open().await.err().expect("refused");
        assert_eq!(
            error.to_string(),
            format!(
                "the proxy 127.0.0.1:{port} refused to connect to [fd00::7]:8007: \
                 HTTP/1.1 407 Proxy Authentication Required"
            )
        );
        assert_eq!(
            heard.await.expect("proxy"),
            "CONNECT [fd00::7]:8007 HTTP/1.1\r\nhost: [fd00::7]:8007\r\nproxy-authorization: Basic bWU6cHc=\r\n\r\n"
        );
    }

    #[tokio::test]
    async fn what_speaks_no_tls_is_told_apart_from_a_wrong_certificate() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("port");
        let port = listener.local_addr().expect("address").port();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("client");
            let nonsense = b"HTTP/1.1 400 Bad Request\r\n\r\n";
            stream.write_all(nonsense).await.expect("answer");
            // Open until the client has read it.
            let _ = stream.read_to_end(&mut Vec::new()).await;
        });
        let endpoint = endpoint("127.0.0.1", port, None).expect("endpoint");
        assert!(matches!(endpoint.open().await, Err(Error::Tls { .. })));
    }

    /// A server with a certificate of its own making, like the original's: its port, its certificate as PEM, its fingerprint.
    async fn server_of_its_own() -> (u16, String, Fingerprint) {
        let names = vec!["127.0.0.1".to_owned()];
        let made = rcgen::generate_simple_self_signed(names).expect("certificate");
        let der = made.cert.der().clone();
        let fingerprint = Fingerprint::new(format::Digest::of(&der).0);
        let key = rustls::pki_types::PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![der], key.into())
            .expect("server");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("port");
        let port = listener.local_addr().expect("address").port();
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.expect("client");
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    if let Ok(mut stream) = acceptor.accept(stream).await {
                        // Open until the client is done.
                        let _ = stream.read_to_end(&mut Vec::new()).await;
                    }
                });
            }
        });
        (port, made.cert.pem(), fingerprint)
    }

    #[tokio::test]
    async fn given_authorities_vouch_and_others_do_not() {
        let (port, pem, fingerprint) = server_of_its_own().await;
        let (_, other, wrong) = server_of_its_own().await;
        let open = async |authorities: Option<&str>, pinned| {
            let credential = Credential::Token {
                id: "ann@pbs!laptop".parse().expect("token id"),
                secret: Secret::new("s".to_owned()),
            };
            let mut connect = Connect::new("127.0.0.1", port, credential);
            connect.authorities = authorities.map(|pem| pem.as_bytes().to_vec());
            connect.fingerprint = pinned;
            let (endpoint, _) = Endpoint::new(connect)?;
            endpoint.open().await?;
            Ok::<_, Error>(endpoint.fingerprint())
        };
        let unknown = |found: Result<_, Error>| matches!(found, Err(Error::UnknownCertificate { found, .. }) if found == fingerprint);
        let both = format!("A comment.\n{other}{pem}");
        assert_eq!(open(Some(&pem), None).await.ok(), Some(Some(fingerprint)));
        assert!(open(Some(&both), None).await.is_ok());
        // The pinned one is another, but an authority vouches: as the original decides.
        assert!(open(Some(&pem), Some(wrong)).await.is_ok());
        assert!(open(Some(&other), Some(fingerprint)).await.is_ok());
        assert!(unknown(open(Some(&other), None).await));
        // Whatever authorities this machine has, none of them knows it.
        assert!(unknown(open(None, None).await));
        for pem in [
            "",
            "no certificate",
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        ] {
            let found = open(Some(pem), Some(fingerprint)).await;
            assert!(matches!(found, Err(Error::Authorities { .. })), "{pem}");
        }
    }

    #[tokio::test]
    async fn localhost_is_reached_at_either_address() {
        for place in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = TcpListener::bind(place).await else {
                eprintln!("skipped: this machine has no {place}");
                continue;
            };
            let port = listener.local_addr().expect("address").port();
            for host in ["localhost", "LocalHost"] {
                let stream = dial(host, port).await.expect(place);
                assert_eq!(
                    stream.peer_addr().ok(),
                    listener.local_addr().ok(),
                    "{host}"
                );
            }
        }
    }

    #[test]
    fn hosts_are_names_or_addresses() {
        for (host, server) in [
            ("vault", Some("vault:8007")),
            ("10.0.0.1", Some("10.0.0.1:8007")),
            ("[fd00::7]", Some("[fd00::7]:8007")),
            ("no host", None),
            ("", None),
        ] {
            let found = endpoint(host, 8007, None).map(|endpoint| endpoint.server);
            assert_eq!(found.ok().as_deref(), server, "{host:?}");
        }
    }
}
