//! The names of a snapshot's files, and the kind that their ending decides (formats.md 1.3).

use crate::safe_id;
use crate::text::NameError;

/// What is behind an archive's name: an index of either kind, or a blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ArchiveKind {
    Fixed,
    Dynamic,
    Blob,
}

impl ArchiveKind {
    pub const ALL: [ArchiveKind; 3] = [ArchiveKind::Fixed, ArchiveKind::Dynamic, ArchiveKind::Blob];

    /// With its dot.
    pub fn ending(self) -> &'static str {
        match self {
            ArchiveKind::Fixed => ".fidx",
            ArchiveKind::Dynamic => ".didx",
            ArchiveKind::Blob => ".blob",
        }
    }

    fn of(name: &str) -> Option<ArchiveKind> {
        ArchiveKind::ALL
            .into_iter()
            .find(|kind| name.ends_with(kind.ending()))
    }
}

/// The stored name of a file of a snapshot: a safe name that ends in `.fidx`, `.didx` or `.blob`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ArchiveName(String);

checked_string!(ArchiveName, |text: &str| {
    safe_id::check(KIND, text)?;
    match ArchiveKind::of(text) {
        Some(_) => Ok(()),
        None => Err(NameError::new(
            KIND,
            text,
            "it ends in .fidx, .didx or .blob",
        )),
    }
});

const KIND: &str = "archive name";

/// Endings of names as users give them, and what they are stored as.
const USER_ENDINGS: [(&str, ArchiveKind); 9] = [
    (".pxar", ArchiveKind::Dynamic),
    (".mpxar", ArchiveKind::Dynamic),
    (".ppxar", ArchiveKind::Dynamic),
    (".pcat1", ArchiveKind::Dynamic),
    (".img", ArchiveKind::Fixed),
    (".conf", ArchiveKind::Blob),
    (".json", ArchiveKind::Blob),
    (".key", ArchiveKind::Blob),
    (".log", ArchiveKind::Blob),
];

impl ArchiveName {
    pub const MANIFEST: &'static str = "index.json.blob";
    pub const CLIENT_LOG: &'static str = "client.log.blob";
    pub const CATALOG: &'static str = "catalog.pcat1.didx";
    pub const RSA_KEY: &'static str = "rsa-encrypted.key.blob";

    pub fn manifest() -> ArchiveName {
        ArchiveName(ArchiveName::MANIFEST.to_owned())
    }

    pub fn client_log() -> ArchiveName {
        ArchiveName(ArchiveName::CLIENT_LOG.to_owned())
    }

    pub fn catalog() -> ArchiveName {
        ArchiveName(ArchiveName::CATALOG.to_owned())
    }

    pub fn rsa_key() -> ArchiveName {
        ArchiveName(ArchiveName::RSA_KEY.to_owned())
    }

    /// From a name as a user writes it: `root.pxar` is stored as `root.pxar.didx`; stored names are taken as they are.
    pub fn from_user(text: &str) -> Result<ArchiveName, NameError> {
        if ArchiveKind::of(text).is_some() {
            return text.parse();
        }
        let kind = USER_ENDINGS
            .iter()
            .find(|(ending, _)| text.ends_with(ending))
            .map(|(_, kind)| kind);
        match kind {
            Some(kind) => ArchiveName::try_from(format!("{text}{}", kind.ending())),
            None => Err(NameError::new(
                KIND,
                text,
                "it ends in .pxar, .mpxar, .ppxar, .pcat1, .img, .conf, .json, .key, .log, .fidx, .didx or .blob",
            )),
        }
    }

    pub fn kind(&self) -> ArchiveKind {
        ArchiveKind::of(&self.0).expect("checked when made")
    }

    /// The name without the ending of its kind: `root.pxar`.
    pub fn label(&self) -> &str {
        &self.0[..self.0.len() - self.kind().ending().len()]
    }

    pub fn is_manifest(&self) -> bool {
        self.0 == ArchiveName::MANIFEST
    }

    pub fn is_client_log(&self) -> bool {
        self.0 == ArchiveName::CLIENT_LOG
    }
}
