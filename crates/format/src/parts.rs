//! Which stored archives a name stands for: one in one piece, or the two halves of a split one (pxar.md 2.5).

use crate::archive_name::ArchiveName;
use crate::manifest::Manifest;

/// The archives of one tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parts {
    Whole(ArchiveName),
    Split {
        metadata: ArchiveName,
        payload: ArchiveName,
    },
}

impl Parts {
    /// What `name` stands for in a snapshot: the archive of that name, or the pair whose one half it is, or that is there in place of
    /// an archive in one piece. `None` if the snapshot has neither.
    pub fn find(manifest: &Manifest, name: &ArchiveName) -> Option<Parts> {
        let label = name.label();
        let stem = [".pxar", ".mpxar", ".ppxar"]
            .iter()
            .find_map(|ending| label.strip_suffix(ending));
        let has = |name: &ArchiveName| manifest.file(name).is_some();
        let Some(stem) = stem else {
            return has(name).then(|| Parts::Whole(name.clone()));
        };
        if label.ends_with(".pxar") && has(name) {
            return Some(Parts::Whole(name.clone()));
        }
        let half = |ending: &str| format!("{stem}{ending}.didx").parse::<ArchiveName>().ok();
        let (metadata, payload) = (half(".mpxar")?, half(".ppxar")?);
        (has(&metadata) && has(&payload)).then_some(Parts::Split { metadata, payload })
    }

    /// The archive that holds names and metadata.
    pub fn metadata(&self) -> &ArchiveName {
        match self {
            Parts::Whole(name) => name,
            Parts::Split { metadata, .. } => metadata,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CryptMode, Digest, ManifestFile};

    #[test]
    fn names_and_what_they_stand_for() {
        let snapshot = "host/x/2020-01-01T00:00:00Z".parse().expect("snapshot");
        let mut manifest = Manifest::new(&snapshot);
        for name in [
            "one.pxar.didx",
            "two.mpxar.didx",
            "two.ppxar.didx",
            "half.mpxar.didx",
            "disk.img.fidx",
        ] {
            let file = ManifestFile {
                filename: name.parse().expect("name"),
                crypt_mode: CryptMode::None,
                size: 1,
                csum: Digest::ZERO,
            };
            manifest.add_file(file).expect("new");
        }
        let pair = "two.mpxar.didx two.ppxar.didx";
        for (name, expected) in [
            ("one.pxar.didx", "one.pxar.didx"),
            ("one.mpxar.didx", ""),
            ("two.pxar.didx", pair),
            ("two.mpxar.didx", pair),
            ("two.ppxar.didx", pair),
            ("half.mpxar.didx", ""),
            ("disk.img.fidx", "disk.img.fidx"),
            ("none.pxar.didx", ""),
        ] {
            let found = Parts::find(&manifest, &name.parse().expect("name"));
            let found = match found {
                Some(Parts::Whole(name)) => name.to_string(),
                Some(Parts::Split { metadata, payload }) => format!("{metadata} {payload}"),
                None => String::new(),
            };
            assert_eq!(found, expected, "{name}");
        }
    }
}
