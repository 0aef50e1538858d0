//! Finds the credentials in the headers of a request (protocol.md 2.4, 2.5): a ticket in a cookie wins over an API token.

use api::defaults::{COOKIE, COOKIE_HTTP_ONLY, CSRF_HEADER, TOKEN_SCHEME};
use format::AuthId;
use http::{HeaderMap, header};
use percent_encoding::percent_decode_str;

use crate::fault::AuthFailure;

/// What a request brought along.
#[derive(PartialEq, Eq)]
pub enum Credentials {
    Ticket {
        ticket: String,
        csrf: Option<String>,
    },
    Token {
        id: AuthId,
        secret: String,
    },
}

/// Secrets are not shown.
impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Credentials::Ticket { .. } => "Ticket",
            Credentials::Token { .. } => "Token",
        })
    }
}

/// The credentials in these headers.
pub fn of(headers: &HeaderMap) -> Result<Credentials, AuthFailure> {
    if let Some(ticket) = cookie(headers, COOKIE_HTTP_ONLY).or_else(|| cookie(headers, COOKIE)) {
        let csrf = headers
            .get(CSRF_HEADER)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned);
        return Ok(Credentials::Ticket { ticket, csrf });
    }
    let given = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .ok_or(AuthFailure::Missing)?;
    token(given)
}

/// The ticket that a browser keeps out of reach of scripts.
pub fn http_only_ticket(headers: &HeaderMap) -> Option<String> {
    cookie(headers, COOKIE_HTTP_ONLY)
}

/// The value of a cookie, percent-decoded. A pair without `=` ends the reading of its header.
fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .find_map(|line| {
            let pairs = line
                .split(';')
                .map(|pair| pair.trim().split_once('='))
                .map_while(|pair| pair);
            let (_, value) = pairs.into_iter().find(|(key, _)| *key == name)?;
            percent_decode_str(value)
                .decode_utf8()
                .ok()
                .map(|value| value.into_owned())
        })
}

/// `PBSAPIToken=id:secret`, or with one blank instead of the equals sign. The secret is percent-decoded, the id is not.
fn token(given: &str) -> Result<Credentials, AuthFailure> {
    let rest = given
        .strip_prefix(TOKEN_SCHEME)
        .and_then(|rest| rest.strip_prefix(['=', ' ']))
        .ok_or(AuthFailure::Missing)?;
    let (id, secret) = rest.split_once(':').ok_or(AuthFailure::TokenName)?;
    let id: AuthId = id.parse().map_err(|_| AuthFailure::TokenName)?;
    if !id.is_token() {
        return Err(AuthFailure::TokenName);
    }
    let secret = percent_decode_str(secret)
        .decode_utf8()
        .map_err(|_| AuthFailure::Credentials)?
        .into_owned();
    Ok(Credentials::Token { id, secret })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(headers: &[(&'static str, &'static str)]) -> String {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, http::HeaderValue::from_static(value));
        }
        match of(&map) {
            Ok(Credentials::Ticket { ticket, csrf }) => {
                format!("ticket {ticket} {}", csrf.as_deref().unwrap_or("-"))
            }
            Ok(Credentials::Token { id, secret }) => format!("token {id} {secret}"),
            Err(failure) => failure.to_string(),
        }
    }

    #[test]
    fn credentials_in_headers() {
        for (headers, expected) in [
            (&[][..], "no authentication credentials provided."),
            (
                &[("cookie", "PBSAuthCookie=PBS:a@pbs:1::x")],
                "ticket PBS:a@pbs:1::x -",
            ),
            (
                &[
                    ("cookie", "a=b; PBSAuthCookie=PBS%3Aa%40pbs"),
                    ("csrfpreventiontoken", "t"),
                ],
                "ticket PBS:a@pbs t",
            ),
            (
                &[("cookie", "PBSAuthCookie=old; __Host-PBSAuthCookie=new")],
                "ticket new -",
            ),
            (
                &[("cookie", "x=y"), ("cookie", "PBSAuthCookie=two")],
                "ticket two -",
            ),
            (
                &[("cookie", "junk; PBSAuthCookie=x")],
                "no authentication credentials provided.",
            ),
            (
                &[
                    ("cookie", "PBSAuthCookie=c"),
                    ("authorization", "PBSAPIToken=a@pbs!t:s"),
                ],
                "ticket c -",
            ),
            (
                &[("authorization", "PBSAPIToken=a@pbs!tok:s%3As:x")],
                "token a@pbs!tok s:s:x",
            ),
            (
                &[("authorization", "PBSAPIToken a@pbs!tok:s")],
                "token a@pbs!tok s",
            ),
            (
                &[("authorization", "PBSAPIToken=a@pbs%21tok:s")],
                "invalid token name",
            ),
            (
                &[("authorization", "PBSAPIToken=a@pbs!tok=s")],
                "invalid token name",
            ),
            (
                &[("authorization", "PBSAPIToken=a@pbs:s")],
                "invalid token name",
            ),
            (
                &[("authorization", "Bearer x")],
                "no authentication credentials provided.",
            ),
        ] {
            assert_eq!(found(headers), expected, "{headers:?}");
        }
    }
}
