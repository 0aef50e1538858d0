//! Who we are to the server: an API token, or a user with a ticket that is renewed in time (protocol.md 2).
//!
//! A ticket lives two hours. It is renewed when a request finds it older than 15 minutes; one that is too old for that is replaced
//! by a new login if the password is known. Requests inside a session need no login at all.

use std::time::{Duration, Instant};

use api::defaults;
use api::rest::access::{TfaChallenge, TicketReply, TicketRequest};
use api::ticket::PARTIAL_MARK;
use format::{AuthId, Userid};
use http::{HeaderValue, header};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use crate::error::Error;
use crate::secret::Secret;

/// What the original's client encodes in a cookie.
const COOKIE_ESCAPED: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'`')
    .add(b'?')
    .add(b'{')
    .add(b'}');

/// A ticket older than this is renewed before it is used.
const RENEW_AFTER: Duration = Duration::from_secs(15 * 60);
/// A ticket older than this is not shown to the server any more.
const USABLE_FOR: Duration = Duration::from_secs(defaults::TICKET_AGE_MAX_S as u64 - 60);

/// How to log in.
#[derive(Debug, Clone)]
pub enum Credential {
    Password {
        user: Userid,
        password: Secret,
    },
    Token {
        id: AuthId,
        secret: Secret,
    },
    /// A ticket from an earlier login. A password, if known, stands in when the server refuses the ticket.
    Ticket {
        ticket: Ticket,
        password: Option<Secret>,
    },
}

impl Credential {
    pub fn auth_id(&self) -> AuthId {
        match self {
            Credential::Password { user, .. } => AuthId::from(user.clone()),
            Credential::Token { id, .. } => id.clone(),
            Credential::Ticket { ticket, .. } => AuthId::from(ticket.user.clone()),
        }
    }
}

/// The fruit of a login, as a cache keeps it.
#[derive(Debug, Clone)]
pub struct Ticket {
    pub user: Userid,
    pub ticket: Secret,
    /// Token against cross-site requests, wanted with everything but GET.
    pub csrf: Secret,
    /// How old it is already.
    pub age: Duration,
}

type Answer = dyn Fn(&Userid, &TfaChallenge) -> Option<Secret> + Send + Sync;

/// Answers the challenge that follows the password, as `totp:123456` or `recovery:` and a code; `None` if that cannot be done. May block while a
/// person types.
pub struct SecondFactor(pub Box<Answer>);

impl std::fmt::Debug for SecondFactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecondFactor")
    }
}

/// What stands in the head of each request.
#[derive(Debug)]
pub(crate) enum Auth {
    Token {
        id: AuthId,
        header: HeaderValue,
    },
    User {
        user: Userid,
        password: Option<Secret>,
        granted: Option<Granted>,
    },
}

#[derive(Debug, Clone)]
pub(crate) struct Granted {
    ticket: Secret,
    csrf: Secret,
    since: Instant,
}

/// What to send so that the next request is let in.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Nothing.
    Ready,
    /// The ticket as password.
    Renew,
    /// The password.
    Login,
}

impl Auth {
    pub fn new(credential: Credential, now: Instant) -> Result<Auth, Error> {
        Ok(match credential {
            Credential::Password { user, password } => Auth::User {
                user,
                password: Some(password),
                granted: None,
            },
            Credential::Token { id, secret } => {
                let text = format!(
                    "{} {id}:{}",
                    defaults::TOKEN_SCHEME,
                    crate::query::escape(secret.reveal())
                );
                Auth::Token {
                    header: sensitive(&text)?,
                    id,
                }
            }
            Credential::Ticket { ticket, password } => Auth::User {
                user: ticket.user,
                password,
                granted: Some(Granted {
                    ticket: ticket.ticket,
                    csrf: ticket.csrf,
                    since: now.checked_sub(ticket.age).unwrap_or(now),
                }),
            },
        })
    }

    pub fn auth_id(&self) -> AuthId {
        match self {
            Auth::Token { id, .. } => id.clone(),
            Auth::User { user, .. } => AuthId::from(user.clone()),
        }
    }

    /// The ticket, with its age, if there is one.
    pub fn ticket(&self, now: Instant) -> Option<Ticket> {
        match self {
            Auth::User {
                user,
                granted: Some(granted),
                ..
            } => Some(Ticket {
                user: user.clone(),
                ticket: granted.ticket.clone(),
                csrf: granted.csrf.clone(),
                age: now.saturating_duration_since(granted.since),
            }),
            _ => None,
        }
    }

