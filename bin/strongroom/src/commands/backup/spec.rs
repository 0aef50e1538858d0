//! `NAME.TYPE:PATH`, and what its path must be.

use std::os::unix::fs::{FileTypeExt, MetadataExt as _};
use std::path::PathBuf;

use client::{Detection, Source, SourceKind};
use console::report::Failure;
use format::{ArchiveKind, ArchiveName};
use tree::CreateOptions;

/// One source as typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    label: String,
    kind: Kind,
    pub(super) path: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Pxar,
    Img,
    Conf,
    Log,
}

/// The text is no source; the original says this of every pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("value does not match the regex pattern")]
pub struct SpecError;

pub fn parse_spec(text: &str) -> Result<Spec, SpecError> {
    let (target, path) = text
        .split_once(':')
        .filter(|(_, path)| !path.is_empty())
        .ok_or(SpecError)?;
    let (label, kind) = target.split_once('.').ok_or(SpecError)?;
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if label.is_empty() || !label.bytes().all(is_word) {
        return Err(SpecError);
    }
    let kind = match kind {
        "pxar" => Kind::Pxar,
        "img" => Kind::Img,
        "conf" => Kind::Conf,
        "log" => Kind::Log,
        _ => return Err(SpecError),
    };
    Ok(Spec {
        label: label.into(),
        kind,
        path: path.into(),
    })
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Kind::Pxar => "pxar",
            Kind::Img => "img",
            Kind::Conf => "conf",
            Kind::Log => "log",
        }
    }

    fn stored(self) -> ArchiveKind {
        match self {
            Kind::Pxar => ArchiveKind::Dynamic,
            Kind::Img => ArchiveKind::Fixed,
            Kind::Conf | Kind::Log => ArchiveKind::Blob,
        }
    }
}

impl Spec {
    /// `NAME.TYPE`.
    pub fn target(&self) -> String {
        format!("{}.{}", self.label, self.kind.word())
    }

    /// What is told of it, if that is a pipe: who reads one twice waits for ever the second time. Names do not tell, as `/dev/stdin` and others
    /// lead to the same.
    pub fn pipe(&self) -> Option<(u64, u64)> {
        let found = std::fs::metadata(&self.path).ok()?;
        let is_pipe = self.kind == Kind::Img && found.file_type().is_fifo();
        is_pipe.then(|| (found.dev(), found.ino()))
    }

    /// The source, after a look at its path. A directory becomes a split archive if there is a `detection`.
    pub fn source(
        &self,
        options: &CreateOptions,
        detection: Option<Detection>,
    ) -> Result<Source, Failure> {
        let shown = self.path.display();
        let found = std::fs::metadata(&self.path).map_err(|error| {
            Failure::new(format!("unable to access '{shown}' - {error}"))
                .cause(error)
                .hint("check the path behind the colon and its permissions")
        })?;
        let is = found.file_type();
        let (fits, expected) = match self.kind {
            Kind::Pxar => (is.is_dir(), "a directory"),
            Kind::Img => (
                is.is_file() || is.is_block_device() || is.is_fifo(),
                "a file or block device",
            ),
            Kind::Conf | Kind::Log => (is.is_file(), "a regular file"),
        };
        if !fits {
            let word = self.kind.word();
            return Err(Failure::new(format!(
                "got unexpected file type for '{shown}' (expected {expected})"
            ))
            .hint(format!("a source of type `{word}` is {expected}")));
        }
        if self.kind == Kind::Img && is.is_file() && found.len() == 0 {
            return Err(Failure::new(format!("got zero-sized file '{shown}'"))
                .hint("an empty image cannot be stored"));
        }
        let stem = match (self.kind, detection) {
            (Kind::Pxar, Some(_)) => format!("{}.mpxar", self.label),
            _ => self.target(),
        };
        let name = format!("{stem}{}", self.kind.stored().ending());
        let archive: ArchiveName = name.parse().map_err(|error: format::NameError| {
            Failure::new(format!("'{}' cannot name an archive", self.target())).cause(error)
        })?;
        let kind = match self.kind {
            Kind::Pxar => match detection {
                None => SourceKind::Tree(Box::new(options.clone())),
                Some(detection) => SourceKind::SplitTree(Box::new(options.clone()), detection),
            },
            Kind::Img => SourceKind::Image,
            Kind::Conf | Kind::Log => SourceKind::File,
        };
        Ok(Source {
            archive,
            path: self.path.clone(),
            kind,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn specs() {
        for (text, expected) in [
            ("root.pxar:/", Some(("root.pxar", "/"))),
            (
                "drive-scsi0.img:/dev/vg/disk",
                Some(("drive-scsi0.img", "/dev/vg/disk")),
            ),
            ("a_1.conf:with:colon", Some(("a_1.conf", "with:colon"))),
            ("x.log:-", Some(("x.log", "-"))),
            ("root.foo:tree", None),
            ("root.pxar", None),
            ("root.pxar:", None),
            (".pxar:/", None),
            ("a.b.pxar:/", None),
            ("a b.pxar:/", None),
            ("\u{e9}.pxar:/", None),
        ] {
            let spec = parse_spec(text).ok();
            let found = spec.map(|spec| (spec.target(), spec.path));
            assert_eq!(
                found,
                expected.map(|(target, path)| (target.into(), path.into())),
                "{text}"
            );
        }
    }

    #[test]
    fn sources_must_fit_their_type() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        std::fs::write(path("file"), "x").unwrap();
        std::fs::write(path("empty"), "").unwrap();
        for (spec, expected) in [
            (
                format!("a.pxar:{}", folder.path().display()),
                Ok("a.pxar.didx"),
            ),
            (format!("a.img:{}", path("file")), Ok("a.img.fidx")),
            (format!("a.conf:{}", path("file")), Ok("a.conf.blob")),
            (format!("a.log:{}", path("empty")), Ok("a.log.blob")),
            (
                format!("a.pxar:{}", path("file")),
                Err("got unexpected file type"),
            ),
            (
                format!("a.img:{}", folder.path().display()),
                Err("got unexpected file type"),
            ),
            ("a.img:/dev/null".into(), Err("got unexpected file type")),
            (
                format!("a.img:{}", path("empty")),
                Err("got zero-sized file"),
            ),
            (
                "a.conf:/nonexistent".into(),
                Err("unable to access '/nonexistent' - No such file or directory (os error 2)"),
            ),
        ] {
            match (
                parse_spec(&spec)
                    .unwrap()
                    .source(&CreateOptions::default(), None),
                expected,
            ) {
                (Ok(source), Ok(name)) => assert_eq!(source.archive.to_string(), name, "{spec}"),
                (Err(error), Err(text)) => {
                    assert!(error.to_string().starts_with(text), "{spec}: {error}")
                }
                (found, _) => panic!("{spec}: {found:?}"),
            }
        }
        let split = parse_spec(&format!("a.pxar:{}", folder.path().display())).unwrap();
        let source = split.source(&CreateOptions::default(), Some(Detection::Data));
        assert_eq!(source.unwrap().archive.to_string(), "a.mpxar.didx");
    }
}
