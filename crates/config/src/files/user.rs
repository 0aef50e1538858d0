//! `user.cfg`: users and their API tokens (server.md 1.6). `root@pam` is always there.

use api::kinds;
use api::rest::access::{TokenItem, USER_PROPERTIES, UserItem};
use api::schema::{Kind, Param, Schema};
use format::{AuthId, Userid};
use serde::{Deserialize, Serialize};

use crate::error::ConfigError;
use crate::section_config::{SectionType, Sections, Syntax};

const USER: SectionType = SectionType {
    name: "user",
    id_name: "userid",
    id: kinds::USERID,
    schema: Schema(&[USER_PROPERTIES]),
};
const TOKEN: SectionType = SectionType {
    name: "token",
    id_name: "tokenid",
    id: kinds::AUTH_ID,
    schema: Schema(&[&[
        Param::optional("comment", kinds::COMMENT),
        Param::optional("enable", Kind::Boolean).or("true"),
        Param::optional("expire", kinds::EXPIRE).or("0"),
    ]]),
};
const SYNTAX: Syntax = Syntax {
    file: "user.cfg",
    types: &[USER, TOKEN],
};

/// One user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expire: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub firstname: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lastname: Option<String>,
    pub userid: Userid,
}

/// One API token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expire: Option<i64>,
    pub tokenid: AuthId,
}

fn is_valid(enable: Option<bool>, expire: Option<i64>, now: i64) -> bool {
    let expire = expire.unwrap_or(0);
    enable.unwrap_or(true) && (expire == 0 || expire > now)
}

impl User {
    /// A user without properties.
    pub fn new(userid: Userid) -> User {
        User {
            comment: None,
            email: None,
            enable: None,
            expire: None,
            firstname: None,
            lastname: None,
            userid,
        }
    }

    /// Enabled and not expired.
    pub fn is_active(&self, now: i64) -> bool {
        is_valid(self.enable, self.expire, now)
    }
}

impl Token {
    /// Enabled and not expired; its user must be active too.
    pub fn is_active(&self, now: i64) -> bool {
        is_valid(self.enable, self.expire, now)
    }

    /// As replies show it; `with_name` adds the name without the user.
    pub fn item(self, with_name: bool) -> TokenItem {
        let token_name = self.tokenid.token().filter(|_| with_name).cloned();
        TokenItem {
            comment: self.comment,
            enable: self.enable,
            expire: self.expire,
            token_name,
            tokenid: self.tokenid,
        }
    }
}

impl From<User> for UserItem {
    fn from(user: User) -> UserItem {
        let User {
            comment,
            email,
            enable,
            expire,
            firstname,
            lastname,
            userid,
        } = user;
        UserItem {
            comment,
            email,
            enable,
            expire,
            firstname,
            lastname,
            tokens: Vec::new(),
            tfa_locked_until: None,
            totp_locked: false,
            userid,
        }
    }
}

/// The file.
#[derive(Clone, Debug, PartialEq)]
pub struct Users(pub Sections);

impl Users {
    /// Reads it; `root@pam` is added if it is not there.
    pub fn parse(text: &str) -> Result<Users, ConfigError> {
        let mut users = Users(SYNTAX.parse(text)?);
        for (id, section) in users.0.of_kind(TOKEN.name) {
            if !id.parse::<AuthId>().is_ok_and(|id| id.is_token()) {
                let reason = format!("section '{id}' of type '{}' - id is no token", section.kind);
                return Err(ConfigError::Parse {
                    file: SYNTAX.file.to_owned(),
                    line: 0,
                    reason,
                });
            }
        }
        let root = Userid::root();
        if !users.0.contains(&root.to_string()) {
            users.set_user(&User {
                comment: Some("Superuser".to_owned()),
                ..User::new(root)
            })?;
        }
        Ok(users)
    }

    /// Writes it.
    pub fn print(&self) -> Result<String, ConfigError> {
        SYNTAX.print(&self.0)
    }

    /// One user.
    pub fn user(&self, id: &Userid) -> Result<Option<User>, ConfigError> {
        let id = id.to_string();
        self.0
            .get(&id)
            .filter(|section| section.kind == USER.name)
            .map(|section| SYNTAX.typed(&id, section))
            .transpose()
    }

    /// One API token.
    pub fn token(&self, id: &AuthId) -> Result<Option<Token>, ConfigError> {
        let id = id.to_string();
        self.0
            .get(&id)
            .filter(|section| section.kind == TOKEN.name)
            .map(|section| SYNTAX.typed(&id, section))
            .transpose()
    }

    /// All users in the order of the file.
    pub fn users(&self) -> Result<Vec<User>, ConfigError> {
        self.0
            .of_kind(USER.name)
            .map(|(id, section)| SYNTAX.typed(id, section))
            .collect()
    }

    /// The API tokens of a user.
    pub fn tokens_of(&self, user: &Userid) -> Result<Vec<Token>, ConfigError> {
        let all: Result<Vec<Token>, ConfigError> = self
            .0
            .of_kind(TOKEN.name)
            .map(|(id, section)| SYNTAX.typed(id, section))
            .collect();
        Ok(all?
            .into_iter()
            .filter(|token| token.tokenid.user() == user)
            .collect())
    }

    /// True if the id exists and may act now: enabled, not expired, and a token's user as well.
    pub fn is_active(&self, id: &AuthId, now: i64) -> Result<bool, ConfigError> {
        let user = self
            .user(id.user())?
            .is_some_and(|user| user.is_active(now));
        Ok(user && (!id.is_token() || self.token(id)?.is_some_and(|token| token.is_active(now))))
    }

    /// Adds or replaces a user.
    pub fn set_user(&mut self, user: &User) -> Result<(), ConfigError> {
        let (id, section) = SYNTAX.section(&USER, user)?;
        self.0.set(&id, section);
        Ok(())
    }

    /// Adds or replaces an API token.
    pub fn set_token(&mut self, token: &Token) -> Result<(), ConfigError> {
        let (id, section) = SYNTAX.section(&TOKEN, token)?;
        self.0.set(&id, section);
        Ok(())
    }

    /// Removes a user or a token; false if it was not there.
    pub fn remove(&mut self, id: &str) -> bool {
        self.0.remove(id).is_some()
    }
}