    pub fn step(&self, now: Instant) -> Step {
        let Auth::User {
            password, granted, ..
        } = self
        else {
            return Step::Ready;
        };
        let age = granted
            .as_ref()
            .map(|granted| now.saturating_duration_since(granted.since));
        match (age, password) {
            (Some(age), _) if age < RENEW_AFTER => Step::Ready,
            (Some(age), _) if age < USABLE_FOR => Step::Renew,
            (Some(_), None) => Step::Ready,
            _ => Step::Login,
        }
    }

    /// The body of the login request for a step.
    pub fn request(&self, step: &Step) -> Option<TicketRequest> {
        let Auth::User {
            user,
            password,
            granted,
        } = self
        else {
            return None;
        };
        let secret = match step {
            Step::Ready => None,
            Step::Renew => granted.as_ref().map(|granted| &granted.ticket),
            Step::Login => password.as_ref(),
        }?;
        Some(TicketRequest {
            username: user.to_string(),
            password: Some(secret.reveal().to_owned()),
            ..TicketRequest::default()
        })
    }

    /// The body of the request that completes a login, if this reply is only half of one.
    pub fn second_step(
        &self,
        reply: &TicketReply,
        ask: Option<&SecondFactor>,
    ) -> Result<Option<TicketRequest>, Error> {
        let Auth::User { user, .. } = self else {
            return Ok(None);
        };
        let Some(half) = reply
            .ticket
            .as_ref()
            .filter(|t| t.starts_with(PARTIAL_TICKET))
        else {
            return Ok(None);
        };
        let answer = challenge(half).and_then(|challenge| (ask?.0)(user, &challenge));
        let answer = answer.ok_or_else(|| Error::SecondFactor {
            user: user.to_string(),
        })?;
        Ok(Some(TicketRequest {
            username: user.to_string(),
            password: Some(answer.reveal().to_owned()),
            tfa_challenge: Some(half.clone()),
            ..TicketRequest::default()
        }))
    }

    pub fn has_password(&self) -> bool {
        matches!(
            self,
            Auth::User {
                password: Some(_),
                ..
            }
        )
    }

    /// Takes what a login granted.
    pub fn grant(&mut self, reply: TicketReply, now: Instant) -> Result<(), Error> {
        let Auth::User { user, granted, .. } = self else {
            return Ok(());
        };
        let (Some(ticket), Some(csrf)) = (reply.ticket, reply.csrf_token) else {
            return Err(Error::SecondFactor {
                user: user.to_string(),
            });
        };
        if ticket.starts_with(PARTIAL_TICKET) {
            return Err(Error::SecondFactor {
                user: user.to_string(),
            });
        }
        *granted = Some(Granted {
            ticket: ticket.into(),
            csrf: csrf.into(),
            since: now,
        });
        Ok(())
    }

    /// Forgets the ticket, so that the next request logs in with the password.
    pub fn forget(&mut self) {
        if let Auth::User { granted, .. } = self {
            *granted = None;
        }
    }

    /// Puts the login into a request's head.
    pub fn apply(&self, headers: &mut http::HeaderMap) -> Result<(), Error> {
        match self {
            Auth::Token { header, .. } => {
                headers.insert(header::AUTHORIZATION, header.clone());
            }
            Auth::User {
                granted: Some(granted),
                ..
            } => {
                let value = utf8_percent_encode(granted.ticket.reveal(), COOKIE_ESCAPED);
                headers.insert(
                    header::COOKIE,
                    sensitive(&format!("{}={value}", defaults::COOKIE))?,
                );
                headers.insert(CSRF_HEADER, sensitive(granted.csrf.reveal())?);
            }
            Auth::User { granted: None, .. } => {}
        }
        Ok(())
    }
}

/// [`defaults::CSRF_HEADER`] as the wire has it.
const CSRF_HEADER: &str = "csrfpreventiontoken";

/// How a ticket begins whose second factor is missing.
const PARTIAL_TICKET: &str = "PBS:!tfa!";

/// What a half ticket asks for.
fn challenge(half: &str) -> Option<TfaChallenge> {
    let ticket: api::Ticket = half.parse().ok()?;
    serde_json::from_str(ticket.data.strip_prefix(PARTIAL_MARK)?).ok()
}

