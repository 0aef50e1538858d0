//! What a route gives back as `data`, as data: the API's description and its tests are made from it.

use super::{Kind, Param};

/// The type of an answer.
#[derive(Clone, Copy, Debug)]
pub enum Returns {
    /// `null`.
    Null,
    /// One value.
    Value(Kind),
    /// Named members and no others.
    Object(Members),
    /// Any number of them.
    List(&'static Returns),
    /// Members whose names are not known before, each of this type.
    Map(&'static Returns),
    /// It or `null`.
    Nullable(&'static Returns),
    /// One of these, depending on the parameters.
    AnyOf(&'static [Returns]),
    /// JSON whose form is not fixed.
    Any,
    /// No envelope: bytes of this content type.
    Bytes(&'static str),
    /// The connection leaves HTTP/1.1.
    Upgrade,
}

/// The members of an object: some are described like parameters, because they are the same ones; others only occur in answers.
#[derive(Clone, Copy, Debug)]
pub struct Members {
    /// Groups of parameters.
    pub params: &'static [&'static [Param]],
    /// Further members.
    pub fields: &'static [Field],
}

/// A member of an answer.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Its key.
    pub name: &'static str,
    /// Its type.
    pub returns: Returns,
    /// True if it may be missing.
    pub optional: bool,
}

impl Field {
    /// A member that is always there.
    pub const fn new(name: &'static str, returns: Returns) -> Field {
        Field {
            name,
            returns,
            optional: false,
        }
    }

    /// A member that may be missing.
    pub const fn optional(name: &'static str, returns: Returns) -> Field {
        Field {
            name,
            returns,
            optional: true,
        }
    }
}

impl Returns {
    /// True or false.
    pub const BOOLEAN: Returns = Returns::Value(Kind::Boolean);
    /// Any integer.
    pub const INTEGER: Returns = Returns::Value(Kind::Integer {
        min: i64::MIN,
        max: i64::MAX,
    });
    /// Any number.
    pub const NUMBER: Returns = Returns::Value(Kind::Number {
        min: f64::MIN,
        max: f64::MAX,
    });
    /// Any text.
    pub const TEXT: Returns = Returns::Value(Kind::Text {
        min: 0,
        max: usize::MAX,
        format: super::Format::Any,
    });

    /// An object of these members.
    pub const fn object(fields: &'static [Field]) -> Returns {
        Returns::Object(Members {
            params: &[],
            fields,
        })
    }

    /// An object described like parameters, with further members.
    pub const fn item(params: &'static [&'static [Param]], fields: &'static [Field]) -> Returns {
        Returns::Object(Members { params, fields })
    }
}
