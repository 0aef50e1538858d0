//! What can go wrong between us and a server, as situations. Texts name the server or the request; causes stay in `source()`.
//!
//! [`Error::Refused`] shows the server's text alone, since scripts and people look for it.

use std::io;

use format::Fingerprint;

/// Failure of a connection, a login or a request.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The name has no address.
    #[error("cannot find the address of {host}")]
    Resolve { host: String, source: io::Error },
    /// No address of the host accepted a connection.
    #[error("cannot connect to {server}")]
    Connect { server: String, source: io::Error },
    /// The host is neither a DNS name nor an IP address.
    #[error("{host} is neither a host name nor an IP address")]
    Host { host: String },
    /// The proxy did not open a way to the server.
    #[error("the proxy {proxy} refused to connect to {server}: {answer}")]
    Proxy {
        proxy: String,
        server: String,
        answer: String,
    },
    /// Something took longer than it may.
    #[error("{server} did not answer within {seconds} s")]
    Timeout { server: String, seconds: u64 },
    /// The TLS handshake failed for another reason than the certificate.
    #[error("no secure connection to {server}")]
    Tls { server: String, source: io::Error },
    /// Certificates of authorities were given but cannot be used.
    #[error("the certificates of the authorities cannot be used")]
    Authorities { source: rustls::Error },
    /// The server shows another certificate than the pinned one, and no authority vouches for it.
    #[error("the certificate of {server} has the fingerprint {found}, expected was {expected}")]
    WrongFingerprint {
        server: String,
        expected: Fingerprint,
        found: Fingerprint,
    },
    /// No authority vouches for the certificate, none is pinned, and nobody confirmed it.
    #[error(
        "the certificate of {server} is not known; its fingerprint is {found}, give it if it is the right one"
    )]
    UnknownCertificate { server: String, found: Fingerprint },
    /// The server accepts the password but wants a second factor that cannot be given here.
    #[error(
        "{user} logs in with a second factor that cannot be asked for here; use an API token instead"
    )]
    SecondFactor { user: String },
    /// The server answered with an error. The text is the server's.
    #[error("{text}")]
    Refused {
        request: String,
        status: u16,
        text: String,
    },
    /// The connection broke.
    #[error("the connection to {server} was lost")]
    Lost {
        server: String,
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The server closed the session in good order, but we were not done.
    #[error("{server} ended the session")]
    Ended { server: String },
    /// The answer is not what the protocol says.
    #[error("the answer to {request} cannot be understood")]
    Reply {
        request: String,
        source: serde_json::Error,
    },
    /// The bytes of an answer are not of the form that they should have.
    #[error("the answer to {request} is garbled")]
    Garbled { request: String },
    /// The answer is longer than its kind can be.
    #[error("the answer to {request} is larger than {limit_bytes} bytes")]
    TooLarge { request: String, limit_bytes: u64 },
    /// A session was asked for and the server answered without switching protocols.
    #[error("{server} does not speak {protocol}")]
    NotSwitched { server: String, protocol: String },
    /// A path or header that HTTP does not allow.
    #[error("the request {request} cannot be written")]
    Request {
        request: String,
        source: http::Error,
    },
}

/// The server, or something on the way to it, closed a connection over which it still had to say something. The libraries below say that with the
/// address of a page of theirs, which helps nobody who looks at a backup.
#[derive(Debug, thiserror::Error)]
#[error("the server closed it before everything was said")]
struct CutOff;

impl Error {
    /// A connection broke, for this reason.
    pub(crate) fn lost(
        server: &str,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Error {
        let source = source.into();
        let source = match is_cut_off(&*source) {
            true => CutOff.into(),
            false => source,
        };
        Error::Lost {
            server: server.to_owned(),
            source,
        }
    }

    /// The same reason as text.
    pub(crate) fn cause(source: &(dyn std::error::Error + 'static)) -> String {
        match is_cut_off(source) {
            true => CutOff.to_string(),
            false => source.to_string(),
        }
    }

    /// Whether it is the way to the server, or a server that is not ready, so that the same may succeed later.
    pub fn is_outage(&self) -> bool {
        match self {
            Error::Resolve { .. }
            | Error::Connect { .. }
            | Error::Proxy { .. }
            | Error::Timeout { .. }
            | Error::Tls { .. }
            | Error::Lost { .. }
            | Error::Ended { .. } => true,
            Error::Refused { status, .. } => matches!(status, 429 | 502..=504),
            _ => false,
        }
    }

    /// The HTTP status if the server refused the request.
    pub fn status(&self) -> Option<u16> {
        match self {
            Error::Refused { status, .. } => Some(*status),
            _ => None,
        }
    }
}

/// Whether the other end is said to have gone without a farewell. An I/O error hides the error inside it from `source()`.
fn is_cut_off(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut at = Some(error);
    while let Some(error) = at {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            if error.kind() == io::ErrorKind::UnexpectedEof {
                return true;
            }
            if let Some(inside) = error.get_ref() {
                return is_cut_off(inside);
            }
        }
        let of_http1 = error.downcast_ref::<hyper::Error>();
        let of_http2 = error.downcast_ref::<h2::Error>();
        if of_http1.is_some_and(hyper::Error::is_incomplete_message)
            || of_http2.is_some_and(|error| error.get_io().is_some_and(|io| is_cut_off(io)))
        {
            return true;
        }
        at = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What somebody saw whose server ended in the middle was the address of a page about TLS.
    #[test]
    fn who_hangs_up_is_told_in_our_words() {
        let eof = || {
            let text = "peer closed connection without sending TLS close_notify: https://docs.rs/x";
            io::Error::new(io::ErrorKind::UnexpectedEof, text)
        };
        let refused = || io::Error::from(io::ErrorKind::ConnectionReset);
        for (source, cut_off) in [
            (eof(), true),
            (io::Error::other(eof()), true),
            (refused(), false),
            (io::Error::other(refused()), false),
        ] {
            let Error::Lost { source, .. } = Error::lost("vault", source) else {
                panic!("it is lost");
            };
            let text = source.to_string();
            assert_eq!(text == CutOff.to_string(), cut_off, "{text}");
        }
    }
}