fn sensitive(text: &str) -> Result<HeaderValue, Error> {
    let mut value = HeaderValue::from_str(text).map_err(|source| Error::Request {
        request: "login".to_owned(),
        source: source.into(),
    })?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(password: Option<&str>, age_s: Option<u64>) -> (Auth, Instant) {
        // Far enough from the clock's origin to subtract hours.
        let start = Instant::now() + Duration::from_secs(100_000);
        let auth = Auth::User {
            user: Userid::root(),
            password: password.map(|p| Secret::new(p.to_owned())),
            granted: age_s.map(|_| Granted {
                ticket: Secret::new("PBS:root@pam:0::x y".to_owned()),
                csrf: Secret::new("c".to_owned()),
                since: start,
            }),
        };
        (auth, start + Duration::from_secs(age_s.unwrap_or(0)))
    }

    #[test]
    fn tickets_are_renewed_in_time() {
        let rows = [
            (Some("pw"), None, Step::Login),
            (Some("pw"), Some(0), Step::Ready),
            (Some("pw"), Some(899), Step::Ready),
            (Some("pw"), Some(900), Step::Renew),
            (Some("pw"), Some(7139), Step::Renew),
            (Some("pw"), Some(7140), Step::Login),
            (None, Some(7140), Step::Ready),
            (None, Some(900), Step::Renew),
        ];
        for (password, age, expected) in rows {
            let (auth, now) = user(password, age);
            assert_eq!(auth.step(now), expected, "{password:?} {age:?}");
        }
    }

    #[test]
    fn heads_carry_the_login() {
        let (auth, _) = user(None, Some(1));
        let mut headers = http::HeaderMap::new();
        auth.apply(&mut headers).unwrap();
        assert_eq!(headers["cookie"], "PBSAuthCookie=PBS:root@pam:0::x%20y");
        assert_eq!(headers["csrfpreventiontoken"], "c");

        let token = Credential::Token {
            id: "ann@pbs!laptop".parse().unwrap(),
            secret: Secret::new("ab-1".to_owned()),
        };
        let mut headers = http::HeaderMap::new();
        Auth::new(token, Instant::now())
            .unwrap()
            .apply(&mut headers)
            .unwrap();
        assert_eq!(headers["authorization"], "PBSAPIToken ann@pbs!laptop:ab-1");
    }

    #[test]
    fn half_a_login_is_an_error() {
        let (mut auth, now) = user(Some("pw"), None);
        let reply = TicketReply {
            ticket: Some("PBS:!tfa!{}:0::x".to_owned()),
            csrf_token: Some("invalid".to_owned()),
            ticket_info: None,
            username: "root@pam".to_owned(),
        };
        assert!(matches!(
            auth.second_step(&reply, None),
            Err(Error::SecondFactor { .. })
        ));
        assert!(matches!(
            auth.grant(reply, now),
            Err(Error::SecondFactor { .. })
        ));
    }

    #[test]
    fn the_challenge_is_answered() {
        let (auth, _) = user(Some("pw"), None);
        let reply = |data: &str| TicketReply {
            ticket: Some(format!("PBS:{data}:00000001::eA")),
            csrf_token: Some("invalid".to_owned()),
            ticket_info: None,
            username: "root@pam".to_owned(),
        };
        let ask = SecondFactor(Box::new(|user, challenge| {
            assert_eq!(user, &Userid::root());
            challenge
                .totp
                .then(|| Secret::new("totp:123456".to_owned()))
        }));
        let half = reply(r#"!tfa!{"totp"%3Atrue,"recovery"%3A[0]}"#);
        let step = auth.second_step(&half, Some(&ask)).unwrap().unwrap();
        assert_eq!(
            (step.password.as_deref(), &step.tfa_challenge),
            (Some("totp:123456"), &half.ticket)
        );
        let whole = auth.second_step(&reply("root@pam"), Some(&ask));
        assert!(
            whole.unwrap().is_none(),
            "a whole ticket needs nothing more"
        );
        for nothing in [r#"!tfa!{"webauthn"%3A{}}"#, "!tfa!rubbish"] {
            assert!(
                auth.second_step(&reply(nothing), Some(&ask)).is_err(),
                "{nothing}"
            );
        }
    }
}
