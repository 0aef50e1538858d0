//! Who asks: users of a realm and their API tokens (server.md 1.6).
//!
//! A user name may contain `@` and `!`: a user id is parted at the last `@`, and the token's name begins behind the last `!` that lies
//! behind that `@`. Lengths are characters, and 64 is the most for a whole id.

use std::fmt;
use std::str::FromStr;

use crate::safe_id::{check, check_len};
use crate::text::NameError;

/// The part before the `@`: no white space, no colon, no slash, no control character.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Username(String);

checked_string!(Username, |text: &str| {
    let forbidden = |c: char| c.is_whitespace() || c.is_control() || c == ':' || c == '/';
    if text.is_empty() || text.contains(forbidden) {
        let rule = "no white space, no ':', no '/', no control character, and not empty";
        return Err(NameError::new("user name", text, rule));
    }
    Ok(())
});

/// Where a user is known: `pam`, `pbs` or a configured one; 2 to 32 characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Realm(String);

checked_string!(Realm, |text: &str| {
    check("realm", text)?;
    check_len("realm", text, 2..=32, "2 to 32 characters")
});

/// The name of an API token. The original bounds only the whole token id; it makes tokens named `t1` (`http/036-token-create`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tokenname(String);

checked_string!(Tokenname, |text: &str| check("token name", text));

const ID_LEN_RULE: &str = "3 to 64 characters";

/// `name@realm`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Userid {
    name: Username,
    realm: Realm,
}

impl Userid {
    /// `root@pam`, who always exists and may do everything.
    pub fn root() -> Userid {
        Userid {
            name: Username("root".to_owned()),
            realm: Realm("pam".to_owned()),
        }
    }

    pub fn new(name: Username, realm: Realm) -> Result<Userid, NameError> {
        let userid = Userid { name, realm };
        check_len("user id", &userid.to_string(), 3..=64, ID_LEN_RULE)?;
        Ok(userid)
    }

    pub fn name(&self) -> &Username {
        &self.name
    }

    pub fn realm(&self) -> &Realm {
        &self.realm
    }
}

impl fmt::Display for Userid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.name, self.realm)
    }
}

impl FromStr for Userid {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Userid, NameError> {
        let (name, realm) = text
            .rsplit_once('@')
            .ok_or_else(|| NameError::new("user id", text, "name@realm"))?;
        Userid::new(name.parse()?, realm.parse()?)
    }
}

serde_as_text!(Userid);

/// A user, or one of his tokens: `name@realm!token`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AuthId {
    user: Userid,
    token: Option<Tokenname>,
}

impl AuthId {
    pub fn root() -> AuthId {
        AuthId {
            user: Userid::root(),
            token: None,
        }
    }

    pub fn token_of(user: Userid, token: Tokenname) -> Result<AuthId, NameError> {
        let id = AuthId {
            user,
            token: Some(token),
        };
        check_len("token id", &id.to_string(), 3..=64, ID_LEN_RULE)?;
        Ok(id)
    }

    pub fn user(&self) -> &Userid {
        &self.user
    }

    pub fn token(&self) -> Option<&Tokenname> {
        self.token.as_ref()
    }

    pub fn is_token(&self) -> bool {
        self.token.is_some()
    }

    pub fn is_root(&self) -> bool {
        *self == AuthId::root()
    }

    /// Whether `other` may act on what this id owns: `other` is this id, or the user whose token this id is (formats.md 1.4).
    pub fn owns(&self, other: &AuthId) -> bool {
        self == other || (self.is_token() && !other.is_token() && self.user == other.user)
    }
}

impl From<Userid> for AuthId {
    fn from(user: Userid) -> AuthId {
        AuthId { user, token: None }
    }
}

impl fmt::Display for AuthId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.token {
            None => self.user.fmt(f),
            Some(token) => write!(f, "{}!{token}", self.user),
        }
    }
}

impl FromStr for AuthId {
    type Err = NameError;

    fn from_str(text: &str) -> Result<AuthId, NameError> {
        let realm_at = text
            .rfind('@')
            .ok_or_else(|| NameError::new("auth id", text, "name@realm or name@realm!token"))?;
        match text.rfind('!').filter(|at| *at > realm_at) {
            None => Ok(AuthId::from(text.parse::<Userid>()?)),
            Some(at) => AuthId::token_of(text[..at].parse()?, text[at + 1..].parse()?),
        }
    }
}

serde_as_text!(AuthId);
