//! Namespaces: folders of groups inside a datastore, up to seven deep (formats.md 1.1).
//!
//! The root is the empty text. On disk every component is prefixed by `ns/`, which [`Namespace::path`] does.

use std::fmt;
use std::str::FromStr;

use crate::safe_id::check;
use crate::text::NameError;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Namespace(Vec<String>);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NamespaceError {
    #[error(transparent)]
    Component(#[from] NameError),
    #[error("namespace too deep, {depth} >= max {max}", max = Namespace::DEPTH_MAX)]
    TooDeep { depth: usize },
    #[error("namespace is longer than {max} characters with its separators", max = Namespace::LEN_MAX)]
    TooLong,
}

impl Namespace {
    pub const DEPTH_MAX: usize = 7;
    pub const LEN_MAX: usize = 256;

    pub fn root() -> Namespace {
        Namespace::default()
    }

    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// Number of components, 0 for the root.
    pub fn depth(&self) -> usize {
        self.0.len()
    }

    pub fn components(&self) -> impl DoubleEndedIterator<Item = &str> + ExactSizeIterator {
        self.0.iter().map(String::as_str)
    }

    /// The last component, nothing for the root.
    pub fn name(&self) -> Option<&str> {
        self.0.last().map(String::as_str)
    }

    /// The namespace above; nothing for the root.
    pub fn parent(&self) -> Option<Namespace> {
        let (_, above) = self.0.split_last()?;
        Some(Namespace(above.to_vec()))
    }

    /// Goes one level down.
    pub fn push(&mut self, name: &str) -> Result<(), NamespaceError> {
        check("namespace component", name)?;
        if self.depth() >= Namespace::DEPTH_MAX {
            return Err(NamespaceError::TooDeep {
                depth: self.depth(),
            });
        }
        if self.len() + name.len() + 1 > Namespace::LEN_MAX {
            return Err(NamespaceError::TooLong);
        }
        self.0.push(name.to_owned());
        Ok(())
    }

    /// The namespace `name` inside this one.
    pub fn child(&self, name: &str) -> Result<Namespace, NamespaceError> {
        let mut child = self.clone();
        child.push(name)?;
        Ok(child)
    }

    /// Relative path on disk: `ns/a/ns/b`, empty for the root.
    pub fn path(&self) -> String {
        let parts: Vec<String> = self.components().map(|name| format!("ns/{name}")).collect();
        parts.join("/")
    }

    /// Whether `other` is this namespace or lies below it.
    pub fn is_prefix_of(&self, other: &Namespace) -> bool {
        other.0.starts_with(&self.0)
    }

    /// Length of the text in bytes, which are characters here.
    fn len(&self) -> usize {
        self.0.iter().map(String::len).sum::<usize>() + self.0.len().saturating_sub(1)
    }
}

impl fmt::Display for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("/"))
    }
}

impl FromStr for Namespace {
    type Err = NamespaceError;

    fn from_str(text: &str) -> Result<Namespace, NamespaceError> {
        let mut namespace = Namespace::root();
        if !text.is_empty() {
            for name in text.split('/') {
                namespace.push(name)?;
            }
        }
        Ok(namespace)
    }
}

serde_as_text!(Namespace);
